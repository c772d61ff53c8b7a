//! ChatModel over llama.cpp in a supervised child process.

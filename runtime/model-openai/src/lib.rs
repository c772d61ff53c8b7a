//! ChatModel over OpenAI-compatible chat completions.

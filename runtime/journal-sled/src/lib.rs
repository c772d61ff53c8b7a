//! Journal and Context on sled, fenced in.

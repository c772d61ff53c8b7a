//! The SDK: build an agent, run it embedded.

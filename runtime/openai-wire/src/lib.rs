//! OpenAI request, response and event types.

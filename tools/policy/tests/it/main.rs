//! The decisions, as tables; and properties that hold for whatever is written.

#![expect(clippy::unwrap_used, reason = "a test whose setup fails should fail loudly")]

mod addresses;
mod decisions;
mod fuzz;
mod headers;
mod properties;
mod rules;
mod targets;

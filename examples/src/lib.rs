//! One idea per file, all runnable without keys; each checks its own result and says so by its exit status.
//!
//! ```text
//! cargo run --release -p playhouse-examples --bin hello         the shipped agent and model answer a question
//! cargo run --release -p playhouse-examples --bin native_tool   a Rust function as a tool, a Rust type as the answer
//! cargo run --release -p playhouse-examples --bin session       a follow-up that needs the answer before it
//! cargo test --release -p playhouse-examples                    all of them
//! ```

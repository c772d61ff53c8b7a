//! One idea per file, all runnable without keys; each checks its own result and says so by its exit status.
//!
//! ```text
//! cargo run --release -p playhouse-examples --bin hello         the shipped agent and model answer a question
//! cargo run --release -p playhouse-examples --bin native_tool   a Rust function as a tool, a Rust type as the answer
//! cargo run --release -p playhouse-examples --bin session       a follow-up that needs the answer before it
//! cargo run --release -p playhouse-examples --bin approval      a person agrees before money moves
//! cargo run --release -p playhouse-examples --bin sub_agents    an agent that gives work to another, and maps over a list
//! cargo run --release -p playhouse-examples --bin time_travel   a task forked at a step, exported and replayed
//! cargo test --release -p playhouse-examples                    all of them
//! ```

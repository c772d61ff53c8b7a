//! Commands that behave, and commands that do not: what each comes to, with namespaces and without.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may")]

mod calls;
mod files;
mod kit;
mod outside;
mod processes;

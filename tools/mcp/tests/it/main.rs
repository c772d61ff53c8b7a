//! The client against real servers: one on the official SDK, over stdio and over HTTP, and one that is hostile.

#![expect(clippy::unwrap_used, reason = "tests may")]

mod asking;
mod asking_people;
mod confined;
mod fuzz;
mod good;
mod hostile;
mod hostile_asks;
mod kit;
mod lives;
mod official;
mod real;
mod real_modern;
mod real_sdk;
mod wire;

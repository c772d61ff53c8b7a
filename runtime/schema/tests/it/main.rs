//! The crate from outside.

mod fuzz;

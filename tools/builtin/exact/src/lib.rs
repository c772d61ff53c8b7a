//! Exact numbers for tools that must not be almost right.
//!
//! A number is a fraction of two integers in lowest terms, from the first digit read to the last digit printed; nothing
//! is rounded in between, so `1/3*3` is 1 and `0.1+0.2` is 0.3. There are no floats in here. What a fraction of this
//! size cannot hold is [`Overflow`], never a wrong digit.
//!
//! ```text
//!   "5.2" ──parse──▶ 26/5 ──× 1000 ÷ 1609.344──▶ 54166…/16764… ──print──▶ "3.23113"
//!                    exact                       exact                     the only rounding
//! ```

mod fraction;
mod print;
mod read;

pub use fraction::{Fraction, Overflow};
pub use read::NotANumber;

//! What each target does with the bytes it is given: `one` panics if something does not hold.

#[cfg(feature = "arguments")]
pub mod arguments;
#[cfg(feature = "description")]
pub mod description;
#[cfg(feature = "grants")]
pub mod grants;

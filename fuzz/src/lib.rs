//! What each target does with the bytes it is given: `one` panics if something does not hold.

#[cfg(feature = "arguments")]
pub mod arguments;
#[cfg(feature = "description")]
pub mod description;
#[cfg(feature = "frames")]
pub mod frames;
#[cfg(feature = "grants")]
pub mod grants;
#[cfg(feature = "oci")]
pub mod oci;

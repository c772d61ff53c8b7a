//! What the fuzz targets of `fuzz/` need of the inside of this crate. No part of what it offers.

use crate::oci::Challenge;

/// The realm of a challenge, if it is one that can be met.
pub fn challenge(header: &str) -> Option<String> {
    Challenge::parse(header).map(|challenge| match challenge {
        Challenge::Basic => String::new(),
        Challenge::Bearer { realm, service: _ } => realm,
    })
}

//! How much of what a builder may take.

use std::time::Duration;

/// A builder is fetched from a package registry: minutes on a slow line, and a hang should end.
pub(crate) const FETCH: Duration = Duration::from_secs(900);
/// A tool is compiled. The first time the Rust template compiles its dependencies, which takes a minute on two cores.
pub(crate) const COMPILE: Duration = Duration::from_secs(900);
/// A builder is asked for its version.
pub(crate) const ASK: Duration = Duration::from_secs(30);
/// Bytes of a builder's output that are kept: half of them from its beginning, where compilers name the first error, and
/// half from its end, where interpreters name the only one.
pub(crate) const OUTPUT: usize = 64 << 10;
/// Lines of it that an error shows, from both ends likewise.
pub(crate) const SHOWN_LINES: usize = 30;
/// Bytes of a `tool.toml` and of a description; a person writes them.
pub(crate) const MANIFEST: u64 = 256 << 10;
/// Bytes of a component. The largest interpreter known makes 20 MB.
pub(crate) const COMPONENT: u64 = 256 << 20;
/// Characters of a tool's name, as in the contract.
pub(crate) const NAME: usize = 64;

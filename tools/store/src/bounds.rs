//! Every limit of the store, by name.

use std::time::Duration;

/// Bytes of the largest component. The largest language runtime in a component is about 18 MiB.
pub const COMPONENT_BYTES_MAX: u64 = 64 << 20;
/// Bytes of the longest detached signature; a usual one has about 350.
pub const SIGNATURE_BYTES_MAX: u64 = 4 << 10;
/// Most signatures of one component: a publisher, a reviewer, and room for changing keys.
pub const SIGNATURES_MAX: usize = 8;
/// Bytes of the largest lock file: some thousand tools.
pub const LOCK_BYTES_MAX: u64 = 4 << 20;
/// Bytes of the largest trust list: some thousand keys.
pub const TRUST_BYTES_MAX: u64 = 1 << 20;
/// Bytes of a key file; a usual one has about 300.
pub const KEY_BYTES_MAX: u64 = 4 << 10;
/// Bytes of a docker configuration file.
pub const CREDENTIALS_BYTES_MAX: u64 = 1 << 20;

/// Characters of the longest name of a tool, as the host has it.
pub const NAME_BYTES_MAX: usize = 64;
/// Characters of the longest version: it becomes part of a file name.
pub const VERSION_BYTES_MAX: usize = 64;
/// Most imports, and most permissions that a tool may want: more is a list that nobody reads before consenting.
pub const WANTS_MAX: usize = 256;
/// Bytes of one import, permission or access.
pub const WANT_BYTES_MAX: usize = 512;

/// Redirects that are followed for one file; registries use one.
pub const REDIRECTS_MAX: usize = 5;
/// How long a connection may take.
pub const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// How long the other side may be silent.
pub const SILENCE_MAX: Duration = Duration::from_secs(15);
/// How long one fetch or push may take, all requests of it together. At 64 MiB that is 560 KiB a second.
pub const EXCHANGE_TIME_MAX: Duration = Duration::from_secs(120);
/// Bytes of an answer that only says how it went: errors, tokens.
pub const ANSWER_BYTES_MAX: u64 = 256 << 10;
/// Bytes of an OCI manifest, as the distribution specification asks registries to take.
pub const MANIFEST_BYTES_MAX: u64 = 4 << 20;
/// Layers of a manifest that are looked at. One component and its signatures need fewer.
pub const LAYERS_MAX: usize = 32;

/// How long an installation waits for another one that holds the store.
pub const HELD_TIME_MAX: Duration = Duration::from_secs(10);

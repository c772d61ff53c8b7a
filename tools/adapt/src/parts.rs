//! The components that are put around another one, as `tools/builtin/build.sh` made them.

/// Exports WASI; imports `http`, `clock`, `random` and `log` of the contract.
pub(crate) const ADAPTER: &[u8] = include_bytes!("../parts/adapter.wasm");
/// Exports the contract; imports `wasi:http/incoming-handler` and the adapter's door.
pub(crate) const FRONT: &[u8] = include_bytes!("../parts/front.wasm");
/// Exports what the adapter imports, and can do none of it.
pub(crate) const ABSENT: &[u8] = include_bytes!("../parts/absent.wasm");

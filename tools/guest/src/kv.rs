//! Permission `kv`: reading the one table that the operator granted to this tool.
//!
//! A component that calls [`get`] imports `playhouse:tool/kv` and is refused by a host that does not grant it. Declare
//! it with `About::wants("kv", "read")`. Outside WebAssembly there is no table and no host: keep the part of a tool
//! that is tested natively apart from the call to `get`.

/// The value stored under `key`, or nothing.
#[cfg(target_arch = "wasm32")]
#[must_use]
pub fn get(key: &str) -> Option<String> {
    generated::playhouse::tool::kv::get(key)
}

/// The value stored under `key`, or nothing.
///
/// # Panics
/// Always: this build has no host.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn get(key: &str) -> Option<String> {
    panic!(
        "`kv::get` of `{key}` needs a host: run the component, or test the function that takes its answer"
    );
}

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, clippy::all, clippy::pedantic, reason = "generated from tool.wit")]
mod generated {
    wit_bindgen::generate!({ path: "../wit/v0", world: "playhouse:tool/kv-client" });
}

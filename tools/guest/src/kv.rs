//! Capabilities `kv` (reading) and `kv-write`: the one table that is granted to this tool.
//!
//! A tool that calls [`get`] or [`keys`] imports `kv`; one that calls [`put`] or [`delete`] imports `kv-write`.

use crate::wire;
use crate::{Error, Result};

/// Keys of one page of [`keys`], at most.
pub const PAGE_KEYS_MAX: u32 = 1_000;

/// The value stored under `key`, or nothing.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable), if the table cannot be read.
pub fn get(key: &str) -> Result<Option<String>> {
    wire::kv::get(key).map_err(|why| Error::unavailable(format!("`{key}` cannot be read: {why}")))
}

/// Keys that begin with `prefix`, in order, those after `after` only; at most `limit`, and at most [`PAGE_KEYS_MAX`].
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable), if the table cannot be read.
pub fn keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>> {
    wire::kv::keys(prefix, after, limit)
        .map_err(|why| Error::unavailable(format!("the keys cannot be listed: {why}")))
}

/// Stores `value` under `key`; durable when it returns.
///
/// # Errors
/// [`Failed`](crate::Kind::Failed), and which quota is used up.
pub fn put(key: &str, value: &str) -> Result<()> {
    wire::kv_write::put(key, value).map_err(|why| Error::failed(format!("`{key}` cannot be stored: {why}")))
}

/// Removes `key`; whether it was there.
///
/// # Errors
/// [`Failed`](crate::Kind::Failed), if it cannot be removed.
pub fn delete(key: &str) -> Result<bool> {
    wire::kv_write::delete(key).map_err(|why| Error::failed(format!("`{key}` cannot be removed: {why}")))
}

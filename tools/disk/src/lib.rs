//! What tools read and keep on disk: folders that an operator grants, and tables that can be written.
//!
//! ```text
//!   "docs/a/b.txt" ──▶ Folder "docs" ──▶ openat2(beneath) ──▶ a plain file, or an error
//!   "key"          ──▶ Store         ──▶ <folder>/<hex of key>
//! ```
//!
//! Everything here blocks. A folder is opened once, as a descriptor, and every path is resolved beneath that by the kernel,
//! so neither `..`, nor a link, nor a folder that is swapped for a link meanwhile leads out of it.

mod entries;
mod folder;
mod quota;
mod store;

pub use folder::{ENTRIES_MAX, FileError, Folder, Info, READ_BYTES_MAX, WALK_MAX};
pub use store::{KEY_BYTES_MAX, KEYS_MAX, Store, StoreError, VALUE_BYTES_MAX, listed};

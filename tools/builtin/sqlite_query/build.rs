//! For WebAssembly, what SQLite needs of a C library and of an operating system. Elsewhere both are there.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=libc");
    if env::var("CARGO_CFG_TARGET_FAMILY").as_deref() != Ok("wasm") {
        return;
    }
    let sqlite =
        PathBuf::from(env::var("DEP_SQLITE3_INCLUDE").expect("libsqlite3-sys says where its header is"));
    cc::Build::new()
        .files(["libc/memory.c", "libc/text.c", "libc/system.c"])
        .include("libc/include")
        .include(sqlite)
        .warnings_into_errors(true)
        .compile("sqlite_libc");
}

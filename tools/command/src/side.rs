//! The other side of the fork: what this program does when it was started to keep a command.

mod filter;
mod inside;
mod keeper;
mod memory;
mod root;
mod sys;

use std::{
    ffi::OsStr,
    io,
    os::{fd::AsFd, unix::net::UnixStream},
};

use crate::wire::{self, Report};

/// The value of `SIDE_ENV` in the keeper.
pub(crate) const KEEPER: &str = "keeper";
/// The value of `SIDE_ENV` in what it keeps.
const INSIDE: &str = "inside";

/// Variables of a keeper besides the one that names it: an allocator's own thread would bar it from namespaces.
pub(crate) const KEEPER_ENV: [(&str, &str); 2] =
    [("_RJEM_MALLOC_CONF", "background_thread:false"), ("MALLOC_CONF", "background_thread:false")];

/// Root is not held to a number of processes, unless by the pid namespace of a newer kernel.
const ROOT_IS_NOT_HELD: &str =
    "root cannot be held to a number of processes here: let the daemon run as another user";

/// Does what this process was started for, tells its parent how it went, and ends.
pub(crate) fn serve(side: &OsStr) -> ! {
    let report = match side.to_str() {
        Some(KEEPER) => keeper::keep(),
        Some(INSIDE) => inside::live(),
        _ => Err("nothing is known of this side".to_owned()),
    };
    let report = report.unwrap_or_else(Report::Failed);
    // A parent that is gone hears nothing, and then nobody else does.
    let told = parent().and_then(|parent| wire::write(parent, &report));
    std::process::exit(if told.is_ok() { 0 } else { 1 });
}

/// The socket to whoever started this process.
fn parent() -> io::Result<UnixStream> {
    Ok(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Names what failed.
fn at<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error}")
}

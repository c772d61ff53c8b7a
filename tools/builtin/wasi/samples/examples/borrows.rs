//! A tool of the contract whose HTTP library knows nothing of it.
#![allow(missing_docs, reason = "a component is no library")]

use playhouse_tool::{Error, tool};
use wasi_samples::body_from;
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{Fields, OutgoingRequest, Scheme};

/// What `http://AUTHORITY/PATH` says
#[tool(wants(http = "a test"))]
pub fn borrows(
    /// Host and port
    authority: String,
    /// Path
    path: String,
) -> Result<String, Error> {
    let request = OutgoingRequest::new(Fields::new());
    let wrong = |()| Error::invalid_input("no such place");
    request.set_scheme(Some(&Scheme::Http)).map_err(wrong)?;
    request.set_authority(Some(&authority)).map_err(wrong)?;
    request.set_path_with_query(Some(&path)).map_err(wrong)?;
    let failed = |code| Error::failed(format!("{code:?}"));
    let future = handle(request, None).map_err(failed)?;
    future.subscribe().block();
    let response = future.get().expect("it was waited for").expect("it is asked for once").map_err(failed)?;
    Ok(String::from_utf8_lossy(&body_from(&response).0).into_owned())
}

//! Answers, within bounds.

use playhouse_ports::egress::{EgressErrorKind, Incoming};
use playhouse_tools_policy::Target;
use reqwest::{Response, header::HeaderMap};

use crate::failure::Problem;

/// Most headers of an answer. Sites with many policies send about 60.
pub const RESPONSE_HEADERS_MAX: usize = 128;

/// Most bytes of the names and values of an answer's headers.
pub const RESPONSE_HEADER_BYTES_MAX: u32 = 64 << 10;

/// Reads the rest of the answer: at most `bytes_max` of its body. Where that is not all of it, the connection is
/// closed behind us.
pub(crate) async fn collect(
    mut response: Response,
    from: &Target,
    bytes_max: u64,
    requests: u32,
) -> Result<Incoming, Problem> {
    let status = response.status().as_u16();
    let headers = headers(response.headers(), from)?;
    let most = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    let mut body = Vec::new();
    let mut truncated = false;
    while !truncated {
        let chunk = response.chunk().await.map_err(|error| Problem::of_connection(from.origin(), &error))?;
        let Some(chunk) = chunk else { break };
        let room = most - body.len();
        truncated = chunk.len() > room;
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok(Incoming { status, headers, body, truncated, url: from.as_str().to_owned(), requests })
}

fn headers(headers: &HeaderMap, from: &Target) -> Result<Vec<(String, String)>, Problem> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > RESPONSE_HEADER_BYTES_MAX as usize {
        let message = format!(
            "the answer of `{}` has {bytes} bytes of headers; at most {RESPONSE_HEADER_BYTES_MAX} are read",
            from.origin()
        );
        return Err(Problem::new(EgressErrorKind::Limit, message));
    }
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    Ok(headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes()))).collect())
}

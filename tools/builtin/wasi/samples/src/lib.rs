//! What the guests that speak WASI share.

use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, IncomingResponse, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::StreamError;

/// Answers with a text.
pub fn answer(out: ResponseOutparam, status: u16, headers: &[(String, Vec<u8>)], text: &[u8]) {
    let response = OutgoingResponse::new(Fields::from_list(headers).expect("they came from elsewhere"));
    response.set_status_code(status).expect("a status");
    let body = response.body().expect("it is asked for once");
    ResponseOutparam::set(out, Ok(response));
    write(&body, text).expect("there is room");
    OutgoingBody::finish(body, None).expect("it is whole");
}

/// Writes all of `bytes`, as much at once as is permitted.
///
/// # Errors
/// What the stream says.
pub fn write(body: &OutgoingBody, mut bytes: &[u8]) -> Result<(), StreamError> {
    let stream = body.write().expect("it is asked for once");
    while !bytes.is_empty() {
        let count = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX).min(bytes.len());
        stream.write(&bytes[..count])?;
        bytes = &bytes[count..];
    }
    stream.blocking_flush()
}

/// All bytes of a body, and what its end was if not its end.
#[must_use]
pub fn read(body: IncomingBody) -> (Vec<u8>, Option<String>) {
    let stream = body.stream().expect("it is asked for once");
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(1 << 20) {
            Ok(more) => bytes.extend(more),
            Err(StreamError::Closed) => return (bytes, None),
            Err(StreamError::LastOperationFailed(error)) => {
                let code = wasip2::http::types::http_error_code(&error);
                return (bytes, Some(format!("{code:?}")));
            }
        }
    }
}

/// The body of a request.
#[must_use]
pub fn body_of(request: &IncomingRequest) -> Vec<u8> {
    read(request.consume().expect("it is asked for once")).0
}

/// The body of a response.
#[must_use]
pub fn body_from(response: &IncomingResponse) -> (Vec<u8>, Option<String>) {
    read(response.consume().expect("it is asked for once"))
}

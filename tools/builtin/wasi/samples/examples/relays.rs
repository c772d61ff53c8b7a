//! Does what the path says with everything that WASI has, as its tests want it: `/relay` makes the request that its own
//! body spells out, line by line; `/pour` makes it with a body a million times as long.
#![allow(
    missing_docs,
    unsafe_code,
    dead_code,
    reason = "a component is no library, and only wasm has its exports"
)]

use wasi_samples::{answer, body_from, body_of, write};
use wasip2::clocks::{monotonic_clock, wall_clock};
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    OutgoingResponse, ResponseOutparam, Scheme,
};

struct Relays;

impl wasip2::exports::http::incoming_handler::Guest for Relays {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let said = String::from_utf8_lossy(&body_of(&request)).into_owned();
        let text = match request.path_with_query().unwrap_or_default().as_str() {
            "/relay" => return relay(out, &said),
            "/pour" => return relay(out, &poured(&said)),
            "/unfinished" => unfinished(&said),
            "/sleep" => sleep(),
            "/print" => print(&said),
            "/random" => format!("{:?}", wasip2::random::random::get_random_bytes(1_000)),
            "/headers" => headers(),
            "/surroundings" => surroundings(),
            "/exit" => {
                wasip2::cli::exit::exit(Ok(()));
                String::new()
            }
            "/silent" => return,
            "/half" => return half(out),
            "/large" => return large(out),
            "/error" => return ResponseOutparam::set(out, Err(ErrorCode::LoopDetected)),
            "/spin" => loop {
                std::hint::black_box(0);
            },
            path => format!("nothing at {path}"),
        };
        answer(out, 200, &[], text.as_bytes());
    }
}

/// `METHOD SCHEME AUTHORITY PATH`, then headers, an empty line, and the body.
fn asked(said: &str) -> Result<(OutgoingRequest, &str), &'static str> {
    let (head, body) = said.split_once("\n\n").unwrap_or((said, ""));
    let mut lines = head.lines();
    let words: Vec<&str> = lines.next().unwrap_or_default().splitn(4, ' ').collect();
    let [method, scheme, authority, path] = words[..] else { return Err("four words are wanted") };
    let fields = Fields::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        fields.append(name, value.as_bytes()).map_err(|_| "header refused")?;
    }
    let request = OutgoingRequest::new(fields);
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    let method = if method == "GET" { Method::Get } else { Method::Other(method.to_owned()) };
    request.set_method(&method).map_err(|()| "method refused")?;
    request.set_scheme(Some(&scheme)).map_err(|()| "scheme refused")?;
    request.set_authority(Some(authority)).map_err(|()| "authority refused")?;
    request.set_path_with_query(Some(path)).map_err(|()| "path refused")?;
    Ok((request, body))
}

/// Sends a request and writes its body after that, as many libraries do.
fn send(said: &str) -> Result<IncomingResponse, String> {
    let (request, text) = asked(said)?;
    let body = request.body().map_err(|()| "no body")?;
    let future = handle(request, None).map_err(|code| format!("{code:?}"))?;
    write(&body, text.as_bytes()).map_err(|error| format!("{error:?}"))?;
    OutgoingBody::finish(body, None).map_err(|code| format!("{code:?}"))?;
    let pollable = future.subscribe();
    let late = monotonic_clock::subscribe_duration(1_000_000_000);
    let ready = wasip2::io::poll::poll(&[&late, &pollable]);
    if ready != [1] {
        return Err(format!("{ready:?} are ready"));
    }
    let answered = future.get().ok_or("not ready")?.map_err(|()| "asked twice")?;
    answered.map_err(|code| format!("{code:?}"))
}

/// The same request with its body 2^20 times: a mebibyte for each byte.
fn poured(said: &str) -> String {
    let (head, body) = said.split_once("\n\n").unwrap_or((said, ""));
    format!("{head}\n\n{}", body.repeat(1 << 20))
}

fn relay(out: ResponseOutparam, said: &str) {
    let response = match send(said) {
        Ok(response) => response,
        Err(error) => return answer(out, 502, &[], error.as_bytes()),
    };
    let headers = response.headers().entries();
    let (mut body, cut) = body_from(&response);
    if let Some(cut) = cut {
        body = format!("{} bytes, then {cut}", body.len()).into_bytes();
    }
    answer(out, response.status(), &headers, &body);
}

/// Waits for the answer to a request that it has not finished.
fn unfinished(said: &str) -> String {
    let (request, _) = asked(said).expect("a request");
    let _body = request.body().expect("it is asked for once");
    let future = handle(request, None).expect("it begins");
    let before = future.get().is_some();
    future.subscribe().block();
    format!("{before} {:?}", future.get().map(|got| got.map(|got| got.map(|response| response.status()))))
}

fn sleep() -> String {
    let (began, wall) = (monotonic_clock::now(), wall_clock::now().seconds);
    monotonic_clock::subscribe_duration(3_600_000_000_000).block();
    let slept = monotonic_clock::now() - began >= 3_600_000_000_000;
    format!("slept {slept}, wall clock moved {}", wall_clock::now().seconds - wall >= 3_600)
}

fn print(said: &str) -> String {
    let (out, err) = (wasip2::cli::stdout::get_stdout(), wasip2::cli::stderr::get_stderr());
    for part in said.split('|') {
        out.blocking_write_and_flush(part.as_bytes()).expect("it is open");
    }
    err.blocking_write_and_flush(b"to err\n").expect("it is open");
    "printed".to_owned()
}

fn headers() -> String {
    let fields = Fields::new();
    let tries = [("host", "a"), ("Connection", "close"), ("a b", "c"), ("x", "a\r\nb: c"), ("x-ok", "fine")];
    tries.map(|(name, value)| format!("{:?}", fields.append(name, value.as_bytes()).is_ok())).join(" ")
}

fn surroundings() -> String {
    let environment = wasip2::cli::environment::get_environment();
    let folders = wasip2::filesystem::preopens::get_directories();
    let end = wasip2::cli::stdin::get_stdin().blocking_read(1);
    format!("{} {} {}", environment.len(), folders.len(), end.is_err())
}

fn half(out: ResponseOutparam) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().expect("it is asked for once");
    ResponseOutparam::set(out, Ok(response));
    write(&body, b"half").expect("there is room");
}

fn large(out: ResponseOutparam) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().expect("it is asked for once");
    let written = write(&body, &vec![b'a'; 9 << 20]);
    drop(body);
    drop(response);
    answer(out, 200, &[], if written.is_err() { b"refused" } else { b"taken" });
}

#[cfg(target_arch = "wasm32")]
wasip2::http::proxy::export!(Relays);

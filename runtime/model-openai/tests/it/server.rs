//! A server that misbehaves on purpose: raw bytes on a real socket, as scripted.
//!
//! ```text
//!   accept ─► read one request, keep it ─► step, step, … ─► close
//! ```
//!
//! Connection n plays script n; dropping the server ends all of them.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// What a connection does next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends the same bytes until the client has had enough, or this many in all.
    Flood(&'static [u8], u64),
    /// Sends the same bytes every few milliseconds, until the client has had enough.
    Drip(&'static [u8]),
    /// Says nothing more, and keeps the connection.
    Hang,
}

/// A running server.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Seen>,
    tasks: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<String>>,
    flooded: AtomicU64,
}

impl Server {
    /// Starts a server that plays one script per connection.
    pub(crate) async fn scripts<const N: usize>(scripts: [Vec<Step>; N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let mut tasks = JoinSet::new();
        let watching = seen.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            for script in scripts {
                let (socket, _) = listener.accept().await.unwrap();
                connections.spawn(play(socket, script, watching.clone()));
            }
            connections.join_all().await;
        });
        Self { address, seen, tasks }
    }

    /// Starts a server for one connection.
    pub(crate) async fn script<const N: usize>(steps: [Step; N]) -> Self {
        Self::scripts([steps.to_vec()]).await
    }

    /// Starts a server that answers once with `bytes`.
    pub(crate) async fn answers(bytes: impl Into<Vec<u8>>) -> Self {
        Self::script([Step::Send(bytes.into())]).await
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The requests so far, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// Waits for the end of all scripts; how many bytes the floods could send.
    pub(crate) async fn ended(mut self) -> u64 {
        self.tasks.join_next().await.unwrap().unwrap();
        self.seen.flooded.load(Ordering::SeqCst)
    }
}

async fn play(mut socket: TcpStream, script: Vec<Step>, seen: Arc<Seen>) {
    let Some(request) = read_request(&mut socket).await else { return };
    seen.requests.lock().unwrap().push(request);
    for step in script {
        match step {
            Step::Send(bytes) => {
                if socket.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Step::Flood(bytes, total) => {
                while seen.flooded.load(Ordering::SeqCst) < total {
                    if socket.write_all(bytes).await.is_err() {
                        return;
                    }
                    seen.flooded.fetch_add(bytes.len() as u64, Ordering::SeqCst);
                }
            }
            Step::Drip(bytes) => {
                let mut pace = tokio::time::interval(Duration::from_millis(5));
                while socket.write_all(bytes).await.is_ok() {
                    pace.tick().await;
                }
                return;
            }
            Step::Hang => std::future::pending().await,
        }
    }
}

/// Reads a head and as much body as it announces.
async fn read_request(socket: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
        match socket.read(&mut piece).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&piece[..n]),
            _ => return None,
        }
    }
}

/// A whole answer with a status, more headers (each ending in CRLF) and a body.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// The head of a stream that ends when the connection does.
pub(crate) const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

/// The head of a stream in HTTP chunks.
pub(crate) const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// A stream of `events`, each the data of one event.
pub(crate) fn stream(events: &[&str]) -> Vec<u8> {
    let events: String = events.iter().map(|data| format!("data: {data}\n\n")).collect();
    format!("{STREAM}{events}").into_bytes()
}

/// `body` in HTTP chunks of `size` bytes, with the last one.
pub(crate) fn chunked(body: &str, size: usize) -> Vec<u8> {
    let mut bytes = CHUNKED.as_bytes().to_vec();
    for piece in body.as_bytes().chunks(size) {
        bytes.extend(format!("{:x}\r\n", piece.len()).bytes());
        bytes.extend(piece);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}

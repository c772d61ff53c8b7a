//! A server on this machine that counts connections, keeps requests and answers as told.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// What a request is answered with.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// These bytes; then the next request of the connection.
    Bytes(Vec<u8>),
    /// A head, then bytes until the client has had enough.
    Flood,
    /// A head, then a byte every few milliseconds.
    Drip,
    /// Nothing, and the connection stays.
    Hang,
}

/// An answer with a status, more headers (each ending in `\r\n`) and a body.
pub(crate) fn reply(status: u16, headers: &str, body: &[u8]) -> Answer {
    let length = body.len();
    let mut bytes = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    Answer::Bytes(bytes)
}

/// A redirect.
pub(crate) fn go(status: u16, location: &str) -> Answer {
    reply(status, &format!("location: {location}\r\n"), b"")
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

type Play = Arc<dyn Fn(&Seen) -> Answer + Send + Sync>;

/// A running server; dropping it ends it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    log: Arc<Log>,
    _tasks: JoinSet<()>,
}

struct Log {
    /// The far ends of connections, in the order in which they were made.
    peers: Mutex<Vec<SocketAddr>>,
    seen: Mutex<Vec<Seen>>,
    changed: watch::Sender<()>,
}

impl Server {
    /// Listens on `address` and answers every request by `play`.
    pub(crate) async fn at(address: &str, play: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Log { peers: Mutex::default(), seen: Mutex::default(), changed: watch::Sender::new(()) };
        let log = Arc::new(log);
        let (play, kept): (Play, _) = (Arc::new(play), log.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, peer)) = listener.accept().await {
                kept.peers.lock().unwrap().push(peer);
                kept.changed.send_replace(());
                connections.spawn(serve(socket, play.clone(), kept.clone()));
            }
        });
        Self { address, log, _tasks: tasks }
    }

    /// A server on loopback.
    pub(crate) async fn new(play: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", play).await
    }

    /// A server that says `ok` to everything.
    pub(crate) async fn ok() -> Self {
        Self::new(|_| reply(200, "", b"ok")).await
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its URL by a name.
    pub(crate) fn url(&self, name: &str, path: &str) -> String {
        format!("http://{name}:{}{path}", self.port())
    }

    /// How many connections were made so far. Makes one of its own, and looks at those before it: a listener hands
    /// them out in the order in which they were made.
    pub(crate) async fn connects(&self) -> usize {
        let mut changed = self.log.changed.subscribe();
        let here = if self.address.is_ipv4() { "127.0.0.1" } else { "::1" };
        let own = TcpStream::connect((here, self.port())).await.unwrap().local_addr().unwrap();
        loop {
            if let Some(before) = self.before(own) {
                return before;
            }
            changed.changed().await.unwrap();
        }
    }

    /// How many connections were made before this one, which is then forgotten. `None`: it has not arrived.
    fn before(&self, own: SocketAddr) -> Option<usize> {
        let mut peers = self.log.peers.lock().unwrap();
        let at = peers.iter().position(|peer| *peer == own)?;
        peers.remove(at);
        Some(at)
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.log.seen.lock().unwrap().clone()
    }

    /// Waits until there were `count` requests.
    pub(crate) async fn has_seen(&self, count: usize) {
        let mut changed = self.log.changed.subscribe();
        while self.seen().len() < count {
            changed.changed().await.unwrap();
        }
    }
}

/// Serves one connection until the client leaves it.
async fn serve(mut socket: TcpStream, play: Play, log: Arc<Log>) {
    while let Some(seen) = read(&mut socket).await {
        let answer = play(&seen);
        log.seen.lock().unwrap().push(seen);
        log.changed.send_replace(());
        if write(&mut socket, answer).await.is_err() {
            break;
        }
    }
}

/// The first byte of whoever wants to speak TLS.
const TLS: u8 = 0x16;

/// Reads one request. `None`: the client has left, or speaks something else.
pub(crate) async fn read(socket: &mut (impl AsyncRead + Unpin)) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 || bytes[0] == TLS {
            return None;
        }
    };
    let mut body = bytes.split_off(end);
    let seen = Seen { head: String::from_utf8(bytes).unwrap(), body: Vec::new() };
    let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    while body.len() < length {
        if socket.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen { body, ..seen })
}

/// Writes an answer; an error ends the connection.
pub(crate) async fn write(socket: &mut (impl AsyncWrite + Unpin), answer: Answer) -> std::io::Result<()> {
    const HEAD: &[u8] = b"HTTP/1.1 200 X\r\ncontent-length: 1000000000\r\n\r\n";
    match answer {
        Answer::Bytes(bytes) => socket.write_all(&bytes).await,
        Answer::Flood => {
            socket.write_all(HEAD).await?;
            loop {
                socket.write_all(&[b'x'; 4096]).await?;
            }
        }
        Answer::Drip => {
            socket.write_all(HEAD).await?;
            loop {
                socket.write_all(b"x").await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Answer::Hang => std::future::pending().await,
    }
}

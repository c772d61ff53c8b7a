//! A server on this machine that counts connections, keeps requests, and answers by path.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// Bytes of `/long`.
pub(crate) const LONG: usize = 5_000;

/// A running server. Its thread ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    connections: usize,
    requests: Vec<String>,
}

impl Server {
    /// Listens on `ip`. `/away` leads to `away`.
    pub(crate) fn at(ip: &str, away: &str) -> Self {
        let listener = TcpListener::bind((ip, 0)).unwrap();
        let (address, log) = (listener.local_addr().unwrap(), Arc::<Mutex<Log>>::default());
        let (kept, away) = (Arc::clone(&log), away.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                kept.lock().unwrap().connections += 1;
                serve(stream, &kept, &away);
            }
        });
        Self { address, log }
    }

    pub(crate) fn connections(&self) -> usize {
        self.log.lock().unwrap().connections
    }

    /// Heads and bodies, as they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.log.lock().unwrap().requests.clone()
    }
}

/// One request of a connection; whoever closes it early has had enough.
fn serve(mut stream: TcpStream, log: &Mutex<Log>, away: &str) {
    let Some(request) = read(&mut stream) else { return };
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    log.lock().unwrap().requests.push(request.clone());
    let (head, body) = match path.split('?').next().unwrap_or_default() {
        "/away" => (format!("302 Found\r\nlocation: {away}"), String::new()),
        "/long" => ("200 OK".to_owned(), "x".repeat(LONG)),
        "/mirror" => ("200 OK".to_owned(), request),
        _ => ("203 Fine\r\nx-from: server".to_owned(), "hello".to_owned()),
    };
    let length = body.len();
    let _ = write!(stream, "HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
}

fn read(stream: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

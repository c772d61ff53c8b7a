//! MCP over a pair of pipes: one JSON-RPC message a line, each of bounded length and depth.
//!
//! The SDK has a transport for this, too. Ours ends the connection where that one would skip and wait: a line that is
//! too long or too deep was the answer to some call, and its caller should not have to wait for the deadline.

use std::{collections::VecDeque, io, sync::Arc};

use rmcp::{
    RoleClient,
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::Transport,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    sync::Mutex,
    time::timeout,
};

use crate::{
    bounds::{FRAME_BYTES_MAX, FRAME_DEPTH_MAX, GARBAGE_LINES_MAX, WRITE_WAIT},
    fault::Fault,
    process::remember,
    words,
};

/// The last lines that a server said.
type Words = std::sync::Mutex<VecDeque<String>>;

/// A transport over a server's stdout and stdin.
pub(crate) struct Frames<R, W> {
    source: BufReader<R>,
    /// The part of a line that has come so far. Survives a `receive` that is dropped.
    line: Vec<u8>,
    garbage: u32,
    /// Where lines go that are no messages: whoever asks why nothing is answered should see them.
    words: Arc<Words>,
    /// `None` once closed.
    sink: Arc<Mutex<Option<W>>>,
    fault: Fault,
}

impl<R: AsyncRead + Unpin, W> Frames<R, W> {
    /// Reads from `source`, writes to `sink`, and tells `fault` why it ended.
    pub(crate) fn new(source: R, sink: W, fault: Fault) -> Self {
        let source = BufReader::new(source);
        let sink = Arc::new(Mutex::new(Some(sink)));
        Self { source, line: Vec::new(), garbage: 0, words: Arc::default(), sink, fault }
    }

    /// The same, and `words` remember what comes that is no message.
    pub(crate) fn telling(self, words: Arc<Words>) -> Self {
        Self { words, ..self }
    }

    /// The next line, without its end; an error when there is none.
    async fn next_line(&mut self) -> Result<Vec<u8>, String> {
        loop {
            let ready = self.source.fill_buf().await.map_err(|error| format!("reading failed: {error}"))?;
            if ready.is_empty() {
                return Err("it closed its output".into());
            }
            let end = ready.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(ready.len(), |end| end + 1);
            if self.line.len() + taken > FRAME_BYTES_MAX {
                return Err(format!("it sent a message of more than {FRAME_BYTES_MAX} bytes"));
            }
            self.line.extend_from_slice(&ready[..taken]);
            self.source.consume(taken);
            if end.is_some() {
                return Ok(std::mem::take(&mut self.line));
            }
        }
    }

    async fn next_message(&mut self) -> Result<ServerJsonRpcMessage, String> {
        loop {
            let line = self.next_line().await?;
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            if let Some(message) = parse(line)? {
                return Ok(message);
            }
            self.garbage += 1;
            let shown = String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned();
            remember(&self.words, format!("{} (on stdout, and no message)", words::line(&shown, 80)));
            if self.garbage > GARBAGE_LINES_MAX {
                return Err(format!(
                    "it writes things to stdout that are not messages, the last one `{shown}`"
                ));
            }
        }
    }
}

/// One message. `None` is a line that is none, which a few careless prints may be; the error ends the connection.
pub(crate) fn parse(line: &[u8]) -> Result<Option<ServerJsonRpcMessage>, String> {
    if depth(line) > FRAME_DEPTH_MAX {
        return Err(format!("it sent a message that is nested more than {FRAME_DEPTH_MAX} levels deep"));
    }
    Ok(serde_json::from_slice(line).ok())
}

/// How deep the brackets of JSON text go, without parsing it.
fn depth(text: &[u8]) -> usize {
    let (mut deepest, mut now, mut in_string, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in text {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => {
                now += 1;
                deepest = deepest.max(now);
            }
            (false, b']' | b'}') => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl<R, W> Transport<RoleClient> for Frames<R, W>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let (sink, fault) = (self.sink.clone(), self.fault.clone());
        async move {
            let mut line = serde_json::to_vec(&message)?;
            line.push(b'\n');
            let written = timeout(WRITE_WAIT, async {
                let mut sink = sink.lock().await;
                let sink = sink.as_mut().ok_or(io::ErrorKind::NotConnected)?;
                sink.write_all(&line).await?;
                sink.flush().await
            });
            match written.await {
                Ok(written) => written,
                Err(_) => {
                    // Half a line may be out: nothing more can be said on this connection.
                    fault.raise(format!("it has not read its input for {} s", WRITE_WAIT.as_secs()));
                    Err(io::ErrorKind::TimedOut.into())
                }
            }
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        match self.next_message().await {
            Ok(message) => Some(message),
            Err(why) => {
                self.fault.raise(why);
                None
            }
        }
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        // Waits for a write that is under way, which ends within `WRITE_WAIT`.
        drop(self.sink.lock().await.take());
        Ok(())
    }
}

#[cfg(test)]
mod tests;

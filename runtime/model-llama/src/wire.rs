//! What parent and worker say to each other: JSON in frames with a length in front.
//!
//! ```text
//!  parent → worker   Start · (Chat | Count | Cancel)*
//!  worker → parent   Ready or Failed · (Delta | Warn)* and exactly one Done, Counted or Error per call
//! ```
//!
//! Either side ends by closing the socket. There is no version: both ends are the same build of the same crate.

use std::io::{Read, Write};

use playhouse_core::model::{ChatRequest, ModelError, Reply};
use playhouse_ports::Delta;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::LlamaConfig;

/// A prompt of the longest contexts in use (1 Mi tokens, some six bytes each), as JSON text twice over.
pub(crate) const FRAME_BYTES_MAX: usize = 16 << 20;
/// Every frame starts with its length: a little-endian u32.
pub(crate) const LENGTH_BYTES: usize = 4;

/// Names one call on one connection.
pub(crate) type CallId = u64;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToWorker {
    /// The first frame: what to load.
    Start(Start),
    Chat {
        id: CallId,
        request: ChatRequest,
    },
    Count {
        id: CallId,
        request: ChatRequest,
    },
    /// Ends the call `id`; it is still answered, with an error of kind `Cancelled`.
    Cancel {
        id: CallId,
    },
}

/// What an engine needs to begin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) config: LlamaConfig,
    pub(crate) context_tokens: u32,
    /// Digest of the model file: marks tokens as this model's own.
    pub(crate) version: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FromWorker {
    /// The model is loaded.
    Ready,
    /// It could not be; the worker ends.
    Failed {
        message: String,
    },
    /// For the log of the parent: the worker has none of its own.
    Warn {
        message: String,
    },
    Delta {
        id: CallId,
        delta: Piece,
    },
    Done {
        id: CallId,
        reply: Reply,
    },
    Counted {
        id: CallId,
        tokens: u32,
    },
    Error {
        id: CallId,
        error: ModelError,
    },
}

/// [`Delta`] in a form that travels.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Piece {
    Text(String),
    ToolCall { index: usize, name: String, arguments: String },
}

impl From<Piece> for Delta {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Text(text) => Self::Text(text),
            Piece::ToolCall { index, name, arguments } => {
                Self::ToolCall { index, name: Some(name), arguments }
            }
        }
    }
}

/// Why a frame could not be made or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a frame of {0} bytes, more than {FRAME_BYTES_MAX}")]
    TooLong(usize),
    #[error("a frame that is not understood: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the connection broke: {0}")]
    Io(#[from] std::io::Error),
}

/// `message` as a frame.
pub(crate) fn encode(message: &impl Serialize) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; LENGTH_BYTES];
    serde_json::to_writer(&mut frame, message)?;
    let length = checked_length(frame.len() - LENGTH_BYTES)?;
    frame[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// The length in a frame's first bytes, if it is acceptable.
pub(crate) fn length(head: [u8; LENGTH_BYTES]) -> Result<usize, FrameError> {
    checked_length(u32::from_le_bytes(head) as usize).map(|n| n as usize)
}

/// The message in a frame's body.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    Ok(serde_json::from_slice(body)?)
}

/// The next message, or `None` at the end of the connection. Blocks: the worker's side.
pub(crate) fn read<T: DeserializeOwned>(source: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut head = [0; LENGTH_BYTES];
    match source.read_exact(&mut head) {
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut body = vec![0; length(head)?];
    source.read_exact(&mut body)?;
    decode(&body).map(Some)
}

/// Sends one message. Blocks: the worker's side.
pub(crate) fn write(target: &mut impl Write, message: &impl Serialize) -> Result<(), FrameError> {
    Ok(target.write_all(&encode(message)?)?)
}

fn checked_length(bytes: usize) -> Result<u32, FrameError> {
    match u32::try_from(bytes) {
        Ok(n) if bytes <= FRAME_BYTES_MAX => Ok(n),
        _ => Err(FrameError::TooLong(bytes)),
    }
}

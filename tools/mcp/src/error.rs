//! What can go wrong before a call: with the configuration, with the pins, with a server's life.

use std::{io, path::PathBuf};

/// Why an MCP server cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A setting is wrong.
    #[error("[mcp.{server}]: {problem}")]
    Bad {
        /// The server's name.
        server: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The HTTP client could not be made.
    #[error("[mcp.{server}]: no connection can be made: {problem}")]
    Http {
        /// The server's name.
        server: String,
        /// What the client says.
        problem: String,
    },
    /// The pins cannot be used.
    #[error(transparent)]
    Pins(#[from] PinsError),
}

/// Why the file that pins the servers' tools cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PinsError {
    /// It could not be read or written.
    #[error("`{path}`, which pins the tools of MCP servers: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// It is not what we wrote.
    #[error(
        "`{path}`, which pins the tools of MCP servers, is damaged: {problem}; restore it, or delete it to approve all tools anew"
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// How one life of a server's connection ended. Every case may be answered by another `run`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerExit {
    /// The program or the connection could not be started.
    #[error("MCP server `{server}` could not be started: {problem}")]
    Start {
        /// Which server.
        server: String,
        /// Why.
        problem: String,
    },
    /// It was there and went, or broke a rule and was ended.
    #[error("MCP server `{server}` is gone: {problem}")]
    Gone {
        /// Which server.
        server: String,
        /// Why.
        problem: String,
    },
    /// Its tools could not be pinned.
    #[error("MCP server `{server}` was stopped, since its tools cannot be pinned: {problem}")]
    Pins {
        /// Which server.
        server: String,
        /// Why.
        problem: String,
    },
    /// [`McpServer::stop`](crate::McpServer::stop) was called.
    #[error("MCP server `{0}` was stopped")]
    Stopped(String),
    /// `run` was called while another `run` is under way.
    #[error("MCP server `{0}` is already being run")]
    AlreadyRunning(String),
}

/// Why a tool was not approved.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    /// There is no such server, or it does not offer such a tool now.
    #[error("{0}")]
    Unknown(String),
    /// The approval could not be written down.
    #[error(transparent)]
    Pins(#[from] PinsError),
}

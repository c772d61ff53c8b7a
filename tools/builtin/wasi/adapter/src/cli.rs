//! `wasi:cli`: a program that was started with nothing, whose output is the operator's log.

use std::cell::RefCell;

use crate::Adapter;
use crate::bindings::exports::wasi::cli::{
    environment, exit, stderr, stdin, stdout, terminal_input, terminal_output, terminal_stderr,
    terminal_stdin, terminal_stdout,
};
use crate::bindings::exports::wasi::io::streams;
use crate::bindings::playhouse::tool::log;
use crate::io::{InputStream, OutputStream};

/// Bytes of one line; a longer one becomes several.
const LINE_MAX: usize = 4 << 10;

thread_local! {
    static OUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ERR: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// One of the two streams that go to the log. Each handle to it writes on the same line.
#[derive(Clone, Copy)]
pub(crate) enum Lines {
    Out,
    Err,
}

impl Lines {
    pub(crate) fn write(self, bytes: &[u8]) {
        for byte in bytes {
            let is_full = self.with(|line| {
                if *byte != b'\n' {
                    line.push(*byte);
                }
                *byte == b'\n' || line.len() >= LINE_MAX
            });
            if is_full {
                self.flush();
            }
        }
    }

    /// Logs the line as far as it is written.
    pub(crate) fn flush(self) {
        let line = self.with(std::mem::take);
        if line.is_empty() {
            return;
        }
        let level = match self {
            Self::Out => log::Level::Info,
            Self::Err => log::Level::Warn,
        };
        log::write(level, &String::from_utf8_lossy(&line));
    }

    fn with<T>(self, change: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let line = match self {
            Self::Out => &OUT,
            Self::Err => &ERR,
        };
        line.with_borrow_mut(change)
    }
}

impl environment::Guest for Adapter {
    fn get_environment() -> Vec<(String, String)> {
        Vec::new()
    }

    fn get_arguments() -> Vec<String> {
        Vec::new()
    }

    fn initial_cwd() -> Option<String> {
        None
    }
}

impl exit::Guest for Adapter {
    fn exit(_: Result<(), ()>) {
        std::process::abort()
    }

    fn exit_with_code(_: u8) {
        std::process::abort()
    }
}

impl stdin::Guest for Adapter {
    fn get_stdin() -> streams::InputStream {
        InputStream::export(Vec::new(), None)
    }
}

impl stdout::Guest for Adapter {
    fn get_stdout() -> streams::OutputStream {
        OutputStream::Lines(Lines::Out).export()
    }
}

impl stderr::Guest for Adapter {
    fn get_stderr() -> streams::OutputStream {
        OutputStream::Lines(Lines::Err).export()
    }
}

/// There is no terminal.
pub(crate) enum Terminal {}

impl terminal_input::GuestTerminalInput for Terminal {}
impl terminal_output::GuestTerminalOutput for Terminal {}

impl terminal_input::Guest for Adapter {
    type TerminalInput = Terminal;
}

impl terminal_output::Guest for Adapter {
    type TerminalOutput = Terminal;
}

impl terminal_stdin::Guest for Adapter {
    fn get_terminal_stdin() -> Option<terminal_input::TerminalInput> {
        None
    }
}

impl terminal_stdout::Guest for Adapter {
    fn get_terminal_stdout() -> Option<terminal_output::TerminalOutput> {
        None
    }
}

impl terminal_stderr::Guest for Adapter {
    fn get_terminal_stderr() -> Option<terminal_output::TerminalOutput> {
        None
    }
}

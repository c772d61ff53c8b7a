//! A tool worker that was taken over, for the tests: it says what its argument names.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use playhouse_tools_host::fuzz::worker::{self, Told};

/// What `misbehaves` says about itself, in short.
const DESCRIPTION: &str = r#"{"name":"misbehaves","version":"0.1.0","description":"Misbehaves.","effect":"pure",
    "input_schema":{"type":"object"},"output_schema":{"type":"object"}}"#;
/// Frames of a flood: more than any call may ask, few enough to end.
const FLOOD: usize = 100_000;

fn main() -> io::Result<()> {
    let how = std::env::args().nth(1).unwrap_or_default();
    let mut line = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    if how == "dies" {
        return Ok(());
    }
    loop {
        match worker::told(&frame(&mut line)?) {
            Told::Start => line.write_all(&worker::ready())?,
            Told::Describe => line.write_all(&worker::done(DESCRIPTION))?,
            Told::Call => misbehave(&mut line, &how)?,
            Told::Other => {}
        }
    }
}

fn frame(line: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut head = [0; 4];
    line.read_exact(&mut head)?;
    let mut body = vec![0; u32::from_le_bytes(head) as usize];
    line.read_exact(&mut body)?;
    Ok(body)
}

fn misbehave(line: &mut UnixStream, how: &str) -> io::Result<()> {
    match how {
        "garbage" => line.write_all(&[&8_u32.to_le_bytes()[..], &[0xff; 8]].concat()),
        "too-long" => line.write_all(&[0xff; 64]),
        "half-a-frame" => {
            line.write_all(&worker::done("{}")[..5])?;
            std::process::exit(0)
        }
        "trailing" => {
            let mut frame = worker::done("{}");
            frame[0] += 1;
            frame.push(0);
            line.write_all(&frame)
        }
        "ready-again" => line.write_all(&worker::ready()),
        "ask-for-a-secret" => line.write_all(&worker::ask_to_sign("signing")),
        "ask-for-a-tool" => line.write_all(&worker::ask_for_tool("misbehaves")),
        "deaf-flood" => {
            for _ in 0..FLOOD {
                line.write_all(&worker::ask_to_sign("signing"))?;
            }
            Ok(())
        }
        "two-answers" => {
            line.write_all(&worker::done("not json"))?;
            line.write_all(&worker::done("{}"))
        }
        "for-nothing" => {
            line.write_all(&worker::ask_to_read("a"))?;
            frame(line)?;
            line.write_all(&worker::done_for_nothing("{}"))
        }
        "not-json" => line.write_all(&worker::done("not json")),
        _ => Ok(()),
    }
}

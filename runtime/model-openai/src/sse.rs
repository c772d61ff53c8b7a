//! Server-sent events, from bytes in any pieces. Pure and bounded.
//!
//! ```text
//!   : comment           ignored, but a sign of life
//!   event: error        name of the event
//!   data: {"id":…}      its data; several lines are joined by \n
//!                       an empty line ends the event
//! ```
//!
//! Lines end with LF, CRLF or CR. No line and no event grows beyond the bound: a provider that never
//! sends a line break costs `max` bytes of memory, not all of it.

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its name; empty for the usual kind.
    pub(crate) name: String,
    /// Its data. Bytes, because nobody has checked yet that it is text.
    pub(crate) data: Vec<u8>,
}

/// A line or an event is longer than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Turns pieces of a stream into events.
#[derive(Debug)]
pub(crate) struct Decoder {
    max: usize,
    /// The unfinished line. Invariant: at most `max` bytes.
    line: Vec<u8>,
    /// The unfinished event. Invariant: its data has at most `max` bytes.
    event: Event,
    /// Whether the unfinished event has any data line, maybe an empty one.
    has_data: bool,
    /// The last byte was a CR: an LF right after it belongs to the same line end.
    after_cr: bool,
}

impl Decoder {
    /// A decoder for lines and events of at most `max` bytes.
    pub(crate) fn new(max: usize) -> Self {
        Self { max, line: Vec::new(), event: Event::default(), has_data: false, after_cr: false }
    }

    /// Takes the next piece and adds the events that it completes to `out`.
    pub(crate) fn push(&mut self, mut piece: &[u8], out: &mut Vec<Event>) -> Result<(), TooLong> {
        if self.after_cr && !piece.is_empty() {
            self.after_cr = false;
            piece = piece.strip_prefix(b"\n").unwrap_or(piece);
        }
        while let Some(end) = piece.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.extend(&piece[..end])?;
            self.end_line(out)?;
            let (is_cr, rest) = (piece[end] == b'\r', &piece[end + 1..]);
            self.after_cr = is_cr && rest.is_empty();
            piece = if is_cr { rest.strip_prefix(b"\n").unwrap_or(rest) } else { rest };
        }
        self.extend(piece)
    }

    /// The stream has ended: gives the event that lacks only its empty line, as some providers leave it.
    pub(crate) fn finish(mut self) -> Option<Event> {
        let mut out = Vec::new();
        // Nothing grows here, so the bound cannot be passed.
        let _ = self.end_line(&mut out);
        let _ = self.end_line(&mut out);
        out.pop()
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + bytes.len() > self.max {
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, out: &mut Vec<Event>) -> Result<(), TooLong> {
        let line = std::mem::take(&mut self.line);
        let result = self.read_line(&line, out);
        // Keeps the buffer: a stream has thousands of lines.
        self.line = line;
        self.line.clear();
        result
    }

    fn read_line(&mut self, line: &[u8], out: &mut Vec<Event>) -> Result<(), TooLong> {
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            out.extend(std::mem::take(&mut self.has_data).then_some(event));
            return Ok(());
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = colon.map_or((line, &b""[..]), |at| (&line[..at], &line[at + 1..]));
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" if self.event.data.len() + value.len() >= self.max => return Err(TooLong),
            b"data" => {
                if self.has_data {
                    self.event.data.push(b'\n');
                }
                self.has_data = true;
                self.event.data.extend_from_slice(value);
            }
            b"event" => self.event.name = String::from_utf8_lossy(value).into_owned(),
            // Comments (an empty field), `id`, `retry`, and whatever else comes.
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b"\xef\xbb\xbf: hello\r\ndata: one\r\n\r\nevent: error\rdata:two\rdata: three\r\r\
        id: 7\nretry: 1\ndata\n\nevent: silent\n\ndata: last";

    fn expected() -> Vec<Event> {
        let event = |name: &str, data: &str| Event { name: name.into(), data: data.into() };
        vec![event("", "one"), event("error", "two\nthree"), event("", ""), event("", "last")]
    }

    fn decode(pieces: &[&[u8]]) -> Vec<Event> {
        let mut decoder = Decoder::new(64);
        let mut out = Vec::new();
        for piece in pieces {
            decoder.push(piece, &mut out).unwrap();
        }
        out.extend(decoder.finish());
        out
    }

    #[test]
    fn the_same_events_come_out_wherever_the_stream_is_cut() {
        assert_eq!(decode(&[STREAM]), expected());
        for at in 0..STREAM.len() {
            assert_eq!(decode(&[&STREAM[..at], b"", &STREAM[at..]]), expected(), "cut at byte {at}");
        }
        let bytes: Vec<&[u8]> = STREAM.chunks(1).collect();
        assert_eq!(decode(&bytes), expected());
    }

    #[test]
    fn a_line_or_event_beyond_the_bound_is_refused() {
        let mut out = Vec::new();
        assert_eq!(Decoder::new(8).push(b"123456789", &mut out), Err(TooLong));
        assert_eq!(Decoder::new(8).push(b"data:123\ndata:456\ndata:789\n", &mut out), Err(TooLong));
        assert_eq!(Decoder::new(8).push(b"data:123\n\ndata:456\n\n", &mut out), Ok(()));
    }
}

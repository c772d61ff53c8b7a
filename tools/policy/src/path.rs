//! Paths, and the tricks that get around their prefixes.
//!
//! `/public/..%2fadmin` begins with `/public` for whoever does not decode it and is `/admin` for whoever does. So
//! a path is decoded until nothing changes, and refused if a segment that climbs shows up on the way.

/// How often a path may be encoded over itself. Twice happens by accident; four times is a disguise.
const DECODES_MAX: usize = 4;

/// Refuses a path that some server may read as another one; the error names what it hides.
pub(crate) fn check(path: &str) -> Result<(), &'static str> {
    let mut bytes = path.as_bytes().to_vec();
    for _ in 0..=DECODES_MAX {
        check_decoded(&bytes)?;
        let decoded = decode(&bytes);
        if decoded == bytes {
            return Ok(());
        }
        bytes = decoded;
    }
    Err("a text that was encoded again and again")
}

fn check_decoded(path: &[u8]) -> Result<(), &'static str> {
    if path.iter().any(u8::is_ascii_control) {
        return Err("a control character");
    }
    if path.windows(2).any(|two| is_overlong(two[0], two[1])) {
        return Err("a character in a longer form than it has");
    }
    // Some servers cut what follows `;` from a segment before they look at it.
    let climbs = |segment: &[u8]| {
        let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
        matches!(name, b"." | b"..")
    };
    let mut segments = path.split(|byte| matches!(byte, b'/' | b'\\'));
    if segments.any(climbs) { Err("a `.` or `..` between its slashes") } else { Ok(()) }
}

/// Whether these bytes begin a character that UTF-8 writes shorter: some decoders still take them for dots.
fn is_overlong(first: u8, second: u8) -> bool {
    match first {
        0xc0 | 0xc1 => (0x80..0xc0).contains(&second),
        0xe0 => (0x80..0xa0).contains(&second),
        0xf0 => (0x80..0x90).contains(&second),
        _ => false,
    }
}

/// Replaces each `%41` by its byte, once.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let (byte, next) = match tail {
            [high, low, after @ ..] if *first == b'%' => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (*first, tail),
            },
            _ => (*first, tail),
        };
        bytes.push(byte);
        rest = next;
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

/// Whether `path` is `prefix` or lies below it, in whole segments. The prefix has no last slash.
pub(crate) fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

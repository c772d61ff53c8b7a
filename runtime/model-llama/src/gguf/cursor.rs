//! A reader that knows how much of the file is left, and refuses to believe in more.

use std::io::Read;

use super::GgufProblem;

/// llama.cpp's own bound on keys.
const NAME_BYTES_MAX: u64 = 65_535;
/// The longest texts in real files are chat templates and tokens: kilobytes.
const TEXT_BYTES_MAX: u64 = 16 << 20;
/// Bytes skipped at once, so that passing over a list needs no memory.
const SKIP_CHUNK_BYTES: u64 = 64 << 10;

/// A metadata value, as far as it matters here.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    /// A whole number that is not negative.
    Number(u64),
    /// How many texts.
    List(u64),
    Other,
}

pub(super) struct Cursor<R> {
    source: R,
    /// Bytes read so far.
    pub(super) position: u64,
    length: u64,
}

impl<R: Read> Cursor<R> {
    pub(super) fn new(source: R, length: u64) -> Self {
        Self { source, position: 0, length }
    }

    /// Bytes of the file that were not read yet.
    pub(super) fn left(&self) -> u64 {
        self.length - self.position
    }

    pub(super) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufProblem> {
        self.claim(N as u64, what)?;
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes).map_err(|e| broken(&e, what))?;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, GgufProblem> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, GgufProblem> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// The name of a key or tensor.
    pub(super) fn name(&mut self, what: &str) -> Result<String, GgufProblem> {
        self.text(what, NAME_BYTES_MAX)
    }

    /// The value of the key `key`.
    pub(super) fn value(&mut self, key: &str) -> Result<Value, GgufProblem> {
        let kind = self.u32(key)?;
        match kind {
            8 => self.text(key, TEXT_BYTES_MAX).map(Value::Text),
            9 => self.list(key),
            _ => self.scalar(kind, key),
        }
    }

    fn scalar(&mut self, kind: u32, key: &str) -> Result<Value, GgufProblem> {
        let whole = |n: i64| u64::try_from(n).map_or(Value::Other, Value::Number);
        Ok(match kind {
            0 => Value::Number(self.array::<1>(key)?[0].into()),
            1 => whole(i8::from_le_bytes(self.array(key)?).into()),
            2 => Value::Number(u16::from_le_bytes(self.array(key)?).into()),
            3 => whole(i16::from_le_bytes(self.array(key)?).into()),
            4 => Value::Number(self.u32(key)?.into()),
            5 => whole(i32::from_le_bytes(self.array(key)?).into()),
            6 => self.skip(4, key)?,
            7 => self.skip(1, key)?,
            10 => Value::Number(self.u64(key)?),
            11 => whole(i64::from_le_bytes(self.array(key)?)),
            12 => self.skip(8, key)?,
            _ => return Err(GgufProblem::Malformed(format!("gives `{key}` the unknown type {kind}"))),
        })
    }

    fn list(&mut self, key: &str) -> Result<Value, GgufProblem> {
        let (kind, count) = (self.u32(key)?, self.u64(key)?);
        let width = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            8 => return self.texts(key, count),
            _ => {
                return Err(GgufProblem::Malformed(format!("has a list `{key}` of the unknown type {kind}")));
            }
        };
        let bytes =
            count.checked_mul(width).ok_or_else(|| GgufProblem::Truncated(format!("the list `{key}`")))?;
        self.skip(bytes, key)
    }

    fn texts(&mut self, key: &str, count: u64) -> Result<Value, GgufProblem> {
        // Each text has at least its length: an absurd count is noticed without walking through it.
        if count.checked_mul(8).is_none_or(|bytes| bytes > self.left()) {
            return Err(GgufProblem::Truncated(format!("the list `{key}` of {count} texts")));
        }
        for _ in 0..count {
            let bytes = self.u64(key)?;
            self.skip(bytes, key)?;
        }
        Ok(Value::List(count))
    }

    fn text(&mut self, what: &str, max: u64) -> Result<String, GgufProblem> {
        let bytes = self.u64(what)?;
        if bytes > max {
            return Err(GgufProblem::Malformed(format!("has {what} of {bytes} bytes, more than {max}")));
        }
        self.claim(bytes, what)?;
        let mut text = vec![0; bytes as usize];
        self.source.read_exact(&mut text).map_err(|e| broken(&e, what))?;
        String::from_utf8(text).map_err(|_| GgufProblem::Malformed(format!("has {what} that is not UTF-8")))
    }

    fn skip(&mut self, bytes: u64, what: &str) -> Result<Value, GgufProblem> {
        self.claim(bytes, what)?;
        let mut left = bytes;
        while 0 < left {
            let chunk = left.min(SKIP_CHUNK_BYTES);
            let copied = std::io::copy(&mut self.source.by_ref().take(chunk), &mut std::io::sink());
            match copied.map_err(|e| broken(&e, what))? {
                0 => return Err(GgufProblem::Truncated(format!("`{what}`"))),
                n => left -= n,
            }
        }
        Ok(Value::Other)
    }

    /// Every read passes here first: are there that many bytes?
    fn claim(&mut self, bytes: u64, what: &str) -> Result<(), GgufProblem> {
        if bytes > self.left() {
            return Err(GgufProblem::Truncated(format!("`{what}`")));
        }
        self.position += bytes;
        Ok(())
    }
}

fn broken(error: &std::io::Error, what: &str) -> GgufProblem {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => GgufProblem::Truncated(format!("`{what}`")),
        _ => GgufProblem::Unreadable(error.to_string()),
    }
}

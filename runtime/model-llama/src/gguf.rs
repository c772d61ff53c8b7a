//! Reads and checks a GGUF header before llama.cpp sees the file.
//!
//! ```text
//!  magic · version · tensor count · key count │ key: type value … │ tensor: name dims type offset … │ pad │ data
//! ```
//!
//! llama.cpp trusts what it loads: a tensor of a type it cannot multiply (F64) is a null function pointer, a
//! wrong offset a wild read. Here nothing is trusted: every length is compared with what is left of the file
//! before a byte is allocated, every count has a bound, every tensor must lie within the file. What is refused
//! is refused in words that say what, where and what to do.

mod cursor;
mod tensors;

use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use cursor::{Cursor, Value};

/// Keys in one file. The largest known files have a few hundred.
const KEYS_MAX: u64 = 65_536;
/// Tensors in one file. The largest known files have a few thousand.
const TENSORS_MAX: u64 = 65_536;
/// gguf's own default, where a file names none.
const ALIGNMENT_DEFAULT: u64 = 32;
/// A template longer than this is not one that people wrote.
const TEMPLATE_BYTES_MAX: usize = 1 << 20;
/// Bytes hashed at once.
const HASH_CHUNK_BYTES: usize = 1 << 20;
/// A vocabulary smaller than this spells nearly everything byte by byte.
const BYTE_LEVEL_VOCABULARY_MAX: u64 = 1000;

/// What a header says, as far as this crate wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GgufSummary {
    /// `general.name`, when there is one.
    pub name: Option<String>,
    /// `general.architecture`.
    pub architecture: String,
    /// Longest sequence the model was trained with.
    pub context_tokens: u32,
    /// Size of the vocabulary.
    pub vocabulary: u64,
    /// The Jinja template that turns messages into a prompt.
    pub chat_template: String,
    /// Length of the whole file.
    pub file_bytes: u64,
}

/// What is wrong with a model file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {problem}; {remedy}")]
pub struct GgufError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong, and where in the file.
    pub problem: GgufProblem,
    /// What to do about it.
    pub remedy: &'static str,
}

/// The kinds of wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GgufProblem {
    /// The file cannot be opened or read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// Other bytes than `GGUF` at the start.
    #[error("is not a GGUF file")]
    NotGguf,
    /// Something reaches beyond the end of the file.
    #[error("ends before {0} does")]
    Truncated(String),
    /// Correct, but not something this build can run.
    #[error("{0}")]
    Unsupported(String),
    /// The header contradicts itself or the format.
    #[error("{0}")]
    Malformed(String),
    /// A key that every chat model has is not there.
    #[error("has no `{0}`")]
    Missing(String),
}

impl GgufProblem {
    fn remedy(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "check the path and its permissions",
            Self::NotGguf => "choose a `.gguf` file (other formats need llama.cpp's `convert_hf_to_gguf.py`)",
            Self::Truncated(_) => "the download or copy is incomplete: fetch it again",
            Self::Unsupported(_) => {
                "convert the model again with a current llama.cpp, to F32, F16 or a quantised type"
            }
            Self::Malformed(_) => "the file is damaged or was made to do harm: fetch it from its publisher",
            Self::Missing(_) => "use the instruction-tuned (chat) version of this model",
        }
    }
}

/// Reads and checks the header of the file at `path`.
pub(crate) fn read(path: &Path) -> Result<GgufSummary, GgufError> {
    let fail = |problem: GgufProblem| GgufError { path: path.into(), remedy: problem.remedy(), problem };
    let unreadable = |e: std::io::Error| fail(GgufProblem::Unreadable(e.to_string()));
    let file = File::open(path).map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    if !meta.is_file() {
        return Err(fail(GgufProblem::Unreadable("not a regular file".into())));
    }
    parse(BufReader::new(file), meta.len()).map_err(fail)
}

/// SHA-256 of the whole file, in hex: which model this is, whatever it is called. Reads the file once.
pub(crate) fn digest(path: &Path) -> Result<String, GgufError> {
    let unreadable = |e: std::io::Error| {
        let problem = GgufProblem::Unreadable(e.to_string());
        GgufError { path: path.into(), remedy: problem.remedy(), problem }
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let (mut hash, mut chunk) = (Sha256::new(), vec![0; HASH_CHUNK_BYTES]);
    loop {
        match file.read(&mut chunk).map_err(unreadable)? {
            0 => break,
            n => hash.update(&chunk[..n]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Bytes of text per token that a window may count on. Deliberately low, so that estimates err on the high side.
pub(crate) fn bytes_per_token(model: &GgufSummary) -> u32 {
    if model.vocabulary < BYTE_LEVEL_VOCABULARY_MAX { 1 } else { 3 }
}

pub(crate) fn parse(source: impl Read, file_bytes: u64) -> Result<GgufSummary, GgufProblem> {
    let mut cursor = Cursor::new(source, file_bytes);
    if &cursor.array::<4>("the magic number")? != b"GGUF" {
        return Err(GgufProblem::NotGguf);
    }
    let version = cursor.u32("the version")?;
    if !(2..=3).contains(&version) {
        return Err(GgufProblem::Unsupported(format!("has GGUF version {version}, known are 2 and 3")));
    }
    let tensors = bounded("tensors", cursor.u64("the tensor count")?, TENSORS_MAX)?;
    let keys = bounded("keys", cursor.u64("the key count")?, KEYS_MAX)?;
    let header = Header::read(&mut cursor, keys)?;
    let alignment = header.alignment()?;
    tensors::check(&mut cursor, tensors, alignment)?;
    header.summary(file_bytes)
}

fn bounded(what: &str, count: u64, max: u64) -> Result<u64, GgufProblem> {
    match count {
        n if n > max => Err(GgufProblem::Malformed(format!("claims {n} {what}, more than {max}"))),
        n => Ok(n),
    }
}

/// The keys worth keeping. All others are checked and passed over.
struct Header(std::collections::BTreeMap<String, Value>);

impl Header {
    fn read(cursor: &mut Cursor<impl Read>, keys: u64) -> Result<Self, GgufProblem> {
        let mut kept = std::collections::BTreeMap::new();
        for _ in 0..keys {
            let key = cursor.name("a key")?;
            let value = cursor.value(&key)?;
            let wanted = key.starts_with("general.")
                || key.starts_with("tokenizer.")
                || key.ends_with(".context_length")
                || key.starts_with("split.");
            if wanted && kept.insert(key.clone(), value).is_some() {
                return Err(GgufProblem::Malformed(format!("names the key `{key}` twice")));
            }
        }
        Ok(Self(kept))
    }

    fn text(&self, key: &str) -> Result<&str, GgufProblem> {
        match self.0.get(key) {
            Some(Value::Text(text)) => Ok(text),
            Some(_) => Err(GgufProblem::Malformed(format!("has a `{key}` that is not text"))),
            None => Err(GgufProblem::Missing(key.into())),
        }
    }

    fn number(&self, key: &str) -> Result<Option<u64>, GgufProblem> {
        match self.0.get(key) {
            Some(Value::Number(n)) => Ok(Some(*n)),
            Some(_) => Err(GgufProblem::Malformed(format!("has a `{key}` that is not a count"))),
            None => Ok(None),
        }
    }

    fn alignment(&self) -> Result<u64, GgufProblem> {
        let alignment = self.number("general.alignment")?.unwrap_or(ALIGNMENT_DEFAULT);
        match alignment.is_power_of_two() && (8..=1 << 16).contains(&alignment) {
            true => Ok(alignment),
            false => Err(GgufProblem::Malformed(format!("has an alignment of {alignment}"))),
        }
    }

    fn summary(&self, file_bytes: u64) -> Result<GgufSummary, GgufProblem> {
        if self.number("split.count")?.is_some_and(|parts| parts > 1) {
            return Err(GgufProblem::Unsupported(
                "is one part of a split model: merge the parts first".into(),
            ));
        }
        let architecture = self.text("general.architecture")?.to_owned();
        let context_key = format!("{architecture}.context_length");
        let context = self.number(&context_key)?.ok_or(GgufProblem::Missing(context_key))?;
        self.text("tokenizer.ggml.model")?;
        let tokens = "tokenizer.ggml.tokens";
        let vocabulary = match self.0.get(tokens) {
            Some(Value::List(count)) if (1..=i32::MAX as u64).contains(count) => *count,
            Some(_) => {
                return Err(GgufProblem::Malformed(format!("has a `{tokens}` that is not a list of texts")));
            }
            None => return Err(GgufProblem::Missing(tokens.into())),
        };
        let chat_template = self.text("tokenizer.chat_template")?.to_owned();
        if chat_template.len() > TEMPLATE_BYTES_MAX {
            return Err(GgufProblem::Malformed(format!(
                "has a chat template of {} bytes",
                chat_template.len()
            )));
        }
        Ok(GgufSummary {
            name: self.text("general.name").ok().map(str::to_owned),
            architecture,
            context_tokens: u32::try_from(context)
                .ok()
                .filter(|n| 0 < *n)
                .ok_or_else(|| GgufProblem::Malformed(format!("claims a context of {context} tokens")))?,
            vocabulary,
            chat_template,
            file_bytes,
        })
    }
}

#[cfg(test)]
mod tests;

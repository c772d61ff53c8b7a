//! The lock: which bytes each installed tool is, where they came from, who signed them and what they may want.
//!
//! The host reads the same file and ignores what it does not know. So does this: a file that people wrote keeps its
//! comments and keys of its own, whatever is installed afterwards.

use std::collections::BTreeSet;

use playhouse_core::tool::EffectClass;
use serde::Deserialize;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};

use crate::{
    bounds::LOCK_BYTES_MAX,
    claims::{Claims, Wants, is_name, is_sha256, is_version},
};

/// A `tools.lock`, to be read and edited.
#[derive(Debug, Clone)]
pub struct Lock {
    document: DocumentMut,
    entries: Vec<Entry>,
}

/// What the lock says about one tool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Its name, unique in the lock.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the component, in hex.
    pub sha256: String,
    /// SHA-256 of what it says about itself, in hex.
    pub describe_sha256: String,
    /// As in [`Claims`].
    #[serde(default)]
    pub text_sha256: Option<String>,
    /// What its effects count as; `None`: written by an older program, or by hand.
    #[serde(default)]
    pub effect: Option<EffectClass>,
    /// Where it came from, as it was written: what to look at for an update.
    #[serde(default)]
    pub source: Option<String>,
    /// Ids of the trusted keys that signed it.
    #[serde(default)]
    pub signed_by: BTreeSet<String>,
    /// What it imports; `None`: nobody wrote it down.
    #[serde(default)]
    pub imports: Option<BTreeSet<String>>,
    /// What it wants; `None`: nobody wrote it down.
    #[serde(default)]
    pub wants: Option<Wants>,
}

/// Why a lock cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the lock cannot be read: {0}; mend it, or restore it from a copy")]
pub struct BadLock(String);

#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    tool: Vec<Entry>,
}

impl Entry {
    /// What is written about a tool with these claims.
    pub fn of(claims: &Claims, source: Option<&str>, signed_by: &BTreeSet<String>) -> Self {
        Self {
            name: claims.name.clone(),
            version: claims.version.clone(),
            sha256: claims.sha256.clone(),
            describe_sha256: claims.describe_sha256.clone(),
            text_sha256: claims.text_sha256.clone(),
            effect: Some(claims.effect),
            source: source.map(str::to_owned),
            signed_by: signed_by.clone(),
            imports: Some(claims.imports.clone()),
            wants: Some(claims.wants.clone()),
        }
    }

    /// The name of its component in the store's folder: `<name>-<version>-<12 digits of the digest>.wasm`.
    pub fn file(&self) -> String {
        format!("{}-{}-{}.wasm", self.name, self.version, &self.sha256[..12])
    }

    fn check(&self) -> Result<(), String> {
        let digests = [Some(&self.sha256), Some(&self.describe_sha256), self.text_sha256.as_ref()];
        let is_whole = is_name(&self.name)
            && is_version(&self.version)
            && digests.into_iter().flatten().all(|digest| is_sha256(digest));
        is_whole.then_some(()).ok_or_else(|| {
            format!(
                "the entry {:?} {:?} has a name, version or digest of another form",
                self.name, self.version
            )
        })
    }
}

impl Lock {
    /// Of no tools.
    pub fn empty() -> Self {
        Self { document: DocumentMut::new(), entries: Vec::new() }
    }

    /// Reads the bytes of a lock file. Pure, and safe with any bytes.
    ///
    /// # Errors
    /// [`BadLock`] says what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadLock> {
        if bytes.len() as u64 > LOCK_BYTES_MAX {
            return Err(BadLock(format!("it has more than {LOCK_BYTES_MAX} bytes")));
        }
        let text = str::from_utf8(bytes).map_err(|_| BadLock("it is not UTF-8".into()))?;
        let said = |message: &str| BadLock(message.trim_end().replace('\n', ": "));
        let read: Read = toml::from_str(text).map_err(|error| said(error.message()))?;
        let document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| said(error.message()))?;
        let mut names = BTreeSet::new();
        for entry in &read.tool {
            entry.check().map_err(BadLock)?;
            if !names.insert(&entry.name) {
                return Err(BadLock(format!("`{}` is listed twice", entry.name)));
            }
        }
        Ok(Self { document, entries: read.tool })
    }

    /// All tools, in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The tool of this name.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// Writes `entry` in place of the one of its name, or after all others. Keys of the old one that are not the
    /// store's stay.
    pub fn put(&mut self, entry: Entry) {
        let at = self.entries.iter().position(|old| old.name == entry.name);
        let tables = self.tables();
        match at.and_then(|at| tables.get_mut(at)) {
            Some(table) => write(table, &entry),
            None => {
                let mut table = Table::new();
                write(&mut table, &entry);
                tables.push(table);
            }
        }
        match at {
            Some(at) => self.entries[at] = entry,
            None => self.entries.push(entry),
        }
    }

    /// Takes the tool of this name out.
    pub fn remove(&mut self, name: &str) -> Option<Entry> {
        let at = self.entries.iter().position(|entry| entry.name == name)?;
        self.tables().remove(at);
        Some(self.entries.remove(at))
    }

    /// The `[[tool]]`s, made so if they were written in one line.
    fn tables(&mut self) -> &mut ArrayOfTables {
        let item = self.document.entry("tool").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
        if item.as_array_of_tables().is_none() {
            let written = std::mem::take(item);
            let tables = written.into_array_of_tables().unwrap_or_default();
            *item = Item::ArrayOfTables(tables);
        }
        item.as_array_of_tables_mut().expect("it was made one just now")
    }
}

impl std::fmt::Display for Lock {
    /// The text of the file.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.document.fmt(f)
    }
}

fn write(table: &mut Table, entry: &Entry) {
    let list = |words: &BTreeSet<String>| Value::Array(words.iter().map(String::as_str).collect::<Array>());
    let ways = |wants: &Wants| {
        let mut line = InlineTable::new();
        for (permission, ways) in wants {
            line.insert(permission, list(ways));
        }
        Value::InlineTable(line)
    };
    let mut set = |key: &str, content: Option<Value>| match content {
        Some(content) => match table.get_mut(key).and_then(Item::as_value_mut) {
            // A comment behind the old value is about the key.
            Some(old) => {
                let decor = old.decor().clone();
                *old = content;
                *old.decor_mut() = decor;
            }
            None => {
                table.insert(key, value(content));
            }
        },
        None => {
            table.remove(key);
        }
    };
    set("name", Some(entry.name.as_str().into()));
    set("version", Some(entry.version.as_str().into()));
    set("sha256", Some(entry.sha256.as_str().into()));
    set("describe_sha256", Some(entry.describe_sha256.as_str().into()));
    set("text_sha256", entry.text_sha256.as_deref().map(Value::from));
    set("effect", entry.effect.map(|effect| word(effect).into()));
    set("source", entry.source.as_deref().map(Value::from));
    set("signed_by", (!entry.signed_by.is_empty()).then(|| list(&entry.signed_by)));
    set("imports", entry.imports.as_ref().map(list));
    set("wants", entry.wants.as_ref().map(ways));
}

/// The word for a class of effect, in files and in sentences.
pub(crate) fn word(effect: EffectClass) -> &'static str {
    match effect {
        EffectClass::Pure => "pure",
        EffectClass::Idempotent => "idempotent",
        EffectClass::Checkable => "checkable",
        EffectClass::Once => "once",
    }
}

//! Header fields, of requests and of answers.

use std::cell::RefCell;

use crate::bindings::exports::wasi::http::types::{self, HeaderError};

/// Bytes of all fields of one message.
const BYTES_MAX: usize = 64 << 10;
/// What belongs to the connection, which no component has.
const FORBIDDEN: [&str; 9] = [
    "connection",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// Name and value, in the order in which they were added.
pub(crate) type Entries = Vec<(String, Vec<u8>)>;

/// A resource `fields`.
pub(crate) struct Fields {
    entries: RefCell<Entries>,
    is_fixed: bool,
}

impl Fields {
    /// A copy for reading, of what belongs to a message.
    pub(crate) fn reading(entries: &Entries) -> types::Fields {
        types::Fields::new(Self { entries: RefCell::new(entries.clone()), is_fixed: true })
    }

    pub(crate) fn into_entries(self) -> Entries {
        self.entries.into_inner()
    }

    fn change<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Entries) -> Result<T, HeaderError>,
    ) -> Result<T, HeaderError> {
        if self.is_fixed {
            return Err(HeaderError::Immutable);
        }
        check_name(name)?;
        change(&mut self.entries.borrow_mut())
    }
}

fn check_name(name: &str) -> Result<(), HeaderError> {
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(in_token) {
        return Err(HeaderError::InvalidSyntax);
    }
    if is_forbidden(name) { Err(HeaderError::Forbidden) } else { Ok(()) }
}

fn is_forbidden(name: &str) -> bool {
    FORBIDDEN.iter().any(|forbidden| name.eq_ignore_ascii_case(forbidden))
}

/// What a component is told of the fields of a message: those that it could set itself.
pub(crate) fn told(fields: Vec<(String, String)>) -> Entries {
    let told = fields.into_iter().filter(|(name, _)| !is_forbidden(name));
    told.map(|(name, value)| (name, value.into_bytes())).collect()
}

/// Adds a field whose name is checked.
fn add(entries: &mut Entries, name: &str, value: Vec<u8>) -> Result<(), HeaderError> {
    if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err(HeaderError::InvalidSyntax);
    }
    let bytes: usize = entries.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes + name.len() + value.len() > BYTES_MAX {
        return Err(HeaderError::Forbidden);
    }
    entries.push((name.to_owned(), value));
    Ok(())
}

impl types::GuestFields for Fields {
    fn new() -> Self {
        Self { entries: RefCell::default(), is_fixed: false }
    }

    fn from_list(entries: Vec<(String, Vec<u8>)>) -> Result<types::Fields, HeaderError> {
        let fields = Self::new();
        for (name, value) in entries {
            fields.append(name, value)?;
        }
        Ok(types::Fields::new(fields))
    }

    fn get(&self, name: String) -> Vec<Vec<u8>> {
        let entries = self.entries.borrow();
        let found = entries.iter().filter(|(other, _)| other.eq_ignore_ascii_case(&name));
        found.map(|(_, value)| value.clone()).collect()
    }

    fn has(&self, name: String) -> bool {
        self.entries.borrow().iter().any(|(other, _)| other.eq_ignore_ascii_case(&name))
    }

    fn set(&self, name: String, values: Vec<Vec<u8>>) -> Result<(), HeaderError> {
        self.change(&name, |entries| {
            let mut changed = entries.clone();
            changed.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
            values.into_iter().try_for_each(|value| add(&mut changed, &name, value))?;
            *entries = changed;
            Ok(())
        })
    }

    fn delete(&self, name: String) -> Result<(), HeaderError> {
        self.change(&name, |entries| {
            entries.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
            Ok(())
        })
    }

    fn append(&self, name: String, value: Vec<u8>) -> Result<(), HeaderError> {
        self.change(&name, |entries| add(entries, &name, value))
    }

    fn entries(&self) -> Vec<(String, Vec<u8>)> {
        self.entries.borrow().clone()
    }

    fn clone(&self) -> types::Fields {
        types::Fields::new(Self { entries: self.entries.clone(), is_fixed: false })
    }
}

//! The host's side of every interface, with the names and types of the generated one, answered by the current
//! [`Host`](super::Host).

use super::current;

pub(crate) mod context {
    //! `playhouse:tool/context`.
    use super::current;

    pub(crate) fn effect_id() -> String {
        current("context", |state| state.effect_id.clone())
    }

    pub(crate) fn time_left_ms() -> u64 {
        current("context", |state| state.time_left_ms)
    }
}

pub(crate) mod progress {
    //! `playhouse:tool/progress`.
    use super::current;

    pub(crate) fn report(done: u64, total: u64, message: &str) {
        current("progress", |state| state.progress.push(format!("{done} of {total}: {message}")));
    }

    pub(crate) fn partial(text: &str) {
        current("progress", |state| state.progress.push(text.to_owned()));
    }
}

pub(crate) mod log {
    //! `playhouse:tool/log`.
    use super::current;
    pub(crate) use crate::bindings::playhouse::tool::log::Level;

    pub(crate) fn write(level: Level, message: &str) {
        let level = format!("{level:?}").to_lowercase();
        let level = level.rsplit(':').next().unwrap_or_default();
        current("log", |state| state.logged.push(format!("{level}: {message}")));
    }
}

pub(crate) mod clock {
    //! `playhouse:tool/clock`.
    use super::current;

    pub(crate) fn now_ms() -> u64 {
        current("clock", |state| state.now_ms)
    }
}

pub(crate) mod random {
    //! `playhouse:tool/random`.
    use super::super::state::fnv;
    use super::current;

    pub(crate) fn bytes(count: u32) -> Vec<u8> {
        let seed = current("random", |state| fnv(state.effect_id.as_bytes()));
        (0..count).map(|at| fnv(&[&seed.to_le_bytes()[..], &at.to_le_bytes()[..]].concat()) as u8).collect()
    }
}

pub(crate) mod kv {
    //! `playhouse:tool/kv`.
    use super::current;

    pub(crate) const NONE: &str = "no table is granted (in a test: `Host::kv`)";

    pub(crate) fn get(key: &str) -> Result<Option<String>, String> {
        current("kv", |state| Ok(state.table.as_ref().ok_or(NONE)?.get(key).cloned()))
    }

    pub(crate) fn keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, String> {
        current("kv", |state| {
            let table = state.table.as_ref().ok_or(NONE)?;
            let wanted =
                table.keys().filter(|key| key.starts_with(prefix) && after.is_none_or(|a| key.as_str() > a));
            Ok(wanted.take(limit.min(crate::kv::PAGE_KEYS_MAX) as usize).cloned().collect())
        })
    }
}

pub(crate) mod kv_write {
    //! `playhouse:tool/kv-write`.
    use super::{current, kv::NONE};

    pub(crate) fn put(key: &str, value: &str) -> Result<(), String> {
        current("kv-write", |state| {
            state.table.as_mut().ok_or(NONE)?.insert(key.to_owned(), value.to_owned());
            Ok(())
        })
    }

    pub(crate) fn delete(key: &str) -> Result<bool, String> {
        current("kv-write", |state| Ok(state.table.as_mut().ok_or(NONE)?.remove(key).is_some()))
    }
}

pub(crate) mod files {
    //! `playhouse:tool/files`.
    use super::current;
    pub(crate) use crate::bindings::playhouse::tool::files::{Error, Info};

    pub(crate) fn roots() -> Vec<String> {
        current("files", |state| state.roots.iter().cloned().collect())
    }

    pub(crate) fn stat(path: &str) -> Result<Info, Error> {
        current("files", |state| state.info(path))
    }

    pub(crate) fn entries(path: &str, after: Option<&str>, limit: u32) -> Result<Vec<Info>, Error> {
        current("files", |state| {
            let names = state.names(path)?;
            let wanted = names.iter().filter(|name| after.is_none_or(|after| name.as_str() > after));
            let page = wanted.take(limit.min(crate::files::PAGE_ENTRIES_MAX) as usize);
            page.map(|name| state.info(&format!("{path}/{name}"))).collect()
        })
    }

    pub(crate) fn read(path: &str, offset: u64, max: u32) -> Result<Vec<u8>, Error> {
        current("files", |state| {
            if state.info(path)?.is_folder {
                return Err(Error::WrongKind);
            }
            let bytes = &state.files[path];
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            let count = (max.min(crate::files::READ_BYTES_MAX) as usize).min(bytes.len() - start);
            Ok(bytes[start..start + count].to_vec())
        })
    }
}

pub(crate) mod files_write {
    //! `playhouse:tool/files-write`.
    use super::super::state::version as version_of;
    use super::current;
    pub(crate) use crate::bindings::playhouse::tool::files_write::Error;

    pub(crate) fn write(path: &str, content: &[u8], version: Option<&str>) -> Result<String, Error> {
        current("files-write", |state| {
            if !state.permits(path) {
                return Err(Error::Denied);
            }
            if state.info(path).is_ok_and(|info| info.is_folder) {
                return Err(Error::WrongKind);
            }
            let there = state.files.get(path).map(|bytes| version_of(bytes)).unwrap_or_default();
            if version.is_some_and(|expected| expected != there) {
                return Err(Error::Conflict);
            }
            state.files.insert(path.to_owned(), content.to_vec());
            Ok(version_of(content))
        })
    }

    pub(crate) fn remove(path: &str) -> Result<(), Error> {
        current("files-write", |state| {
            if !state.permits(path) {
                return Err(Error::Denied);
            }
            state.files.remove(path).map(|_| ()).ok_or(Error::NotFound)
        })
    }
}

pub(crate) mod http {
    //! `playhouse:tool/http`.
    use super::current;
    pub(crate) use crate::bindings::playhouse::tool::http::{Error, ErrorKind, Request, Response};

    pub(crate) fn fetch(request: &Request) -> Result<Response, Error> {
        current("http", |state| {
            let Request { method, url, headers, body, secrets } = request.clone();
            state.sent.push(super::super::Sent { method, url, headers, body, secrets });
            let refuse = |message: String| Error { kind: ErrorKind::NotGranted, message };
            if let Some(name) = request.secrets.iter().find(|name| !state.secrets.contains_key(*name)) {
                return Err(refuse(format!("secret `{name}` is not granted")));
            }
            let page = state.pages.get(&request.url);
            let page =
                page.ok_or_else(|| refuse("not granted (in a test: `Host::answer_http`)".to_owned()))?;
            let crate::http::Response { status, headers, body, truncated, mut url } = page.clone();
            if url.is_empty() {
                url.clone_from(&request.url);
            }
            Ok(Response { status, headers, body, truncated, url })
        })
    }
}

pub(crate) mod secrets {
    //! `playhouse:tool/secrets`.
    use super::current;
    use sha2::{Digest, Sha256};

    /// Bytes of a block of SHA-256.
    const BLOCK: usize = 64;

    pub(crate) fn is_granted(name: &str) -> bool {
        current("secrets", |state| state.secrets.contains_key(name))
    }

    pub(crate) fn hmac_sha256(name: &str, payload: &[u8]) -> Result<Vec<u8>, String> {
        let secret = current("secrets", |state| state.secrets.get(name).cloned());
        let secret = secret.ok_or("not granted (in a test: `Host::secret`)")?;
        let mut key = secret.into_bytes();
        if key.len() > BLOCK {
            key = Sha256::digest(&key).to_vec();
        }
        key.resize(BLOCK, 0);
        let padded = |pad: u8| key.iter().map(|byte| byte ^ pad).collect::<Vec<_>>();
        let inner = Sha256::digest([&padded(0x36), payload].concat());
        Ok(Sha256::digest([&padded(0x5c)[..], &inner[..]].concat()).to_vec())
    }
}

pub(crate) mod tools {
    //! `playhouse:tool/tools`.
    use super::current;
    pub(crate) use crate::bindings::playhouse::tool::tools::Error;

    pub(crate) fn call(name: &str, arguments: &str) -> Result<String, Error> {
        let answer = current("tools", |state| state.tools.get(name).cloned());
        let error = |kind: &str, message: String, retry_after_ms| Error {
            kind: kind.to_owned(),
            message,
            retry_after_ms,
        };
        let answer = answer.ok_or_else(|| {
            error("denied", "not granted (in a test: `Host::answer_tool`)".to_owned(), None)
        })?;
        answer(arguments).map_err(|wrong| {
            let kind = match wrong.kind {
                crate::Kind::InvalidInput => "invalid-input",
                crate::Kind::Denied => "denied",
                crate::Kind::NotFound => "not-found",
                crate::Kind::Conflict => "conflict",
                crate::Kind::Unavailable => "unavailable",
                crate::Kind::Failed => "failed",
            };
            error(kind, wrong.message, wrong.retry_after_ms)
        })
    }
}

pub(crate) mod model {
    //! `playhouse:tool/model`.
    use super::current;

    pub(crate) fn ask(instructions: &str, prompt: &str, _tokens_max: u32) -> Result<String, String> {
        let answer = current("model", |state| state.model.clone());
        answer.ok_or("not granted (in a test: `Host::answer_model`)")?(instructions, prompt)
    }
}

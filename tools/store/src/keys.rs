//! Keys: made, kept where only their owner can read them, never printed.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use minisign::{KeyPair, PublicKey, SecretKeyBox};
use zeroize::Zeroizing;

use crate::bounds::KEY_BYTES_MAX;

/// The environment variable that may hold the passphrase of a secret key.
pub const PASSPHRASE_VARIABLE: &str = "PLAYHOUSE_SIGNING_PASSPHRASE";

/// Letters of a public key's line.
const PUBLIC_LETTERS: usize = 56;
/// "Ed", the only kind of key.
const KIND: &[u8] = b"Ed";

/// The words that protect a secret key.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// These words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(Zeroizing::new(words.into()))
    }

    /// What [`PASSPHRASE_VARIABLE`] holds; `None` if it is not set, or empty.
    pub fn from_env() -> Option<Self> {
        std::env::var(PASSPHRASE_VARIABLE).ok().filter(|words| !words.is_empty()).map(Self::new)
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// A secret key, ready to sign. Prints as its id.
pub struct SecretKey {
    key: minisign::SecretKey,
}

impl std::fmt::Debug for SecretKey {
    // That of minisign prints the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey({})", self.id())
    }
}

/// Why a key cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Reading or writing failed.
    #[error("cannot {doing} the key file {}", path.display())]
    File {
        /// `read` or `write`.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A key is there already; replacing it would make every signature of it worthless.
    #[error("{} exists; choose another name, or move it away first", .0.display())]
    Exists(PathBuf),
    /// Others can read the secret key.
    #[error(
        "others can read the secret key {} (mode {mode:o}); run `chmod 600` on it, and make a new key if anybody \
         may have copied it",
        path.display()
    )]
    Readable {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The key is protected, and no passphrase was given.
    #[error("the secret key {} is protected; put its passphrase into {PASSPHRASE_VARIABLE}", .0.display())]
    Protected(PathBuf),
    /// The passphrase is not the key's.
    #[error("the passphrase in {PASSPHRASE_VARIABLE} is not that of the secret key {}", .0.display())]
    WrongPassphrase(PathBuf),
    /// It is the half that everybody may have.
    #[error("{} is a public key, with which nobody can sign; the secret one is beside it, and ends in `.key`", .0.display())]
    Public(PathBuf),
    /// The file is no key.
    #[error("{} is not a secret key of minisign", .0.display())]
    NoKey(PathBuf),
    /// The machine gave no randomness.
    #[error("no key could be made: {0}")]
    Failed(String),
}

/// A pair of keys that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The id of both.
    pub id: String,
    /// The secret key: mode 0600.
    pub secret: PathBuf,
    /// The public key, to be given away.
    pub public: PathBuf,
    /// The line of the public key, for a trust list.
    pub line: String,
}

/// Makes a pair of keys: `<stem>.key` and `<stem>.pub`. Without a passphrase the secret key is protected by the
/// permissions of its file alone.
///
/// # Errors
/// [`KeyError::Exists`] if one of the files is there; otherwise if they cannot be written.
pub fn keygen(stem: &Path, passphrase: Option<&Passphrase>) -> Result<Made, KeyError> {
    let failed = |error: minisign::PError| KeyError::Failed(error.to_string());
    let pair = match passphrase {
        Some(Passphrase(words)) => KeyPair::generate_encrypted_keypair(Some(String::clone(words))),
        None => KeyPair::generate_unencrypted_keypair(),
    };
    let KeyPair { pk, sk } = pair.map_err(failed)?;
    let id = key_id(pk.keynum());
    let comment = format!("secret key {id} of a publisher of Playhouse tools");
    let text = Zeroizing::new(sk.to_box(Some(&comment)).map_err(failed)?.into_string());
    let with = |extension: &str| {
        let mut name = stem.as_os_str().to_owned();
        name.push(extension);
        PathBuf::from(name)
    };
    let (secret, public) = (with(".key"), with(".pub"));
    // Looked for before anything is written, so that no half of a pair stays behind.
    if let Some(there) = [&public, &secret].into_iter().find(|path| path.exists()) {
        return Err(KeyError::Exists(there.clone()));
    }
    write(&secret, 0o600, text.as_bytes())?;
    let shown = pk.to_box().map_err(failed)?.into_string();
    write(&public, 0o644, shown.as_bytes())?;
    Ok(Made { id, secret, public, line: pk.to_base64() })
}

fn write(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), KeyError> {
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    })();
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists(path.into()),
        _ => KeyError::File { doing: "write", path: path.into(), source },
    })
}

impl SecretKey {
    /// Reads a secret key of ours or of minisign.
    ///
    /// # Errors
    /// [`KeyError`], among them that others can read the file.
    pub fn open(path: &Path, passphrase: Option<&Passphrase>) -> Result<Self, KeyError> {
        let file = |source| KeyError::File { doing: "read", path: path.into(), source };
        let mut text = Zeroizing::new(String::new());
        let opened = File::open(path).map_err(file)?;
        let mode = opened.metadata().map_err(file)?.permissions().mode() & 0o7777;
        opened.take(KEY_BYTES_MAX).read_to_string(&mut text).map_err(file)?;
        if public(&text).is_some() {
            return Err(KeyError::Public(path.into()));
        }
        if mode & 0o077 != 0 {
            return Err(KeyError::Readable { path: path.into(), mode });
        }
        let boxed = |text: &str| SecretKeyBox::from_string(text).map_err(|_| KeyError::NoKey(path.into()));
        if let Ok(key) = boxed(&text)?.into_unencrypted_secret_key() {
            return Ok(Self { key });
        }
        if !is_protected(&text) {
            return Err(KeyError::NoKey(path.into()));
        }
        let Some(Passphrase(words)) = passphrase else { return Err(KeyError::Protected(path.into())) };
        let key = boxed(&text)?.into_secret_key(Some(String::clone(words)));
        key.map(|key| Self { key }).map_err(|_| KeyError::WrongPassphrase(path.into()))
    }

    /// Its id, as minisign prints it.
    pub fn id(&self) -> String {
        key_id(self.key.keynum())
    }

    /// The line of its public key, for a trust list.
    pub fn public_line(&self) -> String {
        let public = PublicKey::from_secret_key(&self.key).expect("a secret key holds its public half");
        public.to_base64()
    }

    pub(crate) fn inner(&self) -> &minisign::SecretKey {
        &self.key
    }
}

/// Whether the key's line says that a passphrase protects it.
fn is_protected(text: &str) -> bool {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let line = text.lines().nth(1).unwrap_or_default();
    STANDARD.decode(line.trim()).is_ok_and(|bytes| bytes.get(2..4) == Some(b"Sc"))
}

/// Reads a public key: its line, or a whole `.pub` file. `None`: it is none.
pub(crate) fn public(text: &str) -> Option<PublicKey> {
    let line =
        text.lines().map(str::trim).find(|line| line.len() == PUBLIC_LETTERS && !line.contains(' '))?;
    PublicKey::from_base64(line).ok().filter(|key| key.to_bytes().starts_with(KIND))
}

/// The id of a key, as minisign prints it: the number in its eight bytes, least byte first.
pub(crate) fn key_id(bytes: &[u8]) -> String {
    bytes.iter().rev().map(|byte| format!("{byte:02X}")).collect()
}

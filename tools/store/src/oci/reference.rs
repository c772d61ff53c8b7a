//! `registry/repository:tag` and `registry/repository@sha256:…`.

use crate::{claims::is_sha256, source::is_loopback};

/// Letters of the longest reference: what registries take.
const REFERENCE_BYTES_MAX: usize = 255;
/// Letters of the longest tag, by the specification.
const TAG_BYTES_MAX: usize = 128;

/// An artifact in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    repository: String,
    pin: Pin,
}

/// Which of a repository's artifacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pin {
    /// The one that this tag names at the moment.
    Tag(String),
    /// The one whose manifest has this SHA-256, in hex.
    Digest(String),
}

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`oci://{text}` is not understood: {why}; write `oci://registry.example/team/tool:1.2.3` or `…@sha256:<hex>`"
)]
pub struct BadReference {
    text: String,
    why: &'static str,
}

impl Reference {
    /// Reads what stands behind `oci://`. Pure, and safe with any text.
    ///
    /// # Errors
    /// [`BadReference`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, BadReference> {
        let shown = text.chars().filter(|c| !c.is_control()).take(REFERENCE_BYTES_MAX).collect();
        Self::read(text).map_err(|why| BadReference { text: shown, why })
    }

    fn read(text: &str) -> Result<Self, &'static str> {
        if text.len() > REFERENCE_BYTES_MAX {
            return Err("it is too long");
        }
        let (registry, rest) = text.split_once('/').ok_or("it names no repository")?;
        let (repository, pin) = match rest.split_once('@') {
            Some((repository, digest)) => {
                let hex = digest.strip_prefix("sha256:").filter(|hex| is_sha256(hex));
                (repository, Pin::Digest(hex.ok_or("behind `@` there is no sha256 digest")?.to_owned()))
            }
            None => {
                // Which one is the latest changes without anybody saying so.
                let (repository, tag) = rest.split_once(':').ok_or("it has no tag and no digest")?;
                (repository, Pin::Tag(is_tag(tag).then_some(tag).ok_or("its tag is not one")?.to_owned()))
            }
        };
        if !is_registry(registry) {
            return Err("its registry is no host, or host and port");
        }
        let is_repository = !repository.is_empty() && repository.split('/').all(is_component);
        if !is_repository {
            return Err("its repository is not of a-z and 0-9, with single . _ - between and / as separator");
        }
        Ok(Self { registry: registry.into(), repository: repository.into(), pin })
    }

    /// Host and perhaps port.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path in the registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Tag or digest.
    pub fn pin(&self) -> &Pin {
        &self.pin
    }

    /// The same artifact by its digest.
    #[must_use]
    pub fn pinned(&self, sha256: &str) -> Self {
        Self { pin: Pin::Digest(sha256.into()), ..self.clone() }
    }

    /// What the registry calls it in its addresses.
    pub(crate) fn name(&self) -> String {
        match &self.pin {
            Pin::Tag(tag) => tag.clone(),
            Pin::Digest(hex) => format!("sha256:{hex}"),
        }
    }

    /// `https`, and `http` for registries on this machine, which have no certificate as a rule.
    pub(crate) fn base(&self) -> String {
        let host = match self.registry.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => &self.registry,
        };
        let scheme = if is_loopback(host) { "http" } else { "https" };
        format!("{scheme}://{}/v2/", self.registry)
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (registry, repository) = (&self.registry, &self.repository);
        match &self.pin {
            Pin::Tag(tag) => write!(f, "oci://{registry}/{repository}:{tag}"),
            Pin::Digest(hex) => write!(f, "oci://{registry}/{repository}@sha256:{hex}"),
        }
    }
}

fn is_registry(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => match port.strip_prefix(':') {
            Some(port) => (address, Some(port)),
            None if port.is_empty() => (address, None),
            None => return false,
        },
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let is_host = if text.starts_with('[') {
        host.parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        host.starts_with(|c: char| c.is_ascii_alphanumeric()) && host.chars().all(plain)
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    is_host && port.is_none_or(is_port)
}

fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=TAG_BYTES_MAX).contains(&text.len())
        && text.starts_with(word)
        && text.chars().all(|c| word(c) || matches!(c, '.' | '-'))
}

/// One part of a repository's path: letters and digits, with separators between them.
fn is_component(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separated =
        !text.contains("..") && !text.contains("___") && !text.contains("._") && !text.contains("_.");
    text.starts_with(letter)
        && text.ends_with(letter)
        && text.chars().all(|c| letter(c) || matches!(c, '.' | '_' | '-'))
        && is_separated
}

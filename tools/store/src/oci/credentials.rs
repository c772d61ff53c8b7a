//! User and password for registries: from docker's configuration file or the environment, never printed.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    bounds::CREDENTIALS_BYTES_MAX,
    disk::{self, FileError},
};

/// The environment variable that may hold credentials for one registry: `registry.example=user:password`. It names the
/// registry, so that they go to no other.
pub const CREDENTIALS_VARIABLE: &str = "PLAYHOUSE_REGISTRY_AUTH";

/// Who we are to which registry.
#[derive(Clone, Default)]
pub struct Credentials {
    by_registry: BTreeMap<String, Login>,
    /// Credentials are with a program that is not asked.
    with_helper: bool,
}

#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: Zeroizing<String>,
}

/// Why credentials cannot be used. Never repeats them.
#[derive(Debug, thiserror::Error)]
pub enum BadCredentials {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another form.
    #[error("{place}: {why}")]
    Form {
        /// The file or variable.
        place: String,
        /// What is wrong.
        why: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Docker {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
    creds_store: Option<String>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Auth {
    #[serde(default)]
    auth: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
}

impl Credentials {
    /// Nobody to everybody.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads a docker configuration (`{"auths": {"registry.example": {"auth": "…"}}}`). Pure, and safe with any bytes.
    ///
    /// # Errors
    /// What is wrong with its form, without repeating any of it.
    pub fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() as u64 > CREDENTIALS_BYTES_MAX {
            return Err("it is too long for a docker configuration");
        }
        // The parser's own words could repeat a password.
        let docker: Docker =
            serde_json::from_slice(bytes).map_err(|_| "it is not JSON of a docker configuration")?;
        let with_helper = docker.creds_store.is_some() || !docker.cred_helpers.is_empty();
        let mut by_registry = BTreeMap::new();
        for (registry, auth) in docker.auths {
            if let Some(login) = auth.login()? {
                by_registry.insert(host(&registry).to_owned(), login);
            }
        }
        Ok(Self { by_registry, with_helper })
    }

    /// From `file`, or else from where docker keeps them (`$DOCKER_CONFIG/config.json`, `~/.docker/config.json`), and
    /// from [`CREDENTIALS_VARIABLE`], which comes first. A file that is not there has none.
    ///
    /// # Errors
    /// [`BadCredentials`] names the place.
    pub fn load(file: Option<&Path>) -> Result<Self, BadCredentials> {
        let form = |place: String| move |why| BadCredentials::Form { place, why };
        let mut all = match file.map(Path::to_owned).or_else(docker_file) {
            None => Self::none(),
            Some(path) => match disk::read(&path, CREDENTIALS_BYTES_MAX)?.map(Zeroizing::new) {
                Some(bytes) => Self::parse(&bytes).map_err(form(path.display().to_string()))?,
                None => Self::none(),
            },
        };
        if let Ok(text) = std::env::var(CREDENTIALS_VARIABLE).map(Zeroizing::new) {
            all.add(&text).map_err(form(CREDENTIALS_VARIABLE.into()))?;
        }
        Ok(all)
    }

    /// Adds `registry.example=user:password`.
    ///
    /// # Errors
    /// What form it should have.
    pub fn add(&mut self, text: &str) -> Result<(), &'static str> {
        let parts =
            text.split_once('=').and_then(|(registry, login)| Some((registry, login.split_once(':')?)));
        let Some((registry, (user, password))) = parts else {
            return Err("it is not of the form `registry.example=user:password`");
        };
        let login = Login { user: user.into(), password: Zeroizing::new(password.into()) };
        self.by_registry.insert(host(registry).to_owned(), login);
        Ok(())
    }

    pub(crate) fn of(&self, registry: &str) -> Option<&Login> {
        self.by_registry.get(registry)
    }

    /// What to say to somebody who is refused by `registry`.
    pub(crate) fn advice(&self, registry: &str) -> String {
        let put = format!("put `{registry}=user:password` into {CREDENTIALS_VARIABLE}");
        match self.of(registry) {
            Some(login) => format!("`{}` may not do this there, or the password is wrong", login.user),
            None if self.with_helper => format!("docker's credential helpers are not asked; {put}"),
            None => format!("run `docker login {registry}`, or {put}"),
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials for {:?}", self.by_registry.keys())
    }
}

impl Auth {
    fn login(self) -> Result<Option<Login>, &'static str> {
        let wrong = "an `auth` in it is not base64 of `user:password`; run `docker login` again";
        let password = self.password.map(Zeroizing::new);
        if let Some(auth) = self.auth.map(Zeroizing::new).filter(|auth| !auth.is_empty()) {
            let bytes = Zeroizing::new(STANDARD.decode(auth.as_bytes()).map_err(|_| wrong)?);
            let text = str::from_utf8(&bytes).map_err(|_| wrong)?;
            let (user, password) = text.split_once(':').ok_or(wrong)?;
            return Ok(Some(Login { user: user.into(), password: Zeroizing::new(password.into()) }));
        }
        Ok(self.username.zip(password).map(|(user, password)| Login { user, password }))
    }
}

/// Docker writes some registries as addresses.
fn host(registry: &str) -> &str {
    let bare = registry.strip_prefix("https://").or(registry.strip_prefix("http://")).unwrap_or(registry);
    bare.split('/').next().unwrap_or(bare)
}

fn docker_file() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("DOCKER_CONFIG").or_else(|| set("HOME").map(|home| home.join(".docker")));
    folder.map(|folder| folder.join("config.json"))
}

//! What an operator writes about tools, and what it means for the host that runs them.
//!
//! ```toml
//! [tools.issues]
//! component = "issues.wasm"
//! stores = ["notes"]
//! folders.docs = { path = "/srv/docs" }
//! http.rules = [{ origin = "https://api.example.com", paths = ["/repos"] }]
//! secrets.gh = { origin = "https://api.example.com", header = "authorization", format = "Bearer {}" }
//!
//! [secrets]
//! gh = { env = "GITHUB_TOKEN" }
//!
//! [stores]
//! notes = { quota_mib = 16 }
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use playhouse_core::{
    egress::HttpGrant,
    grant::{Access, Bounds, Capability, LabelRule, ModelGrant},
    tool::EffectClass,
};
use playhouse_ports::egress::Secret;
use playhouse_tools_host::{Allow, FolderConfig, SecretHeader, SecretUse, StoreConfig};
use playhouse_tools_http::check_attach;
use serde::Deserialize;

use crate::config::{BadConfig, Config};

/// What may lie in a folder or a table when nothing is said: enough for notes and documents, and no disk is full of it.
const QUOTA_MIB: u64 = 64;

/// One tool.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolEntry {
    /// The component.
    pub component: PathBuf,
    /// The most harmless class the operator believes it capable of; what its imports prove when not set.
    pub effect: Option<EffectClass>,
    /// Tables it may be granted for reading.
    #[serde(default)]
    pub tables: Vec<String>,
    /// Tables it may be granted for writing, of `[stores]`.
    #[serde(default)]
    pub stores: Vec<String>,
    /// Folders it may use, by the name with which their paths begin.
    #[serde(default)]
    pub folders: BTreeMap<String, FolderEntry>,
    /// Requests it may send.
    #[serde(default)]
    pub http: HttpGrant,
    /// Secrets it may have used, of `[secrets]`.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretGrant>,
    /// Tools it may call.
    #[serde(default)]
    pub tools: BTreeSet<String>,
    /// How far it may ask the model of the task that calls it.
    pub model: Option<ModelGrant>,
    /// How much one call may reach.
    #[serde(default)]
    pub per_call: Bounds,
    /// How much all of its calls in one task may reach.
    #[serde(default)]
    pub per_task: Bounds,
    /// Taken away of what every tool may have.
    #[serde(default)]
    pub without: BTreeSet<Capability>,
    /// What is withheld from calls whose values come from certain places.
    #[serde(default)]
    pub labels: Vec<LabelRule>,
}

/// A folder that a tool may use.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderEntry {
    /// Where it is.
    pub path: PathBuf,
    /// `read` or `write`.
    #[serde(default)]
    pub access: Access,
    /// MiB that may lie in it after a change.
    #[serde(default = "quota_mib")]
    pub quota_mib: u64,
}

/// A table that tools may write.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreEntry {
    /// MiB of the values of one tenant.
    #[serde(default = "quota_mib")]
    pub quota_mib: u64,
}

fn quota_mib() -> u64 {
    QUOTA_MIB
}

/// In bytes; what is more than any disk is no bound.
fn mib(mib: u64) -> u64 {
    mib.saturating_mul(1 << 20)
}

/// Where a secret comes from. A configuration holds none.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretEntry {
    /// An environment variable.
    Env(String),
    /// A file that holds it and nothing else; white space around it is dropped.
    File(PathBuf),
    /// Nowhere: grants are explained without it, and nothing is sent.
    #[serde(skip)]
    Unread,
}

/// What a tool may have done with a secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretGrant {
    /// Where it may be sent: a scheme, a host and a port. Not set: nowhere.
    pub origin: Option<String>,
    /// In which header.
    #[serde(default = "authorization")]
    pub header: String,
    /// As what: `{}` is the secret.
    #[serde(default = "bearer")]
    pub format: String,
    /// Whether requests may be signed with it.
    #[serde(default)]
    pub sign: bool,
}

fn authorization() -> String {
    "authorization".into()
}

fn bearer() -> String {
    "Bearer {}".into()
}

/// How requests of tools leave.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpEntry {
    /// `http://proxy.example:3128`; requests to private addresses do not use it. The environment's own settings are not
    /// looked at.
    pub proxy: Option<String>,
}

impl ToolEntry {
    /// Its paths, to be made relative to the file they stand in.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.component].into_iter().chain(self.folders.values_mut().map(|folder| &mut folder.path))
    }
}

impl SecretEntry {
    pub(crate) fn path(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::Env(_) | Self::Unread => None,
            Self::File(path) => Some(path),
        }
    }

    pub(crate) fn value(&self, name: &str) -> Result<Secret, BadConfig> {
        let bad = |problem: String| BadConfig::bare(format!("the secret `{name}` {problem}"));
        let value = match self {
            Self::Unread => "not read, only asked about".to_owned(),
            Self::Env(variable) => env::var(variable).map_err(|_| {
                bad(format!("is to come from the environment variable {variable}, which is not set: set it"))
            })?,
            Self::File(path) => fs::read_to_string(path)
                .map_err(|error| bad(format!("cannot be read from {}: {error}", path.display())))?
                .trim()
                .to_owned(),
        };
        if value.is_empty() { Err(bad("is empty".into())) } else { Ok(Secret::new(value)) }
    }
}

/// Whether everything that tools are given is there.
pub(crate) fn check(config: &Config) -> Result<(), String> {
    for (name, tool) in &config.tools {
        let missing = |kind: &str, what: &str| {
            Err(format!("tool `{name}` is given the {kind} `{what}`, but there is no [{kind}s.{what}]"))
        };
        if let Some(table) = tool.tables.iter().find(|table| !config.tables.contains_key(*table)) {
            return missing("table", table);
        }
        if let Some(store) = tool.stores.iter().find(|store| !config.stores.contains_key(*store)) {
            return missing("store", store);
        }
        if let Some(command) = tool.tools.iter().find(|callee| config.command.contains_key(*callee)) {
            return Err(format!(
                "tool `{name}` may call `{command}`, which is a command: components call components only"
            ));
        }
        for (secret, grant) in &tool.secrets {
            if !config.secrets.contains_key(secret) {
                return missing("secret", secret);
            }
            if grant.origin.is_none() && !grant.sign {
                return Err(format!(
                    "tool `{name}` may do nothing with the secret `{secret}`: set `origin`, or `sign = true`"
                ));
            }
            if !grant.format.contains("{}") {
                return Err(format!(
                    "tool `{name}`: `format` of the secret `{secret}` has no `{{}}`, where the secret would go"
                ));
            }
        }
    }
    if let Some(both) = config.stores.keys().find(|name| config.tables.contains_key(*name)) {
        return Err(format!("[tables.{both}] and [stores.{both}] have one name: rename one"));
    }
    Ok(())
}

/// What an operator may have meant otherwise: a submission can bring any label, so none is wrong by itself.
pub(crate) fn warnings(config: &Config) -> Vec<String> {
    let is_tool = |label: &str| config.tools.contains_key(label) || config.command.contains_key(label);
    let rules =
        config.tools.iter().flat_map(|(name, tool)| tool.labels.iter().map(move |rule| (name, &rule.label)));
    let unlike = rules.filter(|(_, label)| is_tool(label));
    unlike
        .map(|(name, label)| {
            format!("tool `{name}`: its rule for the label `{label}` is not about the tool `{label}`, whose label is `tool:{label}`")
        })
        .collect()
}

/// What `tool` is allowed, with its secrets read. Tables of tenants lie in `stores`.
pub(crate) fn allow(config: &Config, tool: &ToolEntry, stores: &Path) -> Result<Allow, BadConfig> {
    let store = |name: &String| {
        let quota_bytes = mib(config.stores[name].quota_mib);
        (name.clone(), StoreConfig { folder: stores.join(name), quota_bytes })
    };
    let folder = |(name, folder): (&String, &FolderEntry)| {
        let FolderEntry { path, access, quota_mib } = folder.clone();
        (name.clone(), FolderConfig { path, access, quota_bytes: mib(quota_mib) })
    };
    let secret = |(name, grant): (&String, &SecretGrant)| {
        let SecretGrant { origin, header, format, sign } = grant.clone();
        let header = origin.map(|origin| SecretHeader { origin, header, format });
        let secret = SecretUse { value: config.secrets[name].value(name)?, header, sign };
        secret.attach().map_or(Ok(()), |attach| check_attach(&attach)).map_err(BadConfig::bare)?;
        Ok((name.clone(), secret))
    };
    Ok(Allow {
        without: tool.without.clone(),
        stores: tool.stores.iter().map(store).collect(),
        folders: tool.folders.iter().map(folder).collect(),
        http: tool.http.clone(),
        secrets: tool.secrets.iter().map(secret).collect::<Result<_, _>>()?,
        tools: tool.tools.clone(),
        model: tool.model,
        per_call: tool.per_call,
        per_task: tool.per_task,
        labels: tool.labels.clone(),
    })
}

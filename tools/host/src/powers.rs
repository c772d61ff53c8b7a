//! What an operator allows one tool, opened and ready to be handed out; and what of it an agent and a call get.
//!
//! ```text
//!   asked for (imports) ∩ allowed (operator) ∩ granted (agent) ∩ permitted (labels)  =  Given
//!        at load ───────────────┘                │                    │
//!        when an agent is read ──────────────────┘                    │
//!        at every call ───────────────────────────────────────────────┘
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use playhouse_core::egress::HttpGrant;
use playhouse_core::grant::{Access, Bounds, Capability, LabelRule, ModelGrant};
use playhouse_core::id::Tenant;
use playhouse_core::labels::Labels;
use playhouse_core::tool::{Grant, ToolError, ToolErrorKind, ToolRequest};
use playhouse_ports::ToolCaller;
use playhouse_ports::egress::Granted;
use playhouse_tools_disk::{Folder, Store};
use playhouse_tools_policy::Allowed;

use crate::config::{StoreConfig, Table, ToolConfig};
use crate::error::LoadError;
use crate::given::{Given, Keys};
use crate::imports::Import;
use crate::meant::meant;
use crate::secrets::SecretUse;
use crate::shelf::Shelf;

/// What sentences call the two parties.
const OPERATOR: &str = "operator";
const AGENT: &str = "agent";

/// What an operator allows one tool.
pub(crate) struct Powers {
    tool: String,
    without: BTreeSet<Capability>,
    tables: BTreeMap<String, Arc<Table>>,
    stores: BTreeMap<String, StoreConfig>,
    /// Tables of tenants, once they were used. At most one for each table and tenant.
    open: Mutex<BTreeMap<PathBuf, Arc<Store>>>,
    folders: BTreeMap<String, (Arc<Folder>, Access)>,
    http: HttpGrant,
    secrets: BTreeMap<String, Arc<SecretUse>>,
    tools: BTreeSet<String>,
    model: Option<ModelGrant>,
    per_call: Bounds,
    per_task: Bounds,
    labels: Vec<LabelRule>,
    has_egress: bool,
}

impl Powers {
    /// Opens what `config` allows. `tool` is what errors call it.
    pub(crate) fn open(tool: &str, config: ToolConfig, has_egress: bool) -> Result<Self, LoadError> {
        let ToolConfig { tables, allow, .. } = config;
        let bad = |reason: String| LoadError::BadGrant { tool: tool.to_owned(), reason };
        let http = Allowed::by(OPERATOR, &allow.http).map_err(|error| bad(error.to_string()))?;
        if let Some(capability) = allow.without.iter().find(|capability| !capability.is_harmless()) {
            let name = capability.name();
            return Err(bad(format!(
                "`without` names `{name}`, which no tool has unless you grant it: leave it out"
            )));
        }
        if let Some(both) = tables.keys().find(|name| allow.stores.contains_key(*name)) {
            return Err(bad(format!("there are two tables called `{both}`: rename one")));
        }
        meant(&allow, &http).map_err(bad)?;
        let mut folders = BTreeMap::new();
        for (name, folder) in allow.folders {
            let opened = Folder::open(&folder.path, folder.quota_bytes).map_err(|error| {
                bad(format!("its folder `{name}` cannot be used: {}: {error}", folder.path.display()))
            })?;
            folders.insert(name, (Arc::new(opened), folder.access));
        }
        Ok(Self {
            tool: tool.to_owned(),
            without: allow.without,
            tables: tables.into_iter().map(|(name, table)| (name, Arc::new(table))).collect(),
            stores: allow.stores,
            open: Mutex::default(),
            folders,
            http: allow.http,
            secrets: allow.secrets.into_iter().map(|(name, secret)| (name, Arc::new(secret))).collect(),
            tools: allow.tools,
            model: allow.model,
            per_call: allow.per_call,
            per_task: allow.per_task,
            labels: allow.labels,
            has_egress,
        })
    }

    /// Why the operator does not allow `capability`: what to do about it.
    pub(crate) fn refuses(&self, capability: Capability) -> Option<&'static str> {
        let refused = |is_allowed: bool, remedy| (!is_allowed).then_some(remedy);
        match capability {
            harmless if harmless.is_harmless() => {
                refused(!self.without.contains(&harmless), "take it out of `without`, or remove the tool")
            }
            Capability::Kv => refused(
                !self.tables.is_empty() || !self.stores.is_empty(),
                "give it a table in the configuration, or remove the tool",
            ),
            Capability::KvWrite => refused(
                !self.stores.is_empty(),
                "give it a table that it may write (`stores`), or remove the tool",
            ),
            Capability::Files => {
                refused(!self.folders.is_empty(), "grant it a folder (`folders`), or remove the tool")
            }
            Capability::FilesWrite => refused(
                self.folders.values().any(|(_, access)| *access == Access::Write),
                "grant it a folder with `access = \"write\"`, or remove the tool",
            ),
            Capability::Http if self.http.rules.is_empty() => {
                Some("grant it places to send requests to (`http`), or remove the tool")
            }
            Capability::Http => refused(self.has_egress, "this host sends no requests for tools"),
            Capability::Secrets => {
                refused(!self.secrets.is_empty(), "grant it a secret (`secrets`), or remove the tool")
            }
            Capability::Tools => {
                refused(!self.tools.is_empty(), "name the tools it may call (`tools`), or remove it")
            }
            _ => refused(
                self.model.is_some(),
                "let it ask the model of the task (`model`), or remove the tool",
            ),
        }
    }

    /// Whether nothing in the world can be changed through what is allowed of `capability`.
    pub(crate) fn only_reads(&self, capability: Capability) -> bool {
        let reads = |rule: &playhouse_core::egress::HttpRule| {
            rule.methods.iter().all(|method| matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS"))
        };
        match capability {
            Capability::Http => self.http.rules.iter().all(reads),
            other => other.only_reads(),
        }
    }

    /// Tools that it may call.
    pub(crate) fn tools(&self) -> impl Iterator<Item = &String> {
        self.tools.iter()
    }

    /// What the operator lets it have done with that secret.
    pub(crate) fn secret(&self, name: &str) -> Option<&SecretUse> {
        self.secrets.get(name).map(|secret| &**secret)
    }

    /// How many rules the operator has about requests.
    pub(crate) fn http_rules(&self) -> usize {
        self.http.rules.len()
    }

    /// Why `capability` is withheld from calls with `labels`, if it is.
    pub(crate) fn withheld_for(&self, capability: Capability, labels: &Labels) -> Option<String> {
        let label = self.labels.iter().find_map(|rule| rule.withholds(capability, labels))?;
        let name = capability.name();
        Some(format!("`{name}` is withheld, because something in this task comes from `{label}`"))
    }

    /// From where nothing may come for `capability` to be had, in a sentence.
    pub(crate) fn unless(&self, capability: Capability) -> Option<String> {
        let rules = self.labels.iter().filter(|rule| rule.without.contains(&capability));
        let from = listed(rules.map(|rule| &rule.label));
        (!from.is_empty()).then(|| format!("unless something in the task comes from {from}"))
    }

    /// How much one call may reach, and how much all of them in a task.
    pub(crate) fn bounds_of(&self, grant: &Grant) -> [(&'static str, Bounds); 2] {
        [("per_call", self.per_call.and(grant.per_call)), ("per_task", self.per_task.and(grant.per_task))]
    }

    /// Whether a path may be used so, and by whose word.
    pub(crate) fn path(&self, path: &str, access: Access, grant: &Grant) -> Result<String, String> {
        let root = path.split('/').next().unwrap_or_default();
        if path.split('/').any(|part| part == "..") {
            return Err(format!("`{path}` leads out of its folder: write it without `..`"));
        }
        let word = if access == Access::Write { "changed" } else { "read" };
        let Some((_, most)) = self.folders.get(root) else {
            return Err(format!(
                "there is no folder `{root}` for this tool; there are {}",
                listed(self.folders.keys())
            ));
        };
        if *most < access {
            return Err(format!("the operator lets the folder `{root}` be read, and not be changed"));
        }
        match grant.folders.as_ref().map(|folders| folders.get(root)) {
            None => {
                Ok(format!("the operator lets the folder `{root}` be {word}, and the agent narrows nothing"))
            }
            Some(Some(granted)) if *granted >= access => {
                Ok(format!("the operator lets the folder `{root}` be {word}, and so does the agent"))
            }
            Some(Some(_)) => Err(format!("the agent lets the folder `{root}` be read, and not be changed")),
            Some(None) => Err(format!("the agent does not grant the folder `{root}`")),
        }
    }

    /// The folders that an agent leaves of those the operator allows, in a sentence.
    pub(crate) fn folders_of(&self, capability: Capability, grant: &Grant) -> String {
        let needed = if capability == Capability::FilesWrite { Access::Write } else { Access::Read };
        let left = self.folders.keys().filter(|name| self.path(name, needed, grant).is_ok());
        match listed(left) {
            none if none.is_empty() => "in no folder: the agent leaves none".to_owned(),
            names => format!("in {names}"),
        }
    }

    /// Secrets that it may use: name and value.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.secrets.iter().map(|(name, secret)| (name.as_str(), secret.value.expose()))
    }

    /// Whether the operator allows all that `grant` of an agent names, and all is granted that must be named.
    pub(crate) fn permits(&self, imports: &[Import], grant: &Grant) -> Result<(), ToolError> {
        self.table_of(imports, grant)?;
        if let Some(http) = &grant.http {
            Allowed::by(AGENT, http).map_err(|error| self.denied(error.to_string()))?;
        }
        for (name, access) in grant.folders.iter().flatten() {
            match self.folders.get(name) {
                Some((_, most)) if access <= most => {}
                Some(_) => {
                    return Err(self.denied(format!("may read the folder `{name}`, and not change it")));
                }
                None => return Err(self.unknown("folder", name, self.folders.keys())),
            }
        }
        let mut secrets = grant.secrets.iter().flatten();
        if let Some(name) = secrets.find(|name| !self.secrets.contains_key(*name)) {
            return Err(self.unknown("secret", name, self.secrets.keys()));
        }
        if grant.model.is_some() && self.model.is_none() {
            return Err(self.denied("may not ask a model, and the agent grants it that".to_owned()));
        }
        let mut tools = grant.tools.iter().flatten();
        match tools.find(|name| !self.tools.contains(*name)) {
            Some(name) => Err(self.unknown("tool to call", name, self.tools.iter())),
            None => Ok(()),
        }
    }

    /// What a call gets: `None` for a tool that imports nothing.
    pub(crate) fn given(
        &self,
        imports: &[Import],
        request: &ToolRequest,
        caller: &Arc<dyn ToolCaller>,
        shelf: &Arc<Shelf>,
        depth: u32,
    ) -> Result<Option<Arc<Given>>, ToolError> {
        if imports.is_empty() {
            return Ok(None);
        }
        let grant = &request.grant;
        let withheld = self.withheld(imports, request);
        let has = |capability| !withheld.contains_key(&capability);
        let table = match self.table_of(imports, grant)? {
            Some(Wanted::Fixed(table)) => Some(Keys::Fixed(table)),
            Some(Wanted::Store(store)) => Some(Keys::Kept(self.store(store, &request.tenant)?)),
            None => None,
        };
        let narrowed = |name: &String, most: Access| match &grant.folders {
            None => Some(most),
            Some(folders) => folders.get(name).map(|access| (*access).min(most)),
        };
        let folder = |(name, (folder, most)): (&String, &(Arc<Folder>, Access))| {
            let access = narrowed(name, *most)?;
            let access = if has(Capability::FilesWrite) { access } else { Access::Read };
            Some((name.clone(), (Arc::clone(folder), access)))
        };
        let is_granted = |name: &String, names: &Option<BTreeSet<String>>| {
            names.as_ref().is_none_or(|names| names.contains(name))
        };
        let secrets = self.secrets.iter().filter(|(name, _)| is_granted(name, &grant.secrets));
        let [(_, per_call), (_, per_task)] = self.bounds_of(grant);
        let is_tallied = depth == 0 && per_task != Bounds::default();
        let tools = self.tools.iter().filter(|name| is_granted(name, &grant.tools));
        Ok(Some(Arc::new(Given {
            request: Arc::new(request.clone()),
            table,
            folders: self.folders.iter().filter_map(folder).collect(),
            http: self.requests(grant),
            egress: shelf.egress.clone(),
            secrets: secrets.map(|(name, secret)| (name.clone(), Arc::clone(secret))).collect(),
            leaks: Arc::clone(&shelf.leaks),
            tools: tools.cloned().collect(),
            model: self.model_of(grant),
            caller: Arc::clone(caller),
            per_call,
            per_task,
            tally: is_tallied.then(|| shelf.tallies.join(request)),
            shelf: Arc::clone(shelf),
            depth,
            withheld,
        })))
    }

    /// How far an agent lets the model be asked, of what the operator allows.
    pub(crate) fn model_of(&self, grant: &Grant) -> Option<ModelGrant> {
        let most = self.model?;
        Some(grant.model.map_or(most, |model| most.and(model)))
    }

    /// Everyone who has a say about requests.
    pub(crate) fn requests(&self, grant: &Grant) -> Vec<Granted> {
        let operator = Granted { by: OPERATOR.to_owned(), grant: self.http.clone() };
        let agent = grant.http.clone().map(|grant| Granted { by: AGENT.to_owned(), grant });
        [Some(operator), agent].into_iter().flatten().collect()
    }

    fn withheld(&self, imports: &[Import], request: &ToolRequest) -> BTreeMap<Capability, String> {
        let why = |capability| Some((capability, self.withheld_for(capability, &request.labels)?));
        imports.iter().filter_map(|import| why(import.capability)).collect()
    }

    /// The table that `grant` opens to a tool with these imports: `None` if it uses none.
    fn table_of(&self, imports: &[Import], grant: &Grant) -> Result<Option<Wanted<'_>>, ToolError> {
        let has = |capability| imports.iter().any(|import| import.capability == capability);
        if !has(Capability::Kv) && !has(Capability::KvWrite) {
            return Ok(None);
        }
        let names = || self.tables.keys().chain(self.stores.keys());
        let Some(name) = &grant.table else {
            let known = listed(names());
            return Err(self.denied(format!("reads a table and was granted none: grant one of {known}")));
        };
        match (self.tables.get(name), self.stores.get_key_value(name)) {
            (Some(_), _) if has(Capability::KvWrite) => {
                let known = listed(self.stores.keys());
                Err(self.denied(format!("writes, and the table `{name}` is only read: grant one of {known}")))
            }
            (Some(table), _) => Ok(Some(Wanted::Fixed(Arc::clone(table)))),
            (None, Some(store)) => Ok(Some(Wanted::Store(store))),
            (None, None) => Err(self.unknown("table", name, names())),
        }
    }

    /// The table of one tenant.
    fn store(
        &self,
        (name, store): (&String, &StoreConfig),
        tenant: &Tenant,
    ) -> Result<Arc<Store>, ToolError> {
        // With a prefix, a tenant called `..` is a name like another.
        let path = store.folder.join(format!("t-{tenant}"));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = open.get(&path) {
            return Ok(Arc::clone(store));
        }
        let opened = Store::open(&path, store.quota_bytes).map_err(|error| {
            ToolError::new(ToolErrorKind::Upstream, format!("the table `{name}` cannot be opened: {error}"))
        })?;
        Ok(Arc::clone(open.entry(path).or_insert_with(|| Arc::new(opened))))
    }

    fn denied(&self, what: String) -> ToolError {
        ToolError::new(ToolErrorKind::Denied, format!("tool `{}` {what}", self.tool))
    }

    fn unknown<'a>(&self, kind: &str, name: &str, known: impl Iterator<Item = &'a String>) -> ToolError {
        let known = listed(known);
        let which = if known.is_empty() { "it has none".to_owned() } else { format!("grant one of {known}") };
        self.denied(format!("has no {kind} `{name}`: {which}"))
    }
}

/// A table that is granted.
enum Wanted<'a> {
    Fixed(Arc<Table>),
    Store((&'a String, &'a StoreConfig)),
}

/// Names in a sentence: `` `a`, `b` ``.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

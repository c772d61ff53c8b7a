//! Why a tool may do something or may not, in sentences.

use playhouse_core::grant::{Access, Bounds, Capability, Grant, ModelGrant};
use playhouse_core::labels::Labels;
use playhouse_core::tool::{Reach, ToolError, ToolErrorKind};
use playhouse_tools_policy::{Allowed, Decision, Target};
use serde::Serialize;

use crate::imports::Import;
use crate::powers::{Powers, listed};

/// What somebody wants to know about one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// What it may do at all.
    Everything,
    /// Whether it may send this request.
    Request {
        /// In capitals.
        method: String,
        /// The address.
        url: String,
    },
    /// Whether it may use this path.
    Path {
        /// As the tool would write it: `docs/a.txt`.
        path: String,
        /// How.
        access: Access,
    },
    /// Whether it may have this secret used.
    Secret(String),
    /// Whether it may call this tool.
    Tool(String),
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// What it is about: `http`, `GET https://api.example.com/`.
    pub about: String,
    /// Whether it may.
    pub granted: bool,
    /// Why, or why not, in a sentence without a full stop.
    pub why: String,
}

impl Powers {
    /// What a call with this grant of an agent and these labels may do.
    pub(crate) fn explain(
        &self,
        imports: &[Import],
        grant: &Grant,
        labels: &Labels,
        question: &Question,
    ) -> Result<Vec<Standing>, ToolError> {
        let capability = match question {
            Question::Everything => {
                let all = imports.iter().map(|import| self.standing(import.capability, grant, labels));
                return Ok(all.chain(self.bounds(imports, grant)).collect());
            }
            Question::Request { .. } => Capability::Http,
            Question::Path { access: Access::Read, .. } => Capability::Files,
            Question::Path { access: Access::Write, .. } => Capability::FilesWrite,
            Question::Secret(_) => Capability::Secrets,
            Question::Tool(_) => Capability::Tools,
        };
        let standing = |about: &str, granted, why| Standing { about: about.to_owned(), granted, why };
        let imported = |wanted| imports.iter().any(|import| import.capability == wanted);
        // A secret is sent by requests, without the tool importing anything else.
        let is_sent = matches!(question, Question::Secret(_)) && imported(Capability::Http);
        if !imported(capability) && !is_sent {
            let why = format!("the tool does not import `{}`, so it cannot even try", capability.name());
            return Ok(vec![standing(capability.name(), false, why)]);
        }
        let through = if imported(capability) { capability } else { Capability::Http };
        if let Some(why) = self.never(through, grant, labels) {
            return Ok(vec![standing(through.name(), false, why)]);
        }
        let (about, verdict) = match question {
            Question::Everything => unreachable!("answered above"),
            Question::Request { method, url } => {
                (format!("{method} {url}"), self.request(method, url, grant)?)
            }
            Question::Path { path, access } => (path.clone(), self.path(path, *access, grant)),
            Question::Secret(name) => (name.clone(), self.use_of(name, imported, grant)),
            Question::Tool(name) => {
                let has = self.tools().any(|tool| tool == name);
                (name.clone(), narrowed(name, has, grant.tools.as_ref().map(|tools| tools.contains(name))))
            }
        };
        let (granted, why) = match verdict {
            Ok(why) => (true, why),
            Err(why) => (false, why),
        };
        Ok(vec![standing(&about, granted, why)])
    }

    /// What becomes of a secret, and by whose word.
    fn use_of(
        &self,
        name: &str,
        imported: impl Fn(Capability) -> bool,
        grant: &Grant,
    ) -> Result<String, String> {
        let secret = self.secret(name);
        let why = narrowed(name, secret.is_some(), grant.secrets.as_ref().map(|names| names.contains(name)))?;
        let header = secret.and_then(|secret| secret.header.as_ref()).filter(|_| imported(Capability::Http));
        let sent = header.map(|sent| format!("to {} in the header `{}`", sent.origin, sent.header));
        let signs = secret.is_some_and(|secret| secret.sign) && imported(Capability::Secrets);
        match (sent, signs) {
            (Some(sent), true) => Ok(format!("{why}: the host sends it {sent}, and signs with it")),
            (Some(sent), false) => Ok(format!("{why}: the host sends it {sent}")),
            (None, true) => Ok(format!("{why}: the host signs with it")),
            (None, false) => Err(format!(
                "the operator allows `{name}`, but not for what the tool imports: it is sent through `http`, and signs \
                 through `secrets`"
            )),
        }
    }

    fn standing(&self, capability: Capability, grant: &Grant, labels: &Labels) -> Standing {
        let about = capability.name().to_owned();
        if let Some(why) = self.never(capability, grant, labels) {
            return Standing { about, granted: false, why };
        }
        let why = match capability {
            harmless if harmless.is_harmless() => {
                "every tool may, unless `without` says otherwise".to_owned()
            }
            Capability::Kv | Capability::KvWrite => match &grant.table {
                Some(table) => format!("in the table `{table}`"),
                None => {
                    let why = "the agent grants no table: it must name one (`table`)".to_owned();
                    return Standing { about, granted: false, why };
                }
            },
            Capability::Files | Capability::FilesWrite => self.folders_of(capability, grant),
            Capability::Http => match &grant.http {
                None => format!("to what the operator allows (rules: {})", self.http_rules()),
                Some(http) => format!(
                    "to what the operator (rules: {}) and the agent ({}) both allow",
                    self.http_rules(),
                    http.rules.len()
                ),
            },
            Capability::Secrets => match &grant.secrets {
                None => "those that the operator allows".to_owned(),
                Some(names) => format!("those of the operator's that the agent names: {}", listed(names)),
            },
            Capability::Model => match self.model_of(grant) {
                Some(ModelGrant { questions, max_tokens }) => {
                    format!("{questions} questions in one call, {max_tokens} tokens each, paid by the task")
                }
                None => unreachable!("a tool that imports it and is not allowed it is not loaded"),
            },
            _ => match &grant.tools {
                None => "those that the operator allows".to_owned(),
                Some(names) => format!("those of the operator's that the agent names: {}", listed(names)),
            },
        };
        let why = [why].into_iter().chain(self.unless(capability)).collect::<Vec<_>>().join(", ");
        Standing { about, granted: true, why }
    }

    /// Why `capability` is of no use to such a call, whatever it asks for.
    fn never(&self, capability: Capability, grant: &Grant, labels: &Labels) -> Option<String> {
        if let Some(why) = self.withheld_for(capability, labels) {
            return Some(why);
        }
        let [(_, per_call), (_, per_task)] = self.bounds_of(grant);
        let reaches = !capability.is_harmless();
        if reaches && let Some(none) = per_call.and(per_task).refuses(Reach::default()) {
            return Some(format!("it is bounded to {none}"));
        }
        let sends_none = || self.requests(grant).iter().any(|it| it.grant.limits.requests_per_call == 0);
        (capability == Capability::Http && sends_none()).then(|| "`requests_per_call` is 0".to_owned())
    }

    /// How far the tool may reach, if that is bounded and it reaches anywhere.
    fn bounds(&self, imports: &[Import], grant: &Grant) -> Vec<Standing> {
        let reaches = imports.iter().any(|import| !import.capability.is_harmless());
        let standing = |(about, bounds): (&str, Bounds)| {
            let granted = bounds.refuses(Reach::default()).is_none();
            let why = format!("no more than {}, by all that it reaches", bounds.explain()?);
            Some(Standing { about: about.to_owned(), granted, why })
        };
        self.bounds_of(grant).into_iter().filter(|_| reaches).filter_map(standing).collect()
    }

    fn request(&self, method: &str, url: &str, grant: &Grant) -> Result<Result<String, String>, ToolError> {
        let bad = |message: String| ToolError::new(ToolErrorKind::InvalidInput, message);
        let target = Target::parse(url).map_err(|error| bad(error.to_string()))?;
        let parties = self.requests(grant);
        let parties = parties.iter().map(|granted| (granted.by.as_str(), &granted.grant));
        let allowed = Allowed::by_all(parties).map_err(|error| bad(error.to_string()))?;
        let decision = allowed.decide(method, &target);
        let Decision::Allowed { reach, .. } = &decision else { return Ok(Err(decision.explain())) };
        // What a name leads to is known only when it is looked up.
        let admitted = target.origin().address().map_or(Ok(()), |address| reach.admits(address));
        Ok(match admitted {
            Ok(()) => Ok(decision.explain()),
            Err(unreachable) => Err(format!("{}, but {unreachable}", decision.explain())),
        })
    }
}

fn narrowed(name: &str, allowed: bool, granted: Option<bool>) -> Result<String, String> {
    match (allowed, granted) {
        (false, _) => Err(format!("the operator does not allow `{name}`")),
        (true, Some(false)) => Err(format!("the operator allows `{name}`, the agent does not grant it")),
        (true, Some(true)) => Ok(format!("the operator allows `{name}`, and the agent grants it")),
        (true, None) => Ok(format!("the operator allows `{name}`, and the agent narrows nothing")),
    }
}

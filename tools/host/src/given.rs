//! What one call is given: what the tool asks for, and the operator allows, and the agent grants, and the origins of the
//! call's values permit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use playhouse_core::grant::{Access, Bounds, Capability, ModelGrant};
use playhouse_core::tool::{Reach, ToolProgress, ToolRequest};
use playhouse_ports::ToolCaller;
use playhouse_ports::egress::{Egress, Granted};
use playhouse_tools_disk::{Folder, Store};
use playhouse_tools_policy::Leaks;

use crate::config::Table;
use crate::secrets::SecretUse;
use crate::shelf::Shelf;
use crate::tally::Tally;

/// What one call may touch. What is withheld is not in here.
#[derive(Clone)]
pub(crate) struct Given {
    /// The call as it was asked for. A tool that this one calls is called on its behalf.
    pub(crate) request: Arc<ToolRequest>,
    /// Withheld from this call, and why.
    pub(crate) withheld: BTreeMap<Capability, String>,
    pub(crate) table: Option<Keys>,
    pub(crate) folders: BTreeMap<String, (Arc<Folder>, Access)>,
    pub(crate) http: Vec<Granted>,
    pub(crate) egress: Option<Arc<dyn Egress>>,
    pub(crate) secrets: BTreeMap<String, Arc<SecretUse>>,
    /// Every secret that the host knows: none of them leaves in a request, or comes back in an answer.
    pub(crate) leaks: Arc<Leaks>,
    pub(crate) tools: BTreeSet<String>,
    /// How far it may ask the task's model, if at all.
    pub(crate) model: Option<ModelGrant>,
    /// Whom it tells and asks.
    pub(crate) caller: Arc<dyn ToolCaller>,
    /// What this call may reach.
    pub(crate) per_call: Bounds,
    /// What all calls of the tool in this task may reach.
    pub(crate) per_task: Bounds,
    /// What they have reached, if that is bounded and a model made this call. A call that another tool makes counts for that
    /// tool.
    pub(crate) tally: Option<Arc<Tally>>,
    /// Where those tools are.
    pub(crate) shelf: Arc<Shelf>,
    /// How many tools wait for this call: 0 if a model made it.
    pub(crate) depth: u32,
}

/// The table of a call.
#[derive(Debug, Clone)]
pub(crate) enum Keys {
    /// Of the configuration.
    Fixed(Arc<Table>),
    /// On disk.
    Kept(Arc<Store>),
}

impl Given {
    /// Why `capability` is withheld from this call, if it is.
    pub(crate) fn withheld(&self, capability: Capability) -> Option<String> {
        self.withheld.get(&capability).cloned()
    }

    /// Counts that the call reaches out once more, after `reached` so far; which bound stands in the way, if one does.
    pub(crate) fn reach(&self, reached: Reach, more: Reach) -> Option<String> {
        if let Some(bound) = self.per_call.refuses(reached) {
            return Some(format!("{bound} in one call"));
        }
        let refused = match &self.tally {
            Some(tally) => tally.take(self.per_task, more),
            None => self.per_task.refuses(reached),
        };
        refused.map(|bound| format!("{bound} in one task"))
    }

    /// Counts what came back.
    pub(crate) fn reached(&self, more: Reach) {
        if let Some(tally) = &self.tally {
            tally.add(more);
        }
    }

    /// Tells whoever made the call. Nothing is told of what holds a secret.
    pub(crate) fn tell(&self, progress: ToolProgress) {
        let (ToolProgress::Partial(text) | ToolProgress::Report { message: text, .. }) = &progress;
        if self.leaks.find(text.as_bytes()).is_none() {
            self.caller.progress(progress);
        }
    }
}

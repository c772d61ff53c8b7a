//! Tool calls in pieces. By the specification a piece names its call by `index`, and only the first piece
//! of a call holds its id and name. What providers really send:
//!
//! | piece                                       | goes to                          |
//! |---------------------------------------------|----------------------------------|
//! | `index`, known                              | the call with that index         |
//! | `index` 0 for every call, whole calls       | a new call (other id or name)    |
//! | no `index`, id known                        | the call with that id            |
//! | no `index`, name                            | a new call                       |
//! | no `index`, no name                         | the last call                    |
//! | id and name repeated in every piece         | the call with that index or id   |
//!
//! Only a piece with a name can begin a call that is told apart by less than its index, so a provider may
//! make up a new id for every piece.

use std::collections::HashSet;

use playhouse_core::message::{Arguments, ToolCall};
use playhouse_openai_wire as wire;
use playhouse_ports::Delta;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::{Incomplete, gather};

/// Calls in one reply. OpenAI allows 128 tools in a request; a reply that calls more often is broken.
pub(super) const CALLS_MAX: usize = 128;

/// The calls of a reply in the making, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug, Default)]
struct Call {
    index: Option<u32>,
    id: String,
    name: String,
    arguments: String,
    extra: wire::Extra,
}

impl Calls {
    /// Takes a piece of a call; gives what is new.
    pub(super) fn push(&mut self, piece: wire::ToolCallDelta) -> Result<Option<Delta>, Incomplete> {
        let id = piece.id.unwrap_or_default();
        let name = piece.function.name.unwrap_or_default();
        let arguments = piece.function.arguments.unwrap_or_default();
        let index = match self.find(piece.index, &id, &name, &arguments) {
            Some(index) => index,
            None if self.0.len() == CALLS_MAX => return Err(Incomplete::TooManyCalls),
            None => {
                self.0.push(Call { index: piece.index, ..Call::default() });
                self.0.len() - 1
            }
        };
        let call = &mut self.0[index];
        if call.id.is_empty() {
            call.id = id;
        }
        let named = call.name.is_empty() && !name.is_empty();
        if named {
            call.name.clone_from(&name);
        }
        call.arguments.push_str(&arguments);
        gather(&mut call.extra, piece.extra);
        let new = named || !arguments.is_empty();
        Ok(new.then(|| Delta::ToolCall { index, name: named.then_some(name), arguments }))
    }

    /// Which call a piece continues; `None` if it begins one.
    fn find(&self, index: Option<u32>, id: &str, name: &str, arguments: &str) -> Option<usize> {
        let last = self.0.len().checked_sub(1);
        let known = |id: &str| self.0.iter().rposition(|call| call.id == id);
        let found = match index {
            Some(_) => self.0.iter().rposition(|call| call.index == index),
            None if !id.is_empty() => known(id).or(last.filter(|_| name.is_empty())),
            None => last.filter(|_| name.is_empty()),
        };
        found.filter(|&at| name.is_empty() || !self.0[at].ended_before(id, name, arguments))
    }

    /// The calls, and the unknown fields of each.
    pub(super) fn finish(self) -> (Vec<ToolCall>, Vec<wire::Extra>) {
        let mut ids = HashSet::new();
        let said = |call: &Call| !(call.name.is_empty() && call.arguments.is_empty());
        let whole = |(index, call): (usize, Call)| {
            let id = unique(call.id, index, &mut ids);
            (ToolCall { id, name: call.name, arguments: arguments(call.arguments) }, call.extra)
        };
        self.0.into_iter().filter(said).enumerate().map(whole).unzip()
    }
}

impl Call {
    /// Whether a named piece that seems to continue this call begins another one.
    fn ended_before(&self, id: &str, name: &str, arguments: &str) -> bool {
        let other_id = !id.is_empty() && !self.id.is_empty() && self.id != id;
        let other_name = !self.name.is_empty() && self.name != name;
        // The cheap looks come first: parsing at every piece would take quadratic time.
        let starts_over = arguments.trim_start().starts_with('{')
            && self.arguments.trim_end().ends_with('}')
            && serde_json::from_str::<IgnoredAny>(&self.arguments).is_ok();
        other_id || other_name || starts_over
    }
}

/// An id that no other call of the reply has: results are paired with calls by it.
fn unique(id: String, index: usize, taken: &mut HashSet<String>) -> String {
    let mut candidate = if id.is_empty() { format!("call_{index}") } else { id };
    while !taken.insert(candidate.clone()) {
        candidate = format!("{candidate}_{index}");
    }
    candidate
}

/// Parses arguments. A call without arguments comes as `{}` or as nothing.
fn arguments(raw: String) -> Arguments {
    if raw.trim().is_empty() {
        return Arguments::Json(Value::Object(Map::new()));
    }
    match serde_json::from_str(&raw) {
        Ok(value) => Arguments::Json(value),
        Err(error) => Arguments::Malformed { raw, error: error.to_string() },
    }
}

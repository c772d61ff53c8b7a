//! The tools of one server: those that may be called, and why the others may not.

use std::{collections::BTreeMap, sync::Arc};

use playhouse_core::tool::{ToolError, ToolErrorKind, ToolSpec};

use crate::{
    PinsError, ServerConfig,
    definition::{Definition, Tool, full_name},
    pins::{Met, Pins},
    reading::is_taken,
};

/// What one server has, by the names that models use.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    slots: BTreeMap<String, Slot>,
    /// Whether the server has said what it has.
    listed: bool,
    /// Allowed, but of no use: the server's name for a tool, and what is wrong with it.
    refused: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Slot {
    /// As it was approved.
    tool: Arc<Tool>,
    /// Why it cannot be called now.
    closed: Option<Closed>,
}

#[derive(Debug, Clone)]
enum Closed {
    /// The server has not listed it, or not yet.
    NotOffered,
    /// The server lists something else under its name.
    Changed(Box<Definition>),
    /// What the server lists cannot be used.
    Unfit(String),
}

impl Shelf {
    /// What is approved, before the server has said anything.
    pub(crate) fn of_pins(server: &str, config: &ServerConfig, pins: &Pins) -> Self {
        let mut shelf = Self::default();
        for definition in pins.of(server).into_iter().filter(|definition| config.allows(&definition.name)) {
            match offer(&definition, server, config) {
                Ok(tool) => shelf.put(tool, Some(Closed::NotOffered)),
                Err(why) => drop(shelf.refused.insert(definition.name, why)),
            }
        }
        shelf
    }

    /// What the server offers now, compared with what is approved. What is new is pinned.
    pub(crate) fn stock(
        server: &str,
        config: &ServerConfig,
        pins: &Pins,
        offered: Vec<Definition>,
    ) -> Result<Self, PinsError> {
        let (fit, unfit) = sort(server, config, offered);
        let definitions: Vec<Definition> = fit.iter().map(|(definition, _)| definition.clone()).collect();
        let met = pins.meet(server, &definitions)?;
        let mut shelf = Self { listed: true, ..Self::of_pins(server, config, pins) };
        for ((definition, tool), met) in fit.into_iter().zip(met) {
            let name = tool.spec.name.clone();
            match met {
                Met::Known => shelf.put(tool, None),
                Met::New => {
                    tracing::info!(target: "playhouse::mcp", digest = tool.spec.digest, "tool `{name}` was not known; it is pinned as it is now");
                    shelf.put(tool, None);
                }
                Met::Changed => {
                    tracing::warn!(target: "playhouse::mcp", "tool `{name}` changed since it was approved, and is closed");
                    shelf.close(&name, Closed::Changed(Box::new(definition)));
                }
            }
        }
        for (name, why) in unfit {
            tracing::warn!(target: "playhouse::mcp", server, "tool `{name}` is not offered to agents: {why}");
            match full_name(server, &name) {
                Ok(full) if shelf.slots.contains_key(&full) => shelf.close(&full, Closed::Unfit(why)),
                _ => drop(shelf.refused.insert(name, why)),
            }
        }
        Ok(shelf)
    }

    fn put(&mut self, tool: Tool, closed: Option<Closed>) {
        self.slots.insert(tool.spec.name.clone(), Slot { tool: Arc::new(tool), closed });
    }

    fn close(&mut self, name: &str, why: Closed) {
        if let Some(slot) = self.slots.get_mut(name) {
            slot.closed = Some(why);
        }
    }

    /// The approved tools, by name.
    pub(crate) fn specs(&self) -> impl Iterator<Item = Arc<ToolSpec>> + '_ {
        self.slots.values().map(|slot| slot.tool.spec.clone())
    }

    /// Whether there is such a tool, open or closed.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.slots.contains_key(name)
    }

    /// Allowed tools that cannot be used, by the server's name, and why.
    pub(crate) fn refused(&self) -> BTreeMap<String, String> {
        self.refused.clone()
    }

    /// What changed since it was approved: the server's name, what was approved, and what there is now.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (&Tool, &Definition)> {
        self.slots.values().filter_map(|slot| match &slot.closed {
            Some(Closed::Changed(now)) => Some((&*slot.tool, &**now)),
            _ => None,
        })
    }

    /// The tool `name` if it may be called, whether or not the server is there.
    pub(crate) fn open(&self, server: &str, name: &str) -> Result<Arc<Tool>, ToolError> {
        let Some(slot) = self.slots.get(name) else { return Err(self.unknown(server, name)) };
        let (kind, message) = match &slot.closed {
            // Before the first listing, too: then the caller is told that the server is away.
            None | Some(Closed::NotOffered) => return Ok(slot.tool.clone()),
            Some(Closed::Changed(_)) => {
                let told = format!(
                    "the description or schema of `{name}` changed since it was approved; an operator has to look at \
                     it and run `playhouse tool approve {name}`"
                );
                (ToolErrorKind::Denied, told)
            }
            Some(Closed::Unfit(why)) => {
                (ToolErrorKind::Denied, format!("`{name}` changed and cannot be used: {why}"))
            }
        };
        Err(ToolError::new(kind, message))
    }

    /// The same for a server that is there and has listed what it has.
    pub(crate) fn offered(&self, server: &str, name: &str) -> Result<Arc<Tool>, ToolError> {
        let tool = self.open(server, name)?;
        match self.slots.get(name).and_then(|slot| slot.closed.as_ref()) {
            None => Ok(tool),
            Some(_) => {
                let told = format!("MCP server `{server}` does not offer `{name}` any more");
                Err(ToolError::new(ToolErrorKind::NotFound, told))
            }
        }
    }

    fn unknown(&self, server: &str, name: &str) -> ToolError {
        let refused =
            self.refused.iter().find(|(tool, _)| full_name(server, tool).is_ok_and(|full| full == name));
        let (kind, told) = match refused {
            Some((_, why)) => (ToolErrorKind::Denied, format!("`{name}` cannot be used: {why}")),
            None if !self.listed => {
                let told = format!(
                    "MCP server `{server}` has not listed its tools yet, and `{name}` was never approved"
                );
                (ToolErrorKind::UnknownTool, told)
            }
            None => {
                let told = format!(
                    "MCP server `{server}` has no tool `{name}`, or `tools` in [mcp.{server}] does not allow it"
                );
                (ToolErrorKind::UnknownTool, told)
            }
        };
        ToolError::new(kind, told)
    }
}

/// The tool that agents may be given; the error says why it is not.
fn offer(definition: &Definition, server: &str, config: &ServerConfig) -> Result<Tool, String> {
    match is_taken(server, config, &definition.name) {
        Some(why) => Err(why),
        None => definition.tool(server, config),
    }
}

/// Fit tools, and the names of the others with the reasons.
type Sorted = (Vec<(Definition, Tool)>, Vec<(String, String)>);

fn sort(server: &str, config: &ServerConfig, mut offered: Vec<Definition>) -> Sorted {
    offered.retain(|definition| config.allows(&definition.name));
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let full = |definition: &Definition| full_name(server, &definition.name).ok();
    for name in offered.iter().filter_map(full) {
        *names.entry(name).or_default() += 1;
    }
    let (mut fit, mut unfit) = (Vec::new(), Vec::new());
    for definition in offered {
        let twice = full(&definition).filter(|name| names[name] > 1);
        let tool = match twice {
            Some(name) => Err(format!("more than one tool is called `{name}`")),
            None => offer(&definition, server, config),
        };
        match tool {
            Ok(tool) => fit.push((definition, tool)),
            Err(why) => unfit.push((definition.name, why)),
        }
    }
    (fit, unfit)
}

#[cfg(test)]
mod tests;

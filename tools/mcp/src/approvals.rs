//! Approving without a server: a daemon writes down what changed, an operator looks at it and says yes.

use std::path::PathBuf;

use crate::{
    ApproveError, ChangedTool, PinsError,
    definition::{Definition, full_name},
    pins::Pins,
};

/// What waits for an approval in a file of pins. A daemon may be running on the same file: it meets an approval when it
/// lists the server's tools the next time, that is with the next connection at the latest.
#[derive(Debug)]
pub struct Approvals {
    pins: Pins,
}

impl Approvals {
    /// Reads the file; one that is not there has nothing that waits.
    pub fn open(lock: impl Into<PathBuf>) -> Result<Self, PinsError> {
        Ok(Self { pins: Pins::open(lock.into())? })
    }

    /// The tools that wait, by server and name.
    pub fn waiting(&self) -> Vec<ChangedTool> {
        let changed = |(server, offered): (String, Definition)| {
            let approved = self.pins.of(&server).into_iter().find(|pin| pin.name == offered.name)?;
            let name = full_name(&server, &offered.name).ok()?;
            Some(ChangedTool { name, approved: approved.json(), offered: offered.json() })
        };
        self.pins.waiting().into_iter().filter_map(changed).collect()
    }

    /// Approves what was `shown`. Refused if the tool has changed once more since.
    pub fn approve(&self, shown: &ChangedTool) -> Result<(), ApproveError> {
        let again = || {
            ApproveError::Unknown(format!(
                "`{}` is not what it was a moment ago: look at it again",
                shown.name
            ))
        };
        let definition: Definition = serde_json::from_value(shown.offered.clone()).map_err(|_| again())?;
        let server = shown.name.split_once("__").ok_or_else(again)?.0;
        match self.pins.approve_waiting(server, &definition)? {
            true => Ok(()),
            false => Err(again()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(description: &str) -> Definition {
        let input_schema = json!({ "type": "object" });
        serde_json::from_value(
            json!({ "name": "a.b", "description": description, "inputSchema": input_schema }),
        )
        .unwrap()
    }

    #[test]
    fn what_waits_is_shown_and_approved_once() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("mcp.lock");
        assert!(Approvals::open(&lock).unwrap().waiting().is_empty());
        let daemon = Pins::open(lock.clone()).unwrap();
        daemon.meet("s", &[tool("good")]).unwrap();
        daemon.meet("s", &[tool("evil")]).unwrap();
        let approvals = Approvals::open(&lock).unwrap();
        let shown = approvals.waiting().remove(0);
        assert_eq!((&*shown.name, &shown.approved["description"]), ("s__a_b", &json!("good")));
        assert_eq!(shown.offered["description"], "evil");
        approvals.approve(&shown).unwrap();
        assert!(approvals.waiting().is_empty());
        let again = approvals.approve(&shown).unwrap_err().to_string();
        assert!(again.contains("look at it again"), "{again}");
    }
}

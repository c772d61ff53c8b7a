//! Where a value came from (J9). Journaled with every event; the guards that read them come later.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Origins of a value, such as `user`, `model:nano`, `tool:lookup`. A value made from others carries all of
/// theirs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(pub BTreeSet<String>);

impl Labels {
    /// The labels `names`.
    pub fn of<const N: usize>(names: [&str; N]) -> Self {
        Self(names.into_iter().map(str::to_owned).collect())
    }

    /// Adds one.
    pub fn add(&mut self, label: String) {
        self.0.insert(label);
    }

    /// Adds all labels of `other`.
    pub fn join(&mut self, other: &Self) {
        // Most of the time nothing is new, and then nothing is copied.
        for label in &other.0 {
            if !self.0.contains(label) {
                self.0.insert(label.clone());
            }
        }
    }
}

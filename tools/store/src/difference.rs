//! What an update would change, and whether somebody must agree to it first.

use std::{cmp::Ordering, collections::BTreeSet};

use playhouse_core::tool::EffectClass;
use semver::Version;

use crate::{
    claims::{Claims, Wants},
    lock::{Entry, word},
};

/// Something a tool may do, or wants to be allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Power {
    /// An interface it imports.
    Import(String),
    /// A permission it wants, and one way of using it.
    Want(String, String),
}

/// A permission that is wanted in other ways than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub permission: String,
    /// Ways that were not wanted before.
    pub more: BTreeSet<String>,
    /// Ways that are no longer wanted.
    pub less: BTreeSet<String>,
}

/// How one version stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The same version with the same bytes.
    Same,
    /// The same version with other bytes.
    Rebuilt,
    /// A later version.
    Up,
    /// An earlier version.
    Down,
    /// At least one is no semantic version, so nobody can say.
    Unordered,
}

/// The difference between what is installed and what would replace it. Plain data; [`Difference::between`] is pure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The tool.
    pub name: String,
    /// Version before and after.
    pub versions: (String, String),
    /// How they stand to each other.
    pub step: Step,
    /// Imports and permissions that were not there.
    pub added: BTreeSet<Power>,
    /// Imports and permissions that are gone.
    pub removed: BTreeSet<Power>,
    /// Permissions that stayed, in other ways.
    pub changed: Vec<Change>,
    /// The class of effect before, if it was written down, and after, if they differ.
    pub effect: Option<(Option<EffectClass>, EffectClass)>,
    /// What models and people read about it is different.
    pub description_changed: bool,
    /// Key ids before and after, if they differ.
    pub signer_changed: Option<(BTreeSet<String>, BTreeSet<String>)>,
    /// The lock does not say what the old one imported or wanted; then all of the new one counts as added.
    pub was_unknown: bool,
}

impl Difference {
    /// Between an entry of the lock and what is about to replace it, signed by these trusted keys.
    pub fn between(old: &Entry, new: &Claims, signed_by: &BTreeSet<String>) -> Self {
        let nothing = (BTreeSet::new(), Wants::new());
        let (old_imports, old_wants) =
            (old.imports.as_ref().unwrap_or(&nothing.0), old.wants.as_ref().unwrap_or(&nothing.1));
        let effect = (old.effect != Some(new.effect)).then_some((old.effect, new.effect));
        let read = match (&old.text_sha256, &new.text_sha256) {
            (Some(was), Some(is)) => was != is,
            _ => old.describe_sha256 != new.describe_sha256,
        };
        Self {
            name: new.name.clone(),
            versions: (old.version.clone(), new.version.clone()),
            step: step(old, new),
            added: powers(&new.imports, &new.wants, old_imports, old_wants),
            removed: powers(old_imports, old_wants, &new.imports, &new.wants),
            changed: changes(old_wants, &new.wants),
            effect,
            description_changed: read,
            signer_changed: (old.signed_by != *signed_by).then(|| (old.signed_by.clone(), signed_by.clone())),
            was_unknown: old.imports.is_none() || old.wants.is_none(),
        }
    }

    /// Whether it would be able or allowed to do more than before.
    pub fn widens(&self) -> bool {
        let harm = |(was, is): (Option<EffectClass>, EffectClass)| was.is_none_or(|was| was < is);
        !self.added.is_empty()
            || self.changed.iter().any(|change| !change.more.is_empty())
            || self.effect.is_some_and(harm)
    }

    /// Whether a key that vouched for it no longer does. That another one vouches as well takes nothing away.
    pub fn loses_signer(&self) -> bool {
        self.signer_changed.as_ref().is_some_and(|(was, is)| !was.is_subset(is))
    }

    /// Whether somebody must agree first: it widens, it says something else, a signer is gone, or it goes back to an
    /// earlier version, which may bring back what was mended.
    pub fn needs_consent(&self) -> bool {
        self.widens() || self.loses_signer() || self.description_changed || self.step == Step::Down
    }

    /// Whether nothing changes at all.
    pub fn is_nothing(&self) -> bool {
        let same = self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty();
        let quiet = self.effect.is_none() && !self.description_changed && self.signer_changed.is_none();
        same && quiet && self.step == Step::Same
    }

    /// For people: a line about the versions, then one per change, the weighty ones first.
    pub fn explain(&self) -> String {
        let mut lines = vec![self.headline()];
        if self.was_unknown {
            lines.push("it is not known what the installed one may do; all of the new one is listed".into());
        }
        lines.extend(self.added.iter().map(|power| format!("+ {}", can(power))));
        for change in &self.changed {
            let permission = &change.permission;
            lines.extend(change.more.iter().map(|way| format!("+ wants `{permission}` also for: {way}")));
        }
        match self.effect {
            Some((Some(was), is)) => {
                let sign = if was < is { '+' } else { '-' };
                lines.push(format!("{sign} its effects were {}, and are now {}", meaning(was), meaning(is)));
            }
            Some((None, is)) => lines.push(format!("+ its effects are {}", meaning(is))),
            None => {}
        }
        if let Some((was, is)) = &self.signer_changed {
            lines.push(format!("! was signed by {}, and is now signed by {}", keys(was), keys(is)));
        }
        if self.description_changed {
            lines.push("! what it tells models about itself is different".into());
        }
        for change in &self.changed {
            let permission = &change.permission;
            lines
                .extend(change.less.iter().map(|way| format!("- no longer wants `{permission}` for: {way}")));
        }
        lines.extend(self.removed.iter().map(|power| format!("- no longer {}", can(power))));
        lines.join("\n")
    }

    fn headline(&self) -> String {
        let (name, (was, is)) = (&self.name, &self.versions);
        match self.step {
            Step::Same => format!("`{name}` {is}: the same bytes"),
            Step::Rebuilt => format!("`{name}` {is}: the same version with other bytes"),
            Step::Up => format!("`{name}`: update from {was} to {is}"),
            Step::Down => {
                format!("`{name}`: DOWNGRADE from {was} to {is}, which may bring back what was mended since")
            }
            Step::Unordered => format!("`{name}`: from {was} to {is}, which cannot be put in an order"),
        }
    }
}

fn step(old: &Entry, new: &Claims) -> Step {
    if old.version == new.version {
        return if old.sha256 == new.sha256 { Step::Same } else { Step::Rebuilt };
    }
    match (Version::parse(&old.version), Version::parse(&new.version)) {
        (Ok(was), Ok(is)) => match is.cmp(&was) {
            Ordering::Less => Step::Down,
            Ordering::Equal => Step::Rebuilt,
            Ordering::Greater => Step::Up,
        },
        _ => Step::Unordered,
    }
}

/// What the first has and the second has nothing of: whole permissions, not ways of using them.
fn powers(
    imports: &BTreeSet<String>,
    wants: &Wants,
    other_imports: &BTreeSet<String>,
    other_wants: &Wants,
) -> BTreeSet<Power> {
    let imports = imports.difference(other_imports).cloned().map(Power::Import);
    let wants = wants.iter().filter(|(permission, _)| !other_wants.contains_key(*permission));
    let wants = wants
        .flat_map(|(permission, ways)| ways.iter().map(|way| Power::Want(permission.clone(), way.clone())));
    imports.chain(wants).collect()
}

fn changes(old: &Wants, new: &Wants) -> Vec<Change> {
    let both = old.iter().filter_map(|(permission, was)| Some((permission, was, new.get(permission)?)));
    let change = both.filter(|(_, was, is)| was != is).map(|(permission, was, is)| Change {
        permission: permission.clone(),
        more: is.difference(was).cloned().collect(),
        less: was.difference(is).cloned().collect(),
    });
    change.collect()
}

fn can(power: &Power) -> String {
    match power {
        Power::Import(name) => format!("imports `{name}`"),
        Power::Want(permission, way) => format!("wants `{permission}` for: {way}"),
    }
}

fn keys(ids: &BTreeSet<String>) -> String {
    if ids.is_empty() { "nobody".into() } else { Vec::from_iter(ids.iter().map(String::as_str)).join(", ") }
}

fn meaning(effect: EffectClass) -> String {
    let meaning = match effect {
        EffectClass::Pure => "none",
        EffectClass::Idempotent => "safe to repeat",
        EffectClass::Checkable => "not safe to repeat, but it can tell what happened",
        EffectClass::Once => "not safe to repeat",
    };
    format!("`{}` ({meaning})", word(effect))
}

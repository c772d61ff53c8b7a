//! Cases that can share one table. A house has one table, fixed while it runs, and every case its own; so
//! cases are put together as long as none sees a key that is another's and not its own.

use std::collections::{BTreeMap, BTreeSet};

use crate::cases::Case;

/// Cases and the union of their tables.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) cases: Vec<Case>,
    pub(crate) table: BTreeMap<String, String>,
    /// Keys that some case looks up and must not find.
    absent: BTreeSet<String>,
}

impl Group {
    fn fits(&self, case: &Case) -> bool {
        let agrees = |(key, value): (&String, &String)| {
            !self.absent.contains(key) && self.table.get(key).is_none_or(|known| known == value)
        };
        case.table.iter().all(agrees) && !absent(case).any(|key| self.table.contains_key(key))
    }

    fn add(&mut self, case: Case) {
        self.absent.extend(absent(&case).map(str::to_owned));
        self.table.extend(case.table.clone());
        self.cases.push(case);
    }
}

/// Keys that the case looks up and does not have.
fn absent(case: &Case) -> impl Iterator<Item = &str> {
    let calls = case.turns.iter().flat_map(|turn| &turn.calls);
    let keys = calls.filter_map(|call| call.arguments.get("key")?.as_str());
    keys.filter(|key| !case.table.contains_key(*key))
}

/// As few groups as come of putting each case into the first that it fits.
pub(crate) fn group(cases: impl IntoIterator<Item = Case>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for case in cases {
        match groups.iter_mut().find(|group| group.fits(&case)) {
            Some(group) => group.add(case),
            None => {
                let mut group = Group::default();
                group.add(case);
                groups.push(group);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::case;

    fn looks_up(id: &str, key: &str, table: &str) -> Case {
        let call = format!(r#"{{"name": "lookup", "arguments": {{"key": "{key}"}}}}"#);
        let turn = format!(r#"{{"user": "?", "calls": [{call}], "answer": []}}"#);
        case(&format!(r#"{{"id": "{id}", "kind": "lookup", "table": {table}, "turns": [{turn}]}}"#))
    }

    #[test]
    fn cases_share_a_table_unless_one_would_see_what_is_anothers() {
        let groups = group([
            looks_up("has", "a", r#"{"a": "1"}"#),
            looks_up("has another", "b", r#"{"b": "2"}"#),
            looks_up("has another value", "a", r#"{"a": "3"}"#),
            looks_up("must not find it", "a", "{}"),
        ]);
        let ids: Vec<Vec<_>> =
            groups.iter().map(|group| group.cases.iter().map(|case| case.id.as_str()).collect()).collect();
        assert_eq!(ids, [vec!["has", "has another"], vec!["has another value"], vec!["must not find it"]]);
    }
}

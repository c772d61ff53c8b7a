//! What an operator allows and cannot mean: it would have no effect, and nobody would be told.

use playhouse_core::grant::Access;
use playhouse_tools_policy::{Allowed, Target};

use crate::config::Allow;

/// Refuses it, in words. `http` are the rules of `allow`, read.
pub(crate) fn meant(allow: &Allow, http: &Allowed) -> Result<(), String> {
    rooms(allow)?;
    if allow.labels.iter().any(|rule| rule.label.is_empty()) {
        return Err(
            "a rule of `labels` has no `label`: write an origin such as `tool:fetch`, or `tool:*`".into()
        );
    }
    secrets(allow, http)
}

/// Folders and tables: that paths can begin with their names, and that something fits in.
fn rooms(allow: &Allow) -> Result<(), String> {
    let is_name = |name: &str| !["", ".", ".."].contains(&name) && !name.contains(['/', '\\']);
    if let Some(name) = allow.folders.keys().find(|name| !is_name(name)) {
        return Err(format!(
            "no path begins with a folder called `{name}`: a name has no `/`, and is not `..`"
        ));
    }
    let full =
        allow.folders.iter().filter(|(_, folder)| folder.access == Access::Write && folder.quota_bytes == 0);
    let full = full.map(|(name, _)| ("folder", name));
    let tables = allow.stores.iter().filter(|(_, store)| store.quota_bytes == 0);
    match full.chain(tables.map(|(name, _)| ("table", name))).next() {
        Some((kind, name)) => {
            Err(format!("the {kind} `{name}` may be written, and has no room: raise `quota_mib`"))
        }
        None => Ok(()),
    }
}

/// That requests may go where secrets are to be sent.
fn secrets(allow: &Allow, http: &Allowed) -> Result<(), String> {
    for (name, secret) in &allow.secrets {
        let Some(header) = &secret.header else { continue };
        let target =
            Target::parse(&header.origin).map_err(|error| format!("its secret `{name}`: {error}"))?;
        let origin = target.origin();
        if !http.is_about(origin) {
            return Err(format!(
                "its secret `{name}` is for {origin}, and no rule of `http` is about that: add one, or leave the secret out"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use playhouse_core::egress::{HttpGrant, HttpRule};
    use playhouse_core::grant::{Capability, LabelRule};
    use playhouse_ports::egress::Secret;

    use super::*;
    use crate::config::{FolderConfig, StoreConfig};
    use crate::secrets::{SecretHeader, SecretUse};

    fn refused(allow: &Allow) -> String {
        meant(allow, &Allowed::by("operator", &allow.http).unwrap()).expect_err("it cannot be meant")
    }

    fn with_secret(rule: &str, origin: &str) -> Allow {
        let header = SecretHeader { origin: origin.into(), header: "x-key".into(), format: "{}".into() };
        let secret = SecretUse { value: Secret::new("long enough"), header: Some(header), sign: false };
        let http = HttpGrant { rules: vec![HttpRule::reading(rule)], ..HttpGrant::default() };
        Allow { http, secrets: [("key".to_owned(), secret)].into(), ..Allow::default() }
    }

    #[test]
    fn a_secret_is_refused_whose_origin_no_rule_is_about() {
        let other = refused(&with_secret("https://a.example", "https://b.example"));
        assert!(other.contains("`key` is for https://b.example, and no rule"), "{other}");
        for rule in ["https://b.example", "https://*.example.com"] {
            let allow = with_secret(rule, &rule.replace('*', "api"));
            meant(&allow, &Allowed::by("operator", &allow.http).unwrap()).unwrap();
        }
    }

    #[test]
    fn rooms_without_room_and_names_that_no_path_begins_with_are_refused() {
        let folder = |access, quota_bytes| FolderConfig { path: "/".into(), access, quota_bytes };
        for name in ["", "..", "a/b"] {
            let folders = [(name.to_owned(), folder(Access::Read, 1))].into();
            assert!(refused(&Allow { folders, ..Allow::default() }).contains("no path begins with"));
        }
        let folders = [("docs".to_owned(), folder(Access::Write, 0))].into();
        assert!(refused(&Allow { folders, ..Allow::default() }).contains("folder `docs`"));
        let store = StoreConfig { folder: "/".into(), quota_bytes: 0 };
        let stores = [("notes".to_owned(), store)].into();
        assert!(refused(&Allow { stores, ..Allow::default() }).contains("table `notes`"));
        let rule = LabelRule { label: String::new(), without: [Capability::Http].into() };
        assert!(refused(&Allow { labels: vec![rule], ..Allow::default() }).contains("`tool:fetch`"));
    }
}

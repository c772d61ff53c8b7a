//! What a tool says about itself, and how much of it is believed.
//!
//! Name, description and schemas are text for the model: they are checked for form. The effect class is a claim, and a
//! wrong one makes the runtime repeat what must not be repeated. So it is derived from the imports where they prove
//! something, and capped by the operator where they do not. MCP-style annotations are not read at all.

use std::collections::BTreeMap;

use playhouse_core::tool::EffectClass;
use serde::Deserialize;
use serde_json::Value;

use crate::grants::Interface;

/// Bytes of the longest description: it becomes part of every prompt.
pub(crate) const DESCRIPTION_BYTES_MAX: usize = 64 << 10;
/// Bytes of the longest name.
const NAME_BYTES_MAX: usize = 64;

/// The JSON that `describe` returns.
#[derive(Debug, Deserialize)]
pub(crate) struct Description {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) input_schema: Value,
    #[serde(default = "anything")]
    pub(crate) output_schema: Value,
    /// Undeclared is `once`.
    #[serde(default)]
    pub(crate) effect: EffectClass,
    #[serde(default)]
    wants: BTreeMap<String, String>,
}

impl Description {
    /// Reads and checks what `describe` returned; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > DESCRIPTION_BYTES_MAX {
            return Err(format!(
                "the description has {} bytes, more than {DESCRIPTION_BYTES_MAX}",
                text.len()
            ));
        }
        let this: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if this.name.is_empty() || this.name.len() > NAME_BYTES_MAX || !this.name.chars().all(plain) {
            return Err(format!(
                "the name {:?} is not 1 to {NAME_BYTES_MAX} of a-z, 0-9, _ and -",
                this.name
            ));
        }
        if this.input_schema.get("type").and_then(Value::as_str) != Some("object") {
            return Err("the root of `input_schema` must have `\"type\": \"object\"`".to_owned());
        }
        if let Some((permission, access)) = this.wants.iter().find(|(name, access)| !offered(name, access)) {
            return Err(format!("it wants `{permission}: {access}`, which this host does not offer"));
        }
        Ok(this)
    }
}

fn anything() -> Value {
    Value::Bool(true)
}

fn offered(permission: &str, access: &str) -> bool {
    (permission, access) == ("kv", "read")
}

/// The effect class that the runtime goes by.
///
/// No imports: pure, whatever the tool says, because it cannot touch anything. Otherwise the declared class, but never a
/// more harmless one than the operator believes; an operator who says nothing believes what the imports prove.
pub(crate) fn effect(
    imports: &[Interface],
    declared: EffectClass,
    believed: Option<EffectClass>,
) -> EffectClass {
    if imports.is_empty() {
        return EffectClass::Pure;
    }
    let only_reads = imports.iter().all(|import| import.only_reads());
    let proven = if only_reads { EffectClass::Idempotent } else { EffectClass::Once };
    // The order of classes is from harmless to not, so the larger is the more careful one.
    declared.max(believed.unwrap_or(proven))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_imports_prove_pure_whatever_is_said() {
        assert_eq!(effect(&[], EffectClass::Once, Some(EffectClass::Once)), EffectClass::Pure);
    }

    #[test]
    fn a_claim_is_capped_by_the_operator_or_else_by_the_imports() {
        let (reads, pure, once) = (&[Interface::Kv], EffectClass::Pure, EffectClass::Once);
        assert_eq!(effect(reads, pure, None), EffectClass::Idempotent);
        assert_eq!(effect(reads, pure, Some(once)), once);
        assert_eq!(effect(reads, pure, Some(pure)), pure);
        assert_eq!(effect(reads, once, Some(pure)), once, "a tool that says `once` is believed");
    }

    #[test]
    fn what_is_undeclared_is_once() {
        let text = r#"{"name":"a","version":"1","description":"","input_schema":{"type":"object"}}"#;
        assert_eq!(Description::parse(text).map(|this| this.effect), Ok(EffectClass::Once));
    }

    #[test]
    fn names_schemas_and_wishes_are_checked() {
        let check = |name: &str, schema: &str, wants: &str| {
            let text = format!(
                r#"{{"name":"{name}","version":"1","description":"","input_schema":{schema},"wants":{wants}}}"#
            );
            Description::parse(&text).map(|_| ()).unwrap_or_else(|reason| panic!("{reason}"));
        };
        check("a-b_9", r#"{"type":"object"}"#, r#"{"kv":"read"}"#);
        for (name, schema, wants) in [
            ("", r#"{"type":"object"}"#, "{}"),
            ("Upper", r#"{"type":"object"}"#, "{}"),
            ("a/b", r#"{"type":"object"}"#, "{}"),
            ("a", "true", "{}"),
            ("a", r#"{"type":"object"}"#, r#"{"kv":"write"}"#),
            ("a", r#"{"type":"object"}"#, r#"{"http":"*"}"#),
        ] {
            let refused = std::panic::catch_unwind(|| check(name, schema, wants));
            assert!(refused.is_err(), "{name} {schema} {wants}");
        }
    }
}

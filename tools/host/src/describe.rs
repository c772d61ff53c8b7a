//! What a tool says about itself, and how much of it is believed.
//!
//! Name, description and schemas are text for the model: they are checked for form. The effect class is a claim, and a
//! wrong one makes the runtime repeat what must not be repeated. So it is derived from the imports where they prove
//! something, and capped by the operator where they do not. MCP-style annotations are not read at all.

use std::collections::BTreeMap;

use playhouse_core::grant::Capability;
use playhouse_core::tool::{Annotations, EffectClass};
use playhouse_schema::clipped;
use serde::Deserialize;
use serde_json::Value;

use crate::imports::Import;

/// Bytes of the longest description: it becomes part of every prompt.
pub(crate) const DESCRIPTION_BYTES_MAX: usize = 64 << 10;
/// Bytes of the longest name, and of the longest version.
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
    /// Capability to what it is needed for, in the tool's own words.
    pub(crate) wants: BTreeMap<String, String>,
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
        if this.version.len() > NAME_BYTES_MAX || !this.version.chars().all(|c| c.is_ascii_graphic()) {
            return Err(format!(
                "the version {} is not up to {NAME_BYTES_MAX} letters, digits and signs",
                clipped(&format!("{:?}", this.version))
            ));
        }
        // People read these in a terminal, right before they grant what is asked for.
        if [&this.description].into_iter().chain(this.wants.values()).any(|text| text.chars().any(is_control))
        {
            return Err(
                "its words hold characters that no text needs, such as those that move a cursor".to_owned()
            );
        }
        if this.input_schema.get("type").and_then(Value::as_str) != Some("object") {
            return Err("the root of `input_schema` must have `\"type\": \"object\"`".to_owned());
        }
        if let Some(wish) = this.wants.keys().find(|name| Capability::named(name).is_none()) {
            return Err(format!("it wants `{wish}`, which this host does not offer"));
        }
        Ok(this)
    }
}

/// Controls, but for line breaks and tabs; and what makes text run the other way, or hides it.
pub(crate) fn is_control(c: char) -> bool {
    let hides = matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    hides || c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

fn anything() -> Value {
    Value::Bool(true)
}

/// What is claimed about the effect of a tool, and by whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    /// By the tool.
    pub(crate) declared: EffectClass,
    /// By the operator.
    pub(crate) believed: Option<EffectClass>,
    /// Whether the tool exports `checkable`: without that, it cannot be.
    pub(crate) can_be_asked: bool,
}

/// The effect class that the runtime goes by.
///
/// No imports: pure, whatever the tool says, because it cannot touch anything. Otherwise the declared class, but never a
/// more harmless one than the operator believes; an operator who says nothing believes what the imports and their grants
/// prove.
pub(crate) fn effect(imports_nothing: bool, proven: EffectClass, claim: Claim) -> EffectClass {
    if imports_nothing {
        return EffectClass::Pure;
    }
    let most_harmless = claim.believed.unwrap_or(match proven {
        // It says itself what became of a call: whoever believes its results believes that, too.
        EffectClass::Once if claim.can_be_asked => EffectClass::Checkable,
        proven => proven,
    });
    // The order of classes is from harmless to not, so the larger is the more careful one.
    match claim.declared.max(most_harmless) {
        EffectClass::Checkable if !claim.can_be_asked => EffectClass::Once,
        effect => effect,
    }
}

/// What a call can do to the world, as far as `imports` and what is granted of them prove it; the tool is not asked.
pub(crate) fn annotations(
    imports: &[Import],
    effect: EffectClass,
    only_reads: impl Fn(Capability) -> bool,
) -> Annotations {
    let mut capabilities = imports.iter().map(|import| import.capability);
    // A tool that it calls, and the model, may be anywhere.
    let leaves = |it| matches!(it, Capability::Http | Capability::Tools | Capability::Model);
    let open_world = capabilities.clone().any(leaves);
    Annotations::proven(capabilities.all(only_reads), open_world, effect)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(declared: EffectClass, believed: Option<EffectClass>) -> Claim {
        Claim { declared, believed, can_be_asked: false }
    }

    #[test]
    fn no_imports_prove_pure_whatever_is_said() {
        let once = claim(EffectClass::Once, Some(EffectClass::Once));
        assert_eq!(effect(true, EffectClass::Once, once), EffectClass::Pure);
    }

    #[test]
    fn a_claim_is_capped_by_the_operator_or_else_by_the_imports() {
        let (reads, pure, once) = (EffectClass::Idempotent, EffectClass::Pure, EffectClass::Once);
        assert_eq!(effect(false, reads, claim(pure, None)), reads);
        assert_eq!(effect(false, once, claim(pure, None)), once);
        assert_eq!(effect(false, reads, claim(pure, Some(once))), once);
        assert_eq!(effect(false, reads, claim(pure, Some(pure))), pure);
        assert_eq!(
            effect(false, reads, claim(once, Some(pure))),
            once,
            "a tool that says `once` is believed"
        );
    }

    #[test]
    fn only_what_can_be_asked_is_checkable() {
        let (once, checkable) = (EffectClass::Once, EffectClass::Checkable);
        let asked = |declared, believed| Claim { can_be_asked: true, ..claim(declared, believed) };
        assert_eq!(effect(false, once, claim(checkable, None)), once);
        assert_eq!(effect(false, once, claim(checkable, Some(checkable))), once);
        assert_eq!(effect(false, once, asked(checkable, None)), checkable);
        assert_eq!(effect(false, once, asked(once, None)), once);
        assert_eq!(effect(false, once, asked(checkable, Some(once))), once);
    }

    #[test]
    fn annotations_follow_from_imports_and_grants_alone() {
        let of = |names: &[&str], http_reads: bool| {
            let named =
                |name: &&str| Import::named(&format!("playhouse:tool/{name}@1.0.0")).expect("it is known");
            let imports: Vec<Import> = names.iter().map(named).collect();
            // Whatever the tool declares comes in as the class, and only makes it more careful.
            annotations(&imports, EffectClass::Once, |it| {
                it.only_reads() || it == Capability::Http && http_reads
            })
        };
        let it = |read_only, open_world| Annotations {
            read_only,
            destructive: !read_only,
            idempotent: read_only,
            open_world,
        };
        assert_eq!(of(&[], false), it(true, false), "no imports: pure");
        assert_eq!(of(&["log", "clock", "kv", "files"], false), it(true, false));
        assert_eq!(of(&["kv", "kv-write"], false), it(false, false));
        assert_eq!(of(&["files-write"], false), it(false, false));
        assert_eq!(of(&["http"], false), it(false, true));
        assert_eq!(of(&["http"], true), it(true, true), "its grants only read");
        assert_eq!(of(&["model"], false), it(true, true));
        assert_eq!(of(&["tools"], true), it(false, true));
        assert_eq!(of(&["secrets"], true), it(false, false));
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
            ("a", r#"{"type":"object"}"#, r#"{"root":"yes"}"#),
            ("a", r#"{"type":"object"}"#, r#"{"kv":1}"#),
        ] {
            let refused = std::panic::catch_unwind(|| check(name, schema, wants));
            assert!(refused.is_err(), "{name} {schema} {wants}");
        }
    }
}

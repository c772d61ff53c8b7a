//! What it costs to check a value against a JSON Schema, before it is checked.
//!
//! Whoever writes a tool writes its schemas, and a small schema can take for ever: references that double at each step, or
//! thousands of conditions for each of thousands of items. Nothing interrupts a validator. So the places that it would
//! visit are counted first, up to a bound, and what goes beyond is not checked but refused.

use serde_json::{Map, Value};

/// Visits that a check may take: a condition at a place, about 0.1 µs each, so some 25 ms. A table of 20,000 rows of ten
/// columns takes less.
pub const VISITS_MAX: usize = 250_000;
/// Conditions within conditions within values: a validator goes so deep into its stack.
const DEPTH_MAX: usize = 256;
/// Letters that a pattern reads in the time of a visit.
const LETTERS: usize = 16;

/// Where a schema applies others to the very same value.
const SAME_VALUE: [&str; 8] =
    ["$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "not", "if"];
/// The same, where that depends on others.
const PERHAPS: [&str; 4] = ["then", "else", "dependentSchemas", "dependencies"];
/// Where it applies them to each field.
const FIELDS: [&str; 4] =
    ["patternProperties", "additionalProperties", "unevaluatedProperties", "propertyNames"];
/// Where it applies them to each item.
const ITEMS: [&str; 5] = ["items", "additionalItems", "prefixItems", "unevaluatedItems", "contains"];

/// A schema, looked at once.
#[derive(Debug, Clone)]
pub(crate) struct SchemaCost {
    schema: Value,
    /// Values in it: a bound on how often each place of a value is visited, if nothing refers to anything.
    size: usize,
    has_references: bool,
}

impl SchemaCost {
    /// Looks at `schema`.
    ///
    /// # Errors
    /// If a reference in it leads where it cannot be followed here: out of the document, to a name, or in a document
    /// whose parts have ids of their own.
    pub(crate) fn of(schema: &Value) -> Result<Self, String> {
        let mut seen = Seen::default();
        seen.look(schema, 0);
        if let Some(reference) = seen.elsewhere {
            return Err(format!("it refers to `{reference}`; a reference begins with `#/` and stays inside"));
        }
        if seen.has_references && seen.ids > 0 {
            return Err(
                "its parts have ids of their own, and it has references: leave one of them out".into()
            );
        }
        Ok(Self { schema: schema.clone(), size: seen.size, has_references: seen.has_references })
    }

    /// Whether checking `value` takes at most [`VISITS_MAX`] visits.
    pub(crate) fn allows(&self, value: &Value) -> bool {
        let most = self.size.saturating_mul(size(value));
        if !self.has_references && most <= VISITS_MAX {
            return true;
        }
        Walk { root: &self.schema, left: VISITS_MAX }.visit(&self.schema, value, 0).is_some()
    }
}

#[derive(Default)]
struct Seen {
    size: usize,
    has_references: bool,
    elsewhere: Option<String>,
    ids: usize,
}

impl Seen {
    fn look(&mut self, part: &Value, depth: usize) {
        self.size += 1;
        match part {
            Value::Object(fields) => {
                for (key, value) in fields {
                    match (key.as_str(), value) {
                        ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(to)) => {
                            self.has_references = true;
                            if to != "#" && !to.starts_with("#/") {
                                self.elsewhere = Some(to.chars().take(80).collect());
                            }
                        }
                        ("$id" | "id", Value::String(_)) if depth > 0 => self.ids += 1,
                        _ => {}
                    }
                    self.look(value, depth + 1);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.look(item, depth + 1)),
            _ => {}
        }
    }
}

/// Values in `value`, itself included; text counts for what a pattern takes to read it.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => {
            1 + fields.iter().map(|(name, field)| name.len() / LETTERS + size(field)).sum::<usize>()
        }
        Value::String(text) => 1 + text.len() / LETTERS,
        _ => 1,
    }
}

struct Walk<'a> {
    root: &'a Value,
    left: usize,
}

impl Walk<'_> {
    /// Counts what a validator would do; `None` when that is too much.
    fn visit(&mut self, schema: &Value, value: &Value, depth: usize) -> Option<()> {
        let Value::Object(keywords) = schema else { return self.pay(1) };
        if depth > DEPTH_MAX {
            return None;
        }
        self.pay(1 + keywords.len())?;
        // What is not evaluated is found by evaluating the rest once more.
        let again =
            keywords.contains_key("unevaluatedProperties") || keywords.contains_key("unevaluatedItems");
        for _ in 0..=usize::from(again) {
            for key in SAME_VALUE.iter().chain(&PERHAPS) {
                if let Some(part) = keywords.get(*key) {
                    self.same(part, value, depth)?;
                }
            }
        }
        match value {
            Value::Object(fields) => self.fields(keywords, fields, depth),
            Value::Array(items) => self.items(keywords, items, depth),
            Value::String(text) if keywords.contains_key("pattern") => self.pay(text.len() / LETTERS),
            _ => Some(()),
        }?;
        self.pay(keywords.get("enum").and_then(Value::as_array).map_or(0, Vec::len))
    }

    /// A part that is about the same value: a reference, a schema, a list of them, or some by name.
    fn same(&mut self, part: &Value, value: &Value, depth: usize) -> Option<()> {
        match part {
            Value::String(to) => match self.root.pointer(&decoded(to)) {
                Some(target) if depth < DEPTH_MAX => self.visit(target, value, depth + 1),
                Some(_) => None,
                None => Some(()),
            },
            Value::Array(several) => several.iter().try_for_each(|one| self.visit(one, value, depth + 1)),
            // A schema; of those by name, each is looked at as if it were one, and its own parts besides.
            one => self.visit(one, value, depth + 1),
        }
    }

    fn fields(
        &mut self,
        keywords: &Map<String, Value>,
        fields: &Map<String, Value>,
        depth: usize,
    ) -> Option<()> {
        if let Some(Value::Object(properties)) = keywords.get("properties") {
            for (name, property) in properties {
                if let Some(field) = fields.get(name) {
                    self.visit(property, field, depth + 1)?;
                }
            }
            self.pay(properties.len())?;
        }
        for key in FIELDS {
            let Some(part) = keywords.get(key) else { continue };
            let several = part.as_object().filter(|_| key == "patternProperties");
            for (name, field) in fields {
                match several {
                    Some(patterns) => {
                        self.pay(patterns.len() * (1 + name.len() / LETTERS))?;
                        patterns.values().try_for_each(|one| self.visit(one, field, depth + 1))?;
                    }
                    None => self.visit(part, field, depth + 1)?,
                }
            }
        }
        Some(())
    }

    fn items(&mut self, keywords: &Map<String, Value>, items: &[Value], depth: usize) -> Option<()> {
        for part in ITEMS.iter().filter_map(|key| keywords.get(*key)) {
            match part {
                Value::Array(by_place) => {
                    by_place
                        .iter()
                        .zip(items)
                        .try_for_each(|(one, item)| self.visit(one, item, depth + 1))?;
                }
                one => items.iter().try_for_each(|item| self.visit(one, item, depth + 1))?,
            }
        }
        self.pay(items.len())
    }

    fn pay(&mut self, visits: usize) -> Option<()> {
        self.left = self.left.checked_sub(visits)?;
        Some(())
    }
}

/// The pointer of a reference: `#/$defs/a%20b` leads to `/$defs/a b`.
fn decoded(reference: &str) -> String {
    let bytes = reference.trim_start_matches('#').as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        match hex.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| bytes[at] == b'%') {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn allows(schema: &Value, value: &Value) -> bool {
        SchemaCost::of(schema).unwrap().allows(value)
    }

    #[test]
    fn what_doubles_at_each_step_is_too_much() {
        let level = |n: usize| {
            let next = json!({ "$ref": format!("#/$defs/l{}", n + 1) });
            (format!("l{n}"), json!({ "allOf": [next, next] }))
        };
        let mut defs: Map<String, Value> = (0..40).map(level).collect();
        defs.insert("l40".into(), json!({}));
        assert!(!allows(&json!({ "$defs": defs, "$ref": "#/$defs/l0" }), &json!({})));
        let both = json!({ "items": { "$ref": "#" } });
        let deep = (0..60).fold(json!([]), |inner, _| json!([inner]));
        assert!(!allows(&json!({ "allOf": [both, both] }), &deep));
        assert!(allows(&json!({ "allOf": [both, both] }), &json!([[[]]])));
        let nested =
            (0..60).fold(json!({}), |inner, _| json!({ "allOf": [inner], "unevaluatedProperties": false }));
        assert!(!allows(&json!({ "$ref": "#/$defs/a", "$defs": { "a": nested } }), &json!({})));
    }

    #[test]
    fn a_reference_to_itself_is_too_much_and_one_to_what_is_below_is_not() {
        assert!(!allows(&json!({ "allOf": [{ "$ref": "#" }] }), &json!({})));
        let tree = json!({ "properties": { "left": { "$ref": "#" }, "right": { "$ref": "#" } } });
        let value = (0..60).fold(json!({}), |inner, _| json!({ "left": inner, "right": {} }));
        assert!(allows(&tree, &value), "each place is visited once");
    }

    #[test]
    fn many_conditions_for_many_items_are_too_much_and_a_long_table_is_not() {
        let many: Vec<Value> = (0..2_000).map(|n| json!({ "not": { "const": n } })).collect();
        let numbers = Value::from_iter(0..10_000);
        assert!(!allows(&json!({ "items": { "allOf": many } }), &numbers));
        assert!(allows(&json!({ "items": { "type": "integer", "minimum": 0 } }), &numbers));
        let long = json!("x".repeat(1 << 20));
        let patterns: Vec<Value> = (0..64).map(|n| json!({ "pattern": format!("{n}") })).collect();
        assert!(!allows(&json!({ "anyOf": patterns }), &long));
    }

    #[test]
    fn references_stay_inside_and_names_are_decoded() {
        for elsewhere in ["https://example.com/s", "file:///etc/passwd", "#name", "other.json#/a"] {
            assert!(SchemaCost::of(&json!({ "$ref": elsewhere })).unwrap_err().contains(elsewhere));
        }
        assert!(SchemaCost::of(&json!({ "$ref": "#/a", "a": { "$id": "https://x.example/" } })).is_err());
        let bomb = json!({ "allOf": [{ "$ref": "#/$defs/a%20b" }] });
        assert!(!allows(&json!({ "$defs": { "a b": bomb }, "$ref": "#/$defs/a%20b" }), &json!({})));
    }
}

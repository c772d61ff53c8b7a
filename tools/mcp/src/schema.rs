//! Schemas that a server sent, and values against them. Both are a stranger's: each is bounded before it is used.

use jsonschema::{PatternOptions, Validator};
use playhouse_core::schema_cost::SchemaCost;
use serde_json::Value;

use crate::bounds::{
    PATTERN_BYTES_MAX, PATTERNS_MAX, SCHEMA_BYTES_MAX, SCHEMA_DEPTH_MAX, VALUE_DEPTH_MAX, clipped,
};

/// Complaints in one message: the model corrects these and learns of the rest next time.
const COMPLAINTS_MAX: usize = 3;
/// Characters of one complaint, which may quote the value.
const COMPLAINT_CHARS_MAX: usize = 240;

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Schema {
    validator: Validator,
    cost: SchemaCost,
}

impl Schema {
    /// Compiles a schema. Patterns run in linear time and in bounded memory, and references stay inside the document.
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        let bytes = json_bytes(schema);
        if bytes > SCHEMA_BYTES_MAX {
            return Err(format!("it has {bytes} bytes, and {SCHEMA_BYTES_MAX} are allowed"));
        }
        if !is_shallow(schema, SCHEMA_DEPTH_MAX) {
            return Err(format!("it is nested more than {SCHEMA_DEPTH_MAX} levels deep"));
        }
        if patterns(schema) > PATTERNS_MAX {
            return Err(format!("it has more than {PATTERNS_MAX} patterns"));
        }
        let cost = SchemaCost::of(schema)?;
        let patterns =
            PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
        let compiled = jsonschema::options().with_pattern_options(patterns).build(schema);
        let validator = compiled.map_err(|error| clipped(&error.to_string(), COMPLAINT_CHARS_MAX))?;
        Ok(Self { validator, cost })
    }

    /// Whether `value` fits; the error lists what does not.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        if !is_shallow(value, VALUE_DEPTH_MAX) {
            return Err(format!("it is nested more than {VALUE_DEPTH_MAX} levels deep"));
        }
        if !self.cost.allows(value) {
            return Err("checking it against the tool's schema is too much work: make it smaller".into());
        }
        // Complaints are collected before the first one is seen, and may be as many as there are items.
        if self.validator.is_valid(value) {
            return Ok(());
        }
        let mut complaints = Vec::new();
        for error in self.validator.iter_errors(value).take(COMPLAINTS_MAX) {
            let place = error.instance_path().as_str().trim_start_matches('/').to_owned();
            let complaint = clipped(&error.to_string(), COMPLAINT_CHARS_MAX);
            complaints.push(if place.is_empty() { complaint } else { format!("`{place}`: {complaint}") });
        }
        if complaints.is_empty() { Ok(()) } else { Err(complaints.join("; ")) }
    }
}

/// Whether `value` is nested at most `levels` deep. Goes no deeper than that itself.
pub(crate) fn is_shallow(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| is_shallow(item, levels - 1)),
        Value::Object(fields) => levels > 0 && fields.values().all(|field| is_shallow(field, levels - 1)),
        _ => true,
    }
}

/// The length of `value` as JSON, without making the text.
pub(crate) fn json_bytes(value: &Value) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).expect("JSON can be written, and counting does not fail");
    count.0
}

/// How many regular expressions a schema has at most. Called only for what is shallow.
fn patterns(schema: &Value) -> usize {
    match schema {
        Value::Array(items) => items.iter().map(patterns).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| {
                let here = match (key.as_str(), value) {
                    ("pattern", Value::String(_)) => 1,
                    ("patternProperties", Value::Object(named)) => named.len(),
                    _ => 0,
                };
                here + patterns(value)
            })
            .sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!({ "type": "string" }), |inner, _| json!({ "not": inner }))
    }

    #[test]
    fn a_value_is_checked_with_words_a_model_understands() {
        let schema =
            json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] });
        let schema = Schema::compile(&schema).unwrap();
        schema.check(&json!({ "n": 1 })).unwrap();
        assert!(schema.check(&json!({ "n": "x" })).unwrap_err().starts_with("`n`: "));
        assert!(schema.check(&json!({})).unwrap_err().contains("required"));
    }

    #[test]
    fn a_schema_that_would_cost_too_much_is_refused() {
        let many: Vec<Value> = (0..=PATTERNS_MAX).map(|n| json!({ "pattern": format!("a{n}") })).collect();
        let cases = [
            (json!({ "description": "x".repeat(SCHEMA_BYTES_MAX) }), "bytes"),
            (nested(SCHEMA_DEPTH_MAX + 1), "levels deep"),
            (json!({ "anyOf": many }), "patterns"),
            (json!({ "pattern": "(?:\\w{500}){500}" }), "regex"),
            (json!({ "$ref": "https://example.com/schema.json" }), "example.com"),
            (json!({ "$ref": "file:///etc/hostname" }), "etc"),
            (json!({ "type": 5 }), "5"),
        ];
        for (schema, wanted) in cases {
            let problem = Schema::compile(&schema).unwrap_err();
            assert!(problem.contains(wanted), "{wanted}: {problem}");
        }
        Schema::compile(&nested(SCHEMA_DEPTH_MAX - 1)).unwrap();
    }

    #[test]
    fn a_check_that_would_never_end_is_refused() {
        let level = |n: usize| {
            let next = json!({ "$ref": format!("#/$defs/l{}", n + 1) });
            (format!("l{n}"), json!({ "allOf": [next, next] }))
        };
        let mut defs: serde_json::Map<String, Value> = (0..60).map(level).collect();
        defs.insert("l60".into(), json!({}));
        let schema = Schema::compile(&json!({ "$defs": defs, "$ref": "#/$defs/l0" })).unwrap();
        assert!(schema.check(&json!({})).unwrap_err().contains("too much work"));
    }

    #[test]
    fn bytes_are_those_of_the_text() {
        let value = json!({ "a": [1, "ü", null], "b": { "c": "\n" } });
        assert_eq!(json_bytes(&value), value.to_string().len());
    }
}

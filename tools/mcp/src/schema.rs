//! Schemas that a server sent, and values against them. Both are a stranger's: each is bounded before it is used.

use playhouse_schema::Bounds;
use serde_json::Value;

pub(crate) use playhouse_schema::is_shallow;

use crate::bounds::{PATTERNS_MAX, SCHEMA_BYTES_MAX, SCHEMA_DEPTH_MAX};

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Schema(playhouse_schema::Schema);

impl Schema {
    /// Compiles a schema, within tighter bounds than those of a tool that somebody installed: a server may offer hundreds
    /// of tools, and change them while it runs.
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        let bytes = json_bytes(schema);
        if bytes > SCHEMA_BYTES_MAX {
            return Err(format!("it has {bytes} bytes, and {SCHEMA_BYTES_MAX} are allowed"));
        }
        let bounds = Bounds { depth: SCHEMA_DEPTH_MAX, patterns: PATTERNS_MAX };
        playhouse_schema::Schema::compile_within(schema, bounds).map(Self)
    }

    /// Whether `value` fits; the error lists what does not.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        self.0.check(value)
    }

    /// Whether `value` fits as the arguments of `tool`; the error says what would.
    pub(crate) fn arguments(&self, tool: &str, value: &Value) -> Result<(), String> {
        self.0.arguments(tool, value)
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

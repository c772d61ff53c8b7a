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
    fn a_stranger_gets_less_than_the_author_of_a_tool() {
        let many: Vec<Value> = (0..=PATTERNS_MAX).map(|n| json!({ "pattern": format!("a{n}") })).collect();
        let cases = [
            (json!({ "description": "x".repeat(SCHEMA_BYTES_MAX) }), "bytes"),
            (nested(SCHEMA_DEPTH_MAX + 1), "levels deep"),
            (json!({ "anyOf": many }), "patterns"),
        ];
        for (schema, wanted) in cases {
            let problem = Schema::compile(&schema).unwrap_err();
            assert!(problem.contains(wanted), "{wanted}: {problem}");
        }
        Schema::compile(&nested(SCHEMA_DEPTH_MAX - 1)).unwrap();
    }

    #[test]
    fn bytes_are_those_of_the_text() {
        let value = json!({ "a": [1, "ü", null], "b": { "c": "\n" } });
        assert_eq!(json_bytes(&value), value.to_string().len());
    }
}

//! What a model wrote as arguments, against a schema that a tool wrote: `schema`, a line break, `arguments`.

use playhouse_core::lenient;
use playhouse_schema::Schema;
use serde_json::Value;

/// Reads, repairs and checks.
pub fn one(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (schema, raw) = text.split_once('\n').unwrap_or(("{}", text));
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let read = serde_json::from_str(raw).ok().or_else(|| {
        let (value, repairs) = lenient::read(raw)?;
        assert!((1..=lenient::REPAIRS_MAX).contains(&repairs.len()), "{repairs:?}");
        Some(value)
    });
    let Some(arguments): Option<Value> = read else { return };
    let (fitted, repairs) = lenient::fit(&schema, &arguments);
    assert!(repairs.len() <= lenient::REPAIRS_MAX, "{repairs:?}");
    assert_eq!(repairs.is_empty(), fitted == arguments, "what is put right is listed, and nothing else");
    if !repairs.is_empty() {
        let (again, more) = lenient::fit(&schema, &fitted);
        assert_eq!((again, more.len()), (fitted.clone(), 0), "what was put right is right");
    }
    // What fits already is left alone.
    if Schema::compile(&schema).is_ok_and(|schema| schema.check(&arguments).is_ok()) {
        assert!(repairs.is_empty(), "{arguments} fits {schema}, and became {fitted}");
    }
}

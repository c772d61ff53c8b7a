//! What a component says of itself: whoever wrote it chose every byte.

use std::time::{Duration, Instant};

use playhouse_tools_host::fuzz::{Checked, describe};
use serde_json::{Value, json};

/// A description is read within this time, however it is made, with the checks of a few values.
const LONG: Duration = Duration::from_secs(2);

/// Reads `data` as a description, and checks values against the schemas that are in it.
pub fn one(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let began = Instant::now();
    if let Ok(described) = describe(text) {
        assert!(!described.name.is_empty() && described.name.len() <= 64, "{}", described.name);
        assert!(!described.version.chars().any(char::is_control), "{:?}", described.version);
        let deep = (0..60).fold(json!([]), |inner, _| json!([inner]));
        for value in
            [json!({}), json!([1, 2, 2]), json!("text"), deep, json!({ "a": { "a": {} } }), Value::Null]
        {
            // It fits or not, but it is told so, and twice the same.
            let Checked { input, output } = described.check(&value);
            assert_eq!(described.check(&value), Checked { input, output });
        }
    }
    assert!(began.elapsed() < LONG, "it took {:?}", began.elapsed());
}

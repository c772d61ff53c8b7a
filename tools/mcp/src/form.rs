//! A server's form: filled in from the answers that the operator wrote down, or by a person, or declined.
//!
//! Nobody reads the question when the operator's answers are used, so they are such that this server may have them at any
//! time. A form that asks for something like a password is declined whatever else it asks for, and whoever would be asked.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{definition::hides_text, schema::Schema, words::line};

/// Characters of a field's name that are shown.
const NAME_CHARS_MAX: usize = 40;
/// Parts of names of what is not told to a server this way.
const SECRETS: [&str; 9] =
    ["password", "passwd", "passphrase", "passcode", "secret", "token", "apikey", "privatekey", "credential"];

/// Whether a field of this name, or with this title, asks for a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    SECRETS.iter().any(|secret| plain.contains(secret))
}

/// A form that may be answered.
#[derive(Debug)]
pub(crate) struct Form {
    /// Its schema as the server wrote it.
    pub(crate) requested: Value,
    fields: Map<String, Value>,
    schema: Schema,
}

impl Form {
    /// The form with the schema `requested`; the error says why nobody is to answer it.
    pub(crate) fn of(requested: Value) -> Result<Self, String> {
        let schema = Schema::compile(&requested).map_err(|why| format!("its schema: {why}"))?;
        let fields = requested["properties"].as_object().ok_or("it has no fields")?.clone();
        let secret = |(name, field): &(&String, &Value)| {
            is_secret(name) || field["title"].as_str().is_some_and(is_secret)
        };
        if let Some((name, _)) = fields.iter().find(secret) {
            return Err(format!("`{}` asks for a secret", line(name, NAME_CHARS_MAX)));
        }
        Ok(Self { requested, fields, schema })
    }

    /// What is sent for it without asking anybody; the error says what is missing.
    pub(crate) fn fill(&self, answers: &BTreeMap<String, Value>) -> Result<Map<String, Value>, String> {
        if answers.is_empty() {
            return Err("nobody answers".into());
        }
        let answered = self.fields.keys().filter_map(|name| Some((name.clone(), answers.get(name)?.clone())));
        let content: Map<String, Value> = answered.collect();
        let required = self.requested["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let missing: Vec<String> = required
            .filter(|name| !content.contains_key(*name))
            .map(|name| format!("`{}`", line(name, NAME_CHARS_MAX)))
            .collect();
        if !missing.is_empty() {
            return Err(format!("there is no answer for {}", line(&missing.join(", "), 4 * NAME_CHARS_MAX)));
        }
        // A form without fields asks for a consent, and nobody gave one.
        if content.is_empty() {
            return Err("there is no answer for any of its fields".into());
        }
        self.check(&content).map_err(|_| "the answers do not fit its schema".to_owned())?;
        Ok(content)
    }

    /// Whether it shows a person something else than it is.
    pub(crate) fn hides_text(&self) -> bool {
        hides_text(&self.requested)
    }

    /// What is wrong with a person's answer.
    pub(crate) fn check(&self, content: &Map<String, Value>) -> Result<(), String> {
        if let Some(other) = content.keys().find(|name| !self.fields.contains_key(*name)) {
            return Err(format!("there is no field `{}`", line(other, NAME_CHARS_MAX)));
        }
        self.schema.check(&Value::Object(content.clone()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(properties: Value, required: Value) -> Result<Value, String> {
        let answers = [("region", json!("eu")), ("size", json!(3)), ("sure", json!(true))];
        let answers = answers.map(|(name, value)| (name.to_owned(), value)).into();
        let schema = json!({ "type": "object", "properties": properties, "required": required });
        Form::of(schema)?.fill(&answers).map(Value::Object)
    }

    #[test]
    fn a_form_whose_required_fields_have_answers_is_filled_in() {
        let text = || json!({ "type": "string" });
        let form = json!({ "region": { "type": "string", "enum": ["eu", "us"] }, "size": { "type": "integer" }, "why": text() });
        assert_eq!(filled(form, json!(["region"])).unwrap(), json!({ "region": "eu", "size": 3 }));
        assert_eq!(filled(json!({ "region": text() }), json!([])).unwrap(), json!({ "region": "eu" }));
    }

    #[test]
    fn every_other_form_is_declined_with_a_reason_that_holds_no_answer() {
        let text = || json!({ "type": "string" });
        let many = json!((0..50).map(|n| format!("field-{n}")).collect::<Vec<_>>());
        for (properties, required, wanted) in [
            (json!({ "region": text(), "name": text() }), json!(["region", "name"]), "no answer for `name`"),
            (json!({ "name": text() }), json!([]), "any of its fields"),
            (json!({}), json!([]), "any of its fields"),
            (json!({ "region": { "enum": ["us"] } }), json!(["region"]), "do not fit"),
            (json!({ "size": { "type": "integer", "maximum": 2 } }), json!(["size"]), "do not fit"),
            (json!({ "region": text(), "pass_word": text() }), json!([]), "`pass_word` asks for a secret"),
            (json!({ "region": { "type": "string", "title": "API key" } }), json!([]), "asks for a secret"),
            (json!({ "region": { "pattern": "(" } }), json!([]), "its schema"),
            (json!({ "region": text() }), many, "`field-0`, `field-1`"),
        ] {
            let why = filled(properties, required).unwrap_err();
            assert!(why.contains(wanted) && !why.contains("eu\"") && why.len() < 400, "{wanted}: {why}");
        }
        let form = Form::of(json!({ "properties": {} })).unwrap();
        assert_eq!(form.fill(&BTreeMap::new()).unwrap_err(), "nobody answers");
    }

    #[test]
    fn a_persons_answer_has_the_fields_of_the_form_and_no_others() {
        let properties = json!({ "size": { "type": "integer" } });
        let form = Form::of(json!({ "properties": properties, "required": ["size"] })).unwrap();
        let check = |answer: Value| form.check(answer.as_object().unwrap());
        check(json!({ "size": 3 })).unwrap();
        assert!(check(json!({ "size": "3" })).unwrap_err().contains("`size`"));
        assert!(check(json!({})).unwrap_err().contains("size"));
        assert!(check(json!({ "size": 3, "more": 1 })).unwrap_err().contains("no field `more`"));
    }

    #[test]
    fn names_of_secrets_are_known_in_every_spelling() {
        for name in ["password", "API_KEY", "accessToken", "client-secret", "Passphrase", "user.credentials"]
        {
            assert!(is_secret(name), "{name}");
        }
        for name in ["region", "key", "passenger", "shipping"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}

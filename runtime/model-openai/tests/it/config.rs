//! What is wrong with a config is said before anything is sent.

use playhouse_model_openai::{ConfigError, OpenAi, OpenAiConfig, Secret};
use playhouse_ports::ChatModel;
use serde_json::{Value, json};

use crate::support::{ask, config};

fn complaint(base_url: &str, more: Value) -> String {
    OpenAi::new(config(base_url, more), None).unwrap_err().to_string()
}

#[test]
fn an_address_must_be_one_that_can_be_asked() {
    let table = [
        ("api.example/v1", "is not an address"),
        ("ftp://api.example/v1", "has the scheme `ftp`"),
        ("https://user:canary@api.example/v1", "holds a user name or password"),
        ("https://api.example/v1?key=canary", "holds a `?`"),
        ("https://api.example/v1/chat/completions/", "is appended anyway"),
    ];
    for (base_url, problem) in table {
        let complaint = complaint(base_url, json!({}));
        assert!(complaint.contains(problem) && complaint.contains("model `fast`"), "{complaint}");
        assert!(!complaint.contains("canary"), "{complaint}");
    }
}

#[test]
fn a_field_that_must_be_filled_is_named() {
    let complaint = complaint("http://localhost", json!({ "timeouts": { "idle_ms": 0 } }));
    assert_eq!(complaint, "model `fast`: `timeouts.idle_ms` is empty or zero; it needs a value");
}

#[test]
fn headers_carry_no_credentials_and_no_nonsense() {
    let complaint =
        |name: &str, value: &str| complaint("http://localhost", json!({ "headers": { name: value } }));
    assert!(complaint("Authorization", "Bearer canary").contains("name the key's environment variable"));
    assert!(complaint("no spaces", "x").contains("is not a header name"));
    let unsendable = complaint("x-team", "canary\n");
    assert!(unsendable.contains("has a value no header can carry") && !unsendable.contains("canary"));
}

#[test]
fn a_key_that_is_missing_or_no_key_is_refused_by_name() {
    let with_env = || config("http://localhost", json!({ "api_key_env": "FAST_KEY" }));
    let missing = ConfigError::NoKey { model: "fast".into(), env: "FAST_KEY".into() };
    assert_eq!(OpenAi::new(with_env(), None).unwrap_err(), missing);
    assert_eq!(OpenAi::new(with_env(), Some(Secret::new(" \n"))).unwrap_err(), missing);
    let broken = OpenAi::new(with_env(), Some(Secret::new("sk\ncanary"))).unwrap_err();
    assert_eq!(broken, ConfigError::BadKey { model: "fast".into() });
}

#[test]
fn a_field_that_does_not_exist_is_an_error() {
    let config =
        json!({ "name": "a", "base_url": "b", "model": "c", "context_tokens": 1, "api_key": "canary" });
    let error = serde_json::from_value::<OpenAiConfig>(config).unwrap_err().to_string();
    assert!(error.contains("unknown field `api_key`") && !error.contains("canary"), "{error}");
}

#[tokio::test]
async fn a_model_tells_what_it_is_and_guesses_tokens_without_asking() {
    let model = OpenAi::new(config("http://localhost", json!({ "bytes_per_token": 2 })), None).unwrap();
    let info = model.info();
    assert_eq!(
        (info.name.as_str(), info.version.as_str(), info.provider.as_str()),
        ("fast", "m-1", "openai")
    );
    assert_eq!((info.context_tokens, info.bytes_per_token), (8192, 2));
    assert!(model.count_tokens(&ask()).await.unwrap() > 4);
}

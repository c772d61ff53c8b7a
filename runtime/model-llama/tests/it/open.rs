//! What is refused before anything runs.

use playhouse_model_llama::{GgufProblem, Llama, LlamaConfig, StartError, Worker};

use crate::kit::model;

#[test]
fn unknown_settings_are_refused_and_the_rest_has_defaults() {
    let config: LlamaConfig = serde_json::from_str(r#"{"path": "m.gguf"}"#).expect("only the path is needed");
    assert_eq!(config, LlamaConfig::new("m.gguf"));
    let error =
        serde_json::from_str::<LlamaConfig>(r#"{"path": "m.gguf", "n_ctx": 5}"#).expect_err("unknown");
    assert!(error.to_string().contains("n_ctx"), "{error}");
}

#[test]
fn settings_that_do_not_fit_the_model_are_refused_with_the_range() {
    let config = LlamaConfig { context_tokens: Some(4096), ..LlamaConfig::new(model()) };
    let told = Llama::open("nano", config, Worker::InProcess).expect_err("too long").to_string();
    assert_eq!(told, "`context_tokens = 4096` does not fit this model: choose a value from 64 to 1024");
}

#[test]
fn a_truncated_model_is_refused_before_llama_cpp_sees_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cut.gguf");
    let whole = std::fs::read(model()).expect("a model");
    std::fs::write(&path, &whole[..whole.len() / 2]).expect("written");
    match Llama::open("cut", LlamaConfig::new(&path), Worker::InProcess) {
        Err(StartError::Gguf(error)) => {
            assert!(matches!(error.problem, GgufProblem::Truncated(_)), "{error}")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_model_says_who_it_is() {
    let llama = Llama::open("nano", LlamaConfig::new(model()), Worker::InProcess).expect("opens");
    let info = playhouse_ports::ChatModel::info(&*llama);
    assert_eq!((info.name.as_str(), info.provider.as_str()), ("nano", "llama_cpp"));
    assert_eq!((info.context_tokens, info.bytes_per_token, info.version.len()), (1024, 1, 16));
}

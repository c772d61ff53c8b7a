//! The examples of `docs/tools.md`, word for word.

use playhouse_tool::{Error, clock, http, kv, tool};

/// Greets somebody by name, for example `Ada`.
#[tool(effect = "pure")]
fn greet(
    /// Whom to greet
    who: String,
    /// In which language; English if not given
    language: Option<String>,
) -> Result<String, Error> {
    match language.as_deref() {
        None | Some("en") => Ok(format!("Hello, {who}!")),
        Some("de") => Ok(format!("Guten Tag, {who}!")),
        Some(other) => Err(Error::invalid_input(format!("`language` is `{other}`: `en` and `de` are known"))),
    }
}

/// The weather of a town now, for example `Bern`.
#[tool(
    effect = "idempotent",
    wants(http = "reads api.example.com", kv = "knows towns", kv_write = "keeps answers for an hour")
)]
fn weather(
    /** The town */
    town: String,
) -> Result<String, Error> {
    let key = format!("{town}/{}", clock::now_ms() / 3_600_000);
    if let Some(known) = kv::get(&key)? {
        return Ok(known);
    }
    let answer =
        http::get(format!("https://api.example.com/now/{town}")).secret("weather").send()?.ok()?.text();
    kv::put(&key, &answer)?;
    Ok(answer)
}

#[test]
fn a_function_is_a_tool() {
    assert_eq!(playhouse_tool::run::<Greet>(r#"{"who": "Ada"}"#).unwrap(), r#""Hello, Ada!""#);
}

#[test]
fn a_test_sets_up_the_host_that_answers() {
    let host = playhouse_tool::testing::Host::new().kv([("x", "y")]).secret("weather", "s3cret").answer_http(
        "https://api.example.com/now/Bern",
        playhouse_tool::http::Response { status: 200, body: b"sunny".to_vec(), ..Default::default() },
    );
    assert_eq!(host.call::<Weather>(r#"{"town": "Bern"}"#).unwrap(), r#""sunny""#);
    assert_eq!(host.requests()[0].secrets, ["weather"]);
    assert_eq!(host.call::<Weather>(r#"{"town": "Bern"}"#).unwrap(), r#""sunny""#);
    assert_eq!(host.requests().len(), 1, "the second answer is a kept one");
}

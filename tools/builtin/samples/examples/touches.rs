//! Every capability there is, one by one: the arguments say which.
#![allow(missing_docs, reason = "a component is no library")]

use playhouse_tool::{
    Error, clock, context, files, http, json, kv, log, model, progress, random, secrets, serde_json, tool,
    tools,
};

/// Touches one thing outside of itself, for example `kv-get`.
#[tool(wants(
    kv = "a test",
    kv_write = "a test",
    files = "a test",
    files_write = "a test",
    http = "a test",
    secrets = "a test",
    tools = "a test",
    model = "a test"
))]
pub fn touches(
    /// What to touch, for example `kv-get`
    what: String,
    /// A key, path, URL, name or prompt
    on: Option<String>,
    /// A value, content or further name
    with: Option<String>,
) -> Result<String, Error> {
    let (on, with) = (on.unwrap_or_default(), with.unwrap_or_default());
    match what.as_str() {
        "effect-id" => Ok(context::effect_id()),
        "time-left" => Ok(context::time_left().as_millis().to_string()),
        "report" => {
            progress::report(1, 2, &on);
            Ok(on)
        }
        "partial" => {
            progress::partial(&on);
            Ok(on)
        }
        "log" => {
            log::info(&on);
            Ok(on)
        }
        "now" => Ok(clock::now_ms().to_string()),
        "random" => Ok(format!("{:?}", random::bytes(8))),
        "kv-get" => Ok(kv::get(&on)?.unwrap_or_default()),
        "kv-keys" => Ok(kv::keys(&on, None, 10)?.join(",")),
        "kv-put" => kv::put(&on, &with).map(|()| String::new()),
        "kv-delete" => kv::delete(&on).map(|there| there.to_string()),
        "roots" => Ok(files::roots().join(",")),
        "stat" => files::stat(&on).map(|info| format!("{} {} {}", info.name, info.is_folder, info.size)),
        "entries" => {
            Ok(files::entries(&on, None, 100)?.into_iter().map(|i| i.name).collect::<Vec<_>>().join(","))
        }
        "read" => files::read_to_string(&on),
        "write" => files::write(&on, &with),
        "create" => files::create(&on, &with),
        "remove" => files::remove(&on).map(|()| String::new()),
        "get" => http::get(&on).send()?.ok().map(|page| page.text()),
        "get-with" => http::get(&on).secret(&with).send()?.ok().map(|page| page.text()),
        "granted" => Ok(secrets::is_granted(&on).to_string()),
        "sign" => secrets::hmac_sha256(&on, with.as_bytes()).map(|bytes| format!("{bytes:02x?}")),
        "call" => tools::call::<serde_json::Value>(&on, &json!({"key": with})).map(|json| json.to_string()),
        "ask" => model::ask("Be brief.", &on, 16),
        other => Err(Error::invalid_input(format!("`what` is `{other}`, which is nothing to touch"))),
    }
}

//! What a server's process sees of the world.

use std::path::PathBuf;

use playhouse_tools_mcp::{ServerConfig, Text};
use serde_json::{Value, json};

use crate::kit::{Stage, hostile};

/// What the server says that it sees, when it tries to read and write these.
async fn look(config: ServerConfig, read: &str, write: &str) -> (Value, Stage) {
    let stage = Stage::run(config).ready().await;
    let seen = stage.call("t", json!({ "read": read, "write": write })).await.unwrap();
    (serde_json::from_str(seen.as_str().unwrap()).unwrap(), stage)
}

#[tokio::test]
async fn only_the_listed_variables_and_a_few_harmless_ones_reach_it() {
    let mut config = hostile("look");
    config.env =
        [("TOKEN".into(), Text::new("secret")), ("OURS".into(), Text::new("$CARGO_PKG_NAME"))].into();
    let (seen, stage) = look(config, "", "").await;
    let env = seen["env"].as_object().unwrap();
    let names: Vec<_> = env.keys().filter(|name| *name != "PWD").collect();
    assert_eq!(names, ["HOME", "LANG", "OURS", "PATH", "TMPDIR", "TOKEN"]);
    // A value that is not written out may be a secret, so it comes back as one: it was the right one.
    assert_eq!((&env["TOKEN"], &env["OURS"]), (&json!("secret"), &json!("[secret]")));
    let home = stage.work().canonicalize().unwrap();
    assert_eq!((&env["HOME"], &seen["folder"]), (&json!(home), &json!(home)));
}

#[tokio::test]
async fn a_variable_that_is_not_set_is_named() {
    let mut config = hostile("look");
    config.env = [("TOKEN".into(), Text::new("$PLAYHOUSE_NO_SUCH_VARIABLE"))].into();
    let exit = Stage::run(config).exit().await.to_string();
    assert!(exit.contains("`TOKEN` is to be our `PLAYHOUSE_NO_SUCH_VARIABLE`, which is not set"), "{exit}");
}

#[tokio::test]
async fn its_limits_hold_and_it_leads_a_group_of_its_own() {
    let mut config = hostile("look");
    config.limits.open_files = 77;
    config.limits.cpu_s = 1234;
    let (seen, _stage) = look(config, "", "").await;
    let limits = seen["limits"].as_str().unwrap();
    let of = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().map(str::to_owned).take(2).collect::<Vec<_>>()
    };
    assert_eq!(of("Max open files"), ["77", "77"]);
    assert_eq!(of("Max cpu time"), ["1234", "1234"]);
    assert_eq!(of("Max data size"), ["2147483648", "2147483648"]);
    assert_eq!(of("Max file size"), ["1073741824", "1073741824"]);
    assert_eq!(of("Max core file size"), ["0", "0"]);
    let stat: Vec<&str> = seen["group"].as_str().unwrap().split_whitespace().collect();
    assert_eq!(stat[0], stat[4], "its process id is its group's");
}

/// A folder outside of everything that a server is given, with a file in it.
fn secret() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "12345").unwrap();
    let file = file.to_str().unwrap().to_owned();
    (folder, file)
}

#[tokio::test]
async fn files_outside_its_folders_are_not_there_for_it() {
    let (_folder, file) = secret();
    let (seen, stage) = look(hostile("look"), &file, &format!("{file}-new")).await;
    for tried in ["read", "write"] {
        assert!(
            seen[tried]["Err"].as_str().unwrap().contains("Permission denied"),
            "{tried}: {}",
            seen[tried]
        );
    }
    let own = stage.call("t", json!({ "read": "/etc/passwd", "write": "mine" })).await.unwrap();
    let own: Value = serde_json::from_str(own.as_str().unwrap()).unwrap();
    assert!(own["read"]["Ok"].is_u64() && own["write"]["Ok"].is_null(), "{own}");
    assert!(stage.work().join("mine").is_file());
    let daemon = format!("/proc/{}/environ", std::process::id());
    let peek = stage.call("t", json!({ "read": daemon, "write": "/dev/null" })).await.unwrap();
    assert!(peek.as_str().unwrap().contains("Permission denied"), "our secrets are not its own: {peek}");
    let system = stage.call("t", json!({ "read": file, "write": "/etc/playhouse-was-here" })).await.unwrap();
    assert!(system.as_str().unwrap().matches("Permission denied").count() == 2, "{system}");
}

#[tokio::test]
async fn files_that_were_granted_are_there_for_it() {
    let (folder, file) = secret();
    let mut config = hostile("look");
    config.read = vec![PathBuf::from(&file)];
    let (seen, _stage) = look(config.clone(), &file, &file).await;
    assert_eq!(seen["read"], json!({ "Ok": 5 }));
    assert!(seen["write"]["Err"].is_string(), "to read is not to write");
    config.write = vec![folder.path().to_owned()];
    let (seen, _stage) = look(config, &file, &format!("{file}-new")).await;
    assert!(seen["write"].get("Ok").is_some(), "{}", seen["write"]);
}

#[tokio::test]
async fn confinement_can_be_switched_off() {
    let (_folder, file) = secret();
    let (seen, _stage) = look(ServerConfig { confine: false, ..hostile("look") }, &file, &file).await;
    assert_eq!(seen["read"], json!({ "Ok": 5 }));
}

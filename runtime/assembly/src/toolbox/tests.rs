//! Shipped tools, configured by a file as an operator writes it, reach what they were given.

use std::fs;

use playhouse_core::{
    grant::Access,
    id::{EffectId, TaskId, Tenant},
    labels::Labels,
    tool::Reach,
};
use serde_json::json;
use tempfile::TempDir;

use super::*;

/// The tools of `text`, a configuration in `home`.
fn tools(home: &TempDir, text: &str) -> Result<Toolboxes, BuildError> {
    let path = home.path().join("playhouse.toml");
    fs::write(&path, text).unwrap();
    let mut config = Config::load(Some(&path), []).unwrap();
    config.cache = Some(home.path().join("cache"));
    config.data = Some(home.path().join("data"));
    Toolboxes::load(&config, &Shelf::open(&config).unwrap(), Vec::new(), None)
}

fn call(tool: &str, tenant: &str, grant: Grant, arguments: Value) -> ToolRequest {
    let task = TaskId::new("task-1").unwrap();
    ToolRequest {
        effect_id: EffectId::new(&task, 1, 0),
        tenant: Tenant::new(tenant).unwrap(),
        task,
        tool: tool.into(),
        arguments,
        grant,
        others: None,
        labels: Labels::default(),
        timeout_ms: 5_000,
        fuel: None,
        reached: Reach::default(),
    }
}

#[tokio::test]
async fn a_memory_outlives_the_daemon_and_is_of_one_tenant() {
    let home = TempDir::new().unwrap();
    let text = "[tools.memory]\ncomponent = \"shipped:memory.wasm\"\nstores = [\"notes\"]\n[stores.notes]\nquota_mib = 1";
    let notes = || Grant { table: Some("notes".into()), ..Grant::default() };
    let remember = json!({"action": "remember", "name": "wifi", "text": "blue-otter"});
    tools(&home, text).unwrap().call(call("memory", "local", notes(), remember)).await.unwrap();
    let later = tools(&home, text).unwrap();
    let recall = || json!({"action": "recall", "name": "wifi"});
    let found = later.call(call("memory", "local", notes(), recall())).await.unwrap();
    assert_eq!(found["text"], "blue-otter");
    let other = later.call(call("memory", "other", notes(), recall())).await.unwrap_err();
    assert_eq!(other.kind, ToolErrorKind::NotFound);
    assert!(home.path().join("data/stores/notes/t-local").is_dir());
}

#[tokio::test]
async fn files_are_read_where_the_configuration_says_and_nowhere_else() {
    let home = TempDir::new().unwrap();
    fs::create_dir(home.path().join("docs")).unwrap();
    fs::write(home.path().join("docs/a.txt"), "one\ntwo\n").unwrap();
    let text = "[tools.files]\ncomponent = \"shipped:files.wasm\"\nfolders.docs = { path = \"docs\" }";
    let tools = tools(&home, text).unwrap();
    let read = |path: &str| json!({"action": "read", "path": path});
    let found = tools.call(call("files", "local", Grant::default(), read("docs/a.txt"))).await.unwrap();
    assert!(found.to_string().contains("two"), "{found}");
    for path in ["docs/../playhouse.toml", "/etc/passwd", "playhouse.toml"] {
        let refused = tools.call(call("files", "local", Grant::default(), read(path))).await.unwrap_err();
        assert!(
            matches!(refused.kind, ToolErrorKind::Denied | ToolErrorKind::InvalidInput),
            "{path}: {refused}"
        );
    }
    let none = Grant { folders: Some([].into()), ..Grant::default() };
    assert!(tools.call(call("files", "local", none, read("docs/a.txt"))).await.is_err());
}

#[tokio::test]
async fn a_request_leaves_through_the_guard_which_knows_private_addresses() {
    let home = TempDir::new().unwrap();
    let rule = |private: bool| {
        format!(
            "[tools.fetch]\ncomponent = \"shipped:fetch.wasm\"\nhttp.rules = [{{ origin = \"http://127.0.0.1:9\", private = {private} }}]"
        )
    };
    let fetch = || call("fetch", "local", Grant::default(), json!({"url": "http://127.0.0.1:9/"}));
    let refused = tools(&home, &rule(false)).unwrap().call(fetch()).await.unwrap_err();
    assert!(refused.message.contains("private"), "{refused}");
    // Port 9 is nobody's: the guard let it through, and the connection failed.
    let nobody = tools(&home, &rule(true)).unwrap().call(fetch()).await.unwrap_err();
    assert_eq!(nobody.kind, ToolErrorKind::Upstream, "{nobody}");
}

/// Three parts, and an index.
const SHOP: &[u8] = include_bytes!("shop.db");

#[tokio::test]
async fn a_database_is_asked_and_neither_endless_queries_nor_damaged_files_get_anywhere() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("data.db");
    fs::write(&file, SHOP).unwrap();
    let text =
        "[tools.sqlite_query]\ncomponent = \"shipped:sqlite_query.wasm\"\nfolders.own = { path = \".\" }";
    let tools = tools(&home, text).unwrap();
    let granted =
        || Grant { folders: Some(BTreeMap::from([("own".into(), Access::Read)])), ..Grant::default() };
    let ask = async |query: &str, parameters: Value| {
        let arguments = json!({"file": "own/data.db", "query": query, "parameters": parameters});
        tools.call(call("sqlite_query", "local", granted(), arguments)).await
    };
    let parts = "SELECT name, stock FROM parts WHERE stock > ? ORDER BY stock";
    let answer = ask(parts, json!([5])).await.unwrap();
    assert_eq!(answer["rows"], json!([["gear", 7], ["bolt", 40]]));
    assert_eq!(
        ask("SELECT date('now')", json!([])).await.unwrap()["rows"],
        json!([[null]]),
        "it is told no time"
    );
    assert_eq!(
        ask("SELECT 0.1 + 0.2, round(2.5), printf('%.3f', 1/3.0)", json!([])).await.unwrap()["rows"],
        json!([[0.30000000000000004, 3.0, "0.333"]])
    );
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let wrong = ask(endless, json!([])).await.unwrap_err();
    assert!(matches!(wrong.kind, ToolErrorKind::OutOfFuel | ToolErrorKind::Timeout), "{wrong:?}");
    let greedy = "WITH RECURSIVE n(i, x) AS (SELECT 1, zeroblob(1000000) UNION ALL SELECT i + 1, zeroblob(1000000 + i) FROM n) \
                  SELECT i FROM n ORDER BY x DESC";
    let wrong = ask(greedy, json!([])).await.unwrap_err();
    assert!(!matches!(wrong.kind, ToolErrorKind::Crashed | ToolErrorKind::BadOutput), "{wrong:?}");
    for round in 0..150_usize {
        let mut bytes = SHOP.to_vec();
        for flip in 0..=round % 7 {
            let at = 16 + (round * 7_919 + flip * 104_729) % (bytes.len() - 16);
            bytes[at] ^= u8::try_from(1 + (round + flip) % 255).unwrap();
        }
        fs::write(&file, bytes).unwrap();
        if let Err(wrong) = ask(parts, json!([5])).await {
            assert!(
                matches!(wrong.kind, ToolErrorKind::InvalidInput | ToolErrorKind::Failed),
                "{round}: {wrong:?}"
            );
        }
    }
}

#[test]
fn a_command_is_refused_by_a_program_that_cannot_keep_it() {
    let home = TempDir::new().unwrap();
    // The program of these tests does not call `worker_entry`.
    let text = "[command.count]\nprogram = \"wc\"\ndescription = \"Counts words\"";
    let told = tools(&home, text).err().map(|error| error.to_string());
    assert!(told.unwrap().contains("its `main` has to call `worker_entry`"));
}

#[test]
fn worker_processes_for_tools_are_refused_by_a_program_that_cannot_become_one() {
    let home = TempDir::new().unwrap();
    let told = tools(&home, "tools_isolation = \"process\"").err().map(|error| error.to_string());
    assert!(told.unwrap().contains("its `main` has to call `worker_entry`"));
    assert!(tools(&home, "tools_isolation = \"thread\"").is_ok());
}

#[tokio::test]
async fn what_a_call_may_use_is_what_the_operator_says() {
    let home = TempDir::new().unwrap();
    let ended = async |limit: &str| {
        let tools = tools(&home, &format!("[tools_limits]\n{limit}")).unwrap();
        let sum = json!({"expression": "6 * 7"});
        tools.call(call("calculator", "local", Grant::default(), sum)).await.map_err(|error| error.kind)
    };
    assert_eq!(ended("fuel = 1_000").await, Err(ToolErrorKind::OutOfFuel));
    assert_eq!(ended("input_bytes = 10").await, Err(ToolErrorKind::InvalidInput));
    assert_eq!(ended("output_bytes = 2").await, Err(ToolErrorKind::BadOutput));
    assert_eq!(
        ended("memory_bytes = 2_097_152\nrunning = 1\nwall_ms = 5_000").await.unwrap()["result"],
        "42"
    );
}

#[test]
fn a_secret_that_is_not_there_is_named_and_never_shown() {
    let home = TempDir::new().unwrap();
    let text = "[tools.fetch]\ncomponent = \"shipped:fetch.wasm\"\n\
                http.rules = [{ origin = \"https://a.example\" }]\nsecrets.key = { origin = \"https://a.example\" }\n\
                [secrets]\nkey = { file = \"key.txt\" }";
    let told = |home: &TempDir| tools(home, text).err().map(|error| error.to_string());
    assert!(told(&home).unwrap().contains("the secret `key` cannot be read from"));
    fs::write(home.path().join("key.txt"), "short\n").unwrap();
    let short = told(&home).unwrap();
    assert!(short.contains("fewer than 8 bytes") && !short.contains("short\n"), "{short}");
    fs::write(home.path().join("key.txt"), "long enough\n").unwrap();
    assert_eq!(told(&home), None);
}

#[test]
fn what_would_have_no_effect_is_refused_with_what_to_do() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("key.txt"), "long enough\n").unwrap();
    let told = |more: &str| {
        let text = format!(
            "[tools.fetch]\ncomponent = \"shipped:fetch.wasm\"\nhttp.rules = [{{ origin = \"https://a.example\" }}]\n{more}\n\
             [secrets]\nkey = {{ file = \"key.txt\" }}"
        );
        tools(&home, &text).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let secret =
        |header: &str| format!("secrets.key = {{ origin = \"https://a.example\", header = \"{header}\" }}");
    assert_eq!(told(&secret("x-key")), "");
    for (more, part) in [
        (&secret("host")[..], "this header belongs to the connection"),
        (&secret("x key"), "no header has this name"),
        ("secrets.key = { origin = \"https://b.example\" }", "no rule of `http` is about that"),
        ("secrets.key = { origin = \"https://a.example/v1\" }", "its origin has a path"),
        ("folders.\"a/b\" = { path = \"/\" }", "no path begins with a folder called `a/b`"),
        ("labels = [{ label = \"\", without = [\"http\"] }]", "write an origin such as `tool:fetch`"),
        ("[http]\nproxy = \"http://proxy.example:3128/path\"", "a proxy has no path"),
    ] {
        assert!(told(more).contains(part), "{more}: {}", told(more));
    }
}

#[test]
fn every_shipped_tool_loads_with_what_its_page_says_it_wants() {
    let home = TempDir::new().unwrap();
    fs::create_dir(home.path().join("docs")).unwrap();
    let plain = ["csv_query", "datetime", "diff", "email_draft", "encode", "json_query", "template"];
    let component = |name: &str| format!("[tools.{name}]\ncomponent = \"shipped:{name}.wasm\"\n");
    let docs = |access: &str| format!("folders.docs = {{ path = \"docs\", access = \"{access}\" }}\n");
    let http = "http.rules = [{ origin = \"https://a.example\" }]\n";
    let mut text = String::from("[stores.notes]\n");
    for name in plain {
        text += &component(name);
        text += if name == "csv_query" { "folders.docs = { path = \"docs\" }\n" } else { "" };
    }
    text += &(component("sqlite_query") + &docs("read"));
    text += &(component("files") + &docs("read") + &component("files_edit") + &docs("write"));
    text += &(component("fetch") + http + &component("search") + http + "stores = [\"notes\"]\n");
    text += &(component("memory") + "stores = [\"notes\"]\n");
    let names: Vec<_> =
        tools(&home, &text).unwrap().specs().into_iter().map(|spec| spec.name.clone()).collect();
    assert_eq!(names.len(), 16, "{names:?}");
}

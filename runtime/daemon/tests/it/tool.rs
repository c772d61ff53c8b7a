//! `playhouse tool …`: a component is looked at and called without a daemon.

use serde_json::Value;

use crate::harness::{Place, run, text};

fn shipped(name: &str) -> String {
    format!("{}/../../tools/builtin/dist/{name}.wasm", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_component_is_shown_in_plain_words_before_anything_is_granted() {
    let shown = run(&["tool", "inspect", &shipped("calculator")]);
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    let shown = text(&shown.stdout);
    for part in [
        "tool      calculator",
        "takes     expression (string)",
        "pure (proven",
        "a call    only reads, again changes nothing more, stays on this host",
        "touches   nothing",
        "sha256",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let lookup = text(&run(&["tool", "inspect", &shipped("lookup")]).stdout);
    assert!(lookup.contains("wants to  read one table that you give it (playhouse:tool/kv@"), "{lookup}");
    let json: Value =
        serde_json::from_slice(&run(&["tool", "inspect", "--json", &shipped("lookup")]).stdout).unwrap();
    assert_eq!(json["about"]["counts_as"], "idempotent");
    assert_eq!(json["about"]["annotations"]["read_only"], true);
    // What it may do with requests depends on what is granted.
    let fetch = text(&run(&["tool", "inspect", &shipped("fetch")]).stdout);
    assert!(fetch.contains("once, idempotent if its grant of http only reads (it says "), "{fetch}");
    assert!(
        fetch.contains("a call    can change and remove, again does it twice, reaches the world"),
        "{fetch}"
    );
}

#[test]
fn a_component_is_called_once_and_says_what_it_took() {
    let called = run(&["tool", "call", &shipped("calculator"), r#"{"expression": "37 * 12"}"#]);
    assert_eq!(text(&called.stdout).trim(), r#"{"result":"444"}"#, "{}", text(&called.stderr));
    assert!(text(&called.stderr).contains("units of fuel"));
    let wrong = run(&["tool", "call", &shipped("calculator"), r#"{"expresion": "1"}"#]);
    assert!(!wrong.status.success());
    assert!(text(&wrong.stderr).contains("expression"), "{}", text(&wrong.stderr));
}

#[test]
fn a_call_that_crashes_says_where() {
    let hostile = format!("{}/../../tools/host/tests/guests/misbehaves.wasm", env!("CARGO_MANIFEST_DIR"));
    let crashed = run(&["tool", "call", &hostile, r#"{"crime": "panic"}"#]);
    assert!(!crashed.status.success());
    let told = text(&crashed.stderr);
    // On the line of the log, and not in what a model would read.
    let line = told.lines().find(|line| line.contains("trace")).unwrap_or_else(|| panic!("{told}"));
    assert!(line.contains("function ") && line.contains("it panicked"), "{told}");
    assert!(told.lines().any(|line| line == "crashed: the tool crashed: it panicked"), "{told}");
}

#[test]
fn a_component_that_reads_a_table_is_given_one_by_name() {
    let place = Place::new();
    std::fs::write(place.path("codes.toml"), "amber-falcon = \"14\"\n").unwrap();
    let call = |more: &[&str]| {
        let lookup = shipped("lookup");
        let base = ["tool", "call", &lookup, r#"{"key": "amber-falcon"}"#];
        run(&[&base[..], more].concat())
    };
    assert_eq!(text(&call(&["--table", &place.path("codes.toml")]).stdout).trim(), r#"{"value":"14"}"#);
    let refused = call(&[]);
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("not granted"), "{}", text(&refused.stderr));
}

#[test]
fn a_tool_of_a_configuration_is_called_with_what_that_grants() {
    let place = Place::new();
    std::fs::create_dir(place.path("docs")).unwrap();
    std::fs::write(place.path("docs/a.txt"), "Hi.\n").unwrap();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", server.local_addr().unwrap());
    let config = format!(
        "[tools.files]\ncomponent = \"shipped:files.wasm\"\nfolders.docs = {{ path = \"docs\" }}\n\
         [tools.fetch]\ncomponent = \"shipped:fetch.wasm\"\n\
         http.rules = [{{ origin = \"{origin}\", private = true }}]\n\
         [tools.memory]\ncomponent = \"shipped:memory.wasm\"\nstores = [\"notes\"]\n[stores.notes]\n"
    );
    std::fs::write(place.path("playhouse.toml"), config).unwrap();
    let call = |tool: &str, arguments: &str| {
        let called = run(&["tool", "call", tool, arguments, "--config", &place.path("playhouse.toml")]);
        (text(&called.stdout), text(&called.stderr))
    };
    let (read, told) = call("files", r#"{"action": "read", "path": "docs/a.txt"}"#);
    assert!(read.contains("Hi."), "{read} {told}");
    let answering = std::thread::spawn(move || {
        let (mut caller, _) = server.accept().unwrap();
        let mut head = [0; 4_096];
        std::io::Read::read(&mut caller, &mut head).unwrap();
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\nconnection: close\r\n\r\nThere";
        std::io::Write::write_all(&mut caller, answer.as_bytes()).unwrap();
    });
    let (fetched, told) = call("fetch", &format!(r#"{{"url": "{origin}/x"}}"#));
    assert!(fetched.contains("There"), "{fetched} {told}");
    answering.join().unwrap();
    // What it keeps by hand is kept nowhere: the tables of a daemon are the daemon's.
    let (kept, told) = call("memory", r#"{"action": "remember", "name": "wifi", "text": "blue-otter"}"#);
    assert!(!kept.is_empty(), "{told}");
    let (found, told) = call("memory", r#"{"action": "list"}"#);
    assert!(!found.contains("wifi"), "{found} {told}");
    let (_, told) = call("nothing", "{}");
    assert!(told.contains("there is no tool `nothing`"), "{told}");
    // Cases of a tool that needs more than a table are run with what it is granted here.
    let cases = r#"[{"name": "it reads", "arguments": {"action": "read", "path": "docs/none"}, "error": "not-found"}]"#;
    std::fs::write(place.path("cases.json"), cases).unwrap();
    let (files, config) = (shipped("files"), place.path("playhouse.toml"));
    let tested = run(&["tool", "test", &files, "--cases", &place.path("cases.json"), "--config", &config]);
    assert!(tested.status.success(), "{}{}", text(&tested.stdout), text(&tested.stderr));
    // The key of an entry is the operator's; tools go by their own names.
    let text_of = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text_of.replace("[tools.files]", "[tools.papers]")).unwrap();
    let (_, told) = call("papers", "{}");
    assert!(told.contains("the component of `[tools.papers]` calls itself `files`"), "{told}");
}

#[test]
fn a_component_that_is_granted_nothing_says_how_to_grant_it() {
    let refused = run(&["tool", "call", &shipped("fetch"), r#"{"url": "https://a.example"}"#]);
    assert!(!refused.status.success());
    let told = text(&refused.stderr);
    assert!(told.contains("not granted") && told.contains("--config FILE"), "{told}");
}

#[test]
fn what_is_no_component_is_named() {
    let place = Place::new();
    std::fs::write(place.path("note.wasm"), "hello").unwrap();
    let shown = run(&["tool", "inspect", &place.path("note.wasm")]);
    assert!(!shown.status.success());
    assert!(text(&shown.stderr).contains("`note` is not a WebAssembly component"), "{}", text(&shown.stderr));
}

#[test]
fn an_author_learns_what_is_wrong_before_anybody_installs_it() {
    let good = run(&["tool", "check", &shipped("calculator")]);
    assert!(
        good.status.success() && text(&good.stdout).trim_end().ends_with("calculator.wasm: good"),
        "{}",
        text(&good.stdout)
    );
    let place = Place::new();
    std::fs::write(place.path("note.wasm"), "hello").unwrap();
    let bad = run(&["tool", "check", &shipped("calculator"), &place.path("note.wasm")]);
    assert!(!bad.status.success());
    let missing = text(&run(&["tool", "check", &place.path("nothing.wasm")]).stdout);
    assert!(missing.contains("No such file"), "{missing}");
    assert!(
        text(&bad.stdout).contains("note.wasm: error: `note` is not a WebAssembly component"),
        "{}",
        text(&bad.stdout)
    );
}

#[test]
fn written_cases_are_run_in_the_sandbox_and_a_wrong_one_is_shown() {
    let place = Place::new();
    let cases = r#"[
        {"name": "six times seven", "arguments": {"expression": "6*7"}, "output": {"result": "42"}},
        {"name": "a misspelt argument", "arguments": {"expresion": "1"}, "error": "invalid-input"}
    ]"#;
    std::fs::write(place.path("cases.json"), cases).unwrap();
    let test = |cases: &str| run(&["tool", "test", &shipped("calculator"), "--cases", cases]);
    let passed = test(&place.path("cases.json"));
    assert!(passed.status.success(), "{}", text(&passed.stdout));
    assert!(text(&passed.stdout).contains("2 of 2 cases"), "{}", text(&passed.stdout));
    std::fs::write(place.path("cases.json"), cases.replace("42", "43")).unwrap();
    let failed = test(&place.path("cases.json"));
    assert!(!failed.status.success());
    let shown = text(&failed.stdout);
    assert!(
        shown.contains("WRONG six times seven") && shown.contains(r#"got    {"result":"42"}"#),
        "{shown}"
    );
    let table =
        r#"[{"name": "kept", "arguments": {"key": "a"}, "output": {"value": "14"}, "table": {"a": "14"}}]"#;
    std::fs::write(place.path("cases.json"), table).unwrap();
    assert!(
        run(&["tool", "test", &shipped("lookup"), "--cases", &place.path("cases.json")]).status.success()
    );
    std::fs::write(place.path("cases.json"), "[]").unwrap();
    for (arguments, told) in [
        (&["--cases", &place.path("cases.json")][..], "holds no case"),
        (&[], "say what is to come out: --cases FILE"),
    ] {
        let refused = run(&[&["tool", "test", &shipped("lookup")], arguments].concat());
        assert!(
            !refused.status.success() && text(&refused.stderr).contains(told),
            "{}",
            text(&refused.stderr)
        );
    }
}

#[test]
fn a_call_is_measured_beside_a_call_of_nothing() {
    let shown = run(&["tool", "bench", &shipped("calculator"), r#"{"expression": "6*7"}"#, "--calls", "20"]);
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    let shown = text(&shown.stdout);
    assert!(
        shown.contains("p50") && shown.contains("a call of no tool") && shown.contains("fuel"),
        "{shown}"
    );
}

#[test]
fn a_tool_is_signed_verified_installed_listed_and_removed() {
    let place = Place::new();
    let (tool, folder) = (place.path("calculator.wasm"), place.path("tools"));
    std::fs::copy(shipped("calculator"), &tool).unwrap();
    let made = run(&["tool", "keygen", &place.path("acme")]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let line = text(&made.stdout)
        .lines()
        .find_map(|line| line.trim().strip_prefix("key = ").map(str::to_owned))
        .unwrap();
    let public = text(&run(&["tool", "sign", &tool, "--key", &place.path("acme.pub")]).stderr);
    assert!(public.contains("is a public key") && public.contains("ends in `.key`"), "{public}");
    assert!(run(&["tool", "sign", &tool, "--key", &place.path("acme.key")]).status.success());
    // What `keygen` says to write is a trust list.
    let (as_said, said) = (place.path("as-said.toml"), text(&made.stdout));
    std::fs::write(&as_said, said.split_once("trust.toml:").unwrap().1).unwrap();
    let believed = run(&["tool", "verify", &tool, "--trust", &as_said]);
    assert!(believed.status.success(), "{said} {}", text(&believed.stdout));

    let trust = place.path("trust.toml");
    std::fs::write(&trust, "required = false\n").unwrap();
    let unsigned = run(&["tool", "verify", &tool, "--trust", &trust]);
    assert!(!unsigned.status.success(), "it may be installed, and nobody who is trusted signed it");
    let told = text(&unsigned.stdout);
    let lines: Vec<_> = told.lines().collect();
    assert!(lines.len() == 2 && lines[1].contains("is not on the trust list"), "a line for each: {told}");
    let list =
        |tools: &str| format!("required = true\n[[key]]\nname = \"acme\"\nkey = {line}\ntools = [{tools}]\n");
    std::fs::write(&trust, list("\"other-*\"")).unwrap();
    let verify = || run(&["tool", "verify", &tool, "--trust", &trust]);
    assert!(!verify().status.success(), "the key may not sign a tool of that name");
    let install = |more: &[&str]| {
        run(&[&["tool", "install", &tool, "--trust", &trust, "--folder", &folder], more].concat())
    };
    assert!(!install(&[]).status.success());
    std::fs::write(&trust, list("\"*\"")).unwrap();
    assert!(verify().status.success(), "{}", text(&verify().stdout));
    let installed = install(&[]);
    assert!(
        installed.status.success(),
        "a tool that touches nothing needs nobody: {}",
        text(&installed.stderr)
    );
    assert!(text(&installed.stderr).contains("touches   nothing"), "what it wants is shown first");
    // What it says to write names the tool, so that its digest is looked at.
    let written = text(&installed.stdout);
    let (_, written) = written.split_once("playhouse.toml:").unwrap();
    std::fs::write(place.path("written.toml"), written).unwrap();
    assert!(written.contains("component = \"installed:calculator\""), "{written}");
    let used = run(&["tool", "grants", "calculator", "--config", &place.path("written.toml")]);
    assert!(used.status.success(), "{written} {}", text(&used.stderr));
    let list = || text(&run(&["tool", "list", "--trust", &trust, "--folder", &folder]).stdout);
    assert!(list().starts_with("calculator 0.2.0  signed by acme ("), "{}", list());

    // A configuration names it, and gets the bytes that were installed or none.
    let config = place.path("playhouse.toml");
    let named = |name: &str| {
        format!("tools_folder = \"tools\"\n[tools.calculator]\ncomponent = \"installed:{name}\"\n")
    };
    let loaded = |name: &str| {
        std::fs::write(&config, named(name)).unwrap();
        let out = run(&["tool", "grants", "calculator", "--config", &config]);
        (out.status.success(), text(&out.stderr))
    };
    assert_eq!(loaded("calculator"), (true, String::new()));
    assert!(loaded("abacus").1.contains("`abacus` is not installed; installed are: calculator"));
    let file = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| path.extension().is_some_and(|it| it == "wasm")).unwrap();
    std::fs::copy(shipped("lookup"), &file).unwrap();
    assert!(loaded("calculator").1.contains("has other bytes than were installed"));
    assert!(list().contains("NOT WHOLE: its component has other bytes than were installed"), "{}", list());

    // One that reads a table asks, and nobody is there to be asked.
    std::fs::write(&trust, "required = false\n").unwrap();
    let lookup = shipped("lookup");
    let other = |more: &[&str]| {
        run(&[&["tool", "install", &lookup, "--trust", &trust, "--folder", &folder], more].concat())
    };
    let refused = other(&[]);
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("nobody is here to be asked"), "{}", text(&refused.stderr));
    assert!(other(&["--yes"]).status.success());
    let removed = run(&["tool", "remove", "calculator", "--folder", &folder]);
    let said = text(&removed.stdout);
    assert!(removed.status.success() && said.contains("had been changed, and was left: "), "{said}");
    let shown = text(&run(&["tool", "list", "--folder", &folder]).stdout);
    assert!(shown.starts_with("lookup ") && shown.lines().count() == 1, "{shown}");
    let gone = run(&["tool", "remove", "calculator", "--folder", &folder]);
    assert!(!gone.status.success() && text(&gone.stderr).contains("calculator"), "{}", text(&gone.stderr));
}

#[test]
fn every_decision_about_a_tool_is_explained() {
    let place = Place::new();
    std::fs::create_dir(place.path("docs")).unwrap();
    let config = "[tools.fetch]\ncomponent = \"shipped:fetch.wasm\"\nhttp.rules = [{ origin = \"https://a.example\" }]\n\
                  labels = [{ label = \"tool:lookup\", without = [\"http\"] }]\n\
                  secrets.key = { origin = \"https://a.example\" }\n\
                  [secrets]\nkey = { env = \"NOBODY_SETS_THIS\" }\n\
                  [tools.files]\ncomponent = \"shipped:files.wasm\"\nfolders.docs = { path = \"docs\" }\n\
                  [command.echo]\nprogram = \"echo\"\ndescription = \"Says it\"\n[mcp.there]\ncommand = \"cat\"\n";
    std::fs::write(place.path("playhouse.toml"), config).unwrap();
    let ask = |words: &[&str]| {
        let path = place.path("playhouse.toml");
        let out = run(&[&["tool", "grants"], words, &["--config", &path]].concat());
        (out.status.success(), text(&out.stdout) + &text(&out.stderr))
    };
    let (may, why) = ask(&["fetch", "--request", "GET", "https://a.example/x"]);
    assert!(may && why.contains("is allowed by rule 1 of the operator"), "{why}");
    let (may, why) = ask(&["fetch", "--request", "POST", "https://a.example/x"]);
    assert!(!may && why.contains("is denied by the operator"), "{why}");
    let (may, why) = ask(&["fetch", "--label", "tool:lookup"]);
    assert!(!may && why.contains("because something in this task comes from `tool:lookup`"), "{why}");
    let (may, why) = ask(&["files", "--read", "docs/a.txt"]);
    assert!(may && why.contains("the operator lets the folder `docs` be read"), "{why}");
    let (may, why) = ask(&["files", "--write", "docs/a.txt"]);
    assert!(!may && why.contains("does not import `files-write`"), "{why}");
    let (may, why) = ask(&["calculator"]);
    assert!(may && why.contains("imports nothing"), "{why}");
    assert!(!ask(&["calculator", "--agent", "nobody"]).0);
    let (may, why) = ask(&["fetch", "--secret", "key"]);
    assert!(
        may && why.contains("the host sends it to https://a.example in the header `authorization`"),
        "{why}"
    );
    let (may, why) = ask(&["echo"]);
    assert!(!may && why.contains("what it may do is what `[command.echo]` gives it"), "{why}");
    let (may, why) = ask(&["there__tool"]);
    assert!(!may && why.contains("of the MCP server `there`"), "{why}");
}

/// A data directory whose `mcp.lock` says that `s__t` changed.
fn changed_tool(place: &Place) -> String {
    let pin = |description: &str| {
        let hints = serde_json::json!({ "destructive": null, "idempotent": null, "openWorld": null, "readOnly": null });
        let text = serde_json::json!({ "annotations": hints, "description": description, "inputSchema": {}, "name": "t" })
            .to_string();
        let digest = playhouse_core::digest::of_bytes(text.as_bytes());
        format!("t = {{ digest = '{digest}', definition = '{text}' }}\n")
    };
    let data = place.path("data");
    std::fs::create_dir(&data).unwrap();
    let lock = format!("version = 1\n[tools.s]\n{}[waiting.s]\n{}", pin("Good."), pin("Ev\u{202e}il."));
    std::fs::write(format!("{data}/mcp.lock"), lock).unwrap();
    data
}

#[test]
fn a_tool_of_a_server_that_changed_is_shown_and_approved_without_a_daemon() {
    let place = Place::new();
    let data = changed_tool(&place);
    let tool = |args: &[&str]| run(&[&["tool"], args, &["--data", &data]].concat());
    let shown = text(&tool(&["pending"]).stdout);
    assert_eq!(shown, "s__t\n  description\n    - Good.\n    + Ev\\u{202e}il.\n");
    let json: Value = serde_json::from_slice(&tool(&["pending", "--json"]).stdout).unwrap();
    assert_eq!((&json[0]["tool"], &json[0]["approved"]["description"]), (&"s__t".into(), &"Good.".into()));
    let other = tool(&["approve", "other", "--yes"]);
    assert!(
        !other.status.success() && text(&other.stderr).contains("tool pending"),
        "{}",
        text(&other.stderr)
    );
    let unasked = tool(&["approve", "s__t"]);
    assert!(
        !unasked.status.success() && text(&unasked.stderr).contains("--yes"),
        "{}",
        text(&unasked.stderr)
    );
    let approved = tool(&["approve", "s", "--yes"]);
    assert!(approved.status.success(), "{}", text(&approved.stderr));
    assert_eq!(text(&approved.stdout), format!("{shown}approved s__t\n"));
    assert_eq!(text(&tool(&["pending"]).stdout), "no tool waits for an approval\n");
}

#[test]
fn a_file_of_pins_that_was_edited_is_refused() {
    let place = Place::new();
    let data = changed_tool(&place);
    let lock = format!("{data}/mcp.lock");
    std::fs::write(&lock, std::fs::read_to_string(&lock).unwrap().replace("Good.", "Fine.")).unwrap();
    let refused = run(&["tool", "pending", "--data", &data]);
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("does not fit its digest"), "{}", text(&refused.stderr));
}

//! Servers in a configuration, and agents that name their tools.

use playhouse_testkit::agent;

use super::*;

fn load(text: &str) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("playhouse.toml");
    fs::write(&path, text).unwrap();
    Config::load(Some(&path), []).map_err(|error| error.to_string())
}

#[test]
fn paths_are_relative_to_the_file_and_a_bare_command_is_not_one() {
    let config = load(
        "[mcp.a]\ncommand = \"bin/server\"\nread = [\"docs\"]\nwrite = [\"/srv\"]\n[mcp.b]\ncommand = \"npx\"",
    );
    let config = config.unwrap();
    let server = &config.mcp["a"].server;
    let command = Path::new(server.command.as_deref().unwrap());
    assert!(command.is_absolute() && command.ends_with("bin/server"), "{command:?}");
    assert!(server.read[0].is_absolute() && server.read[0].ends_with("docs"));
    assert_eq!(server.write, [Path::new("/srv")]);
    assert_eq!(config.mcp["b"].server.command.as_deref(), Some("npx"));
}

#[test]
fn a_bad_server_is_explained_with_remedy() {
    for (text, says) in [
        ("[mcp.s]\ncomand = \"x\"", "unknown field `comand`"),
        ("[mcp.s]", "say how it is reached"),
        ("[mcp.S]\ncommand = \"x\"", "lower-case letters"),
        ("[mcp.s]\ncommand = \"x\"\neffects = { t = \"once\" }", "`tools` does not allow"),
        ("[mcp.s]\nurl = \"https://a.b/c\"\nsecrets.k = {}", "[secrets] has none of that name"),
        ("[mcp.s]\nurl = \"https://a.b/c\"\nsecrets.k = { heder = \"x\" }", "unknown field `heder`"),
        (
            "[mcp.s]\nurl = \"https://a.b/c\"\nsecrets.k = { env = \"X\" }\n[secrets]\nk = { env = \"K\" }",
            "name a `header`",
        ),
        (
            "[mcp.s]\ncommand = \"x\"\nsecrets.k = {}\n[secrets]\nk = { env = \"K\" }",
            "name the variable of `k`",
        ),
        (
            "[mcp.s]\nurl = \"https://a.b/c\"\nsecrets.k = { format = \"Bearer\" }\n[secrets]\nk = { env = \"K\" }",
            "where the secret would go",
        ),
    ] {
        let problem = load(text).unwrap_err();
        assert!(problem.contains(says), "{problem}");
    }
}

#[test]
fn a_secret_of_the_configuration_goes_where_the_server_is_told_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    fs::write(&file, "$a-long-key\n").unwrap();
    let secrets = format!("[secrets]\nk = {{ file = \"{}\" }}\n", file.display());
    let resolved = |server: &str| {
        let config = load(&format!("{secrets}{server}")).unwrap();
        config.mcp["s"].resolved(&config).unwrap()
    };
    let remote = resolved("[mcp.s]\nurl = \"https://a.b/c\"\nsecrets.k = {}");
    assert_eq!(remote.headers["authorization"], Text::verbatim("Bearer $a-long-key"));
    let own = "[mcp.s]\nurl = \"https://a.b/c\"\nsecrets.k = { header = \"x-key\", format = \"{}\" }";
    assert_eq!(resolved(own).headers["x-key"], Text::verbatim("$a-long-key"));
    let local = resolved("[mcp.s]\ncommand = \"x\"\nsecrets.k = { env = \"KEY\" }");
    assert_eq!(local.env["KEY"], Text::verbatim("$a-long-key"));
    assert!(!format!("{local:?}").contains("$a-long-key"), "{local:?}");
}

#[tokio::test]
async fn a_server_that_does_not_come_up_is_a_warning_and_only_agents_that_need_it_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let mut config = load("[mcp.s]\ncommand = \"no-such-program\"\ntools = [\"*\"]").unwrap();
    config.data = Some(data.path().to_owned());
    let seen = Seen::pinned(&config).unwrap();
    let told = seen.check(&agent("clerk", ["s__t"])).unwrap_err().to_string();
    assert!(told.contains("`clerk`") && told.contains("has not listed its tools yet"), "{told}");
    let seen = seen.learn(&[]).await;
    let warnings = seen.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("there is no `no-such-program`"), "{warnings:?}");
    seen.check(&agent("clerk", ["calculator", "other__t"])).unwrap();
    let told = seen.check(&agent("clerk", ["s__t"])).unwrap_err().to_string();
    assert!(told.contains("no-such-program") && told.contains("see that it starts"), "{told}");
}

#[test]
fn servers_need_a_folder_for_their_pins() {
    let config = load("[mcp.s]\ncommand = \"x\"").unwrap();
    assert!(open(&config).unwrap_err().to_string().contains("name a data directory"));
    assert!(open(&Config::shipped()).unwrap().is_none());
}

//! What a configuration may say.

use super::*;

fn parse(text: &str) -> Result<ServerConfig, String> {
    let config: ServerConfig = toml::from_str(text).map_err(|error| error.to_string())?;
    config.check("files").map_err(|error| error.to_string())?;
    Ok(config)
}

#[test]
fn both_ways_to_reach_a_server_can_be_written() {
    let stdio = parse(
        "command = 'python'\nargs = ['-m', 'server']\nenv = { TOKEN = '$X' }\ntools = ['read', 'put']\n\
         concurrency = 2\ntimeout_ms = 500\ntrust_annotations = true\n[effects]\nput = 'idempotent'\n\
         [limits]\nmemory_bytes = 1000",
    )
    .unwrap();
    assert_eq!(stdio.effects["put"], EffectClass::Idempotent);
    assert!(stdio.allows("read") && !stdio.allows("delete"));
    assert_eq!(stdio.limits.open_files, ProcessLimits::default().open_files);
    let http = parse("url = 'https://example.com/mcp'\nheaders = { Authorization = '$TOKEN' }").unwrap();
    assert!(!http.allows("anything"), "nothing is allowed by default");
}

#[test]
fn what_cannot_work_is_refused_with_a_remedy() {
    let cases = [
        ("", "say how it is reached"),
        ("command = 'a'\nurl = 'http://b'", "remove one"),
        ("command = ' '", "is empty"),
        ("command = 'a'\nheaders = { a = 'b' }", "use `env`"),
        ("url = 'http://b'\nargs = ['c']", "server with a `command`"),
        ("url = 'ftp://b'", "starts with `https://`"),
        ("url = 'https://u:p@b'", "put it into `headers`"),
        ("command = 'a'\nconcurrency = 0", "between 1 and 256"),
        ("command = 'a'\ntimeout_ms = 0", "between 1 and"),
        ("command = 'a'\ntools = ['x']\neffects = { y = 'once' }", "which `tools` does not allow"),
        ("command = 'a'\ntools = ['x']\neffects = { x = 'checkable' }", "no way to ask"),
        ("command = 'a'\ncwd = '/'", "unknown field `cwd`"),
        ("command = 'a'\nsampling = { max_tokens = 0 }", "`sampling.max_tokens` is between 1 and 8192"),
        ("command = 'a'\nsampling = { questions = 65 }", "`sampling.questions` is between 1 and 64"),
        ("command = 'a'\nsampling = { tools = true }", "unknown field `tools`"),
        ("command = 'a'\nanswers = { api_key = 'x' }", "no place for a secret"),
        ("command = 'a'\nanswers = { when = 2026-01-01 }", "a text, a number, true or false"),
        ("command = 'a'\nanswers = { list = ['a', 1] }", "a text, a number, true or false"),
    ];
    for (text, wanted) in cases {
        let problem = parse(text).unwrap_err();
        assert!(problem.contains(wanted), "{text:?} gave {problem:?}");
    }
}

#[test]
fn a_name_is_plain_so_that_names_of_tools_cannot_collide() {
    let config = ServerConfig { command: Some("a".into()), ..ServerConfig::default() };
    for good in ["a", "my-files-2", "x234567890123456789012-4"] {
        config.check(good).unwrap();
    }
    for bad in ["", "A", "a_b", "a--b", "-a", "a-", "a.b", "ä", "x2345678901234567890123-5"] {
        assert!(config.check(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_server_that_may_ask_a_model_has_one_call_at_a_time_where_it_cannot_say_for_which() {
    let at_once = |text: &str| parse(text).unwrap().at_once();
    assert_eq!(at_once("command = 'a'"), 8);
    assert_eq!(at_once("command = 'a'\nsampling = {}"), 1);
    assert_eq!(at_once("url = 'http://a'\nsampling = {}"), 8);
    let answers =
        parse("command = 'a'\n[answers]\nregion = 'eu'\nsize = 3\nsure = true\nkinds = ['a']").unwrap();
    assert_eq!((answers.answers.len(), answers.sampling), (4, None));
}

#[test]
fn a_secret_is_never_shown() {
    let config = parse("command = 'a'\nenv = { TOKEN = 'hunter2' }").unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(config.env["TOKEN"].resolve().unwrap(), "hunter2");
    assert_eq!(config.secrets().count(), 0, "it is written out, for everybody who reads the configuration");
    let env = [("A", Text::new("$PATH")), ("B", Text::new("$CARGO_PKG_NAME")), ("C", Text::verbatim("$x"))];
    let env = env.map(|(name, value)| (name.to_owned(), value)).into();
    let secrets: Vec<String> = ServerConfig { env, ..config }.secrets().collect();
    assert_eq!(secrets, ["playhouse-tools-mcp", "$x"], "a path is none");
    assert_eq!(Text::new("$PLAYHOUSE_NO_SUCH_VARIABLE").resolve(), Err("PLAYHOUSE_NO_SUCH_VARIABLE".into()));
}

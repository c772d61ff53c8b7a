//! Good and bad configurations.

use super::*;

fn load(text: &str, env: &[(&str, &str)]) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("playhouse.toml");
    fs::write(&path, text).unwrap();
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let told = |error: BadConfig| error.to_string().replace(&*dir.path().to_string_lossy(), "");
    Config::load(Some(&path), env).map_err(told)
}

#[test]
fn a_file_and_then_the_environment_are_laid_over_what_is_shipped() {
    let text = "data = \"d\"\n[bounds]\nlive_tasks = 7\n[models.big]\nkind = \"llama\"\npath = \"big.gguf\"";
    let env = [("PLAYHOUSE__BOUNDS__QUEUED_TASKS", "9"), ("PLAYHOUSE__DEFAULT_MODEL", "big"), ("HOME", "x")];
    let config = load(text, &env).unwrap();
    assert_eq!((config.bounds.live_tasks, config.bounds.queued_tasks), (7, 9));
    assert_eq!(config.default_model, "big");
    assert!(config.models.contains_key("nano"), "what is shipped stays");
    assert!(config.data.unwrap().is_absolute(), "paths are relative to the file");
}

#[test]
fn paths_of_a_command_are_relative_to_the_file_and_a_bare_program_is_looked_for() {
    let text = "[command.count]\nprogram = \"wc\"\ndescription = \"Counts\"\nfolder = \"notes\"\n\
                [command.own]\nprogram = \"bin/own\"\ndescription = \"Ours\"";
    let config = load(text, &[]).unwrap();
    let (count, own) = (&config.command["count"], &config.command["own"]);
    assert_eq!(count.program.as_deref(), Some(Path::new("wc")));
    assert!(
        count.folder.as_ref().unwrap().is_absolute() && own.program.as_ref().unwrap().ends_with("bin/own")
    );
    assert!(own.program.as_ref().unwrap().is_absolute());
}

#[test]
fn paths_become_whole_also_where_the_file_is_named_from_here_or_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let up = "../".repeat(std::env::current_dir().unwrap().components().count() - 1);
    let file = format!("{up}{}/playhouse.toml", folder.path().strip_prefix("/").unwrap().display());
    fs::write(&file, "agents = \"agents\"\ndata = \"/d\"").unwrap();
    let config = Config::load(Some(Path::new(&file)), []).unwrap();
    let agents = config.agents.unwrap();
    assert!(agents.is_absolute() && agents.ends_with("agents"), "{agents:?}");
    assert_eq!(config.data.as_deref(), Some(Path::new("/d")));
    let config = Config::load(None, [("PLAYHOUSE__AGENTS".to_owned(), "agents".to_owned())]).unwrap();
    assert_eq!(config.agents, Some(std::path::absolute("agents").unwrap()));
}

#[test]
fn a_remote_model_is_named_by_its_key() {
    let text = "[models.gpt]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:1/v1\"\nmodel = \"m\"\n\
                context_tokens = 8192";
    let config = load(text, &[]).unwrap();
    assert!(matches!(&config.models["gpt"].kind, ModelConfig::OpenAi(gpt) if gpt.name == "gpt"));
}

#[test]
fn a_bad_configuration_is_explained_with_file_line_and_remedy() {
    for (text, says) in [
        ("[server\n", "line 1"),
        ("[server]\nlisten = 7", "line 2"),
        ("[server]\nlisten = \"here\"", "write an address and a port"),
        ("sever = 1", "unknown field `sever`"),
        ("[command.count]\nprogram = \"wc\"", "[command.count]: `description` is missing"),
        ("[command.count]\nshell = \"wc\"", "unknown field `shell`"),
        ("default_model = \"gpt\"", "add [models.gpt] or name another"),
        ("[bounds]\nlive_tasks = -1", "live_tasks = -1"),
        ("[bounds]\nlive_tasks = 0", "nothing could ever run"),
        ("[tools_limits]\nwall = 5", "unknown field `wall`"),
        ("[tools_limits]\nrunning = 0", "`tools_limits`: `running` is 0; it can be 1 to 1024"),
        ("[tools.calculator]\ncomponent = \"x.wasm\"\ntables = [\"none\"]", "there is no [tables.none]"),
        ("[tools.calculator]\nstores = [\"none\"]", "there is no [stores.none]"),
        ("[tools.calculator]\nsecrets.k = { origin = \"https://a.example\" }", "there is no [secrets.k]"),
        (
            "[secrets]\nk = { env = \"K\" }\n[tools.calculator]\nsecrets.k = {}",
            "may do nothing with the secret `k`",
        ),
        (
            "[secrets]\nk = { env = \"K\" }\n[tools.calculator]\nsecrets.k = { sign = true, format = \"x\" }",
            "has no `{}`, where the secret would go",
        ),
        ("[stores.parts]", "[tables.parts] and [stores.parts] have one name"),
        ("[tools.calculator]\nwithout = [\"walls\"]", "unknown variant `walls`"),
        ("[models.x]\nkind = \"magic\"\npath = \"p\"", "unknown variant `magic`"),
        ("[models.x]\nkind = \"llama\"\npath = \"p\"\nslot = 3", "unknown field `slot`"),
        ("[models.x]\nkind = \"llama\"\npath = \"p\"\nprice = { input = 1 }", "missing field `output`"),
        ("[models.nano]\nprice = { input = -1, output = 1 }", "input = -1"),
    ] {
        let problem = load(text, &[]).unwrap_err();
        assert!(problem.starts_with("/playhouse.toml: ") && problem.contains(says), "{problem}");
    }
}

#[test]
fn an_orderly_stop_takes_20_seconds_at_most_unless_set() {
    assert_eq!(Config::shipped().server.drain_ms, 20_000);
    assert_eq!(load("[server]\ndrain_ms = 500", &[]).unwrap().server.drain_ms, 500);
}

#[test]
fn a_bad_environment_variable_is_named() {
    let problem = load("", &[("PLAYHOUSE__BOUNDS__LIVE_TASKS", "many")]).unwrap_err();
    assert!(problem.starts_with("environment variable PLAYHOUSE__BOUNDS__LIVE_TASKS: "), "{problem}");
}

#[test]
fn a_missing_file_is_named() {
    let error = Config::load(Some(Path::new("nowhere.toml")), []).unwrap_err();
    assert!(error.to_string().starts_with("nowhere.toml: failed to read"), "{error}");
}

#[test]
fn a_shipped_entry_can_be_changed_key_by_key() {
    let config = load("[models.nano]\nslots = 2", &[]).unwrap();
    assert!(matches!(&config.models["nano"].kind, ModelConfig::Llama(nano) if nano.slots == 2));
}

#[test]
fn a_price_stands_beside_whatever_the_model_is() {
    let config = load("[models.nano]\nprice = { input = 150_000, output = 600_000, cached = 75_000 }", &[]);
    let price = Price { input: 150_000, output: 600_000, cached: Some(75_000) };
    assert_eq!(config.unwrap().prices(), BTreeMap::from([("nano".to_owned(), price)]));
    assert!(load("", &[]).unwrap().prices().is_empty(), "what is shipped costs nothing");
}

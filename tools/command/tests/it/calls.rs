//! What a model may ask for, and what it is told.

use playhouse_core::tool::{EffectClass, Grant, ToolErrorKind};
use playhouse_ports::ToolBox;
use playhouse_tools_command::CommandConfig;
use serde_json::json;

use crate::kit::{House, config, shell, ways, written};

#[tokio::test]
async fn a_command_runs_and_its_end_is_told() {
    for namespaces in ways() {
        let house = House::open(shell(), namespaces);
        let answer = house.run(&["echo out; echo err >&2; exit 3"]).await;
        assert_eq!(answer, json!({ "status": 3, "stdout": "out\n", "stderr": "err\n" }));
        let answer = house.run(&["kill -SEGV $$"]).await;
        assert_eq!((&answer["status"], &answer["signal"]), (&json!(null), &json!(11)));
        let answer = house.run(&["pwd; echo x > y && cat y; cd $HOME && pwd; id -u"]).await;
        let lines: Vec<&str> = answer["stdout"].as_str().unwrap().lines().collect();
        assert!(lines[0] == lines[2] && lines[1] == "x", "its home is its own: {answer}");
        assert_eq!(lines[3], rustix::process::getuid().as_raw().to_string());
    }
}

#[tokio::test]
async fn no_shell_reads_the_arguments() {
    for namespaces in ways() {
        let house = House::open(config("echo"), namespaces);
        let answer = house.run(&["$(id)", "; ls", "a b", "*", "`x`", "é"]).await;
        assert_eq!(answer["stdout"], "$(id) ; ls a b * `x` é\n");
    }
}

#[tokio::test]
async fn an_argument_is_what_the_program_reads_from_its_stdin() {
    for namespaces in ways() {
        let house = House::open(CommandConfig { stdin: Some("text".into()), ..config("cat") }, namespaces);
        let said = async |arguments| house.ask(arguments, 10_000).await.unwrap()["stdout"].clone();
        let text = "é\u{0}\n`$(id)`\n".to_owned() + &"x".repeat(40_000);
        assert_eq!(said(json!({ "args": ["-"], "text": text })).await, text);
        assert_eq!(said(json!({ "args": [] })).await, "", "nothing, if nothing is given");
        for (arguments, wanted) in [
            (json!({ "args": [], "text": 3 }), "`text` is a text"),
            (json!({ "args": [], "text": "x".repeat(131_073) }), "131072 are allowed"),
        ] {
            let wrong = house.ask(arguments, 10_000).await.unwrap_err();
            assert!(
                wrong.kind == ToolErrorKind::InvalidInput && wrong.message.contains(wanted),
                "{}",
                wrong.message
            );
        }
        let most = "\u{1}".repeat(131_072);
        assert_eq!(said(json!({ "args": [], "text": most })).await.as_str().unwrap().len(), 48 * 1024);
        assert_eq!(house.tools.specs()[0].input_schema["properties"]["text"]["type"], "string");
        let house = House::open(CommandConfig { stdin: Some("text".into()), ..shell() }, namespaces);
        let answer =
            house.ask(json!({ "args": ["echo more >&0; cat"], "text": "given" }), 10_000).await.unwrap();
        assert_eq!(answer["stdout"], "given", "it cannot be written to: {answer}");
    }
}

#[tokio::test]
async fn one_of_several_programs_is_chosen_by_name() {
    let several =
        CommandConfig { program: None, programs: vec!["/bin/cat".into(), "wc".into()], ..config("x") };
    let house = House::open(several, true);
    let answer = house.ask(json!({ "program": "wc", "args": ["-c", "/dev/null"] }), 10_000).await.unwrap();
    assert_eq!(answer["stdout"], "0 /dev/null\n");
    for chosen in [json!("sh"), json!("/bin/sh"), json!("../bin/sh"), json!(null), json!(3)] {
        let wrong = house.ask(json!({ "program": chosen, "args": [] }), 10_000).await.unwrap_err();
        assert_eq!(
            (wrong.kind, wrong.message.as_str()),
            (ToolErrorKind::InvalidInput, "`it`: `program` is one of: cat, wc")
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_said_and_nothing_runs() {
    let house = House::open(config("echo"), true);
    for (arguments, wanted) in [
        (json!([]), "the arguments are an object"),
        (json!({ "args": "x" }), "`args` is a list of strings"),
        (json!({ "args": [1] }), "`args` is a list of strings"),
        (json!({ "args": ["a\0b"] }), "NUL"),
        (json!({ "args": [], "stdin": "" }), "there is no field `stdin`"),
        (json!({ "args": vec!["x"; 257] }), "more than 256 strings"),
        (json!({ "args": ["x".repeat(70_000)] }), "65536 bytes"),
        (json!({ "args": [], "program": "sh" }), "one of: echo"),
    ] {
        let wrong = house.ask(arguments, 10_000).await.unwrap_err();
        assert!(
            wrong.kind == ToolErrorKind::InvalidInput && wrong.message.contains(wanted),
            "{}",
            wrong.message
        );
    }
    assert_eq!(house.tools.permits("other", &Grant::default()).unwrap_err().kind, ToolErrorKind::UnknownTool);
}

#[tokio::test]
async fn a_box_says_how_its_commands_are_confined_and_what_they_are() {
    for namespaces in ways() {
        let house =
            House::open(CommandConfig { effect: EffectClass::Idempotent, ..config("echo") }, namespaces);
        let spec = &house.tools.specs()[0];
        assert!(
            spec.description.contains("without network") && spec.description.contains("Landlock"),
            "{}",
            spec.description
        );
        assert_eq!((spec.effect, spec.digest.len()), (EffectClass::Idempotent, 64));
        assert_eq!(spec.input_schema["properties"].as_object().unwrap().len(), 1);
    }
    assert_eq!(
        House::open(config("echo"), true).tools.specs()[0].effect,
        EffectClass::Once,
        "if nothing is said"
    );
}

#[tokio::test]
async fn a_command_that_cannot_be_as_it_is_wanted_is_refused() {
    let wrong = |config, namespaces| House::try_open(config, namespaces).err().unwrap().to_string();
    let strict = CommandConfig { require_namespaces: true, ..config("echo") };
    let told = wrong(strict.clone(), false);
    if rustix::process::getuid().is_root() {
        assert!(told.contains("let the daemon run as another user"), "{told}");
    } else {
        assert!(told.contains("[command.it]: it requires namespaces"), "{told}");
    }
    House::open(strict, true);
    assert!(wrong(config("no-such-program"), true).contains("there is no `no-such-program`"));
    assert!(
        wrong(config("/bin/no-such-program"), true).contains("there is no program `/bin/no-such-program`")
    );
    let nowhere = CommandConfig { folder: Some("/no/such/folder".into()), ..config("echo") };
    assert!(wrong(nowhere, true).contains("`/no/such/folder`"));
}

#[tokio::test]
async fn what_cannot_be_executed_is_an_error_and_not_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "no program").unwrap();
    for namespaces in ways() {
        let wrong =
            House::open(config(&text), namespaces).ask(json!({ "args": [] }), 10_000).await.unwrap_err();
        assert!(
            wrong.kind == ToolErrorKind::Failed && wrong.message.contains("cannot be started"),
            "{}",
            wrong.message
        );
    }
}

#[tokio::test]
async fn endless_output_is_cut_and_ends() {
    for namespaces in ways() {
        let answer = House::open(shell(), namespaces).run(&["yes; echo on >&2; yes é >&2"]).await;
        assert_eq!(answer["stdout"].as_str().unwrap().len(), 48 * 1024);
        assert!(
            answer["note"].as_str().unwrap().contains("stdout is cut after 49152 bytes"),
            "{}",
            answer["note"]
        );
        assert!(answer["stderr"].as_str().unwrap().len() < 9 * 1024);
        assert!(written(&answer).contains("on\n"), "the pipe was closed, and the script went on");
    }
}

//! Every capability, answered by the host of tests.

use playhouse_tool::http::Response;
use playhouse_tool::testing::Host;
use playhouse_tool::{
    Error, Kind, clock, context, files, http, json, kv, log, model, progress, random, secrets, tools,
};

#[test]
fn without_a_host_a_capability_says_what_to_do() {
    let panic = std::panic::catch_unwind(clock::now_ms).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("`clock` needs a host") && text.contains("testing::Host::new().run"), "{text}");
}

#[test]
fn a_host_is_gone_when_its_test_panics() {
    let host = Host::new();
    let run = std::panic::AssertUnwindSafe(|| host.run(|| panic!("a bug")));
    assert!(std::panic::catch_unwind(run).is_err());
    assert!(std::panic::catch_unwind(clock::now_ms).is_err());
}

#[test]
fn this_call_and_time() {
    let host = Host::new().at_ms(1_500).effect_id("a/1").time_left_ms(7);
    host.run(|| {
        assert_eq!((clock::now_ms(), context::effect_id().as_str()), (1_500, "a/1"));
        assert_eq!(context::time_left().as_millis(), 7);
        assert_eq!(clock::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis(), 1_500);
        assert_eq!(random::bytes(40), random::bytes(40), "they follow from the effect id");
        assert_ne!(random::number(), Host::new().effect_id("a/2").run(random::number));
        progress::report(1, 2, "half");
        log::warn("hot");
    });
    assert_eq!(host.progress(), ["1 of 2: half"]);
    assert_eq!(host.logged(), ["warn: hot"]);
}

#[test]
fn a_table_is_read_and_written() {
    let host = Host::new().kv([("a1", "x"), ("a2", "y"), ("b", "z")]);
    host.run(|| {
        assert_eq!(kv::keys("a", None, 10).unwrap(), ["a1", "a2"]);
        assert_eq!(kv::keys("", Some("a1"), 1).unwrap(), ["a2"]);
        kv::put("c", "w").unwrap();
        assert!(kv::delete("b").unwrap() && !kv::delete("b").unwrap());
        assert_eq!(kv::get("b"), Ok(None));
    });
    assert_eq!(host.stored("c").as_deref(), Some("w"));
    let wrong = Host::new().run(|| kv::get("a")).unwrap_err();
    assert_eq!(wrong.kind, Kind::Unavailable);
}

#[test]
fn folders_are_read_and_written_and_not_left() {
    let host = Host::new().file("docs/a/b.txt", "one").file("docs/c.txt", [0xff]).folder("out");
    host.run(|| {
        assert_eq!(files::roots(), ["docs", "out"]);
        let names =
            |path| files::entries(path, None, 9).unwrap().into_iter().map(|i| i.name).collect::<Vec<_>>();
        assert_eq!((names("docs"), names("out")), (vec!["a".to_owned(), "c.txt".to_owned()], vec![]));
        assert_eq!(files::read_to_string("docs/a/b.txt").unwrap(), "one");
        assert_eq!(files::read("docs/a/b.txt", 1, 1).unwrap(), b"n");
        let kind = |wrong: Result<(), Error>| wrong.unwrap_err().kind;
        assert_eq!(kind(files::read_to_string("docs/c.txt").map(drop)), Kind::InvalidInput);
        assert_eq!(kind(files::read_all("docs/none").map(drop)), Kind::NotFound);
        assert_eq!(kind(files::read_all("docs/a").map(drop)), Kind::InvalidInput);
        assert_eq!(kind(files::read_all("docs/../etc/passwd").map(drop)), Kind::Denied);
        let version = files::stat("docs/a/b.txt").unwrap().version;
        files::write("docs/a/b.txt", "two").unwrap();
        assert_eq!(kind(files::replace("docs/a/b.txt", "three", &version).map(drop)), Kind::Conflict);
        assert_eq!(kind(files::create("docs/a/b.txt", "three").map(drop)), Kind::Conflict);
        files::create("out/new", "x").unwrap();
        files::remove("docs/c.txt").unwrap();
    });
    assert_eq!(host.content("docs/a/b.txt").as_deref(), Some("two"));
    assert_eq!((host.content("docs/c.txt"), host.content("out/new").as_deref()), (None, Some("x")));
}

#[test]
fn requests_leave_as_they_were_written() {
    let found = Response { status: 200, body: br#"{"n": 1}"#.to_vec(), ..Response::default() };
    let busy =
        Response { status: 429, headers: vec![("retry-after".into(), "2".into())], ..Response::default() };
    let host =
        Host::new().secret("key", "s3cret").answer_http("https://a/", found).answer_http("https://b/", busy);
    host.run(|| {
        let request =
            http::post("https://a/").header("x-a", "1").secret("key").json(&json!({"q": 1})).unwrap();
        let answer: serde_json::Value = request.send().unwrap().ok().unwrap().json().unwrap();
        assert_eq!(answer, json!({"n": 1}));
        let wrong = http::get("https://b/").send().unwrap().ok().unwrap_err();
        assert_eq!((wrong.kind, wrong.retry_after_ms), (Kind::Unavailable, Some(2_000)));
        assert_eq!(http::get("https://c/").send().unwrap_err().kind, Kind::Denied);
        assert_eq!(http::get("https://a/").secret("other").send().unwrap_err().kind, Kind::Denied);
    });
    let sent = host.requests();
    assert_eq!((sent[0].method.as_str(), sent[0].body.as_slice()), ("POST", br#"{"q":1}"#.as_slice()));
    assert_eq!(sent[0].secrets, ["key"]);
}

#[test]
fn secrets_sign_as_rfc_4231_says() {
    let host = Host::new().secret("jefe", "Jefe");
    let signed = host.run(|| secrets::hmac_sha256("jefe", b"what do ya want for nothing?")).unwrap();
    assert_eq!(signed[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    host.run(|| assert!(secrets::is_granted("jefe") && !secrets::is_granted("other")));
    assert_eq!(host.run(|| secrets::hmac_sha256("other", b"")).unwrap_err().kind, Kind::Denied);
}

#[test]
fn other_tools_and_a_model_answer() {
    let host = Host::new()
        .answer_tool("add", |arguments| match arguments {
            r#"{"a":1}"# => Ok("2".to_owned()),
            _ => Err(Error::unavailable("busy").retry_after(5)),
        })
        .answer_model(|instructions, prompt| Ok(format!("{instructions}: {prompt}")));
    host.run(|| {
        assert_eq!(tools::call::<i64>("add", &json!({"a": 1})), Ok(2));
        let wrong = tools::call::<i64>("add", &json!({})).unwrap_err();
        assert_eq!(wrong, Error::unavailable("tool `add`: busy").retry_after(5));
        assert_eq!(tools::call::<i64>("sub", &json!({})).unwrap_err().kind, Kind::Denied);
        assert_eq!(model::ask("be brief", "hi", 5).as_deref(), Ok("be brief: hi"));
    });
}

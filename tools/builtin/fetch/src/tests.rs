//! Pages, and what a model reads of them.

use playhouse_tool::http::Response;
use playhouse_tool::serde_json::Value;
use playhouse_tool::testing::Host;
use playhouse_tool::{Kind, json};

use super::*;

fn host(kind: &str, body: impl AsRef<[u8]>) -> Host {
    let headers = vec![("content-type".to_owned(), kind.to_owned())];
    let page = Response { status: 200, headers, body: body.as_ref().to_vec(), ..Response::default() };
    Host::new().answer_http("https://e.org/a/b", page)
}

fn ask(host: &Host, more: Value) -> Value {
    let mut arguments = json!({"url": "https://e.org/a/b"});
    arguments.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
    let answer = host.call::<Fetch>(&arguments.to_string());
    answer.map_or_else(
        |wrong| json!(wrong.message),
        |json| playhouse_tool::serde_json::from_str(&json).expect("JSON"),
    )
}

fn text(html: &str) -> String {
    ask(&host("text/html; charset=utf-8", html), json!({}))["text"].as_str().expect("text").to_owned()
}

#[test]
fn a_page_becomes_text_with_headings_lists_and_links() {
    let html = "<!DOCTYPE html><html><head><title> A &amp; B </title><style>p{}</style></head><body><h1>Top</h1>\
        <p>One <b>two</b>\n three&nbsp;&#8364;<br>four</p><ul><li>x</li><li><a href='../c?d=1&amp;e'>the  <i>link</i></a></li></ul>\
        <script>if (a < b) { document.write('<p>no</p>') }</script><!-- <p>no</p> --><pre>a\n  b</pre>\
        <table><tr><td>1</td><td>2</td></tr></table><a href='javascript:x()'>plain</a> 1 < 2</body></html>";
    let page = ask(&host("text/html", html), json!({}));
    assert_eq!(page["title"], "A & B");
    assert_eq!(
        page["text"],
        "# Top\n\nOne two three €\nfour\n\n- x\n- [the link](https://e.org/c?d=1&e)\n\n```\na\n  b\n```\n\n1 | 2 |\n\nplain 1 < 2\n"
    );
    assert_eq!((&page["content_type"], &page["url"]), (&json!("text/html"), &json!("https://e.org/a/b")));
}

#[test]
fn menus_are_left_out_and_the_main_part_is_the_text() {
    let long = "word ".repeat(60);
    let html = format!("<nav>menu</nav><div>ad</div><main><p>{long}</p></main><footer>imprint</footer>");
    assert_eq!(text(&html), format!("{}\n", long.trim()));
    let html = format!("<nav>menu</nav><p>{long}</p>");
    assert_eq!(text(&html), format!("{}\n", long.trim()));
    let html = "<header>Site</header><nav>menu</nav><main><p>Short, and all there is.</p></main><footer>imprint</footer>";
    assert_eq!(text(html), "Short, and all there is.\n");
    let html = "<p>Short</p><nav>menu</nav><footer>imprint</footer>";
    assert_eq!(text(html), "Short\n");
    assert_eq!(text("<nav>only a menu"), "only a menu\n", "better than nothing");
}

#[test]
fn text_is_read_in_the_encoding_that_is_said() {
    for (kind, body, expected) in [
        ("text/html; charset=iso-8859-1", b"caf\xe9".as_slice(), "café\n"),
        ("text/html; charset=\"windows-1251\"", b"\xcf\xf0\xe8", "При\n"),
        ("text/html", b"<html><META http-equiv=x content='text/html; charset=shift_jis'>\x93\xfa", "日\n"),
        ("text/html", b"<meta charset=gbk><p>\xd6\xd0", "中\n"),
        ("text/plain; charset=latin1", b"\xfc", "ü"),
        ("text/html; charset=latin1", b"\xef\xbb\xbf\xc3\xbc", "ü\n"),
        ("text/html; charset=nonsense", b"\xc3\xbc \xff", "ü \u{fffd}\n"),
        ("text/html", b"<meta charset", ""),
    ] {
        assert_eq!(ask(&host(kind, body), json!({}))["text"], expected, "{kind}");
    }
}

#[test]
fn addresses_are_whole() {
    for (href, whole) in [
        ("/x", "https://e.org/x"),
        ("x", "https://e.org/a/x"),
        ("./x/../y", "https://e.org/a/y"),
        ("../../../x", "https://e.org/x"),
        ("//f.org/x", "https://f.org/x"),
        ("?q", "https://e.org/a/b?q"),
        ("https://g.org", "https://g.org"),
    ] {
        assert_eq!(link::resolve("https://e.org/a/b?c#d", href).as_deref(), Some(whole), "{href}");
    }
    assert!(
        ["", "#top", "javascript:alert(1)", "data:x", "a b"].iter().all(|href| link::resolve(
            "https://e.org",
            href
        )
        .is_none())
    );
}

#[test]
fn other_text_is_given_as_it_is_and_no_text_not_at_all() {
    assert_eq!(ask(&host("application/json", "{\"a\": 1}"), json!({}))["text"], "{\"a\": 1}");
    assert_eq!(ask(&host("text/html", "<b>x</b>"), json!({"raw": true}))["text"], "<b>x</b>");
    let wrong = ask(&host("image/png", "abc"), json!({}));
    assert_eq!(wrong, json!("https://e.org/a/b is `image/png`, not text (3 bytes): find a page about it"));
}

#[test]
fn a_long_text_goes_on_and_says_where() {
    let host = host("text/plain", "é".repeat(50_000));
    let first = ask(&host, json!({}));
    assert_eq!(first["more"], "34464 more bytes: fetch again with `from` 65536");
    let rest = ask(&host, json!({"from": 65_536}));
    assert_eq!((rest["text"].as_str().map(str::len), &rest["more"]), (Some(34_464), &Value::Null));
    assert_eq!(
        ask(&host, json!({"from": 200_000})),
        json!("`from` is 200000, but the text has 100000 bytes")
    );
}

#[test]
fn what_does_not_answer_is_an_error_of_its_kind() {
    let missing = Response { status: 404, ..Response::default() };
    let host = Host::new().answer_http("https://e.org/", missing);
    assert_eq!(host.call::<Fetch>(r#"{"url": "https://e.org/"}"#).expect_err("404").kind, Kind::NotFound);
    assert_eq!(host.call::<Fetch>(r#"{"url": "https://f.org/"}"#).expect_err("no grant").kind, Kind::Denied);
    for url in ["example.com", "file:///etc/passwd", "https://a b", "httpsx://e.org"] {
        let wrong = host.call::<Fetch>(&json!({ "url": url }).to_string()).expect_err("no address");
        assert!(wrong.message.contains("write it whole, for example `https://example.com/`"), "{wrong}");
    }
}

#[test]
fn garbage_is_text_at_worst() {
    for (a, b) in shared::garbage(700).zip(shared::garbage(701).skip(1)) {
        text(&format!("{a}<{b}>{a}</{b}<a href={a}>{b}</a><h2 {a}'{b}><pre>{a}&{b};<nav {a}>{b}"));
        let _whole = link::resolve(&a, &b);
        let _whole = link::resolve(&format!("https://{a}"), &b);
    }
}

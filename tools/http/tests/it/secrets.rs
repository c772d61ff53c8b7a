//! Secrets go to their origin, and nowhere else.

use std::sync::{Arc, OnceLock};

use playhouse_ports::egress::{Attach, EgressErrorKind as Kind, Secret};

use crate::{
    ask::{answered, asks, bearer, guard_of, local, origin, refused, rule},
    server::{Server, go, reply},
};

const SECRET: Option<&str> = Some("Bearer hush-4711");

#[tokio::test]
async fn a_secret_goes_to_its_origin_and_to_no_other() {
    let server = Server::ok().await;
    let guard = guard_of(["a.test", "b.test"]);
    let here = server.url("a.test", "/");
    for (attached_to, arrives) in [
        (origin(&here), SECRET),
        (origin(&here).replace("a.test", "A.TEST."), SECRET),
        (origin(&here).replace("a.test", "b.test"), None),
        (origin(&here).replace("http:", "https:"), None),
        ("http://a.test".into(), None),
        ("http://127.0.0.1".into(), None),
    ] {
        let mut request = local("GET", &here);
        request.attach = vec![bearer(&attached_to)];
        answered(&guard, request).await;
        assert_eq!(server.seen().pop().unwrap().header("authorization"), arrives, "{attached_to}");
    }
}

#[tokio::test]
async fn a_secret_takes_the_place_of_a_header_that_the_tool_set() {
    let server = Server::ok().await;
    let here = server.url("a.test", "/");
    let mut request = local("GET", &here);
    request.headers = vec![("x-api-key".into(), "guess".into())];
    request.attach = vec![bearer(&origin(&here))];
    request.attach[0].header = "X-API-Key".into();
    answered(&guard_of(["a.test"]), request).await;
    let head = server.seen().pop().unwrap().head;
    assert!(head.contains("x-api-key: Bearer hush-4711") && !head.contains("guess"), "{head}");
}

#[tokio::test]
async fn a_secret_stays_with_redirects_at_home_and_is_dropped_for_good_elsewhere() {
    // home/away → away/back → home/end
    let home_origin = Arc::new(OnceLock::<String>::new());
    let back_to = home_origin.clone();
    let away = Server::new(move |_| go(302, &format!("{}/end", back_to.get().unwrap()))).await;
    let out = away.url("b.test", "/back");
    let to = out.clone();
    let home = Server::new(move |seen| match seen.path() {
        "/inside" => go(302, "/away"),
        "/away" => go(302, &to),
        _ => reply(200, "", b"end"),
    })
    .await;
    let here = home.url("a.test", "/inside");
    home_origin.set(origin(&here)).unwrap();
    let rules = vec![rule(&origin(&here), true), rule(&origin(&out), true)];
    let mut request = asks("GET", &here, rules);
    request.attach = vec![bearer(&origin(&here)), bearer(&origin(&out))];
    let answer = answered(&guard_of(["a.test", "b.test"]), request).await;
    assert_eq!((answer.body.as_slice(), answer.requests), (b"end".as_slice(), 4));
    let sent: Vec<_> = home
        .seen()
        .iter()
        .map(|seen| (seen.path().to_owned(), seen.header("authorization").is_some()))
        .collect();
    assert_eq!(sent, [("/inside".into(), true), ("/away".into(), true), ("/end".into(), false)]);
    // Not even its own secret: the tool did not choose to go there.
    assert_eq!(away.seen()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_secret_that_cannot_be_sent_is_not_repeated_in_the_complaint() {
    let guard = guard_of(["a.test"]);
    let with = |change: fn(&mut Attach)| {
        let mut request = local("GET", "http://a.test/");
        let mut attach = bearer("http://a.test");
        change(&mut attach);
        request.attach = vec![attach];
        request
    };
    for change in [
        (|attach| attach.header = "a b".into()) as fn(&mut Attach),
        |attach| attach.header = "Host".into(),
        |attach| attach.value = Secret::new("hush-4711\r\nx: y"),
        |attach| attach.origin = "http://a.test/path".into(),
        |attach| attach.origin = "a.test".into(),
    ] {
        let error = refused(&guard, with(change), Kind::BadRequest).await;
        assert!(error.message.contains("secret") && !error.message.contains("hush"), "{error}");
    }
}

#[tokio::test]
async fn neither_debug_nor_errors_show_a_secret() {
    let mut request = local("GET", "http://unknown.test/");
    request.attach = vec![bearer("http://unknown.test")];
    assert!(!format!("{request:?}").contains("hush"));
    let error = refused(&guard_of([]), request, Kind::Network).await;
    assert!(!format!("{error:?}").contains("hush"));
}

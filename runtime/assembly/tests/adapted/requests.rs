//! What goes out of a component that was adapted, and what does not.

use playhouse_assembly::tools::Allow;
use playhouse_core::egress::{HttpGrant, HttpLimits};
use playhouse_ports::egress::Secret;
use playhouse_tools_host::{REQUEST_BYTES_MAX, SecretHeader, SecretUse};
use serde_json::{Value, json};

use crate::{
    house::{House, allowing, guest, rule},
    server::{LONG, Server},
};

fn server() -> Server {
    Server::at("127.0.0.1", "")
}

fn text<'a>(answer: &'a Value, field: &str) -> &'a str {
    answer[field].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_granted_request_arrives_with_what_the_component_set() {
    let server = server();
    let house = House::with("relays", allowing(vec![rule(server.address, true)]));
    let said =
        format!("POST http {} /there?q=a%20b\nx-guest: yes\ncontent-length: 9\n\nsome text", server.address);
    let answer = house.relay(&said).await;
    assert_eq!((answer["status"].as_u64(), text(&answer, "body")), (Some(203), "hello"), "{answer}");
    assert!(
        answer["headers"].as_array().unwrap().contains(&json!({"name": "x-from", "value": "server"})),
        "{answer}"
    );
    let seen = server.requests().remove(0);
    assert!(seen.starts_with("POST /there?q=a%20b HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("x-guest: yes\r\n") && seen.ends_with("\r\n\r\nsome text"), "{seen}");
    assert!(seen.contains("idempotency-key: "), "the host's own header goes with it: {seen}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_tool_of_the_contract_makes_requests_with_the_library_of_its_language() {
    let server = server();
    let house = House::of(&guest("borrows"), None, allowing(vec![rule(server.address, true)]));
    let arguments = |authority: String| json!({"authority": authority, "path": "/"});
    assert_eq!(house.call(arguments(server.address.to_string())).await.unwrap(), json!("hello"));
    let refused = house.call(arguments("127.0.0.1:1".to_owned())).await.unwrap_err();
    assert!(refused.message.contains("HttpRequestDenied"), "{refused}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn what_is_not_granted_is_refused_before_anything_connects() {
    let (granted, other) = (server(), server());
    let house = House::with("relays", allowing(vec![rule(granted.address, true)]));
    for said in [
        format!("GET http {} /", other.address),
        format!("DELETE http {} /", granted.address),
        format!("GET https {} /", granted.address),
        format!("GET http localhost:{} /", granted.address.port()),
    ] {
        let answer = house.relay(&said).await;
        assert_eq!(
            (answer["status"].as_u64(), text(&answer, "body")),
            (Some(502), "ErrorCode::HttpRequestDenied"),
            "{said}: {answer}"
        );
        assert_eq!(answer["problems"].as_array().map(Vec::len), Some(1), "and it says why: {answer}");
    }
    assert_eq!((granted.connections(), other.connections()), (0, 0));
}

#[tokio::test]
async fn an_address_that_is_private_is_prohibited_unless_it_is_granted_as_such() {
    let server = server();
    let house = House::with("relays", allowing(vec![rule(server.address, false)]));
    let answer = house.relay(&format!("GET http {} /", server.address)).await;
    assert_eq!(text(&answer, "body"), "ErrorCode::DestinationIpProhibited", "{answer}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_redirect_leads_nowhere_that_is_not_granted_or_is_private() {
    let private = Server::at("127.0.0.2", "");
    let granted = Server::at("127.0.0.1", &format!("http://{}/", private.address));
    let away = format!("GET http {} /away", granted.address);
    let mine = rule(granted.address, true);
    for (rules, code) in [
        (vec![mine.clone()], "ErrorCode::HttpRequestDenied"),
        (vec![mine, rule(private.address, false)], "ErrorCode::DestinationIpProhibited"),
    ] {
        let answer = House::with("relays", allowing(rules)).relay(&away).await;
        assert_eq!(text(&answer, "body"), code, "{answer}");
    }
    assert_eq!((granted.connections(), private.connections()), (2, 0));
}

#[tokio::test]
async fn no_path_or_authority_changes_the_host() {
    let (granted, evil) = (server(), server());
    let house = House::with("relays", allowing(vec![rule(granted.address, true)]));
    let (good, evil_at) = (granted.address, evil.address);
    for path in [
        format!("http://{evil_at}/"),
        format!("http:{evil_at}/"),
        format!("@{evil_at}/"),
        format!(":80@{evil_at}/"),
        format!("\\\\{evil_at}/"),
        "*".to_owned(),
        "/a b".to_owned(),
        "/a\tb".to_owned(),
        "/a#b".to_owned(),
        "/ü".to_owned(),
    ] {
        let answer = house.relay(&format!("GET http {good} {path}")).await;
        assert_eq!(text(&answer, "body"), "path refused", "{path}: {answer}");
    }
    for authority in [
        format!("{good}@{evil_at}"),
        format!("{good}/@{evil_at}"),
        format!("{evil_at}/?{good}"),
        format!("{evil_at}#{good}"),
        format!("{evil_at}\\{good}"),
        "a%2eb".to_owned(),
        "ü".to_owned(),
    ] {
        let answer = house.relay(&format!("GET http {authority} /")).await;
        assert_eq!(text(&answer, "body"), "authority refused", "{authority}: {answer}");
    }
    assert_eq!((granted.connections(), evil.connections()), (0, 0));
    // A path that looks like a host is one of the host's paths.
    for path in
        [format!("//{evil_at}/"), format!("/http://{evil_at}/"), "/../..".to_owned(), "?q=1".to_owned()]
    {
        house.relay(&format!("GET http {good} {path}")).await;
    }
    assert_eq!((granted.connections(), evil.connections()), (4, 0), "{:?}", granted.requests());
}

#[tokio::test]
async fn what_the_contract_lets_no_tool_set_no_component_sets() {
    let server = server();
    let house = House::with("relays", allowing(vec![rule(server.address, true)]));
    for header in ["host: evil", "Connection: x", "transfer-encoding: chunked", "x: a\rb"] {
        let answer = house.relay(&format!("GET http {} /\n{header}\n\n", server.address)).await;
        assert_eq!(text(&answer, "body"), "header refused", "{header}: {answer}");
    }
    for header in
        ["authorization: Bearer mine", "cookie: a=b", "x-forwarded-for: 1.2.3.4", "idempotency-key: 1"]
    {
        let answer = house.relay(&format!("GET http {} /\n{header}\n\n", server.address)).await;
        assert!(text(&answer, "body").starts_with("ErrorCode::InternalError"), "{header}: {answer}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_secret_goes_out_by_its_name_and_does_not_come_back() {
    const KEY: &str = "sk-test-0123456789";
    let server = server();
    let origin = format!("http://{}", server.address);
    let header = SecretHeader { origin, header: "authorization".into(), format: "Bearer {}".into() };
    let secret = SecretUse { value: Secret::new(KEY), header: Some(header), sign: false };
    let secrets = [("api".to_owned(), secret)].into();
    let house = House::with("relays", Allow { secrets, ..allowing(vec![rule(server.address, true)]) });
    let answer =
        house.relay(&format!("GET http {} /mirror\nplayhouse-secret: api\n\n", server.address)).await;
    let seen = server.requests().remove(0);
    assert!(seen.contains(&format!("authorization: Bearer {KEY}\r\n")), "{seen}");
    assert!(!seen.contains("playhouse-secret"), "{seen}");
    assert!(
        !answer.to_string().contains(KEY) && text(&answer, "body").starts_with("GET /mirror"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_body_that_was_cut_off_ends_with_an_error_and_a_whole_one_does_not() {
    let server = server();
    let mut allow = allowing(vec![rule(server.address, true)]);
    let long = format!("GET http {} /long", server.address);
    let whole = House::with("relays", allow.clone()).relay(&long).await;
    assert_eq!(text(&whole, "body").len(), LONG);
    let limits = HttpLimits { response_bytes: 100, ..HttpLimits::default() };
    allow.http = HttpGrant { limits, ..allow.http };
    let cut = House::with("relays", allow).relay(&long).await;
    assert_eq!(text(&cut, "body"), "100 bytes, then Some(ErrorCode::HttpResponseBodySize(Some(100)))");
}

#[tokio::test]
async fn a_body_beyond_the_grant_is_not_sent() {
    let server = server();
    let mut allow = allowing(vec![rule(server.address, true)]);
    allow.http.limits.request_bytes = 10;
    let house = House::with("relays", allow);
    let answer = house.relay(&format!("POST http {} /\n\n01234567890", server.address)).await;
    assert_eq!(text(&answer, "body"), "ErrorCode::ConnectionLimitReached", "{answer}");
    let answer = house.relay(&format!("POST http {} /\ncontent-length: 3\n\n0123", server.address)).await;
    assert_eq!(text(&answer, "body"), "ErrorCode::HttpRequestBodySize(Some(4))", "{answer}");
    let answer = house.post("/unfinished", &format!("POST http {} /", server.address)).await.unwrap();
    assert_eq!(text(&answer, "body"), "false Some(Ok(Err(ErrorCode::HttpProtocolError)))", "{answer}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn the_largest_body_that_can_be_granted_is_sent_and_the_stream_of_a_longer_one_fails() {
    let server = server();
    let mut allow = allowing(vec![rule(server.address, true)]);
    allow.http.limits.request_bytes = REQUEST_BYTES_MAX;
    let house = House::with("relays", allow);
    let said = |body| format!("POST http {} /\n\n{body}", server.address);
    let answer = house.post("/pour", &said("0123")).await.unwrap();
    assert_eq!((answer["status"].as_u64(), text(&answer, "body")), (Some(203), "hello"), "{answer}");
    let sent = server.requests().remove(0);
    let (_, body) = sent.split_once("\r\n\r\n").unwrap();
    assert_eq!(body.len() as u64, REQUEST_BYTES_MAX);
    let answer = house.post("/pour", &said("01234")).await.unwrap();
    assert!(text(&answer, "body").starts_with("StreamError::LastOperationFailed"), "{answer}");
    assert_eq!(server.connections(), 1);
}

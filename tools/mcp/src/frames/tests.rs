//! Whatever bytes come, a message or a reason comes out.

use proptest::prelude::*;
use rmcp::model::JsonRpcMessage;
use tokio::io::{AsyncReadExt, duplex};

use super::*;

type Client<'a> = Frames<&'a [u8], tokio::io::Sink>;

fn over(bytes: &[u8]) -> (Client<'_>, Fault) {
    let fault = Fault::new();
    (Frames::new(bytes, tokio::io::sink(), fault.clone()), fault)
}

async fn drain(bytes: &[u8]) -> (usize, String) {
    let (mut frames, fault) = over(bytes);
    let mut messages = 0;
    while frames.receive().await.is_some() {
        messages += 1;
    }
    (messages, fault.why().expect("an end has a reason"))
}

const RESPONSE: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n";

#[tokio::test]
async fn messages_come_out_and_careless_lines_do_not() {
    let bytes = format!("hello\n\n{RESPONSE}\r\n  {RESPONSE}[1]\n");
    assert_eq!(drain(bytes.as_bytes()).await, (2, "it closed its output".into()));
}

#[tokio::test]
async fn careless_lines_are_remembered_for_whoever_asks_why_nothing_is_answered() {
    let words = Arc::new(Words::default());
    let (frames, _) = over(b"Starting \x1b[2Jup...\n");
    assert!(frames.telling(words.clone()).receive().await.is_none());
    let said = words.lock().unwrap().pop_front().unwrap();
    assert!(said.starts_with("Starting ") && said.ends_with("(on stdout, and no message)"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
}

#[tokio::test]
async fn an_endless_line_is_cut_off_at_its_bound() {
    let mut bytes = vec![b'x'; FRAME_BYTES_MAX + 1];
    bytes.extend_from_slice(RESPONSE.as_bytes());
    let (mut frames, fault) = over(&bytes);
    assert!(frames.receive().await.is_none());
    assert!(fault.why().unwrap().contains("4194304 bytes"));
    assert!(frames.line.capacity() <= 2 * FRAME_BYTES_MAX, "{}", frames.line.capacity());
}

#[tokio::test]
async fn deep_json_is_refused_before_it_is_parsed() {
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}1{}}}\n",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert!(drain(deep.as_bytes()).await.1.contains("levels deep"));
    let quoted =
        format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{\"a\":\"{}\\\"[\"}}}}\n", "[".repeat(10_000));
    assert_eq!(drain(quoted.as_bytes()).await.0, 1, "brackets in a string are no depth");
}

#[tokio::test]
async fn a_stream_of_garbage_is_not_listened_to_for_ever() {
    let few = "garbage\n".repeat(GARBAGE_LINES_MAX as usize);
    assert_eq!(drain(few.as_bytes()).await.1, "it closed its output");
    let many = "garbage\n".repeat(GARBAGE_LINES_MAX as usize + 1);
    assert!(drain(many.as_bytes()).await.1.contains("the last one `garbage`"));
}

#[tokio::test]
async fn a_receive_that_is_dropped_loses_nothing() {
    let (mut theirs, ours) = duplex(64);
    let fault = Fault::new();
    let mut frames = Frames::new(ours, tokio::io::sink(), fault);
    let (first, second) = RESPONSE.as_bytes().split_at(20);
    theirs.write_all(first).await.unwrap();
    {
        let receive = std::pin::pin!(frames.receive());
        assert!(futures_util::poll!(receive).is_pending());
    }
    theirs.write_all(second).await.unwrap();
    assert!(matches!(frames.receive().await, Some(JsonRpcMessage::Response(_))));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_ends_the_connection() {
    let (ours, mut theirs) = duplex(16);
    let fault = Fault::new();
    let mut frames = Frames::new(tokio::io::empty(), ours, fault.clone());
    let ping = serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let ping: ClientJsonRpcMessage = serde_json::from_value(ping).unwrap();
    assert!(frames.send(ping).await.is_err());
    assert!(fault.why().unwrap().contains("not read its input"));
    frames.close().await.unwrap();
    let mut rest = Vec::new();
    theirs.read_to_end(&mut rest).await.unwrap();
    assert!(rest.len() <= 16, "and its stdin is closed");
}

/// Something like a message, cut, repeated and mixed with noise.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let seed = prop_oneof![
        Just(RESPONSE.to_owned()),
        Just(
            "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1e99,\"message\":\"\\ud800\"}}\n"
                .to_owned()
        ),
        Just(
            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":[]}}\n"
                .to_owned()
        ),
        Just(
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":5,\"inputSchema\":[]}]}}\n"
                .to_owned()
        ),
        Just("[{},{}]\n".to_owned()),
        "\\PC{0,40}\n".prop_map(|text| text),
    ];
    let noise = prop::collection::vec(any::<u8>(), 0..20);
    let piece = (seed, any::<prop::sample::Index>(), noise).prop_map(|(text, cut, noise)| {
        let mut bytes = text.into_bytes();
        let at = cut.index(bytes.len() + 1);
        bytes.splice(at..at, noise);
        bytes
    });
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_end_in_messages_and_a_reason(bytes in hostile()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (messages, why) = runtime.block_on(drain(&bytes));
        prop_assert!(messages <= bytes.iter().filter(|byte| **byte == b'\n').count());
        prop_assert!(!why.is_empty());
    }
}

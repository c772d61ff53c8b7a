//! Whatever a server says after, or instead of, a good handshake: the connection ends with a reason.

use proptest::prelude::*;

use super::*;
use crate::client::Policy;

const HELLO: &str = concat!(
    r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"#,
    r#""serverInfo":{"name":"x","version":"1"}}}"#,
    "\n"
);

/// Shakes hands with a server that says `bytes` and closes, and lists its tools.
async fn meet(bytes: Vec<u8>) -> Result<String, String> {
    let fault = Fault::new();
    let frames = Frames::new(std::io::Cursor::new(bytes), tokio::io::sink(), fault.clone());
    let look = Arc::new(Notify::new());
    let (config, modern) = (ServerConfig::default(), AtomicBool::new(false));
    let client = Client::new("s", Arc::new(Policy::of(&config)));
    let guard = Guard::new(&client, frames, fault.clone(), look.clone());
    let dial = Dial { server: "s", config: &config, folder: Path::new("."), client, modern: &modern };
    let service = dial.shake(guard, &fault).await?;
    let link = Link { service, fault, look };
    let listed = list(&link).await;
    let why = link.fault.raised().await;
    Ok(listed.err().unwrap_or(why))
}

fn ended(bytes: Vec<u8>) -> Result<String, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async { timeout(START_WAIT * 2, meet(bytes)).await.expect("it ends") })
}

/// Messages that are nearly right, in the wrong place.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let id =
        prop_oneof![Just("0"), Just("1"), Just("\"1\""), Just("null"), Just("1.5"), Just("{}"), Just("-1")];
    let body = prop_oneof![
        Just(r#""result":{}"#),
        Just(r#""result":{"tools":[]}"#),
        Just(r#""result":{"tools":[{"name":"a","inputSchema":{"type":"object"}}],"nextCursor":"x"}"#),
        Just(r#""result":{"tools":[{"name":7}]}"#),
        Just(r#""result":null"#),
        Just(r#""error":{"code":-32000,"message":"no"}"#),
        Just(r#""error":7"#),
        Just(r#""method":"ping""#),
        Just(r#""method":"roots/list""#),
        Just(r#""method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}"#),
        Just(r#""method":"elicitation/create","params":{"message":"?","requestedSchema":{}}"#),
        Just(r#""method":"notifications/cancelled","params":{"requestId":1}"#),
        Just(r#""method":"notifications/tools/list_changed""#),
        Just(r#""method":"notifications/progress","params":{"progressToken":1,"progress":1e308}"#),
        Just(r#""method":"no/such""#),
    ];
    let line = prop_oneof![
        4 => (id, body).prop_map(|(id, body)| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{body}}}\n").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..60),
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}

#[test]
fn a_server_that_only_shakes_hands_is_gone_for_that_reason() {
    assert_eq!(ended(HELLO.into()).unwrap(), "its tools cannot be listed: Transport closed");
    assert!(ended(Vec::new()).unwrap_err().contains("closed its output"));
}

proptest! {
    #[test]
    fn any_talk_ends_in_a_reason(hello in any::<bool>(), talk in lines()) {
        let start = if hello { HELLO.as_bytes() } else { b"" };
        let why = match ended([start, &talk].concat()) {
            Ok(why) | Err(why) => why,
        };
        prop_assert!(!why.is_empty());
    }
}

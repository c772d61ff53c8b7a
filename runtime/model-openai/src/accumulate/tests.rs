//! Chunks in, reply out: each provider's habits as a row.

use playhouse_core::message::{Arguments, ToolCall};
use proptest::prelude::*;

use super::*;

/// Feeds chunks, written as JSON, and ends the stream properly.
fn replies(chunks: &[Value]) -> (Vec<Delta>, Result<Reply, Incomplete>) {
    let mut accumulator = Accumulator::default();
    let mut deltas = Vec::new();
    for chunk in chunks {
        let chunk = serde_json::from_value(chunk.clone()).unwrap();
        deltas.extend(accumulator.push(chunk).unwrap());
    }
    (deltas, accumulator.finish("asked-for"))
}

fn delta(delta: Value) -> Value {
    json!({ "choices": [{ "delta": delta }] })
}

fn end(reason: &str) -> Value {
    json!({ "choices": [{ "delta": {}, "finish_reason": reason }] })
}

fn calls(pieces: Value) -> Vec<ToolCall> {
    let Value::Array(pieces) = pieces else { panic!("a list of pieces") };
    let mut chunks: Vec<_> =
        pieces.into_iter().map(|piece| delta(json!({ "tool_calls": [piece] }))).collect();
    chunks.push(end("tool_calls"));
    replies(&chunks).1.unwrap().message.tool_calls
}

fn call(id: &str, name: &str, arguments: Value) -> ToolCall {
    ToolCall { id: id.into(), name: name.into(), arguments: Arguments::Json(arguments) }
}

#[test]
fn text_comes_as_deltas_and_as_a_whole() {
    let (deltas, reply) = replies(&[
        json!({ "model": "m-1", "choices": [{ "delta": { "role": "assistant", "content": "" } }] }),
        delta(json!({ "content": "Good " })),
        delta(json!({ "content": [{ "type": "text", "text": "day" }], "tool_calls": null })),
        end("stop"),
        json!({ "choices": [], "usage": { "prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9,
            "prompt_tokens_details": { "cached_tokens": 4 } } }),
    ]);
    assert_eq!(deltas, [Delta::Text("Good ".into()), Delta::Text("day".into())]);
    let message = Assistant { content: "Good day".into(), ..Assistant::default() };
    let usage = Usage { input_tokens: 7, cached_tokens: 4, output_tokens: 2 };
    assert_eq!(reply, Ok(Reply { message, usage, finish: Finish::Stop, model: "m-1".into() }));
}

#[test]
fn calls_are_told_apart_whatever_the_provider_sends() {
    let f = |name: &str, arguments: &str| json!({ "name": name, "arguments": arguments });
    let more = |arguments: &str| json!({ "arguments": arguments });
    let two = [call("a", "x", json!({"n": 1})), call("b", "y", json!({"n": 2}))];
    let table = [
        (
            "interleaved by index",
            json!([
                {"index": 0, "id": "a", "function": f("x", "")}, {"index": 1, "id": "b", "function": f("y", "{\"n\"")},
                {"index": 0, "function": more("{\"n\":")}, {"index": 1, "function": more(":2}")},
                {"index": 0, "function": more("1}")},
            ]),
        ),
        (
            "no index, id in the first piece",
            json!([
                {"id": "a", "function": f("x", "{\"n\":")}, {"function": more("1}")},
                {"id": "b", "function": f("y", "{\"n\":2")}, {"function": more("}")},
            ]),
        ),
        (
            "no index, id and name in every piece",
            json!([
                {"id": "a", "function": f("x", "{\"n\":")}, {"id": "b", "function": f("y", "{\"n\":")},
                {"id": "a", "function": f("x", "1}")}, {"id": "b", "function": f("y", "2}")},
            ]),
        ),
        (
            "index, id and name in every piece",
            json!([
                {"index": 0, "id": "a", "function": f("x", "{\"n\":")}, {"index": 0, "id": "a", "function": f("x", "1}")},
                {"index": 1, "id": "b", "function": f("y", "{\"n\":")}, {"index": 1, "id": "b", "function": f("y", "2}")},
            ]),
        ),
        (
            "whole calls, all with index 0",
            json!([
                {"index": 0, "id": "a", "function": f("x", "{\"n\":1}")}, {"index": 0, "id": "b", "function": f("y", "{\"n\":2}")},
            ]),
        ),
        (
            "arguments as objects",
            json!([
                {"id": "a", "function": {"name": "x", "arguments": {"n": 1}}}, {"id": "b", "function": {"name": "y", "arguments": {"n": 2}}},
            ]),
        ),
        (
            "a new id for every piece",
            json!([
                {"index": 0, "id": "a", "function": f("x", "{\"n\":")}, {"index": 0, "id": "zz", "function": more("1}")},
                {"index": 1, "id": "b", "function": f("y", "{\"n\":")}, {"index": 1, "id": "zzz", "function": more("2}")},
            ]),
        ),
    ];
    for (habit, pieces) in table {
        assert_eq!(calls(pieces), two, "{habit}");
    }
}

#[test]
fn every_call_has_an_id_of_its_own() {
    let whole = |id: Value| json!({ "index": 0, "id": id, "function": { "name": "x", "arguments": "{}" } });
    let ids = |pieces| calls(pieces).into_iter().map(|call| call.id).collect::<Vec<_>>();
    assert_eq!(ids(json!([whole(json!("a")), whole(json!("a"))])), ["a", "a_1"]);
    assert_eq!(ids(json!([whole(Value::Null), whole(json!(""))])), ["call_0", "call_1"]);
    assert_eq!(ids(json!([whole(json!("call_1")), whole(Value::Null)])), ["call_1", "call_1_1"]);
}

#[test]
fn arguments_that_are_not_json_are_kept_as_they_came() {
    let of = |arguments: &str| {
        calls(json!([{ "id": "a", "function": { "name": "x", "arguments": arguments } }])).remove(0).arguments
    };
    assert_eq!(of(" "), Arguments::Json(json!({})));
    let Arguments::Malformed { raw, error } = of("{\"n\": 1") else { panic!("half an object") };
    assert_eq!(raw, "{\"n\": 1");
    assert!(error.contains("EOF"), "{error}");
}

#[test]
fn the_end_is_judged_by_what_came_before_it() {
    let text = delta(json!({ "content": "x" }));
    let tool =
        delta(json!({ "tool_calls": [{ "id": "a", "function": { "name": "x", "arguments": "{}" } }] }));
    let finish = |chunks: &[Value]| replies(chunks).1.map(|reply| reply.finish);
    assert_eq!(finish(&[text.clone(), end("eos")]), Ok(Finish::Stop));
    assert_eq!(finish(&[tool.clone(), end("stop")]), Ok(Finish::ToolCalls));
    assert_eq!(finish(&[tool, end("length")]), Ok(Finish::Length));
    assert_eq!(finish(&[text.clone(), end("content_filter")]), Ok(Finish::ContentFilter));
    assert_eq!(finish(&[text.clone(), end("error")]), Err(Incomplete::Failed));
    assert_eq!(finish(&[text]), Err(Incomplete::Cut));
    assert_eq!(finish(&[]), Err(Incomplete::Cut));
}

#[test]
fn a_stream_that_ends_without_any_choice_is_no_reply() {
    let mut accumulator = Accumulator::default();
    accumulator.push(wire::ChatChunk::default()).unwrap();
    accumulator.done();
    assert_eq!(accumulator.finish("m"), Err(Incomplete::NoChoices));
}

#[test]
fn fields_we_do_not_know_are_kept_for_the_provider() {
    let (_, reply) = replies(&[
        delta(json!({ "reasoning_content": "Let me ", "audio": null, "annotations": [] })),
        delta(json!({ "reasoning_content": "think", "reasoning_details": [{ "index": 0 }] })),
        delta(json!({ "reasoning_details": [{ "index": 1 }], "tool_calls": [
            { "index": 0, "id": "a", "function": { "name": "x" }, "extra_content": { "signature": "s" } },
            { "index": 1, "id": "b", "function": { "name": "x" } },
        ] })),
        end("tool_calls"),
    ]);
    let expected = json!({ "openai": {
        "reasoning_content": "Let me think",
        "reasoning_details": [{ "index": 0 }, { "index": 1 }],
        "tool_calls": [{ "extra_content": { "signature": "s" } }, {}],
    } });
    assert_eq!(reply.unwrap().message.provider, Some(expected));
}

#[test]
fn a_reply_has_only_so_many_calls() {
    let mut accumulator = Accumulator::default();
    let chunk = |index: usize| {
        let call = json!({ "index": index, "function": { "name": "x", "arguments": "{}" } });
        serde_json::from_value(delta(json!({ "tool_calls": [call] }))).unwrap()
    };
    for index in 0..calls::CALLS_MAX {
        accumulator.push(chunk(index)).unwrap();
    }
    assert_eq!(accumulator.push(chunk(calls::CALLS_MAX)), Err(Incomplete::TooManyCalls));
}

/// Cuts `text` at `cuts`, wherever a character begins.
fn cut(text: &str, cuts: &[usize]) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for (at, c) in text.char_indices() {
        if cuts.contains(&at) {
            pieces.push(String::new());
        }
        pieces.last_mut().unwrap().push(c);
    }
    pieces
}

proptest! {
    #[test]
    fn splitting_arguments_never_changes_the_reply(
        arguments in prop::collection::vec("\\PC{0,24}|\\{\"k\": *\"\\PC{0,12}\"\\}|\\{\\}", 1..4),
        cuts in prop::collection::vec(0usize..40, 0..12),
        by_index in any::<bool>(),
        round_robin in any::<bool>(),
    ) {
        let whole: Vec<_> = arguments.iter().enumerate().map(|(n, text)| {
            json!({ "index": n, "id": format!("id{n}"), "function": { "name": "f", "arguments": text } })
        }).collect();
        let mut pieces: Vec<(usize, Value)> = Vec::new();
        for (n, text) in arguments.iter().enumerate() {
            for (m, part) in cut(text, &cuts).into_iter().enumerate() {
                let mut piece = json!({ "function": { "arguments": part } });
                if m == 0 {
                    piece["function"]["name"] = json!("f");
                }
                if m == 0 || !by_index {
                    piece["id"] = json!(format!("id{n}"));
                }
                if by_index {
                    piece["index"] = json!(n);
                }
                pieces.push((m, piece));
            }
        }
        if round_robin {
            pieces.sort_by_key(|(m, _)| *m);
        }
        let pieces: Vec<_> = pieces.into_iter().map(|(_, piece)| piece).collect();
        prop_assert_eq!(calls(Value::Array(pieces)), calls(Value::Array(whole)));
    }
}

//! Prompts only ever grow.

use playhouse_core::{
    message::{Arguments, ToolCall},
    model::Sampling,
};
use serde_json::json;

use super::*;

const CHATML: &str = include_str!("../template/qwen_excerpt.jinja");
const END: Token = 1000;
const VERSION: &str = "v";

/// One token per byte, and one for the end of a turn.
struct Bytes;

impl Vocabulary for Bytes {
    fn tokenize(&self, text: &str) -> Vec<Token> {
        let mut tokens = Vec::new();
        for (i, part) in text.split("<|im_end|>").enumerate() {
            tokens.extend((0 < i).then_some(END));
            tokens.extend(part.bytes().map(Token::from));
        }
        tokens
    }
    fn begin(&self) -> Option<Token> {
        None
    }
    fn is_end(&self, token: Token) -> bool {
        token == END
    }
    fn size(&self) -> usize {
        END as usize + 1
    }
}

fn request(messages: &[Message]) -> ChatRequest {
    ChatRequest {
        conversation: "c".into(),
        messages: messages.to_vec().into(),
        tools: Vec::new(),
        sampling: Sampling::default(),
        response_schema: None,
    }
}

fn tokens_with(template: &str, messages: &[Message], known: Option<&Known>) -> Vec<Token> {
    let template = Template::compile(template, "", "").expect("compiles");
    let prompter = Prompter { template: &template, vocabulary: &Bytes, version: VERSION };
    prompter.tokens(&request(messages), known).expect("renders")
}

fn tokens(messages: &[Message]) -> Vec<Token> {
    tokens_with(CHATML, messages, None)
}

fn text(tokens: &[Token]) -> String {
    let one = |token: &Token| {
        if *token == END { "<|im_end|>".into() } else { char::from(*token as u8).to_string() }
    };
    tokens.iter().map(one).collect()
}

/// A reply whose tokens are not what the template would write for it.
fn written(content: &str, tokens: &str, ended: bool) -> Assistant {
    let mut tokens = Bytes.tokenize(tokens);
    tokens.extend(ended.then_some(END));
    Assistant { content: content.into(), provider: Some(stamp(VERSION, &tokens)), ..Assistant::default() }
}

#[test]
fn the_tokens_of_a_turn_are_a_prefix_of_the_next_turns() {
    for ended in [true, false] {
        let mut messages = vec![Message::system("S"), Message::user("one")];
        let mut before = tokens(&messages);
        for turn in 0..4 {
            let reply = written("5.1", &format!("5.10 {turn}"), ended);
            before.extend(stamp::read(reply.provider.as_ref().expect("stamped"), VERSION).expect("ours"));
            messages.push(Message::Assistant(reply));
            messages.push(match turn % 2 {
                0 => Message::user("more [[playhouse-reply-0]]"),
                _ => Message::Tool { call_id: "call_0".into(), name: "f".into(), content: "{}".into() },
            });
            let now = tokens(&messages);
            assert!(now.starts_with(&before), "{}\n---\n{}", text(&before), text(&now));
            assert!(now.len() > before.len());
            before = now;
        }
        assert_eq!(text(&before).matches("5.10").count(), 4, "what the model wrote is kept to the letter");
    }
}

#[test]
fn between_replies_stands_what_the_template_says_once() {
    let messages = [
        Message::system("S"),
        Message::user("u"),
        Message::Assistant(written("r", "R", true)),
        Message::user("v"),
    ];
    let expected = "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\nR<|im_end|>\n\
                    <|im_start|>user\nv<|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(text(&tokens(&messages)), expected);
    let mut unfinished = messages;
    unfinished[2] = Message::Assistant(written("r", "R", false));
    assert_eq!(text(&tokens(&unfinished)), expected, "a reply that was cut off is closed");
}

#[test]
fn another_models_tokens_are_not_used() {
    let foreign = |provider| {
        Message::Assistant(Assistant {
            content: "plain".into(),
            provider: Some(provider),
            ..Assistant::default()
        })
    };
    for provider in [stamp("other", &[65]), stamp(VERSION, &[99_999]), json!({"llama": 3}), json!(null)] {
        let all = tokens(&[Message::user("u"), foreign(provider), Message::user("v")]);
        assert!(text(&all).contains("assistant\nplain<|im_end|>\n<|im_start|>user\nv"), "{}", text(&all));
    }
}

#[test]
fn a_reply_without_tokens_is_written_as_the_template_writes_it() {
    let call =
        ToolCall { id: "call_0".into(), name: "f".into(), arguments: Arguments::Json(json!({"a": 1})) };
    let reply = Assistant { content: "so".into(), tool_calls: vec![call], provider: None };
    let messages = [Message::user("u"), Message::Assistant(reply), Message::user("v")];
    let template = Template::compile(CHATML, "", "").expect("compiles");
    let whole = template.render(&messages, &request(&messages)).expect("renders");
    assert_eq!(text(&tokens(&messages)), whole);
}

#[test]
fn a_template_that_hides_replies_is_rendered_as_a_whole() {
    let hides = "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}";
    let messages = [Message::user("u"), Message::Assistant(written("r", "R", true)), Message::user("v")];
    assert_eq!(text(&tokens_with(hides, &messages, None)), "uv");
}

#[test]
fn what_is_remembered_gives_the_same_as_what_is_rebuilt() {
    let reply = written("r", "R", true);
    let first = [Message::user("u")];
    let mut all = tokens(&first);
    all.extend(Bytes.tokenize("R<|im_end|>"));
    let known = Known::after(request(&first), reply.clone(), all);
    let stamped = [Message::user("u"), Message::Assistant(reply.clone()), Message::user("v")];
    assert_eq!(tokens_with(CHATML, &stamped, Some(&known)), tokens(&stamped));
    // The caller may have lost the note: the words are enough.
    let bare = Assistant { provider: None, ..reply };
    let bare = [Message::user("u"), Message::Assistant(bare), Message::user("v")];
    assert_eq!(tokens_with(CHATML, &bare, Some(&known)), tokens(&stamped));
    // Another past is another conversation.
    let other = [Message::user("x"), stamped[1].clone(), Message::user("v")];
    assert_eq!(tokens_with(CHATML, &other, Some(&known)), tokens(&other));
}

#[test]
fn the_memory_forgets_what_was_used_longest_ago() {
    let known = || Known::after(request(&[]), Assistant::default(), Vec::new());
    let mut memory = Memory::new(2);
    memory.put("a".into(), known());
    memory.put("b".into(), known());
    assert!(memory.get("a").is_some());
    memory.put("c".into(), known());
    assert!(memory.get("a").is_some() && memory.get("b").is_none() && memory.get("c").is_some());
}

//! Chat templates as they come in model files.

use std::sync::Arc;

use playhouse_core::{
    message::{Assistant, ToolCall},
    model::Sampling,
    tool::{Annotations, EffectClass, ToolSpec},
};
use serde_json::json;

use super::*;

const QWEN: &str = include_str!("qwen_excerpt.jinja");

fn request(messages: Vec<Message>, tools: &[&str]) -> ChatRequest {
    let tool = |name: &&str| {
        Arc::new(ToolSpec {
            name: (*name).into(),
            version: "1".into(),
            description: "Adds <two> numbers.".into(),
            input_schema: json!({"type": "object", "properties": {"a": {"type": "number"}}}),
            output_schema: json!({}),
            effect: EffectClass::Pure,
            annotations: Annotations::default(),
            digest: String::new(),
        })
    };
    let tools = tools.iter().map(tool).collect();
    ChatRequest {
        conversation: "c".into(),
        messages: messages.into(),
        tools,
        sampling: Sampling::default(),
        response_schema: None,
    }
}

fn render(source: &str, request: &ChatRequest) -> String {
    Template::compile(source, "<s>", "</s>")
        .expect("compiles")
        .render(&request.messages, request)
        .expect("renders")
}

#[test]
fn tools_calls_and_results_are_rendered_as_the_model_was_trained() {
    let call = ToolCall {
        id: "call_0".into(),
        name: "add".into(),
        arguments: Arguments::Json(json!({"a": 1.5, "b": "ü"})),
    };
    let reply = Assistant { tool_calls: vec![call], ..Assistant::default() };
    let result = |content: &str| Message::Tool {
        call_id: "call_0".into(),
        name: "add".into(),
        content: content.into(),
    };
    let messages = vec![
        Message::system("Be brief."),
        Message::user(" 1+1? "),
        Message::Assistant(reply),
        result("2"),
        result("3"),
    ];
    let expected = "<|im_start|>system\nBe brief.\n\n# Tools\n{\"type\": \"function\", \"function\": {\"name\": \"add\", \"description\": \
        \"Adds <two> numbers.\", \"parameters\": {\"properties\": {\"a\": {\"type\": \"number\"}}, \"type\": \"object\"}}}<|im_end|>\n\
        <|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1.5, \"b\": \"ü\"}}\n\
        </tool_call><|im_end|>\n<|im_start|>user\n<tool_response>\n2\n</tool_response>\n<tool_response>\n3\n</tool_response><|im_end|>\n\
        <|im_start|>assistant\n";
    assert_eq!(render(QWEN, &request(messages, &["add"])), expected);
}

#[test]
fn python_methods_work_on_text_and_mappings() {
    let cases = [
        ("{{ ' a '.strip() }}", "a"),
        ("{{ 'xxaxx'.lstrip('x') }}|{{ 'ab\n'.rstrip('\n') }}", "axx|ab"),
        ("{{ 'a</think>b'.split('</think>')[-1] }}", "b"),
        ("{{ 'a-b-c'.split('-', 1)|length }}", "2"),
        ("{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'bc')) }}", "TrueTrue"),
        ("{{ 'aXb'.replace('X', '-').upper() }}{{ 'hello world'.title() }}", "A-BHello World"),
        ("{% for k, v in {'a': 1}.items() %}{{ k }}={{ v }}{% endfor %}{{ {'a': 1}.get('b', 7) }}", "a=17"),
        ("{{ {'a': [1, 'x<y']} | tojson }}", "{\"a\": [1, \"x<y\"]}"),
        ("{{ {'a': 1} | tojson(indent=2) }}", "{\n  \"a\": 1\n}"),
        ("{{ bos_token }}{{ strftime_now is defined }}", "<s>False"),
        (
            "{%- set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
            "1",
        ),
        ("  {% if true %}\n  x\n  {% endif %}\n", "  x\n"),
    ];
    for (source, expected) in cases {
        assert_eq!(render(source, &request(vec![Message::user("hi")], &[])), expected, "{source}");
    }
}

#[test]
fn a_template_may_refuse_and_may_not_run_for_ever() {
    let refused = |source: &str| {
        let request = request(vec![Message::user("hi")], &[]);
        let template = Template::compile(source, "", "").expect("compiles");
        template.render(&request.messages, &request).expect_err("refused")
    };
    let error = refused("{{ raise_exception('roles must alternate') }}");
    assert_eq!(error.kind, ModelErrorKind::BadRequest);
    assert!(error.message.contains("roles must alternate"), "{error}");
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}";
    assert!(refused(endless).message.contains("fuel"), "a hostile template is stopped");
    assert!(Template::compile("{% if %}", "", "").is_err());
}

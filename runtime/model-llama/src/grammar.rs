//! Grammars (GBNF) that keep a model on the path: tool calls that parse, replies that fit a schema.
//!
//! A tool call's grammar starts to count only once the model has begun a call; free text pays nothing. It pins
//! the marker, the key order of the Hermes form and the names of the offered tools. The arguments are any JSON
//! object: their schema is checked where the tool is run, and its complaint helps the model more than a mask.
//!
//! Every repetition of white space is bounded: a model that loves newlines could write them until its budget ends.

use std::{collections::BTreeSet, sync::Arc};

use playhouse_core::tool::ToolSpec;

use crate::parse::{CALL_CLOSE, CALL_OPEN};

/// Rules for any JSON object, with white space as the usual printers write it.
const JSON: &str = r#"
tc-object ::= "{" tc-ws ( tc-pair ( "," tc-ws tc-pair )* )? "}"
tc-pair ::= tc-string ":" tc-ws tc-value
tc-array ::= "[" tc-ws ( tc-value ( "," tc-ws tc-value )* )? "]"
tc-value ::= ( tc-object | tc-array | tc-string | tc-number | "true" | "false" | "null" ) tc-ws
tc-string ::= "\"" tc-char* "\"" tc-ws
tc-char ::= [^"\\\x00-\x1F] | "\\" ( ["\\/bfnrt] | "u" [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F] )
tc-number ::= "-"? ( "0" | [1-9] [0-9]{0,15} ) ( "." [0-9]{1,16} )? ( [eE] [-+]? [0-9]{1,3} )?
tc-ws ::= | " " | "\n" [ \t]{0,8}
"#;

/// The grammar's rule for one or more calls.
const CALLS_RULE: &str = "tc-calls";

/// A grammar for one or more calls of these tools, beginning with the opening marker.
pub(crate) fn tool_calls(tools: &[Arc<ToolSpec>]) -> String {
    format!("root ::= {CALLS_RULE}\n{}", calls(tools))
}

/// A reply that fits `schema` (a grammar whose root is named `root`), or calls if there are tools.
pub(crate) fn answer(schema: &str, tools: &[Arc<ToolSpec>]) -> String {
    if tools.is_empty() {
        return schema.to_owned();
    }
    let renamed: Vec<String> = schema
        .lines()
        .map(|line| match line.strip_prefix("root ::=") {
            Some(rule) => format!("tc-answer ::={rule}"),
            None => line.to_owned(),
        })
        .collect();
    format!("root ::= tc-answer | {CALLS_RULE}\n{}\n{}", renamed.join("\n"), calls(tools))
}

fn calls(tools: &[Arc<ToolSpec>]) -> String {
    let names: BTreeSet<String> = tools.iter().map(|tool| literal(&json_text(&tool.name))).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(" | ");
    let (open, close) = (literal(CALL_OPEN), literal(CALL_CLOSE));
    let (name_key, arguments_key) = (literal("\"name\""), literal("\"arguments\""));
    format!(
        "{CALLS_RULE} ::= tc-call ( tc-ws tc-call )*\n\
         tc-call ::= {open} tc-ws \"{{\" tc-ws {name_key} tc-ws \":\" tc-ws tc-name tc-ws \",\" tc-ws {arguments_key} \
         tc-ws \":\" tc-ws tc-object tc-ws \"}}\" tc-ws {close}\n\
         tc-name ::= {names}{JSON}"
    )
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `text` as a GBNF literal.
fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

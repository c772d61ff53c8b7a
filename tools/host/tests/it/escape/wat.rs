//! Components as text, for what no compiler would make: a tool of contract 1 of which any part can be swapped for a worse
//! one.
//!
//! ```text
//!   $mem: memory, realloc, data ──▶ lowered host functions ──▶ $main: describe, call, post ──▶ lifted, named, exported
//! ```

use std::fmt::Write as _;

/// Where things lie in the memory of a guest.
const DESCRIBED_AT: usize = 4_096;
const ANSWER_AT: usize = 64;

/// What a well-behaved one says of itself.
pub(crate) const DESCRIPTION: &str = r#"{"name":"guest","version":"1.0.0","description":"A guest.",
    "input_schema":{"type":"object"},"output_schema":{},"effect":"idempotent"}"#;

/// The parts of a guest. The default describes itself and answers `{"ok":1}`.
#[derive(Clone)]
pub(crate) struct Wat {
    /// What it imports.
    pub(crate) hosts: Vec<Host>,
    /// What stands in the module that owns the memory, besides.
    pub(crate) memory_items: String,
    /// `(memory …)` of that module: its size.
    pub(crate) memory: String,
    /// The body of `realloc`: parameters 0 to 3, an address as result.
    pub(crate) realloc: String,
    /// Items of the main module: functions, tables, a start function.
    pub(crate) items: String,
    /// The body of `describe`: the address of pointer and length.
    pub(crate) describe: String,
    /// The body of `call`, with `$at` and `$len`: the address of the result.
    pub(crate) call: String,
    /// The body of what runs after a result was read, if anything does.
    pub(crate) post: Option<String>,
    /// How strings are written: `utf8`, `utf16` or `latin1+utf16`.
    pub(crate) encoding: &'static str,
    /// What `describe` returns if its body is the default.
    pub(crate) description: String,
    /// Items of the component itself.
    pub(crate) component: String,
    /// Whether it has resources of its own, with `$new`, `$rep`, `$drop` and, of another one, `$other`.
    pub(crate) has_resources: bool,
}

/// An interface that a guest imports, and one function of it.
#[derive(Clone, Copy)]
pub(crate) struct Host {
    /// `playhouse:tool/log@1.0.0`
    interface: &'static str,
    /// Its types and its function, as text.
    shape: &'static str,
    /// The function.
    function: &'static str,
    /// The function as a core module sees it.
    core: &'static str,
}

pub(crate) const LOG: Host = Host {
    interface: "playhouse:tool/log@1.0.0",
    shape: r#"(type $l (enum "debug" "info" "warn" "error")) (export "level" (type $level (eq $l)))
        (export "write" (func (param "level" $level) (param "message" string)))"#,
    function: "write",
    core: "(param i32 i32 i32)",
};

pub(crate) const RANDOM: Host = Host {
    interface: "playhouse:tool/random@1.0.0",
    shape: r#"(export "bytes" (func (param "count" u32) (result (list u8))))"#,
    function: "bytes",
    core: "(param i32 i32)",
};

pub(crate) const KEYS: Host = Host {
    interface: "playhouse:tool/kv@1.0.0",
    shape: r#"(export "keys" (func (param "prefix" string) (param "after" (option string)) (param "limit" u32)
        (result (result (list string) (error string)))))"#,
    function: "keys",
    core: "(param i32 i32 i32 i32 i32 i32 i32)",
};

pub(crate) const GET_V0: Host = Host {
    interface: "playhouse:tool/kv@0.1.0",
    shape: r#"(export "get" (func (param "key" string) (result (option string))))"#,
    function: "get",
    core: "(param i32 i32 i32)",
};

pub(crate) const READ: Host = Host {
    interface: "playhouse:tool/files@1.0.0",
    shape: r#"(type $e (enum "denied" "not-found" "wrong-kind" "conflict" "limit" "io"))
        (export "error" (type $error (eq $e)))
        (export "read" (func (param "path" string) (param "offset" u64) (param "max" u32)
            (result (result (list u8) (error $error)))))"#,
    function: "read",
    core: "(param i32 i32 i64 i32 i32)",
};

pub(crate) const FETCH: Host = Host {
    interface: "playhouse:tool/http@1.0.0",
    shape: r#"(type $q (record (field "method" string) (field "url" string)
            (field "headers" (list (tuple string string))) (field "body" (list u8)) (field "secrets" (list string))))
        (export "request" (type $request (eq $q)))
        (type $r (record (field "status" u16) (field "headers" (list (tuple string string))) (field "body" (list u8))
            (field "truncated" bool) (field "url" string)))
        (export "response" (type $response (eq $r)))
        (type $k (enum "not-granted" "private-address" "limit" "timeout" "tls" "network" "bad-request" "secret-leak"))
        (export "error-kind" (type $kind (eq $k)))
        (type $e (record (field "kind" $kind) (field "message" string)))
        (export "error" (type $error (eq $e)))
        (export "fetch" (func (param "request" $request) (result (result $response (error $error)))))"#,
    function: "fetch",
    core: "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)",
};

pub(crate) const SIGN: Host = Host {
    interface: "playhouse:tool/secrets@1.0.0",
    shape: r#"(export "hmac-sha256" (func (param "name" string) (param "payload" (list u8))
        (result (result (list u8) (error string)))))"#,
    function: "hmac-sha256",
    core: "(param i32 i32 i32 i32 i32)",
};

pub(crate) const CALL: Host = Host {
    interface: "playhouse:tool/tools@1.0.0",
    shape: r#"(type $e (record (field "kind" string) (field "message" string) (field "retry-after-ms" (option u32))))
        (export "error" (type $error (eq $e)))
        (export "call" (func (param "name" string) (param "arguments" string) (result (result string (error $error)))))"#,
    function: "call",
    core: "(param i32 i32 i32 i32 i32)",
};

pub(crate) const PARTIAL: Host = Host {
    interface: "playhouse:tool/progress@1.0.0",
    shape: r#"(export "partial" (func (param "text" string)))"#,
    function: "partial",
    core: "(param i32 i32)",
};

pub(crate) const NOW: Host = Host {
    interface: "playhouse:tool/clock@1.0.0",
    shape: r#"(export "now-ms" (func (result u64)))"#,
    function: "now-ms",
    core: "(result i64)",
};

pub(crate) const EFFECT: Host = Host {
    interface: "playhouse:tool/context@1.0.0",
    shape: r#"(export "effect-id" (func (result string)))"#,
    function: "effect-id",
    core: "(param i32)",
};

impl Default for Wat {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            memory_items: String::new(),
            memory: "4".into(),
            // A page that nobody else uses: what is handed in lies there.
            realloc: "i32.const 131072".into(),
            items: String::new(),
            describe: "i32.const 8".into(),
            call: format!("i32.const {ANSWER_AT}"),
            post: None,
            encoding: "utf8",
            description: DESCRIPTION.into(),
            component: String::new(),
            has_resources: false,
        }
    }
}

impl Wat {
    /// One that does this when it is called, with `host` as `$host`.
    pub(crate) fn calling(host: Host, call: &str) -> Self {
        Self { hosts: vec![host], call: call.into(), ..Self::default() }
    }

    /// One that does this when it is called.
    pub(crate) fn doing(call: &str) -> Self {
        Self { call: call.into(), ..Self::default() }
    }

    /// One that says this of itself.
    pub(crate) fn described(description: impl Into<String>) -> Self {
        Self { description: description.into(), ..Self::default() }
    }

    /// The component, in binary.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let text = self.text();
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    fn text(&self) -> String {
        let (mut imports, mut lowered, mut named, mut core) =
            (String::new(), String::new(), String::new(), String::new());
        let encoding = self.encoding;
        for (at, host) in self.hosts.iter().enumerate() {
            let Host { interface, shape, function, core: signature } = host;
            let name = if at == 0 { "$host".to_owned() } else { format!("$host{at}") };
            let _ = writeln!(imports, "(import \"{interface}\" (instance {name} {shape}))");
            let _ = writeln!(
                lowered,
                "(core func {name} (canon lower (func {name} \"{function}\") (memory $memory) (realloc $realloc) \
                 string-encoding={encoding}))"
            );
            let _ = write!(named, "(export \"{at}\" (func {name}))");
            let _ = writeln!(core, "(import \"host\" \"{at}\" (func {name} {signature}))");
        }
        let with_host =
            if named.is_empty() { String::new() } else { format!("(with \"host\" (instance {named}))") };
        let Self { memory, memory_items, realloc, items, describe, call, component, .. } = self;
        let post = self
            .post
            .as_ref()
            .map_or_else(String::new, |body| format!("(func (export \"post\") (param i32) {body})"));
        let post_option = if self.post.is_some() { "(post-return (core func $main \"post\"))" } else { "" };
        let (resources, own, with_own) = if self.has_resources { RESOURCES } else { ("", "", "") };
        let described = bytes(&self.description.clone().into_bytes());
        let told = bytes(&pair(DESCRIBED_AT, self.description.len()));
        let answer = bytes(&[&[0; 4], &pair(ANSWER_AT + 32, 8)[..]].concat());
        format!(
            r#"(component
{imports}
(core module $mem
  (memory (export "memory") {memory})
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) {realloc})
  (data (i32.const 8) "{told}") (data (i32.const {DESCRIBED_AT}) "{described}")
  (data (i32.const {ANSWER_AT}) "{answer}") (data (i32.const {ok}) "{{\"ok\":1}}")
  {memory_items})
(core instance $mem (instantiate $mem))
(alias core export $mem "memory" (core memory $memory))
(alias core export $mem "realloc" (core func $realloc))
{lowered}
{component}
{resources}
(core module $main
  (import "mem" "memory" (memory 0))
  {core}
  {own}
  {items}
  (func (export "describe") (result i32) {describe})
  (func (export "call") (param $at i32) (param $len i32) (result i32) {call})
  {post})
(core instance $main (instantiate $main (with "mem" (instance $mem)) {with_host} {with_own}))
(func $describe (result string)
  (canon lift (core func $main "describe") (memory $memory) (realloc $realloc) string-encoding={encoding}))
(type $kind (enum "invalid-input" "denied" "not-found" "conflict" "unavailable" "failed"))
(type $error (record (field "kind" $kind) (field "message" string) (field "retry-after-ms" (option u32))))
(func $call (param "arguments" string) (result (result string (error $error)))
  (canon lift (core func $main "call") (memory $memory) (realloc $realloc) string-encoding={encoding} {post_option}))
{FRAME})"#,
            ok = ANSWER_AT + 32,
        )
    }
}

/// In the component, in the module, and between them.
const RESOURCES: (&str, &str, &str) = (
    "(type $own (resource (rep i32))) (type $others (resource (rep i32)))
    (core func $new (canon resource.new $own)) (core func $rep (canon resource.rep $own))
    (core func $drop (canon resource.drop $own)) (core func $other (canon resource.drop $others))",
    r#"(import "own" "new" (func $new (param i32) (result i32))) (import "own" "rep" (func $rep (param i32) (result i32)))
    (import "own" "drop" (func $drop (param i32))) (import "own" "other" (func $other (param i32)))"#,
    r#"(with "own" (instance (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))
    (export "other" (func $other))))"#,
);

/// Gives the functions and types the names under which a tool is looked for. A component may only name types in passing.
const FRAME: &str = r#"(component $frame
  (type $k (enum "invalid-input" "denied" "not-found" "conflict" "unavailable" "failed"))
  (import "kind" (type $kind (eq $k)))
  (type $e (record (field "kind" $kind) (field "message" string) (field "retry-after-ms" (option u32))))
  (import "error" (type $error (eq $e)))
  (import "describe" (func $describe (result string)))
  (import "call" (func $call (param "arguments" string) (result (result string (error $error)))))
  (export $kind2 "error-kind" (type $kind))
  (type $e2 (record (field "kind" $kind2) (field "message" string) (field "retry-after-ms" (option u32))))
  (export $error2 "tool-error" (type $e2))
  (export "describe" (func $describe))
  (export "call" (func $call) (func (param "arguments" string) (result (result string (error $error2))))))
(instance $tool (instantiate $frame (with "kind" (type $kind)) (with "error" (type $error))
  (with "describe" (func $describe)) (with "call" (func $call))))
(export "playhouse:tool/tool@1.0.0" (instance $tool))"#;

/// Two words, as they lie in memory.
fn pair(first: usize, second: usize) -> Vec<u8> {
    [first, second].iter().flat_map(|word| (*word as u32).to_le_bytes()).collect()
}

/// Bytes as the text format writes them.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "\\{byte:02x}");
        text
    })
}

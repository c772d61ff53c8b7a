//! Strings, and the canonical ABI: what a guest hands over, and where it wants things to be put.

use playhouse_core::tool::ToolErrorKind::{BadOutput, Crashed};
use serde_json::json;

use super::wat::{CALL, EFFECT, FETCH, GET_V0, KEYS, LOG, PARTIAL, RANDOM, READ, SIGN, Wat, bytes};
use super::{Case, Expect};

pub(crate) fn cases() -> Vec<Case> {
    [giants(), utf8(), utf16(), handed_over(), put_down(), answers(), handles(), reenters()]
        .into_iter()
        .flatten()
        .collect()
}

fn crashes(class: &'static str, name: &'static str, guest: Wat) -> Case {
    Case::component(class, name, &guest, Expect::Ends(Crashed))
}

/// `call` that returns a string at `at` of `len` bytes.
fn returning(at: u32, len: u32) -> Wat {
    Wat::doing(&format!(
        "(i32.store (i32.const 68) (i32.const {at})) (i32.store (i32.const 72) (i32.const {len})) i32.const 64"
    ))
}

fn giants() -> Vec<Case> {
    let class = "giant string";
    let large = |wat: Wat| Wat { memory: "128".into(), ..wat };
    vec![
        crashes(class, "a line for the log of four gigabytes", {
            Wat::calling(LOG, "(call $host (i32.const 1) (i32.const 0) (i32.const -1)) i32.const 64")
        }),
        crashes(class, "a part of six megabytes", {
            large(Wat::calling(PARTIAL, "(call $host (i32.const 0) (i32.const 6000000)) i32.const 64"))
        }),
        crashes(class, "a payload of six megabytes to sign", {
            large(Wat::calling(
                SIGN,
                "(call $host (i32.const 8) (i32.const 4) (i32.const 0) (i32.const 6000000) (i32.const 256)) i32.const 64",
            ))
        }),
        crashes(class, "an answer of six megabytes", large(returning(0, 6_000_000))),
        Case::component(
            class,
            "an answer of two megabytes",
            &large(returning(300_000, 2_000_000)),
            Expect::Ends(BadOutput),
        ),
        Case::component(
            class,
            "a description of six megabytes",
            &Wat {
                memory: "128".into(),
                describe: "(i32.store (i32.const 12) (i32.const 6000000)) i32.const 8".into(),
                ..Wat::default()
            },
            Expect::Refused("does not describe itself properly"),
        ),
        Case::component(
            class,
            "a description of more than 64 KiB",
            &Wat {
                memory: "128".into(),
                describe: "(i32.store (i32.const 12) (i32.const 70000)) i32.const 8".into(),
                ..Wat::default()
            },
            Expect::Refused("more than 65536"),
        ),
        Case::crime(class, "huge output", Expect::Ends(BadOutput)),
        Case::crime(class, "huge error", Expect::Ends(Crashed)),
        Case::crime(class, "deep json", Expect::Tells(BadOutput, "recursion limit")),
        Case::steps(class, "output that is nested too deep", json!([["deep", 90]]), Expect::Ends(BadOutput)),
    ]
}

fn utf8() -> Vec<Case> {
    let class = "bad UTF-8";
    let said = |what: &[u8]| {
        let data = format!("(data (i32.const 512) \"{}\")", bytes(what));
        Wat { memory_items: data, ..returning(512, what.len() as u32) }
    };
    let handed = |host, call: &str| Wat {
        memory_items: "(data (i32.const 512) \"\\ff\\fe\\fd\\fc\")".into(),
        ..Wat::calling(host, call)
    };
    vec![
        crashes(class, "an answer that is no text", said(b"\"\xff\xfe\"")),
        crashes(class, "an answer with half a letter at its end", said(b"\"abc\xe2\x82")),
        crashes(class, "a nought in two bytes", said(b"\"\xc0\x80\"")),
        crashes(class, "half a pair of UTF-16 in UTF-8", said(b"\"\xed\xa0\x80\"")),
        crashes(class, "a letter beyond Unicode", said(b"\"\xf5\x80\x80\x80\"")),
        crashes(class, "a line for the log that is no text", {
            handed(LOG, "(call $host (i32.const 1) (i32.const 512) (i32.const 4)) i32.const 64")
        }),
        crashes(class, "a path that is no text", {
            handed(
                READ,
                "(call $host (i32.const 512) (i32.const 4) (i64.const 0) (i32.const 1) (i32.const 256)) i32.const 64",
            )
        }),
        crashes(class, "a key of contract 0.1 that is no text", {
            handed(GET_V0, "(call $host (i32.const 512) (i32.const 4) (i32.const 256)) i32.const 64")
        }),
        Case::component(
            class,
            "a description that is no text",
            &Wat { memory_items: "(data (i32.const 4100) \"\\ff\")".into(), ..Wat::default() },
            Expect::Refused("utf-8"),
        ),
    ]
}

fn utf16() -> Vec<Case> {
    let class = "bad UTF-16";
    let written = |text: &str| -> String {
        text.encode_utf16().flat_map(u16::to_le_bytes).fold(String::new(), |mut all, byte| {
            all.push_str(&bytes(&[byte]));
            all
        })
    };
    // Its description is written over in UTF-16: as many units as there were bytes.
    let wide = |wat: Wat| Wat {
        encoding: "utf16",
        memory_items: format!("(data (i32.const 4096) \"{}\")", written(super::wat::DESCRIPTION)),
        ..wat
    };
    vec![
        crashes(class, "half a pair", {
            wide(Wat::calling(
                LOG,
                "(i32.store (i32.const 512) (i32.const 0x0041d800)) \
                 (call $host (i32.const 1) (i32.const 512) (i32.const 2)) i32.const 64",
            ))
        }),
        crashes(class, "more units than there are bytes in an address", {
            wide(Wat::calling(
                LOG,
                "(call $host (i32.const 1) (i32.const 0) (i32.const 0x80000001)) i32.const 64",
            ))
        }),
        crashes(class, "at an odd address", {
            wide(Wat::calling(LOG, "(call $host (i32.const 1) (i32.const 513) (i32.const 2)) i32.const 64"))
        }),
    ]
}

fn handed_over() -> Vec<Case> {
    let class = "bad pointer";
    let asks = |headers: &str, body: &str, secrets: &str| {
        let call = format!(
            "(call $host (i32.const 8) (i32.const 3) (i32.const 8) (i32.const 3) {headers} {body} {secrets} \
             (i32.const 256)) i32.const 64"
        );
        Wat::calling(FETCH, &call)
    };
    let none = "(i32.const 0) (i32.const 0)";
    let keys = |parts: &str| Wat::calling(KEYS, &format!("(call $host {parts}) i32.const 64"));
    vec![
        crashes(class, "text beyond the end of memory", {
            Wat::calling(LOG, "(call $host (i32.const 1) (i32.const 0x7ffffff0) (i32.const 64)) i32.const 64")
        }),
        crashes(class, "text that ends past all addresses", {
            Wat::calling(LOG, "(call $host (i32.const 1) (i32.const -16) (i32.const 64)) i32.const 64")
        }),
        crashes(class, "an enum that has no such value", {
            Wat::calling(LOG, "(call $host (i32.const 99) (i32.const 8) (i32.const 4)) i32.const 64")
        }),
        crashes(class, "an option that is neither", {
            keys(
                "(i32.const 8) (i32.const 0) (i32.const 7) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 256)",
            )
        }),
        crashes(class, "an option whose text is out of reach", {
            keys(
                "(i32.const 8) (i32.const 0) (i32.const 1) (i32.const -1) (i32.const 9) (i32.const 1) (i32.const 256)",
            )
        }),
        crashes(class, "a list whose length times its size is nought again", {
            asks("(i32.const 0) (i32.const 0x10000000)", none, none)
        }),
        crashes(class, "a list at an odd address", asks("(i32.const 3) (i32.const 1)", none, none)),
        crashes(class, "a list of a thousand million names", {
            asks(none, none, "(i32.const 0) (i32.const 0x3fffffff)")
        }),
        crashes(class, "a body beyond the end of memory", asks(none, "(i32.const 8) (i32.const -1)", none)),
        crashes(class, "a list of a hundred thousand pairs of nothing", {
            Wat { memory: "64".into(), ..asks("(i32.const 1000000) (i32.const 180000)", none, none) }
        }),
    ]
}

fn put_down() -> Vec<Case> {
    let class = "bad pointer";
    let random = |call: &str, realloc: &str| Wat {
        realloc: format!(
            "(if (result i32) (i32.eq (local.get 2) (i32.const 1)) (then {realloc}) (else i32.const 131072))"
        ),
        ..Wat::calling(RANDOM, call)
    };
    // The arguments are handed in as bytes, too: it behaves until it is called.
    let later = |realloc: &str| {
        let mut guest = random("(call $host (i32.const 64) (i32.const 256)) i32.const 64", realloc);
        guest.realloc = format!(
            "(if (result i32) (i32.load8_u (i32.const 300)) (then {realloc}) (else \
             (i32.store8 (i32.const 300) (i32.const 1)) (i32.const 131072)))"
        );
        guest
    };
    vec![
        crashes(class, "a place for the result beyond the end of memory", {
            Wat::calling(RANDOM, "(call $host (i32.const 64) (i32.const 0x7ffffff0)) i32.const 64")
        }),
        crashes(class, "a place for the result at an odd address", {
            Wat::calling(RANDOM, "(call $host (i32.const 64) (i32.const 257)) i32.const 64")
        }),
        crashes(class, "a place for text at the very end of all addresses", {
            Wat::calling(EFFECT, "(call $host (i32.const -4)) i32.const 64")
        }),
        crashes(class, "memory given out beyond its end", later("i32.const 0x7ffffff0")),
        crashes(class, "memory given out past all addresses", later("i32.const -8")),
        crashes(class, "memory given out for arguments that is not there", {
            Wat { realloc: "i32.const 0x7fffffff".into(), ..Wat::default() }
        }),
        crashes(class, "panicking instead of giving out memory", later("unreachable")),
        Case::component(
            class,
            "memory given out on top of its own answer",
            &later("i32.const 64"),
            Expect::Ends(Crashed),
        ),
    ]
}

fn answers() -> Vec<Case> {
    let class = "bad pointer";
    vec![
        crashes(class, "an answer that is neither good nor bad", {
            Wat::doing("(i32.store (i32.const 64) (i32.const 2)) i32.const 64")
        }),
        crashes(class, "an error of no known kind", {
            Wat::doing("(i64.store (i32.const 64) (i64.const 0x6300000001)) i32.const 64")
        }),
        crashes(class, "an answer at an odd address", Wat::doing("i32.const 65")),
        crashes(class, "an answer beyond the end of memory", Wat::doing("i32.const 0x7ffffffc")),
        crashes(class, "an answer past all addresses", Wat::doing("i32.const -4")),
        crashes(class, "text of the answer beyond the end of memory", returning(u32::MAX, 4)),
        Case::component(
            class,
            "a description beyond the end of memory",
            &Wat { describe: "i32.const 0x7ffffffc".into(), ..Wat::default() },
            Expect::Refused("does not describe itself properly"),
        ),
    ]
}

/// Handles of resources: the contract has none, so they are the guest's own.
fn handles() -> Vec<Case> {
    let case =
        |name, call: &str| crashes("bad handle", name, Wat { has_resources: true, ..Wat::doing(call) });
    vec![
        case("dropping a handle that never was", "(call $drop (i32.const 12345)) i32.const 64"),
        case("dropping handle nought", "(call $drop (i32.const 0)) i32.const 64"),
        case("dropping the last of all handles", "(call $drop (i32.const -1)) i32.const 64"),
        case(
            "dropping a handle twice",
            "(local $h i32) (local.set $h (call $new (i32.const 7))) (call $drop (local.get $h)) \
             (call $drop (local.get $h)) i32.const 64",
        ),
        case(
            "dropping a handle as if it were of another type",
            "(call $other (call $new (i32.const 7))) i32.const 64",
        ),
        case("looking behind a handle that never was", "(drop (call $rep (i32.const 77))) i32.const 64"),
    ]
}

fn reenters() -> Vec<Case> {
    let class = "re-entry";
    let call = "(call $host (i32.const 512) (i32.const 5) (i32.const 520) (i32.const 2) (i32.const 256)) i32.const 64";
    let named = |name: &str| Wat {
        memory_items: format!("(data (i32.const 512) \"{name}\") (data (i32.const 520) \"{{}}\")"),
        ..Wat::calling(CALL, call)
    };
    vec![
        Case::component(
            class,
            "calling itself by its own name",
            &named("guest"),
            // It is not granted to itself, and goes on with the refusal.
            Expect::Answers(|value| *value == json!({ "ok": 1 })),
        ),
        crashes(class, "calling the host after the answer was read", {
            Wat {
                hosts: vec![LOG],
                post: Some("(call $host (i32.const 1) (i32.const 8) (i32.const 4))".into()),
                ..Wat::default()
            }
        }),
        Case::component(
            class,
            "calling the host before it was called",
            &Wat {
                hosts: vec![LOG],
                items: "(func $f (call $host (i32.const 1) (i32.const 8) (i32.const 4))) (start $f)".into(),
                ..Wat::default()
            },
            Expect::Refused("calls the host while it describes itself"),
        ),
    ]
}

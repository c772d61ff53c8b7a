//! Spinning, allocating, recursing, and tables: what the engine itself must end.

use playhouse_core::tool::ToolErrorKind::{Crashed, Denied, OutOfFuel, OutOfMemory, Timeout};
use serde_json::json;

use super::wat::{LOG, NOW, Wat};
use super::{Case, Expect};

const FOREVER: &str = "(loop $again (br $again)) unreachable";

pub(crate) fn cases() -> Vec<Case> {
    [spins(), waits(), allocates(), recurses(), tables()].into_iter().flatten().collect()
}

fn spins() -> Vec<Case> {
    let times_out = |name, guest: Wat| Case::component("spin", name, &guest, Expect::Ends(Timeout));
    let out_of_fuel =
        |name, guest: Wat| Case::component("spin", name, &guest, Expect::EndsEither(OutOfFuel, Timeout));
    let with_items = |items: &str, call: &str| Wat { items: items.into(), ..Wat::doing(call) };
    vec![
        times_out("an endless loop", Wat::doing(FOREVER)),
        times_out("a loop of tail calls", with_items("(func $f return_call $f)", "call $f unreachable")),
        times_out(
            "a loop of calls through a table",
            with_items(
                "(type $t (func)) (table 1 funcref) (elem (i32.const 0) $f) (func $f)",
                "(loop $a (call_indirect (type $t) (i32.const 0)) (br $a)) unreachable",
            ),
        ),
        out_of_fuel(
            "a loop that fills three megabytes each time",
            Wat {
                memory: "64".into(),
                ..Wat::doing(
                    "(loop $a (memory.fill (i32.const 200000) (i32.const 7) (i32.const 3000000)) (br $a)) unreachable",
                )
            },
        ),
        times_out(
            "a branch table without end",
            Wat::doing("(loop $a (br_table $a $a $a (i32.const 1))) unreachable"),
        ),
        times_out(
            "spinning while the arguments are handed in",
            Wat { realloc: FOREVER.into(), ..Wat::default() },
        ),
        times_out(
            "spinning after the answer was read",
            Wat { post: Some("(loop $a (br $a))".into()), ..Wat::default() },
        ),
        Case::component(
            "spin",
            "spinning while it describes itself",
            &Wat { describe: FOREVER.into(), ..Wat::default() },
            Expect::Refused("did not finish in time"),
        ),
        Case::component(
            "spin",
            "spinning in a start function",
            &with_items("(func $f (loop $a (br $a))) (start $f)", "i32.const 64"),
            Expect::Refused("did not finish in time"),
        ),
        Case::crime("spin", "loop", Expect::Ends(Timeout)),
        Case::steps(
            "spin",
            "spinning after work well done",
            json!([["now"], ["spin"]]),
            Expect::Ends(Timeout),
        ),
        Case::steps(
            "spin",
            "moving eight megabytes for ever",
            json!([["copy", 8_000_000]]),
            Expect::EndsEither(OutOfFuel, Timeout),
        ),
    ]
}

fn waits() -> Vec<Case> {
    let spin = json!({ "do": [["spin"]] });
    vec![
        Case::steps(
            "spin",
            "waiting for a server that never answers",
            json!([["fetch", "GET", "https://api.example.com/never"]]),
            Expect::Ends(Timeout),
        ),
        Case::steps(
            "spin",
            "spinning in a tool that it calls",
            json!([["tool", "reaches", spin]]),
            Expect::Ends(Timeout),
        ),
        Case::steps(
            "spin",
            "waiting in a tool that a tool calls that it calls",
            json!([["tool", "reaches", {"do": [["tool", "reaches",
                {"do": [["fetch", "GET", "https://api.example.com/never"]]}]]}]]),
            Expect::Ends(Timeout),
        ),
        Case::component(
            "spin",
            "asking the host for the time without end",
            &Wat::calling(NOW, "(loop $a (drop (call $host)) (br $a)) unreachable"),
            Expect::Ends(Denied),
        ),
        Case::component(
            "spin",
            "asking the host for anything after the answer was read",
            &Wat { hosts: vec![NOW], post: Some("(drop (call $host))".into()), ..Wat::default() },
            Expect::Ends(Crashed),
        ),
    ]
}

fn allocates() -> Vec<Case> {
    let case = |name, guest: &Wat, expect| Case::component("allocate", name, guest, expect);
    let growing = "(loop $a (drop (memory.grow (i32.const 16))) (br $a)) unreachable";
    // A memory more, of a module of its own. Each stays below the limit, and both together do not.
    let second = Wat {
        memory: "180".into(),
        component: "(core module $more (memory 180)) (core instance (instantiate $more))".into(),
        ..Wat::default()
    };
    let seven = format!("(core module $more (memory 1)) {}", "(core instance (instantiate $more))".repeat(6));
    vec![
        case("growing without end", &Wat::doing(growing), Expect::Ends(OutOfMemory)),
        case(
            "growing by four gigabytes at once",
            &Wat::doing("(drop (memory.grow (i32.const 65535))) i32.const 64"),
            Expect::Ends(OutOfMemory),
        ),
        case(
            "a memory of four gigabytes from the start",
            &Wat { memory: "65536".into(), ..Wat::default() },
            Expect::Refused("memory"),
        ),
        case("two memories that are too much together", &second, Expect::Refused("more memory")),
        case(
            "more memories than a tool has",
            &Wat { component: seven, ..Wat::default() },
            Expect::Refused("memories"),
        ),
        case(
            "data beyond the end of its memory",
            &Wat { memory_items: "(data (i32.const 0x7fffffff) \"x\")".into(), ..Wat::default() },
            Expect::Refused("out of bounds"),
        ),
        case(
            "data so far apart that an image of it would be large",
            &Wat {
                memory: "255".into(),
                memory_items: "(data (i32.const 16000000) \"x\")".into(),
                ..Wat::default()
            },
            Expect::Answers(|value| *value == json!({ "ok": 1 })),
        ),
        case(
            "growing while the arguments are handed in",
            &Wat { realloc: growing.into(), ..Wat::default() },
            Expect::Ends(OutOfMemory),
        ),
        Case::steps("allocate", "hoarding", json!([["hoard"]]), Expect::Ends(OutOfMemory)),
        Case::crime("allocate", "allocate", Expect::Ends(OutOfMemory)),
        Case::steps(
            "allocate",
            "hoarding in a tool that it calls",
            json!([["tool", "reaches", {"do": [["hoard"]]}]]),
            Expect::Answers(|value| value[0]["err"][0] == "out-of-memory"),
        ),
    ]
}

fn recurses() -> Vec<Case> {
    let case = |name, guest: &Wat, expect| Case::component("recurse", name, guest, expect);
    let endless = Wat { items: "(func $f call $f)".into(), ..Wat::doing("call $f unreachable") };
    let large: String = (0..200).map(|n| format!("(local $l{n} i64)")).collect();
    let large = format!("(func $f (result i64) {large} (local.set $l7 (call $f)) (local.get $l7))");
    vec![
        case("calling itself without end", &endless, Expect::Ends(Crashed)),
        case(
            "calling itself with a large frame",
            &Wat { items: large, ..Wat::doing("(drop (call $f)) unreachable") },
            Expect::Ends(Crashed),
        ),
        case(
            "calling itself through a table",
            &Wat {
                items: "(type $t (func)) (table 1 funcref) (elem (i32.const 0) $f)
                    (func $f (call_indirect (type $t) (i32.const 0)))"
                    .into(),
                ..Wat::doing("call $f unreachable")
            },
            Expect::Ends(Crashed),
        ),
        case(
            "calling itself in a start function",
            &Wat { items: "(func $f call $f) (start $f)".into(), ..Wat::default() },
            Expect::Refused("stack"),
        ),
        case(
            "calling itself while the arguments are handed in",
            &Wat {
                realloc: "(call $r (i32.const 0))".into(),
                memory_items: "(func $r (param i32) (result i32) (call $r (local.get 0)))".into(),
                ..Wat::default()
            },
            Expect::Ends(Crashed),
        ),
        case(
            "at the bottom of the stack, calling the host",
            &Wat {
                hosts: vec![LOG],
                items: "(func $f (param i32) (call $host (i32.const 1) (i32.const 8) (i32.const 4)) \
                        (call $f (local.get 0)))"
                    .into(),
                ..Wat::doing("(call $f (i32.const 0)) unreachable")
            },
            Expect::Ends(Denied),
        ),
        Case::steps("recurse", "digging in its own stack", json!([["dig"]]), Expect::Ends(Crashed)),
        Case::crime("recurse", "recurse", Expect::Ends(Crashed)),
    ]
}

fn tables() -> Vec<Case> {
    let case = |name, items: &str, call: &str, expect| {
        Case::component("table bomb", name, &Wat { items: items.into(), ..Wat::doing(call) }, expect)
    };
    let growing = "(loop $a (drop (table.grow (ref.null func) (i32.const 1000))) (br $a)) unreachable";
    let fifteen: String = (0..15).map(|n| format!("(table $t{n} 1 funcref)")).collect();
    let three = "(core module $more (table 4000 funcref)) (core instance (instantiate $more)) (core instance (instantiate \
                 $more)) (core instance (instantiate $more))";
    vec![
        case("a table that grows without end", "(table 1 funcref)", growing, Expect::Ends(OutOfMemory)),
        case(
            "a table of a thousand million",
            "(table 1000000000 funcref)",
            "i32.const 64",
            Expect::Refused("table"),
        ),
        case("fifteen tables", &fifteen, "i32.const 64", Expect::Refused("tables")),
        Case::component(
            "table bomb",
            "three tables that are too much together",
            &Wat { component: three.into(), ..Wat::default() },
            Expect::Refused("more memory"),
        ),
        case(
            "elements beyond the end of a table",
            "(table 1 funcref) (func $f) (elem (i32.const 9) $f)",
            "i32.const 64",
            Expect::Refused("out of bounds"),
        ),
        case(
            "calling what is not in the table",
            "(type $t (func)) (table 1 funcref)",
            "(call_indirect (type $t) (i32.const 999999)) unreachable",
            Expect::Ends(Crashed),
        ),
        case(
            "calling a function as if it were another",
            "(type $t (func (param i64 i64))) (table 1 funcref) (elem (i32.const 0) $f) (func $f)",
            "(call_indirect (type $t) (i64.const 1) (i64.const 2) (i32.const 0)) unreachable",
            Expect::Ends(Crashed),
        ),
        case(
            "growing a table by all that an index can say",
            "(table 1 funcref)",
            "(drop (table.grow (ref.null func) (i32.const -2))) i32.const 64",
            Expect::Ends(OutOfMemory),
        ),
    ]
}

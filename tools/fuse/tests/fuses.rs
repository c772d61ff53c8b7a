//! A component does the same before and after, and keeps what joining could change.

use proptest::prelude::*;
use wasmtime::{
    Engine, Store, StoreContextMut,
    component::{Component, Linker},
};

use playhouse_tools_fuse::{Fused, fuse};

/// What `run` answers, and what it told the host meanwhile.
fn run(wasm: &[u8], argument: u32) -> (Result<u32, String>, Vec<u32>) {
    let mut store = Store::new(&Engine::default(), Vec::new());
    let answer = answer(&mut store, wasm, argument);
    (answer.map_err(|error| error.root_cause().to_string()), store.into_data())
}

fn answer(store: &mut Store<Vec<u32>>, wasm: &[u8], argument: u32) -> wasmtime::Result<u32> {
    let component = Component::new(store.engine(), wasm)?;
    let mut linker = Linker::<Vec<u32>>::new(store.engine());
    linker.root().func_wrap("tell", |mut store: StoreContextMut<'_, Vec<u32>>, (number,): (u32,)| {
        store.data_mut().push(number);
        Ok(())
    })?;
    linker.root().func_wrap("say", |mut store: StoreContextMut<'_, Vec<u32>>, (text,): (String,)| {
        store.data_mut().push(text.len() as u32);
        Ok(())
    })?;
    let instance = linker.instantiate(&mut *store, &component)?;
    let run = instance.get_typed_func::<(u32,), (u32,)>(&mut *store, "run")?;
    Ok(run.call(store, (argument,))?.0)
}

/// How many core modules it has.
fn modules(wasm: &[u8]) -> usize {
    let parts = wasmparser::Parser::new(0).parse_all(wasm);
    parts.filter(|part| matches!(part, Ok(wasmparser::Payload::ModuleSection { .. }))).count()
}

/// The component of `wat`, joined, after a check that both answer and tell the same.
fn joined(wat: &str) -> (Vec<u8>, Option<Fused>) {
    let wasm = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    let fused = fuse(&wasm).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    if let Some(fused) = &fused {
        for argument in [0, 1, 2, 3, 7, u32::MAX] {
            let (before, after) = (run(&wasm, argument), run(&fused.component, argument));
            assert_eq!(before, after, "run({argument}) of {wat}");
        }
    }
    (wasm, fused)
}

/// A main module with memory, table and constants; two libraries that put functions and text where the constants say,
/// and call each other and through the table. As `componentize-py` lays them out.
const LIBRARIES: &str = r#"(component
  (core module $main
    (memory (export "memory") 1)
    (table (export "table") 8 funcref)
    (global (export "a_table") i32 (i32.const 2))
    (global (export "b_table") i32 (i32.const 5))
    (global (export "a_memory") i32 (i32.const 100))
    (global $count (export "count") (mut i32) (i32.const 40)))
  (core module $a
    (import "env" "memory" (memory 1))
    (import "env" "table" (table 8 funcref))
    (import "env" "table_base" (global $table_base i32))
    (import "env" "memory_base" (global $memory_base i32))
    (import "env" "count" (global $count (mut i32)))
    (type $unary (func (param i32) (result i32)))
    (elem (global.get $table_base) func $double $next)
    (data (global.get $memory_base) "\07\00\00\00")
    (func $double (type $unary) (i32.mul (local.get 0) (i32.const 2)))
    (func $next (type $unary) (global.set $count (i32.add (global.get $count) (i32.const 1))) (global.get $count))
    (func (export "through") (param i32 i32) (result i32)
      (call_indirect (type $unary) (local.get 0) (local.get 1)))
    (func (export "seven") (result i32) (i32.load (global.get $memory_base))))
  (core module $b
    (import "env" "table" (table 8 funcref))
    (import "env" "table_base" (global $table_base i32))
    (import "a" "through" (func $through (param i32 i32) (result i32)))
    (import "a" "seven" (func $seven (result i32)))
    (type $unary (func (param i32) (result i32)))
    (elem (global.get $table_base) func $plus)
    (func $plus (type $unary) (i32.add (local.get 0) (call $seven)))
    ;; Doubles, adds seven, counts; more than six is a hole in the table.
    (func (export "run") (param i32) (result i32)
      (if (i32.gt_u (local.get 0) (i32.const 6)) (then (return (call $through (i32.const 1) (i32.const 7)))))
      (i32.add
        (call $through (call $through (local.get 0) (i32.const 2)) (i32.const 5))
        (call $through (i32.const 0) (i32.const 3)))))
  (core instance $main (instantiate $main))
  (alias core export $main "memory" (core memory $memory))
  (alias core export $main "table" (core table $table))
  (alias core export $main "a_table" (core global $a_table))
  (alias core export $main "b_table" (core global $b_table))
  (alias core export $main "a_memory" (core global $a_memory))
  (alias core export $main "count" (core global $count))
  (core instance $for_a
    (export "memory" (memory $memory)) (export "table" (table $table)) (export "table_base" (global $a_table))
    (export "memory_base" (global $a_memory)) (export "count" (global $count)))
  (core instance $a (instantiate $a (with "env" (instance $for_a))))
  (core instance $for_b (export "table" (table $table)) (export "table_base" (global $b_table)))
  (core instance $b (instantiate $b (with "env" (instance $for_b)) (with "a" (instance $a))))
  (func (export "run") (param "x" u32) (result u32) (canon lift (core func $b "run"))))"#;

#[test]
fn libraries_become_one_module_that_does_the_same() {
    let (wasm, fused) = joined(LIBRARIES);
    let fused = fused.unwrap();
    assert_eq!((modules(&wasm), fused.joined, modules(&fused.component)), (3, 3, 1));
    assert_eq!(run(&fused.component, 3).0, Ok(54));
    assert!(run(&fused.component, 7).0.unwrap_err().contains("uninitialized element"));
}

#[test]
fn the_engine_knows_the_joined_table_before_there_is_an_instance() {
    // Where each list of functions begins is a number now, and not a global of another module.
    let fused = joined(LIBRARIES).1.unwrap().component;
    let mut offsets = Vec::new();
    for part in wasmparser::Parser::new(0).parse_all(&fused) {
        if let wasmparser::Payload::ElementSection(section) = part.unwrap() {
            for element in section {
                let wasmparser::ElementKind::Active { offset_expr, .. } = element.unwrap().kind else {
                    continue;
                };
                offsets.push(offset_expr.get_operators_reader().read().unwrap());
            }
        }
    }
    use wasmparser::Operator::I32Const;
    assert!(matches!(offsets[..], [I32Const { value: 2 }, I32Const { value: 5 }]), "{offsets:?}");
}

/// A host function that reads memory exists only once the memory does, so a module with a table stands in for it until
/// another fills that table: how `wit-component` does it.
const SHIM: &str = r#"(component
  (import "say" (func $say (param "text" string)))
  (import "tell" (func $tell (param "number" u32)))
  (core module $shim
    (table (export "table") 1 funcref)
    (func (export "say") (param i32 i32) (call_indirect (param i32 i32) (local.get 0) (local.get 1) (i32.const 0))))
  (core module $main
    (import "host" "say" (func $say (param i32 i32)))
    (import "host" "tell" (func $tell (param i32)))
    (memory (export "memory") 1)
    (func (export "say") (param i32) (call $tell (local.get 0)) (call $say (i32.const 0) (local.get 0))))
  (core module $library
    (import "main" "say" (func $say (param i32)))
    (func (export "run") (param i32) (result i32) (call $say (local.get 0)) (local.get 0)))
  (core module $fill
    (import "" "table" (table 1 funcref))
    (import "" "say" (func $say (param i32 i32)))
    (elem (i32.const 0) func $say))
  (core instance $shim (instantiate $shim))
  (core func $tell (canon lower (func $tell)))
  (alias core export $shim "say" (core func $shimmed))
  (core instance $host (export "say" (func $shimmed)) (export "tell" (func $tell)))
  (core instance $main (instantiate $main (with "host" (instance $host))))
  (core instance $library (instantiate $library (with "main" (instance $main))))
  (alias core export $main "memory" (core memory $memory))
  (core func $say (canon lower (func $say) (memory $memory)))
  (alias core export $shim "table" (core table $table))
  (core instance $real (export "table" (table $table)) (export "say" (func $say)))
  (core instance (instantiate $fill (with "" (instance $real))))
  (func (export "run") (param "x" u32) (result u32) (canon lift (core func $library "run"))))"#;

#[test]
fn a_host_function_that_needs_the_memory_comes_after_it() {
    let (_, fused) = joined(SHIM);
    let fused = fused.unwrap();
    assert_eq!((fused.joined, modules(&fused.component)), (3, 2), "what fills the table stays");
    assert_eq!(run(&fused.component, 5), (Ok(5), vec![5, 5]));
}

#[test]
fn components_inside_are_joined_by_themselves() {
    let inner = LIBRARIES.replacen("(component", "(component $inner", 1);
    let wat = format!(
        r#"(component {inner} (instance $made (instantiate $inner))
             (core module $alone (func (export "f"))) (core instance (instantiate $alone))
             (alias export $made "run" (func $run)) (export "run" (func $run)))"#
    );
    let fused = joined(&wat).1.unwrap();
    assert_eq!((fused.joined, modules(&fused.component)), (3, 2), "and the one beside it is left alone");
}

#[test]
fn what_joining_could_change_stays_as_it_is() {
    let member = r#"(core module $x (func (export "f") (result i32) (i32.const 1)))"#;
    let same = [
        // One of them does something when it is made.
        (
            r#"(core module $y (func $f) (start $f) (func (export "g") (result i32) (i32.const 2)))"#,
            "(instantiate $y)",
        ),
        // Its code would be there twice.
        (
            r#"(core module $y (func (export "g") (result i32) (i32.const 2)))"#,
            "(instantiate $y)) (core instance (instantiate $y)",
        ),
    ];
    for (other, made) in same {
        let wat = format!(
            r#"(component {member} {other} (core instance $i (instantiate $x)) (core instance $j {made})
               (core module $z (import "x" "f" (func $f (result i32))) (import "y" "g" (func $g (result i32)))
                 (func (export "run") (param i32) (result i32) (i32.add (call $f) (call $g))))
               (core instance $k (instantiate $z (with "x" (instance $i)) (with "y" (instance $j))))
               (func (export "run") (param "x" u32) (result u32) (canon lift (core func $k "run"))))"#
        );
        assert_eq!(joined(&wat).1, None, "{other}");
    }
    let memories = r#"(component
        (core module $x (memory (export "m") 1))
        (core module $y (memory 1) (func (export "run") (param i32) (result i32) (memory.size)))
        (core instance (instantiate $x))
        (core instance $k (instantiate $y))
        (func (export "run") (param "x" u32) (result u32) (canon lift (core func $k "run"))))"#;
    assert_eq!(joined(memories).1, None);
}

#[test]
fn what_is_no_component_is_refused_in_words() {
    assert!(fuse(b"nonsense").unwrap_err().to_string().contains("cannot be read"));
    let module = wat::parse_str("(module)").unwrap();
    assert!(fuse(&module).unwrap_err().to_string().contains("no component"));
    let dropped = r#"(component (core module $m (func (export "d") (param i32)))
        (core instance $i (instantiate $m)) (type (resource (rep i32) (dtor (core func $i "d")))))"#;
    assert!(fuse(&wat::parse_str(dropped).unwrap()).unwrap_err().to_string().contains("destructor"));
}

/// Libraries that each have one function: it changes the shared counter, and calls those before it, some by name and
/// some through the table.
fn generated(calls: &[Vec<(usize, bool)>]) -> String {
    let mut wat = String::from(
        r#"(component (core module $main (memory (export "memory") 1) (table (export "table") 16 funcref)
             (global (export "n") (mut i32) (i32.const 1))"#,
    );
    for at in 0..calls.len() {
        wat += &format!(r#"(global (export "base{at}") i32 (i32.const {at}))"#);
    }
    wat += ")\n(core instance $main (instantiate $main))\n";
    for (at, calls) in calls.iter().enumerate() {
        let (mut imports, mut body, mut with) = (String::new(), String::new(), String::new());
        let callees = calls.iter().map(|(callee, direct)| (callee % at.max(1), *direct)).take(if at == 0 {
            0
        } else {
            9
        });
        for (callee, direct) in callees {
            if !direct {
                body +=
                    &format!("(local.set 0 (call_indirect (type $t) (local.get 0) (i32.const {callee})))");
                continue;
            }
            body += &format!("(local.set 0 (call $l{callee} (local.get 0)))");
            let given = format!(r#"(with "l{callee}" (instance $l{callee}))"#);
            if !with.contains(&given) {
                with += &given;
                imports += &format!(r#"(import "l{callee}" "f" (func $l{callee} (param i32) (result i32)))"#);
            }
        }
        wat += &format!(
            r#"(core module $m{at} {imports}
                 (import "main" "table" (table 16 funcref)) (import "main" "base{at}" (global $base i32))
                 (import "main" "n" (global $n (mut i32))) (import "main" "memory" (memory 1))
                 (type $t (func (param i32) (result i32))) (elem (global.get $base) func $f)
                 (data (i32.const {place}) "\{at:02x}")
                 (func $f (export "f") (type $t) {body}
                   (global.set $n (i32.add (i32.mul (global.get $n) (i32.const 3)) (i32.const {at})))
                   (i32.add (i32.xor (local.get 0) (global.get $n)) (i32.load8_u (i32.const {place})))))
               (core instance $l{at} (instantiate $m{at} (with "main" (instance $main)) {with}))
            "#,
            place = at * 3,
        );
    }
    let last = calls.len() - 1;
    wat + &format!(
        r#"(func (export "run") (param "x" u32) (result u32) (canon lift (core func $l{last} "f"))))"#
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_libraries_do_the_same_as_one_module(
        calls in prop::collection::vec(prop::collection::vec((0_usize..9, any::<bool>()), 0..4), 1..7)
    ) {
        let (wasm, fused) = joined(&generated(&calls));
        let fused = fused.unwrap();
        prop_assert!(run(&wasm, 1).0.is_ok());
        prop_assert_eq!((fused.joined, modules(&fused.component)), (calls.len() + 1, 1));
    }
}

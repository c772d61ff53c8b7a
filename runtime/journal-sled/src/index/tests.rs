//! Every kind of index, and each over the other, reads as the same map; packs and what waits keep their bounds.

use std::collections::BTreeMap;

use playhouse_core::id::TaskId;
use proptest::{
    collection::vec,
    option,
    prelude::{Just, Strategy, any, prop_oneof},
    prop_assert_eq, proptest,
    sample::select,
};

use super::*;
use crate::{keys, pieces::PIECE_BYTES_MAX};

/// What is done to an index.
#[derive(Debug, Clone)]
enum Step {
    Apply(Vec<Edit>),
    CatchUp,
    Flush,
}

/// Keys of appends, some in pieces, of tasks whose names begin alike; and of other rows on both sides of them.
fn key() -> impl Strategy<Value = Key> {
    let task = || prop_oneof![Just("t"), Just("t-1"), Just("u")].prop_map(|name| TaskId::new(name).unwrap());
    let append = (task(), 0..6u64, 0..2u32);
    prop_oneof![
        4 => append.prop_map(|(task, seq, piece)| keys::piece(&keys::record(&task, seq), piece)),
        1 => task().prop_map(|task| keys::head(&task)),
        1 => task().prop_map(|task| keys::wake(&task, &task)),
    ]
}

/// Ends of ranges: keys, and what all keys of a kind or a task begin with.
fn bound() -> impl Strategy<Value = Key> {
    let some = [b"d".as_slice(), b"r", b"s", b"x", b"rt\0", b"rt\x01", b"rt-1\0"];
    prop_oneof![2 => key(), 1 => select(some.to_vec()).prop_map(<[u8]>::to_vec)]
}

fn step() -> impl Strategy<Value = Step> {
    // Now and then one that fills a pack by itself.
    let value = (any::<u8>(), prop_oneof![9 => Just(1), 1 => Just(PIECE_BYTES_MAX)]);
    let value = option::of(value.prop_map(|(byte, len)| vec![byte; len]));
    let edit = (key(), value);
    prop_oneof![6 => vec(edit, 0..6).prop_map(Step::Apply), 2 => Just(Step::CatchUp), 1 => Just(Step::Flush)]
}

fn apply(index: &dyn Index, edits: impl IntoIterator<Item = Edit>) {
    let edits: Vec<_> = edits.into_iter().collect();
    index.apply(&mut borrowed(&edits)).unwrap();
}

fn all(index: &dyn Index, from: &[u8], to: &[u8], order: Order) -> Vec<Row> {
    Rows::of(index, from, to, order).collect::<Result<_, _>>().unwrap()
}

proptest! {
    #[test]
    fn rows_that_wait_and_rows_below_read_as_one_map(steps in vec(step(), 0..40), from in bound(), to in bound()) {
        let dir = tempfile::tempdir().unwrap();
        let sled = SledIndex::open(dir.path(), 1 << 20).unwrap();
        let indexes: [&dyn Index; 3] =
            [&Recent::few_over(MemoryIndex::default(), 9), &Recent::few_over(Packed::over(sled).unwrap(), 5), &Packed::over(MemoryIndex::default()).unwrap()];
        let mut model = BTreeMap::new();
        for step in steps {
            for index in indexes {
                match step.clone() {
                    Step::Apply(edits) => apply(index, edits),
                    Step::CatchUp => index.catch_up().unwrap(),
                    Step::Flush => index.flush().unwrap(),
                }
            }
            let Step::Apply(edits) = step else { continue };
            for (key, value) in edits {
                match value {
                    Some(value) => model.insert(key, value),
                    None => model.remove(&key),
                };
            }
        }
        let (from, to) = (from.min(to.clone()), to);
        let up: Vec<Row> = model.range(from.clone()..to.clone().max(from.clone())).map(|(key, value)| (key.clone(), value.clone())).collect();
        let down: Vec<Row> = up.iter().rev().cloned().collect();
        for index in indexes {
            prop_assert_eq!(&all(index, &from, &to, Order::Up), &up);
            prop_assert_eq!(&all(index, &from, &to, Order::Down), &down);
            for key in model.keys() {
                prop_assert_eq!(index.get(key).unwrap(), model.get(key).cloned());
            }
        }
    }
}

#[test]
fn a_long_range_is_read_whole_both_ways_and_ends_before_its_end() {
    let index = Recent::over(MemoryIndex::default());
    let put = |n: u16| (n.to_be_bytes().to_vec(), Some(Vec::new()));
    apply(&index, (0..500).map(put));
    index.flush().unwrap();
    let gone = (300..400).map(|n: u16| (n.to_be_bytes().to_vec(), None));
    apply(&index, (500..1000).map(put).chain(gone));
    let numbers = |order| -> Vec<u16> {
        let rows = all(&index, &10u16.to_be_bytes(), &990u16.to_be_bytes(), order);
        rows.iter().map(|(key, _)| u16::from_be_bytes(key.as_slice().try_into().unwrap())).collect()
    };
    let expected: Vec<u16> = (10..300).chain(400..990).collect();
    assert_eq!(numbers(Order::Up), expected);
    assert_eq!(numbers(Order::Down), expected.into_iter().rev().collect::<Vec<_>>());
    assert!(all(&index, &[5], &[1], Order::Up).is_empty());
}

#[test]
fn what_waits_is_handed_over_before_it_is_too_much() {
    let index = Recent::over(MemoryIndex::default());
    for n in 0..3 * recent::ROWS_MAX {
        apply(&index, [(n.to_be_bytes().to_vec(), Some(Vec::new()))]);
        assert!(index.held()[0] < recent::ROWS_MAX && index.held()[1] <= recent::ROWS_MAX);
    }
    let value = vec![0; recent::BYTES_MAX / 4];
    for n in 0..16u64 {
        apply(&index, [(n.to_be_bytes().to_vec(), Some(value.clone()))]);
        assert!(index.held()[0] <= 4);
    }
}

#[test]
fn what_left_has_arrived_before_as_many_wait_again() {
    let index = Recent::over(MemoryIndex::default());
    for n in 0..4 * recent::ROWS_MAX {
        if index.held()[0] == recent::ROWS_MAX - 1 {
            assert_eq!(index.held()[1], 0);
        }
        apply(&index, [(n.to_be_bytes().to_vec(), Some(Vec::new()))]);
        index.catch_up().unwrap();
    }
}

#[test]
fn appends_of_a_task_that_come_at_once_are_one_row_and_no_row_is_too_large() {
    let index = Packed::over(MemoryIndex::default()).unwrap();
    let task = TaskId::new("t").unwrap();
    let append = |seq| (keys::piece(&keys::record(&task, seq), 0), Some(vec![0; 1000]));
    apply(&index, (0..20).map(append));
    let packs = |index: &Packed<MemoryIndex>| all(index.below(), b"R", b"S", Order::Up);
    assert_eq!(packs(&index).len(), 1);
    apply(&index, (20..90).map(append));
    assert!((4..6).contains(&packs(&index).len()));
    assert!(packs(&index).iter().all(|(_, pack)| pack.len() <= PIECE_BYTES_MAX));
    apply(&index, (0..90).map(|seq| (append(seq).0, None)));
    assert!(packs(&index).is_empty());
}

#[test]
fn an_index_with_a_row_for_each_append_is_refused_not_taken_for_empty() {
    let old = MemoryIndex::default();
    let append = keys::piece(&keys::record(&TaskId::new("t").unwrap(), 0), 0);
    apply(&old, [(append, Some(b"append".to_vec()))]);
    assert!(matches!(Packed::over(old), Err(JournalError::Damaged(_))));
}

#[test]
fn a_pack_that_is_cut_off_is_named() {
    let index = Packed::over(MemoryIndex::default()).unwrap();
    apply(index.below(), [(b"Rt\x00123456789012".to_vec(), Some(b"1234567890120001x".to_vec()))]);
    let error = Rows::of(&index, b"r", b"s", Order::Up).next().unwrap().unwrap_err();
    assert!(error.to_string().contains("a pack of records of t"), "{error}");
}

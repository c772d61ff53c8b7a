//! Checks the list of tensors: known types, whole blocks, and data that lies where it should.

use std::{collections::HashSet, io::Read};

use super::{GgufProblem, cursor::Cursor};

/// ggml keeps names in 64 bytes with a final zero.
const NAME_BYTES_MAX: usize = 63;
/// ggml's tensors have four dimensions.
const DIMENSIONS_MAX: u32 = 4;

/// A type that llama.cpp can compute with.
struct Kind {
    id: u32,
    /// Elements of one block.
    block: u64,
    /// Bytes of one block.
    bytes: u64,
}

/// Types that appear in model files, from `ggml.h` and `ggml-common.h`. Left out on purpose: F64 and the
/// integers (llama.cpp loads them and then calls a null pointer), Q8_1 and Q8_K (intermediate results only).
#[rustfmt::skip]
const KINDS: [Kind; 32] = [
    kind(0, 1, 4), kind(1, 1, 2), kind(30, 1, 2),                                    // F32 F16 BF16
    kind(2, 32, 18), kind(3, 32, 20), kind(6, 32, 22), kind(7, 32, 24), kind(8, 32, 34), // Q4_0 Q4_1 Q5_0 Q5_1 Q8_0
    kind(10, 256, 84), kind(11, 256, 110), kind(12, 256, 144), kind(13, 256, 176), kind(14, 256, 210), // Q2_K … Q6_K
    kind(16, 256, 66), kind(17, 256, 74), kind(18, 256, 98), kind(19, 256, 50), kind(20, 32, 18), // IQ2_XXS IQ2_XS IQ3_XXS IQ1_S IQ4_NL
    kind(21, 256, 110), kind(22, 256, 82), kind(23, 256, 136), kind(29, 256, 56),    // IQ3_S IQ2_S IQ4_XS IQ1_M
    kind(34, 256, 54), kind(35, 256, 66), kind(39, 32, 17), kind(40, 64, 36),        // TQ1_0 TQ2_0 MXFP4 NVFP4
    kind(41, 128, 18), kind(42, 64, 18),                                             // Q1_0 Q2_0
    // Whole numbers appear only as one-dimensional tables, which are looked up and never multiplied.
    kind(24, 1, 1), kind(25, 1, 2), kind(26, 1, 4), kind(27, 1, 8),                  // I8 I16 I32 I64
];

const fn kind(id: u32, block: u64, bytes: u64) -> Kind {
    Kind { id, block, bytes }
}

/// Reads `count` tensor descriptions and checks them against each other and the length of the file.
pub(super) fn check(cursor: &mut Cursor<impl Read>, count: u64, alignment: u64) -> Result<(), GgufProblem> {
    let mut names = HashSet::new();
    // Where the next tensor's data has to start: ggml wants them in order and without gaps.
    let mut expected = 0_u64;
    for _ in 0..count {
        let name = cursor.name("a tensor's name")?;
        let (bytes, offset) = describe(cursor, &name)?;
        if offset != expected {
            let told = format!("places tensor `{name}` at {offset}, its turn is at {expected}");
            return Err(GgufProblem::Malformed(told));
        }
        let padded = bytes.checked_next_multiple_of(alignment).and_then(|b| expected.checked_add(b));
        expected = padded.ok_or_else(|| GgufProblem::Truncated(format!("tensor `{name}`")))?;
        if name.len() > NAME_BYTES_MAX || !names.insert(name.clone()) {
            return Err(GgufProblem::Malformed(format!(
                "has a tensor name that is too long or not unique: `{name}`"
            )));
        }
    }
    if names.is_empty() {
        return Err(GgufProblem::Malformed("has no tensors".into()));
    }
    let padding = cursor.position.next_multiple_of(alignment) - cursor.position;
    // The last tensor's own padding may be missing.
    if expected.saturating_add(padding) > cursor.left().saturating_add(alignment - 1) {
        return Err(GgufProblem::Truncated("the last tensor's data".into()));
    }
    Ok(())
}

/// Bytes of one tensor's data, and where the file says they start.
fn describe(cursor: &mut Cursor<impl Read>, name: &str) -> Result<(u64, u64), GgufProblem> {
    let dimensions = cursor.u32(name)?;
    if dimensions > DIMENSIONS_MAX {
        return Err(GgufProblem::Malformed(format!("gives tensor `{name}` {dimensions} dimensions")));
    }
    let mut shape = [1_u64; DIMENSIONS_MAX as usize];
    for side in &mut shape[..dimensions as usize] {
        *side = cursor.u64(name)?;
    }
    let id = cursor.u32(name)?;
    let offset = cursor.u64(name)?;
    let kind = KINDS.iter().find(|kind| kind.id == id && (dimensions <= 1 || !(24..=27).contains(&id)));
    let kind = kind.ok_or_else(|| {
        let type_name = if id == 28 { "F64".into() } else { format!("number {id}") };
        GgufProblem::Unsupported(format!(
            "has tensor `{name}` of type {type_name}, which cannot be computed with"
        ))
    })?;
    let elements = shape.iter().try_fold(1_u64, |product, side| product.checked_mul(*side));
    match elements {
        Some(n) if 0 < n && shape[0] % kind.block == 0 && n <= i64::MAX as u64 / 8 => {
            Ok((n / kind.block * kind.bytes, offset))
        }
        _ => Err(GgufProblem::Malformed(format!("gives tensor `{name}` the impossible shape {shape:?}"))),
    }
}

//! Good files, and every way a file can be bad.

use super::*;

/// Builds a small, correct header and lets a test spoil it.
#[derive(Default)]
struct Builder {
    keys: Vec<u8>,
    key_count: u64,
    tensors: Vec<u8>,
    tensor_count: u64,
    data: usize,
}

impl Builder {
    fn good() -> Self {
        let mut file = Self::default();
        file.text("general.architecture", "llama").text("tokenizer.ggml.model", "gpt2");
        file.text("tokenizer.chat_template", "{{ messages }}");
        file.key("llama.context_length", 4, &1024_u32.to_le_bytes());
        file.texts("tokenizer.ggml.tokens", &["a", "b"]);
        file.tensor("w", &[32, 2], 0, 0);
        file.data = 256;
        file
    }

    fn key(&mut self, name: &str, kind: u32, value: &[u8]) -> &mut Self {
        let length = (name.len() as u64).to_le_bytes();
        let parts: [&[u8]; 4] = [&length, name.as_bytes(), &kind.to_le_bytes(), value];
        self.keys.extend(parts.concat());
        self.key_count += 1;
        self
    }

    fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.key(name, 8, &[&(value.len() as u64).to_le_bytes(), value.as_bytes()].concat())
    }

    fn texts(&mut self, name: &str, values: &[&str]) -> &mut Self {
        let mut list = [&8_u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes()].concat();
        for value in values {
            list.extend([&(value.len() as u64).to_le_bytes(), value.as_bytes()].concat());
        }
        self.key(name, 9, &list)
    }

    fn tensor(&mut self, name: &str, shape: &[u64], kind: u32, offset: u64) -> &mut Self {
        let mut bytes = [&(name.len() as u64).to_le_bytes(), name.as_bytes()].concat();
        bytes.extend((shape.len() as u32).to_le_bytes());
        shape.iter().for_each(|side| bytes.extend(side.to_le_bytes()));
        bytes.extend([&kind.to_le_bytes()[..], &offset.to_le_bytes()].concat());
        self.tensors.extend(bytes);
        self.tensor_count += 1;
        self
    }

    fn counts(&mut self, tensors: u64, keys: u64) -> &mut Self {
        (self.tensor_count, self.key_count) = (tensors, keys);
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let head: [&[u8]; 6] = [
            b"GGUF",
            &3_u32.to_le_bytes(),
            &self.tensor_count.to_le_bytes(),
            &self.key_count.to_le_bytes(),
            &self.keys,
            &self.tensors,
        ];
        let mut bytes = head.concat();
        bytes.resize(bytes.len().next_multiple_of(32) + self.data, 0);
        bytes
    }
}

fn read(bytes: &[u8]) -> Result<GgufSummary, GgufProblem> {
    parse(bytes, bytes.len() as u64)
}

fn problem(spoil: impl for<'a> Fn(&'a mut Builder) -> &'a mut Builder) -> String {
    let mut file = Builder::good();
    spoil(&mut file);
    read(&file.bytes()).expect_err("spoiled").to_string()
}

#[test]
fn a_good_header_is_summed_up() {
    let summary = read(&Builder::good().bytes()).expect("good");
    assert_eq!(
        (summary.architecture.as_str(), summary.context_tokens, summary.vocabulary),
        ("llama", 1024, 2)
    );
    assert_eq!((summary.chat_template.as_str(), bytes_per_token(&summary)), ("{{ messages }}", 1));
}

#[test]
fn a_header_cut_anywhere_is_truncated_and_never_a_panic() {
    let bytes = Builder::good().bytes();
    for end in 0..bytes.len() - 31 {
        let error = read(&bytes[..end]).expect_err("cut");
        assert!(matches!(error, GgufProblem::Truncated(_)), "{end}: {error}");
    }
}

#[test]
fn a_header_with_any_byte_changed_never_panics_or_allocates_without_bound() {
    let bytes = Builder::good().bytes();
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7F, 0x80, 0xFF] {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            read(&bytes).ok();
        }
    }
}

#[test]
fn hostile_headers_are_refused_in_words() {
    let huge = u64::MAX.to_le_bytes();
    let cases: [(String, &str); 14] = [
        (read(b"PK\x03\x04 not a model").expect_err("zip").to_string(), "not a GGUF file"),
        (read(b"GGUF\x09\0\0\0").expect_err("version").to_string(), "version 9"),
        (problem(|f| f.counts(1 << 40, 1)), "more than 65536"),
        (problem(|f| f.counts(1, u64::MAX)), "more than 65536"),
        (problem(|f| f.key("x", 8, &huge)), "bytes, more than"),
        (problem(|f| f.key("x", 9, &[&8_u32.to_le_bytes()[..], &huge].concat())), "ends before"),
        (problem(|f| f.key("x", 9, &[&12_u32.to_le_bytes()[..], &huge].concat())), "ends before"),
        (problem(|f| f.key("x", 99, b"")), "unknown type 99"),
        (problem(|f| f.text("general.architecture", "llama")), "twice"),
        (problem(|f| f.tensor("d", &[4], 28, 256)), "type F64"),
        (problem(|f| f.tensor("d", &[4, 4], 26, 256)), "cannot be computed with"),
        (problem(|f| f.tensor("d", &[u64::MAX, 2], 0, 256)), "impossible shape"),
        (problem(|f| f.tensor("d", &[4], 0, 1 << 50)), "its turn is at 256"),
        (problem(|f| f.tensor("d", &[1 << 30], 0, 256)), "ends before"),
    ];
    for (told, expected) in cases {
        assert!(told.contains(expected), "{told:?} should mention {expected:?}");
    }
}

#[test]
fn what_every_chat_model_has_is_asked_for() {
    for missing in ["general.architecture", "tokenizer.ggml.model", "tokenizer.chat_template"] {
        let renamed = missing.replace('e', "x");
        let bytes = Builder::good().bytes();
        let at = bytes.windows(missing.len()).position(|w| w == missing.as_bytes()).expect("there");
        let mut bytes = bytes;
        bytes[at..at + missing.len()].copy_from_slice(renamed.as_bytes());
        assert_eq!(read(&bytes), Err(GgufProblem::Missing(missing.into())));
    }
}

#[test]
fn errors_say_what_where_and_what_to_do() {
    let error = super::read(Path::new("/nowhere/model.gguf")).expect_err("missing");
    let told = error.to_string();
    assert!(
        told.contains("`/nowhere/model.gguf`: cannot be read") && told.contains("check the path"),
        "{told}"
    );
}

//! Any bytes into any parser: an answer, never a panic. The same entry points are those for fuzzing.

use playhouse_tools_store::{Credentials, Lock, Manifest, Reference, Signature, Source, Trust};
use proptest::prelude::*;
use tempfile::tempdir;

use crate::kit::{claims, key, signed};

fn every_parser(bytes: &[u8]) {
    let _ = Lock::parse(bytes).map(|lock| lock.to_string());
    let _ = Trust::parse(bytes);
    let _ = Signature::parse(bytes);
    let _ = Signature::parse_all(bytes);
    let _ = Manifest::parse(bytes);
    let _ = Credentials::parse(bytes);
    let text = String::from_utf8_lossy(bytes);
    let _ = Source::parse(&text).map(|source| source.to_string());
    let _ = Source::parse(&format!("oci://{text}"));
    let _ = Source::parse(&format!("https://{text}"));
    let _ = Reference::parse(&text);
}

/// Something that each parser takes, one after the other.
fn samples() -> Vec<Vec<u8>> {
    let digest = "a".repeat(64);
    let folder = tempdir().unwrap();
    let key = key(folder.path(), "me");
    let lock = format!(
        "rustc = \"1\"\n[[tool]]\nname = \"a\"\nversion = \"1\"\nsha256 = \"{digest}\"\ndescribe_sha256 = \"{digest}\"\n\
         effect = \"once\"\nsigned_by = [\"A\"]\nimports = [\"x\"]\nwants = {{ kv = [\"read\"] }}\n"
    );
    let trust = format!(
        "required = true\n[[key]]\nname = \"a\"\nkey = \"{}\"\ntools = [\"a-*\"]\nsince = 2026-01-01\n",
        key.public_line()
    );
    let manifest = format!(
        "{{\"schemaVersion\":2,\"config\":{{\"mediaType\":\"application/vnd.wasm.config.v0+json\",\"digest\":\
         \"sha256:{digest}\",\"size\":2}},\"layers\":[{{\"mediaType\":\"application/wasm\",\"digest\":\
         \"sha256:{digest}\",\"size\":4}}]}}"
    );
    let docker = "{\"auths\":{\"r.example\":{\"auth\":\"dTpw\"}}}".to_owned();
    let source = format!("https://a.example/x.wasm#sha256={digest}");
    let reference = "r.example:5000/team/tool@sha256:".to_owned() + &digest;
    let signature = signed(&key, b"w", &claims("a", "1", b"w")).text().to_owned();
    assert!(Lock::parse(lock.as_bytes()).is_ok() && Trust::parse(trust.as_bytes()).is_ok());
    assert!(Manifest::parse(manifest.as_bytes()).is_ok() && Credentials::parse(docker.as_bytes()).is_ok());
    assert!(Source::parse(&source).is_ok() && Reference::parse(&reference).is_ok());
    [lock, trust, manifest, docker, source, reference, signature].map(String::into_bytes).to_vec()
}

proptest! {
    #[test]
    fn bytes_of_any_kind_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        every_parser(&bytes);
    }

    #[test]
    fn texts_of_any_kind_are_answered(text in "\\PC{0,200}") {
        every_parser(text.as_bytes());
    }
}

#[test]
fn every_sample_cut_short_or_with_one_byte_changed_is_answered() {
    for sample in samples() {
        for at in 0..sample.len() {
            every_parser(&sample[..at]);
            for byte in [0, b'"', b'\n', b'-', b'9', 0xff] {
                let mut changed = sample.clone();
                changed[at] = byte;
                every_parser(&changed);
            }
        }
    }
}

#[test]
fn depth_does_not_overflow_the_stack() {
    for open in ["[", "{\"a\":", "a=[", "a={b="] {
        every_parser(open.repeat(100_000).as_bytes());
    }
    every_parser(format!("[{}]", "a.".repeat(50_000)).as_bytes());
}

//! What people write as a source.

use std::path::PathBuf;

use playhouse_tools_store::{BadSource, FetchError, Reference, Source};
use tempfile::tempdir;

use crate::kit::{claims, fetcher, key, signed};

#[test]
fn sources_are_read_and_shown_as_they_were_written() {
    let digest = "a".repeat(64);
    for text in [
        "tools/adder.wasm".to_owned(),
        "https://a.example/adder.wasm".to_owned(),
        format!("https://a.example/adder.wasm?x=1#sha256={digest}"),
        "http://127.0.0.1:8080/x".to_owned(),
        "http://[::1]:8080/x".to_owned(),
        "http://localhost/x".to_owned(),
        "oci://r.example/team/adder:1.2.3".to_owned(),
        "oci://r.example:5000/a/b__c/d-e.f:v1_x".to_owned(),
        "oci://[::1]:5000/a:1".to_owned(),
        format!("oci://r.example/team/adder@sha256:{digest}"),
    ] {
        assert_eq!(Source::parse(&text).unwrap().to_string(), text);
    }
    assert_eq!(Source::parse("C/a:b.wasm").unwrap(), Source::Path(PathBuf::from("C/a:b.wasm")));
}

#[test]
fn what_could_be_changed_on_the_way_is_refused() {
    for text in [
        "http://a.example/x",
        "http://10.0.0.1/x",
        "http://127.0.0.1.a.example/x",
        "http://localhost.a.example/x",
        "http://[::ffff:127.0.0.1]/x",
    ] {
        assert!(matches!(Source::parse(text), Err(BadSource::Plain(_))), "{text}");
    }
}

#[test]
fn what_is_no_source_says_what_would_be_and_repeats_no_password() {
    for text in
        ["https://kim:hunter2@a.example/x", "https://kim:hunter2@a.example:notaport/x", "https://hunter2@a/x"]
    {
        let said = Source::parse(text).unwrap_err().to_string();
        assert!(!said.contains("hunter2"), "{said}");
    }
    assert!(matches!(Source::parse("https://a.example/x#top"), Err(BadSource::Fragment(_))));
    assert!(matches!(Source::parse("https://a.example/x#sha256=AB"), Err(BadSource::Fragment(_))));
    assert!(matches!(Source::parse("ftp://a.example/x"), Err(BadSource::Scheme(_))));
    assert!(matches!(Source::parse("https://"), Err(BadSource::Address { .. })));
}

#[test]
fn references_that_two_readers_could_read_in_two_ways_are_refused() {
    let digest = "a".repeat(64);
    for text in [
        "r.example",
        "r.example/",
        "r.example/a",
        "r.example/a:",
        "r.example/a:b:c",
        "r.example/a/:1",
        "r.example//a:1",
        "r.example/A:1",
        "r.example/../a:1",
        "r.example/a..b:1",
        "r.example/-a:1",
        "r.example/a:../1",
        "r.example/a:-1",
        "r.example/a?x:1",
        "r.example:99999/a:1",
        "r.example:/a:1",
        "user@r.example/a:1",
        "r.example/a@sha256:abc",
        "r.example/a@md5:abc",
        "[::1/a:1",
        "/a:1",
        "r.exa mple/a:1",
    ] {
        assert!(Reference::parse(text).is_err(), "{text}");
    }
    assert!(Reference::parse(&format!("r.example/a:1@sha256:{digest}")).is_err(), "tag and digest are two");
    assert!(Reference::parse(&format!("r.example/{}:1", "a".repeat(300))).is_err());
}

#[tokio::test]
async fn a_file_comes_with_the_signatures_beside_it() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("adder.wasm");
    let source = Source::Path(path.clone());
    assert!(matches!(fetcher().fetch(&source).await, Err(FetchError::NoFile(_))));
    std::fs::write(&path, b"wasm").unwrap();
    assert!(fetcher().fetch(&source).await.unwrap().signatures.is_empty());
    let signature = signed(&key(folder.path(), "me"), b"wasm", &claims("adder", "1.0.0", b"wasm"));
    std::fs::write(folder.path().join("adder.wasm.minisig"), signature.text()).unwrap();
    let fetched = fetcher().fetch(&source).await.unwrap();
    assert_eq!((fetched.bytes, fetched.signatures), (b"wasm".to_vec(), vec![signature]));
    let large = std::fs::File::create(&path).unwrap();
    large.set_len((64 << 20) + 1).unwrap();
    assert!(matches!(fetcher().fetch(&source).await, Err(FetchError::File(_))));
}

//! What the host keeps on disk: compiled code, and a line per call.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use playhouse_core::digest;
use playhouse_tools_host::{Config, LoadError, WasmToolBox};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{all_shipped, answer, failure};

fn compiled(folder: &Path) -> Vec<PathBuf> {
    let files =
        fs::read_dir(folder).expect("the cache was made").map(|entry| entry.expect("readable").path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "cwasm")).collect()
}

fn cached(folder: &Path) -> Result<WasmToolBox, LoadError> {
    WasmToolBox::load(Config { cache: Some(folder.to_owned()), ..all_shipped() })
}

#[tokio::test]
async fn compiled_code_is_kept_and_used() {
    let folder = TempDir::new().expect("a folder");
    let cache = folder.path().join("deep/cache");
    cached(&cache).expect("first load compiles");
    assert_eq!(compiled(&cache).len(), 3);
    assert_eq!(fs::metadata(&cache).expect("it is there").permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(cache.join("key")).expect("it is there").permissions().mode() & 0o777, 0o600);

    let tools = cached(&cache).expect("second load reads");
    assert_eq!(answer(&tools, "calculator", json!({"expression": "6*7"})).await, json!({"result": "42"}));
    assert_eq!(compiled(&cache).len(), 3);
}

#[tokio::test]
async fn compiled_code_that_was_tampered_with_is_never_loaded() {
    let folder = TempDir::new().expect("a folder");
    let cache = folder.path().join("cache");
    cached(&cache).expect("first load compiles");
    let files = compiled(&cache);
    // One flipped bit in the middle, one file under another's name, one cut short.
    let mut bytes = fs::read(&files[0]).expect("readable");
    let genuine = bytes.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&files[0], &bytes).expect("ours");
    fs::copy(&files[1], &files[2]).expect("ours");
    fs::write(&files[1], b"short").expect("ours");

    let tools = cached(&cache).expect("it compiles again");
    assert_eq!(answer(&tools, "calculator", json!({"expression": "6*7"})).await, json!({"result": "42"}));
    let healed = fs::read(&files[0]).expect("readable");
    assert!(healed != bytes && healed.len() == genuine.len(), "the damaged file was replaced");
}

#[test]
fn a_cache_that_others_can_write_to_is_refused() {
    let folder = TempDir::new().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let refused = cached(folder.path());
    assert!(matches!(refused, Err(LoadError::OpenCache(_))), "{refused:?}");
}

#[tokio::test]
async fn the_call_log_has_one_line_per_call_that_was_started() {
    let folder = TempDir::new().expect("a folder");
    let log = folder.path().join("calls.log");
    let tools =
        WasmToolBox::load(Config { call_log: Some(log.clone()), ..all_shipped() }).expect("they load");
    let arguments = json!({"key": "amber-falcon"});
    answer(&tools, "lookup", arguments.clone()).await;
    failure(&tools, "lookup", json!({"key": "grey-otter"})).await;
    // Refused before it is started: no line.
    failure(&tools, "lookup", json!({"name": "grey-otter"})).await;

    let text = fs::read_to_string(&log).expect("it was written");
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(lines[0][1..], ["lookup", digest::of_json(&arguments).as_str()]);
    assert!(!lines[0][0].is_empty());
}

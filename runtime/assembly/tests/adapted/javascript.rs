//! The component that `componentize-js` makes by default, StarlingMonkey inside, with `fetch` in both directions.

use std::{fs, path::Path, process::Command};

use playhouse_tools_adapt::Label;
use serde_json::json;

use crate::{
    house::{House, allowing, rule},
    server::Server,
};

/// As a service worker of any cloud is written.
const SOURCE: &str = "
addEventListener('fetch', (event) => event.respondWith(answer(event.request)));

async function answer(request) {
  const to = new URL(request.url).searchParams.get('to');
  if (!to) {
    await new Promise((done) => setTimeout(done, 60000));
    console.log('nowhere to go');
    return new Response(`${request.method} ${await request.text()}`, { headers: { 'x-made': 'in JavaScript' } });
  }
  try {
    const got = await fetch(to, { method: 'POST', headers: { 'x-guest': 'starling' }, body: await request.text() });
    return new Response(`${got.status} ${await got.text()}`);
  } catch (error) {
    return new Response(`failed: ${error}`, { status: 502 });
  }
}
";

/// What its world exports. The types are those that this repository holds for its own adapter.
const WORLD: &str = "package local:app;\nworld app { export wasi:http/incoming-handler@0.2.12; }\n";

fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let ended = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    assert!(ended.status.success(), "{program}: {}", String::from_utf8_lossy(&ended.stderr));
}

/// Builds it from the package registry.
fn built(folder: &Path) -> Vec<u8> {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/builtin/wasi/wit/deps");
    fs::create_dir_all(folder.join("wit/deps")).unwrap();
    for entry in fs::read_dir(wit).unwrap() {
        let entry = entry.unwrap();
        // What came in 0.2.12 is not in the 0.2.10 that the engine was built for.
        let text = fs::read_to_string(entry.path()).unwrap().replace("@0.2.12", "@0.2.10");
        let text = text.replace("  exit-with-code: func(status-code: u8);\n", "");
        fs::write(folder.join("wit/deps").join(entry.file_name()), text).unwrap();
    }
    fs::write(folder.join("wit/app.wit"), WORLD.replace("@0.2.12", "@0.2.10")).unwrap();
    fs::write(folder.join("app.js"), SOURCE).unwrap();
    run(folder, "npm", &["install", "--silent", "--no-save", "@bytecodealliance/componentize-js@0.22"]);
    let build = ["app.js", "--wit", "wit", "--world-name", "app", "-o", "app.wasm"];
    run(folder, "node_modules/.bin/componentize-js", &build);
    fs::read(folder.join("app.wasm")).unwrap()
}

#[tokio::test]
#[ignore = "needs node and npm, and takes 400 MB from the package registry"]
async fn what_componentize_js_makes_fetches_through_the_guard() {
    let folder = tempfile::tempdir().unwrap();
    let (server, other) = (Server::at("127.0.0.1", ""), Server::at("127.0.0.1", ""));
    let label = Label { name: "app".into(), version: "1".into(), description: "Answers.".into() };
    let house = House::of(&built(folder.path()), Some(&label), allowing(vec![rule(server.address, true)]));
    let answer = house.call(json!({"method": "PUT", "path": "/", "body": "hi"})).await.unwrap();
    assert_eq!(answer["body"], "PUT hi", "{answer}");
    let made = |header: &serde_json::Value| header["name"] == "x-made" && header["value"] == "in JavaScript";
    assert!(answer["headers"].as_array().unwrap().iter().any(made), "{answer}");

    let answer =
        house.post(&format!("/?to=http://{}/there", server.address), "from JavaScript").await.unwrap();
    assert_eq!(answer["body"], "203 hello", "{answer}");
    let seen = server.requests().remove(0);
    assert!(seen.starts_with("POST /there HTTP/1.1\r\n") && seen.contains("x-guest: starling\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\nfrom JavaScript"), "{seen}");

    let refused = house.post(&format!("/?to=http://{}/", other.address), "").await.unwrap();
    assert_eq!((refused["status"].as_u64(), other.connections()), (Some(502), 0), "{refused}");
    assert!(refused["problems"][0].as_str().unwrap().contains(&other.address.to_string()), "{refused}");
}

//! Questions, refusals, and what hostile files and queries come to.

use playhouse_tool::serde_json::Value;
use playhouse_tool::testing::Host;
use playhouse_tool::{Kind, json};
use rusqlite::{Connection, MAIN_DB};

use super::*;

/// A database made by `sql`, as the bytes of its file.
fn database(sql: &str) -> Vec<u8> {
    let connection = Connection::open_in_memory().expect("memory");
    connection.execute_batch(sql).expect("sound SQL");
    connection.serialize(MAIN_DB).expect("serialized").to_vec()
}

const SHOP: &str = "CREATE TABLE parts (name TEXT, stock INTEGER, price REAL, icon BLOB); \
     INSERT INTO parts VALUES ('nut', 3, 0.5, x'00ff'), ('bolt', 40, NULL, NULL), ('gear', 7, 12.0, NULL);";

fn ask_of(bytes: &[u8], arguments: &Value) -> Result<Value, Error> {
    let host = Host::new().file("data/shop.db", bytes);
    let mut arguments = arguments.clone();
    arguments["file"] = "data/shop.db".into();
    let answer = host.call::<SqliteQuery>(&arguments.to_string())?;
    Ok(playhouse_tool::serde_json::from_str(&answer).expect("JSON"))
}

fn ask(query: &str) -> Result<Value, Error> {
    ask_of(&database(SHOP), &json!({ "query": query }))
}

#[test]
fn rows_come_as_json() {
    let answer = ask("SELECT * FROM parts ORDER BY name LIMIT 2").unwrap();
    assert_eq!(
        answer,
        json!({"columns": ["name", "stock", "price", "icon"], "rows": [["bolt", 40, null, null], ["gear", 7, 12.0, null]]})
    );
    assert_eq!(
        ask("SELECT icon, 1e999 FROM parts WHERE name = 'nut'").unwrap()["rows"],
        json!([[{"hex": "00ff"}, "inf"]])
    );
    assert_eq!(ask("PRAGMA table_info(parts)").unwrap()["rows"].as_array().map(Vec::len), Some(4));
    let schema = ask("SELECT sql FROM sqlite_schema").unwrap();
    assert!(
        schema["rows"][0][0].as_str().is_some_and(|sql| sql.starts_with("CREATE TABLE parts")),
        "{schema}"
    );
}

#[test]
fn parameters_are_values_and_never_sql() {
    let query = "SELECT name FROM parts WHERE stock < ? AND name <> ? AND ? IS NULL AND ?";
    let answer =
        ask_of(&database(SHOP), &json!({"query": query, "parameters": [10, "x' OR '1'='1", null, true]}));
    assert_eq!(answer.unwrap()["rows"], json!([["nut"], ["gear"]]));
    let wrong = |parameters: Value| {
        ask_of(&database(SHOP), &json!({"query": "SELECT ?", "parameters": parameters})).unwrap_err().message
    };
    assert_eq!(wrong(json!([])), "`query` has 1 parameters, and `parameters` 0");
    assert!(wrong(json!([[1]])).contains("`parameters[0]` must be text"));
}

#[test]
fn a_long_answer_is_cut_and_says_how_to_go_on() {
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i, printf('%.*c', 90, 'x') FROM n";
    let answer = ask(many).unwrap();
    assert_eq!(answer["rows"].as_array().map(Vec::len), Some(100));
    assert!(
        answer["more"].as_str().is_some_and(|more| more.contains("LIMIT 100 OFFSET 100")),
        "{}",
        answer["more"]
    );
    let full = ask_of(&database(SHOP), &json!({"query": many, "limit": 1000})).unwrap();
    assert!(
        full["more"].as_str().is_some_and(|more| more.contains("the answer is full after 6")),
        "{}",
        full["more"]
    );
    assert!(full.to_string().len() <= shared::ANSWER_BYTES_MAX);
    let cells = ask("SELECT printf('%.*c', 9000, 'x'), zeroblob(9000)").unwrap();
    assert!(cells["more"].as_str().is_some_and(|more| more.contains("substr")), "{}", cells["more"]);
    assert!(cells.to_string().len() < 10_000);
}

#[test]
fn nothing_can_be_changed_and_nothing_else_be_opened() {
    for query in [
        "DELETE FROM parts",
        "INSERT INTO parts VALUES (1, 2, 3, 4) RETURNING *",
        "UPDATE parts SET stock = 0 RETURNING stock",
        "CREATE TABLE x (a)",
        "CREATE TEMP TABLE x AS SELECT 1",
        "DROP TABLE parts",
        "ATTACH 'data/other.db' AS other",
        "ATTACH ':memory:' AS other",
        "VACUUM INTO 'data/copy.db'",
        "PRAGMA journal_mode = WAL",
        "PRAGMA writable_schema = 1",
        "PRAGMA user_version = 7",
        "PRAGMA temp_store_directory = '/'",
        "SELECT load_extension('x')",
        "BEGIN IMMEDIATE",
        "REINDEX",
        "ANALYZE",
    ] {
        let wrong = ask(query).expect_err(query);
        assert!(matches!(wrong.kind, Kind::Denied | Kind::InvalidInput), "{query}: {wrong}");
    }
    assert!(ask("SELECT 1; DROP TABLE parts").unwrap_err().message.contains("several statements"));
    let wrong = ask("SELECT nosuch").unwrap_err();
    assert!(wrong.message.contains("no such column: nosuch"), "{wrong}");
    assert!(ask("").is_err());
}

#[test]
fn what_a_database_says_about_itself_is_not_trusted() {
    let bytes = database(
        "CREATE TABLE t (a); INSERT INTO t VALUES (1); CREATE VIEW v AS SELECT load_extension('x') FROM t; \
         CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END;",
    );
    assert!(ask_of(&bytes, &json!({"query": "SELECT * FROM v"})).is_err());
    assert_eq!(ask_of(&bytes, &json!({"query": "SELECT * FROM t"})).unwrap()["rows"], json!([[1]]));
}

#[test]
fn a_database_that_is_written_beside_is_read_and_says_what_is_missing() {
    let mut bytes = database(SHOP);
    bytes[18..20].fill(2);
    assert_eq!(
        ask_of(&bytes, &json!({"query": "SELECT count(*) FROM parts"})).unwrap()["rows"],
        json!([[3]])
    );
    let host = Host::new().file("data/a.db", &bytes).file("data/a.db-wal", "changes");
    let answer = host.call::<SqliteQuery>(r#"{"file": "data/a.db", "query": "SELECT 1"}"#).unwrap();
    assert!(answer.contains("`data/a.db-wal` is not part of this answer"), "{answer}");
}

#[test]
fn what_is_no_database_is_named() {
    for bytes in [Vec::new(), b"SQLite format 3\0".to_vec(), vec![7; 5_000]] {
        let wrong = ask_of(&bytes, &json!({"query": "SELECT 1"})).unwrap_err();
        assert_eq!(wrong.message, "`data/shop.db` is not a SQLite database");
    }
    let large = vec![0; FILE_BYTES_MAX as usize + 1];
    let wrong = ask_of(&large, &json!({"query": "SELECT 1"})).unwrap_err();
    assert!(wrong.message.contains("more than 33554432 bytes do not fit"), "{wrong}");
}

#[test]
fn damaged_databases_and_garbled_queries_are_errors_at_worst() {
    let good = database(&format!("{SHOP} CREATE INDEX i ON parts (stock, name);"));
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let queries =
        ["SELECT * FROM parts", "SELECT name FROM parts ORDER BY stock", "SELECT * FROM sqlite_schema"];
    let mut refused = 0;
    for round in 0..600 {
        let mut bytes = good.clone();
        for _ in 0..=round % 40 {
            let at = 16 + next() % (bytes.len() - 16);
            bytes[at] = next() as u8;
        }
        bytes.truncate(bytes.len() - (round % 3) * 700);
        refused += usize::from(ask_of(&bytes, &json!({"query": queries[round % 3]})).is_err());
    }
    assert!((1..600).contains(&refused), "{refused} of 600: some are damaged where it matters");
    for text in shared::garbage(300) {
        let _answer = ask(&format!("SELECT {text}"));
        let _answer = ask(&text);
    }
}

#[test]
fn deep_and_wide_queries_are_refused() {
    for query in [
        format!("SELECT {}1{}", "1 + (".repeat(2_000), ")".repeat(2_000)),
        format!("SELECT {}1", "NOT ".repeat(3_000)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(500)),
        "SELECT zeroblob(100000000)".to_owned(),
        "SELECT hex(zeroblob(3000000))".to_owned(),
        format!("SELECT '{}'", "x".repeat(20_000)),
    ] {
        assert!(ask(&query).is_err(), "{}", &query[..30]);
    }
}

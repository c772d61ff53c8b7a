//! What the model asks for, and what it is told.

use playhouse_tool::json;
use playhouse_tool::serde_json::Value;
use playhouse_tool::testing::Host;

use super::*;

fn ask(arguments: Value) -> Value {
    let answer = Host::new().call::<Datetime>(&arguments.to_string());
    answer.map_or_else(
        |wrong| json!(wrong.message),
        |json| playhouse_tool::serde_json::from_str(&json).expect("JSON"),
    )
}

#[test]
fn now_is_what_the_clock_says() {
    let now = ask(json!({}));
    assert_eq!(now["datetime"], "2026-01-02T03:04:05+00:00[UTC]");
    assert_eq!(
        (&now["weekday"], &now["week"], &now["day_of_year"]),
        (&json!("Friday"), &json!(1), &json!(2))
    );
    assert_eq!(now["unix_ms"], 1_767_323_045_000_i64);
    assert_eq!(
        ask(json!({"to": "America/New_York"}))["datetime"],
        "2026-01-01T22:04:05-05:00[America/New_York]"
    );
}

#[test]
fn moments_are_read_in_many_forms() {
    for (when, zone, datetime) in [
        ("2026-03-01", "Europe/Berlin", "2026-03-01T00:00:00+01:00[Europe/Berlin]"),
        ("2026-07-01T09:30", "europe/berlin", "2026-07-01T09:30:00+02:00[Europe/Berlin]"),
        ("2026-07-01T09:30:00Z", "Asia/Kolkata", "2026-07-01T15:00:00+05:30[Asia/Kolkata]"),
        ("2026-07-01 09:30:00+02:00", "UTC", "2026-07-01T07:30:00+00:00[UTC]"),
        ("Thu, 01 Jan 2026 00:00:00 +0000", "UTC", "2026-01-01T00:00:00+00:00[UTC]"),
        ("86400000", "+02:00", "1970-01-02T02:00:00+02:00[+02:00]"),
    ] {
        assert_eq!(ask(json!({"when": when, "zone": zone}))["datetime"], datetime, "{when}");
    }
    let read =
        ask(json!({"when": "24.12.2026 18:00", "pattern": "%d.%m.%Y %H:%M", "format": "%A, %-d %B %Y"}));
    assert_eq!(read["formatted"], "Thursday, 24 December 2026");
}

#[test]
fn what_the_clocks_show_never_or_twice_is_said() {
    let ask = |when: &str| ask(json!({"when": when, "zone": "Europe/Berlin"}));
    let never = ask("2026-03-29T02:30");
    assert_eq!(never["datetime"], "2026-03-29T03:30:00+02:00[Europe/Berlin]");
    let said =
        "2026-03-29T02:30:00 is passed over when the clocks go forward there; 03:30 (+02:00) was taken";
    assert_eq!(never["note"], said);
    let twice = ask("2026-10-25T02:30");
    assert_eq!(twice["datetime"], "2026-10-25T02:30:00+02:00[Europe/Berlin]");
    let said =
        "2026-10-25T02:30:00 comes twice when the clocks go back there; the first, 02:30 (+02:00), was taken";
    assert_eq!(twice["note"], said);
    assert!(ask("2026-10-25T03:30").get("note").is_none());
}

#[test]
fn time_is_added_over_clock_changes_and_short_months() {
    let add = |when: &str, add: &str| {
        ask(json!({"when": when, "zone": "Europe/Berlin", "add": add}))["datetime"].clone()
    };
    assert_eq!(add("2026-03-28T12:00", "1 day"), "2026-03-29T12:00:00+02:00[Europe/Berlin]");
    assert_eq!(add("2026-03-28T12:00", "24 hours"), "2026-03-29T13:00:00+02:00[Europe/Berlin]");
    assert_eq!(add("2026-01-31", "1 month"), "2026-02-28T00:00:00+01:00[Europe/Berlin]");
    assert_eq!(add("2026-01-31", "-P1M1D"), "2025-12-30T00:00:00+01:00[Europe/Berlin]");
}

#[test]
fn differences_are_told_in_words_days_and_seconds() {
    let far = ask(json!({"when": "2025-12-24", "until": "2026-12-25T01:00"}));
    assert_eq!(
        far["difference"],
        json!({"text": "1 year, 1 day, 1 hour", "days": 366, "seconds": 31_626_000})
    );
    let back = ask(json!({"when": "2026-01-02", "until": "2026-01-01"}));
    assert_eq!(back["difference"], json!({"text": "minus 1 day", "days": -1, "seconds": -86_400}));
}

#[test]
fn what_cannot_be_read_is_named_with_an_example() {
    for (arguments, said) in [
        (
            json!({"when": "2026-02-30"}),
            "`when` is `2026-02-30`, which cannot be read as a moment: write `2026-03-01`",
        ),
        (
            json!({"zone": "Mars/Olympus"}),
            "`zone` is `Mars/Olympus`, which is no time zone: write `Europe/Berlin`",
        ),
        (json!({"add": "a bit"}), "`add` is `a bit`, which is no span: write `3 days`"),
        (json!({"add": "19000 years"}), "`add` leads out of the years"),
        (json!({"when": "x", "pattern": "%Y"}), "it does not fit the pattern `%Y`"),
        (json!({"when": "1700000000"}), "write `1700000000000`"),
        (
            json!({"format": "YYYY-MM-DD"}),
            "`format` is `YYYY-MM-DD`, which has no field: write them as in `%Y-%m-%d`",
        ),
        (json!({"format": "%!"}), "`format` is `%!`, which cannot be written"),
    ] {
        let wrong = ask(arguments.clone());
        assert!(wrong.as_str().is_some_and(|text| text.contains(said)), "{arguments}: {wrong}");
    }
}

#[test]
fn garbage_is_an_error_at_worst() {
    for text in shared::garbage(500) {
        for field in ["when", "zone", "add", "to", "until", "format"] {
            ask(json!({ field: text }));
        }
        ask(json!({"when": text, "pattern": text}));
    }
}

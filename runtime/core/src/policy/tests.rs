//! What rules mean, and the bounds of retries.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn rule(tools: &[&str], when: Vec<Condition>, labels: &[&str]) -> ApprovalRule {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    ApprovalRule { tools: owned(tools), when, labels: owned(labels), ..ApprovalRule::default() }
}

fn above(argument: &str, bound: f64) -> Condition {
    Condition { argument: argument.into(), test: Test::Above(bound) }
}

#[test]
fn a_rule_asks_for_its_tools_arguments_and_labels_only() {
    let labels = Labels::of(["user", "tool:web_fetch"]);
    let asks = |rule: &ApprovalRule, tool, arguments: Value| rule.fits(tool, &arguments, &labels);
    assert!(asks(&rule(&[], vec![], &[]), "anything", json!({})));
    assert!(asks(&rule(&["mail_*"], vec![], &[]), "mail_send", json!({})));
    assert!(!asks(&rule(&["mail"], vec![], &[]), "mail_send", json!({})));
    assert!(asks(&rule(&[], vec![], &["tool:web_*"]), "mail", json!({})));
    assert!(!asks(&rule(&[], vec![], &["tool:files"]), "mail", json!({})));
    let large = rule(&["transfer"], vec![above("/amount", 100.0)], &[]);
    assert!(asks(&large, "transfer", json!({"amount": 101})));
    assert!(!asks(&large, "transfer", json!({"amount": 100})));
}

#[test]
fn an_argument_that_cannot_be_compared_is_shown_to_a_person() {
    let large = rule(&[], vec![above("/amount", 100.0)], &[]);
    for arguments in [json!({}), json!({"amount": "1"}), json!({"amount": null}), json!([])] {
        assert!(large.fits("transfer", &arguments, &Labels::default()), "{arguments}");
    }
}

#[test]
fn the_first_rule_that_fits_is_the_one_that_counts() {
    let reasoned =
        |reason: &str, tools: &[&str]| ApprovalRule { reason: reason.into(), ..rule(tools, vec![], &[]) };
    let approvals = vec![reasoned("mails", &["mail_*"]), reasoned("all", &[])];
    let policy = Policy { approvals, ..Policy::default() };
    let why = |tool| policy.approval(tool, &json!({}), &Labels::default()).map(|rule| rule.reason.as_str());
    assert_eq!((why("mail_send"), why("transfer")), (Some("mails"), Some("all")));
    assert!(Policy::default().approval("transfer", &json!({}), &Labels::default()).is_none());
}

#[test]
fn every_test_of_an_argument_says_what_it_means() {
    let holds = |test: Value, arguments: Value| {
        let mut condition = json!({ "argument": "/a/0" });
        condition.as_object_mut().unwrap().extend(test.as_object().unwrap().clone());
        serde_json::from_value::<Condition>(condition).unwrap().holds(&arguments)
    };
    let of = |value: Value| json!({ "a": [value] });
    for (test, good, bad) in [
        (json!({ "equals": "x" }), of(json!("x")), of(json!("y"))),
        (json!({ "above": 1 }), of(json!(1.5)), of(json!(1))),
        (json!({ "below": 1 }), of(json!(0.5)), of(json!(1))),
        (json!({ "contains": "bo" }), of(json!("bob")), of(json!("eve"))),
        (json!({ "present": true }), of(Value::Null), json!({ "a": [] })),
        (json!({ "present": false }), json!({}), of(json!(0))),
    ] {
        assert!(holds(test.clone(), good), "{test}");
        assert!(!holds(test.clone(), bad), "{test}");
    }
    let all =
        rule(&[], vec![above("/n", 1.0), Condition { argument: "/n".into(), test: Test::Below(9.0) }], &[]);
    let fits = |n: u32| all.fits("any", &json!({ "n": n }), &Labels::default());
    assert!(fits(5) && !fits(1) && !fits(9), "all conditions must hold");
}

#[test]
fn a_policy_with_a_word_that_means_nothing_is_refused() {
    let reads = |policy: Value| serde_json::from_value::<Policy>(policy).is_ok();
    assert!(reads(json!({ "approvals": [{ "when": [{ "argument": "/n", "above": 1 }] }] })));
    assert!(!reads(json!({ "approval": [] })));
    assert!(!reads(json!({ "approvals": [{ "tool": ["mail"] }] })));
    assert!(!reads(json!({ "approvals": [{ "when": [{ "argument": "/n", "over": 1 }] }] })));
    assert!(!reads(json!({ "approvals": [{ "when": [{ "argument": "/n", "above": 1, "or": 2 }] }] })));
    assert!(!reads(json!({ "rules": { "mail": { "retries": 1 } } })));
}

proptest! {
    #[test]
    fn any_retry_stays_within_its_bounds(
        times in prop_oneof![0u32..12, Just(u32::MAX)],
        backoff_ms in prop_oneof![0u64..5_000, any::<u64>()],
        backoff_max_ms in prop_oneof![0u64..5_000, any::<u64>()],
        budget_ms in prop_oneof![0u64..100_000, any::<u64>()],
    ) {
        let retry = Retry { times, backoff_ms, backoff_max_ms, budget_ms };
        let (mut waited, mut tries) = (0u64, 0u32);
        while let Some(wait) = retry.wait_ms(tries + 2, waited, 0, "t/1.0").filter(|_| tries < 100) {
            let longest = if backoff_max_ms == 0 { 10_000 } else { backoff_max_ms };
            prop_assert!(wait <= longest.saturating_add(longest / 2), "{wait}");
            waited = waited.saturating_add(wait);
            tries += 1;
        }
        let budget_ms = if budget_ms == 0 { 60_000 } else { budget_ms };
        prop_assert!(tries <= times && waited <= budget_ms);
        prop_assert_eq!(retry.wait_ms(1, 0, 0, "t"), None, "the first try waits for nothing");
    }
}

#[test]
fn waits_grow_within_their_bounds_and_repeat_exactly() {
    let retry = Retry { times: 8, backoff_ms: 100, backoff_max_ms: 1_000, budget_ms: 3_000 };
    let mut waited = 0;
    let mut waits = Vec::new();
    for attempt in 2.. {
        let Some(wait) = retry.wait_ms(attempt, waited, 0, "t/1.0") else { break };
        assert_eq!(retry.wait_ms(attempt, waited, 0, "t/1.0"), Some(wait));
        waited += wait;
        waits.push(wait);
    }
    assert!((100..150).contains(&waits[0]) && waits.iter().all(|wait| *wait <= 1_500), "{waits:?}");
    assert!(waits.len() <= 8 && waited <= 3_000, "{waits:?}");
    assert_eq!(Retry::default().wait_ms(2, 0, 0, "t"), None);
}

#[test]
fn an_undo_is_filled_from_what_it_takes_back() {
    let rule = UndoRule {
        tool: "cancel".into(),
        arguments: json!({"booking": "$output/id", "who": "$arguments/name", "why": "undone", "n": [1]}),
    };
    let filled = rule.arguments(&json!({"name": "Ada"}), &json!({"id": 7}));
    assert_eq!(filled, Some(json!({"booking": 7, "who": "Ada", "why": "undone", "n": [1]})));
    assert_eq!(rule.arguments(&json!({"name": "Ada"}), &Value::Null), None);
    let fill = |template: &str| fill(&json!(template), &json!("given"), &json!("gave"));
    assert_eq!([fill("$output"), fill("$arguments")], [Some(json!("gave")), Some(json!("given"))]);
    assert_eq!(fill("$5"), Some(json!("$5")), "any other word stands for itself");
    assert_eq!(fill("$outputs"), None);
}

#[test]
fn a_retry_waits_as_long_as_the_tool_asks_for_if_the_budget_has_that_much() {
    let retry = Retry { times: 3, budget_ms: 5_000, ..Retry::default() };
    assert!(retry.wait_ms(2, 0, 3_000, "t/1.0").is_some_and(|wait| (3_000..=5_000).contains(&wait)));
    assert_eq!(retry.wait_ms(2, 0, u64::MAX, "t/1.0"), None);
    assert_eq!(retry.wait_ms(2, 2_500, 3_000, "t/1.0"), None);
}

#[test]
fn a_tool_that_a_person_may_have_to_agree_to_is_not_called_by_others() {
    let rule = |tools: &[&str]| ApprovalRule {
        tools: tools.iter().map(|name| (*name).to_owned()).collect(),
        when: vec![Condition { argument: "/amount".into(), test: Test::Above(100.0) }],
        ..ApprovalRule::default()
    };
    let policy = |rules: &[&[&str]]| Policy {
        approvals: rules.iter().map(|names| rule(names)).collect(),
        ..Policy::default()
    };
    assert!(
        policy(&[&["pay", "mail_*"]]).may_ask("pay") && policy(&[&["pay", "mail_*"]]).may_ask("mail_all")
    );
    assert!(!policy(&[&["pay"]]).may_ask("look") && !Policy::default().may_ask("pay"));
    assert!(policy(&[&[]]).may_ask("look"), "a rule without names is about every tool");
}

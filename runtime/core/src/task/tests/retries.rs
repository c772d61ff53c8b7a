//! Transcripts of failed calls that are made again, by the policy of their tool.

use insta::assert_snapshot;

use super::{
    fixture::{retrying, spec},
    run::Run,
};
use crate::{agent::Limits, policy::Retry, tool::ToolErrorKind};

const TWICE: Retry = Retry { times: 2, backoff_ms: 100, backoff_max_ms: 0, budget_ms: 0 };

#[test]
fn a_call_that_may_be_repeated_is_tried_as_often_as_its_policy_says() {
    let mut run = Run::of(retrying(spec(Limits::default()), "book", TWICE));
    run.calls(1, [("c1", "book", "{}")]).transcript();
    for _ in 0..3 {
        run.tool_fails(1, 0, ToolErrorKind::Upstream);
    }
    assert_snapshot!(run.transcript(), @"
    > tool t1/1.0 fails: upstream: no luck
      + tool retried t1/1.0 as try 2 after 148 ms: upstream: no luck
      ! call again after 148 ms t1/1.0 book({}), idempotent, epoch 0
    > tool t1/1.0 fails: upstream: no luck
      + tool retried t1/1.0 as try 3 after 284 ms: upstream: no luck
      ! call again after 284 ms t1/1.0 book({}), idempotent, epoch 0
    > tool t1/1.0 fails: upstream: no luck
      + tool failed t1/1.0: upstream: no luck
      + model asked 2.1
      ! ask model 2.1
    ");
}

#[test]
fn an_error_that_stays_is_not_tried_again() {
    let mut run = Run::of(retrying(spec(Limits::default()), "book", TWICE));
    run.calls(1, [("c1", "book", "{}")]).transcript();
    run.tool_fails(1, 0, ToolErrorKind::InvalidInput);
    assert_snapshot!(run.transcript(), @"
    > tool t1/1.0 fails: invalid-input: no luck
      + tool failed t1/1.0: invalid-input: no luck
      + model asked 2.1
      ! ask model 2.1
    ");
}

#[test]
fn a_call_that_must_not_be_repeated_never_is_whatever_the_policy_says() {
    let both = retrying(retrying(spec(Limits::default()), "mail", TWICE), "transfer", TWICE);
    let mut run = Run::of(both);
    run.calls(1, [("c1", "mail", "{}"), ("c2", "transfer", "{}")]).transcript();
    run.tool_fails(1, 0, ToolErrorKind::Upstream).tool_fails(1, 1, ToolErrorKind::Upstream);
    assert_snapshot!(run.transcript(), @"
    > tool t1/1.0 fails: upstream: no luck
      + tool failed t1/1.0: upstream: no luck
    > tool t1/1.1 fails: upstream: no luck
      + tool failed t1/1.1: upstream: no luck
      + model asked 2.1
      ! ask model 2.1
    ");
}

#[test]
fn a_crash_does_not_renew_the_tries() {
    let mut run = Run::of(retrying(spec(Limits::default()), "book", TWICE));
    run.calls(1, [("c1", "book", "{}")]).tool_fails(1, 0, ToolErrorKind::Upstream).transcript();
    run.crash().tool_fails(1, 0, ToolErrorKind::Upstream).tool_fails(1, 0, ToolErrorKind::Upstream);
    assert_snapshot!(run.transcript(), @"
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      ! wake at 301000 ms
      ! call t1/1.0 book({}), idempotent, epoch 0
    > tool t1/1.0 fails: upstream: no luck
      + tool retried t1/1.0 as try 3 after 284 ms: upstream: no luck
      ! call again after 284 ms t1/1.0 book({}), idempotent, epoch 0
    > tool t1/1.0 fails: upstream: no luck
      + tool failed t1/1.0: upstream: no luck
      + model asked 2.1
      ! ask model 2.1
    ");
}

#[test]
fn all_waits_of_a_call_together_stay_within_their_budget() {
    let retry = Retry { times: 9, backoff_ms: 1_000, backoff_max_ms: 0, budget_ms: 4_000 };
    let mut run = Run::of(retrying(spec(Limits::default()), "book", retry));
    run.calls(1, [("c1", "book", "{}")]).transcript();
    for _ in 0..3 {
        run.tool_fails(1, 0, ToolErrorKind::RateLimited);
    }
    assert_snapshot!(run.transcript(), @"
    > tool t1/1.0 fails: rate-limited: no luck
      + tool retried t1/1.0 as try 2 after 1480 ms: rate-limited: no luck
      ! call again after 1480 ms t1/1.0 book({}), idempotent, epoch 0
    > tool t1/1.0 fails: rate-limited: no luck
      + tool failed t1/1.0: rate-limited: no luck
      + model asked 2.1
      ! ask model 2.1
    > tool t1/1.0 fails: rate-limited: no luck
    ");
}

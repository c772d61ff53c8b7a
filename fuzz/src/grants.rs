//! Grants of two parties, and a request: `[operator, agent, method, url]` as JSON. What one of them does not allow, both
//! together do not allow.

use playhouse_core::egress::HttpGrant;
use playhouse_tools_policy::{Allowed, Decision, Reach, Target};

/// Decides.
pub fn one(data: &[u8]) {
    let read = serde_json::from_slice::<(HttpGrant, HttpGrant, String, String)>(data);
    let Ok((operator, agent, method, url)) = read else { return };
    let Ok(target) = Target::parse(&url) else { return };
    // An address is read the same again as it is written.
    assert_eq!(Target::parse(target.as_str()).as_ref().map(Target::as_str), Ok(target.as_str()));
    let both = Allowed::by_all([("operator", &operator), ("agent", &agent)]);
    let alone = [Allowed::by("operator", &operator), Allowed::by("agent", &agent)];
    assert_eq!(both.is_ok(), alone.iter().all(Result::is_ok), "together they are read as each alone");
    let Ok(both) = both else { return };
    let decision = both.decide(&method, &target);
    assert!(!decision.explain().is_empty());
    for party in alone.into_iter().flatten() {
        let (ours, theirs) = (both.limits(), party.limits());
        assert!(ours.requests_per_call <= theirs.requests_per_call && ours.redirects <= theirs.redirects);
        assert!(ours.request_bytes <= theirs.request_bytes && ours.response_bytes <= theirs.response_bytes);
        if let Some(reach) = reach_of(&decision) {
            let alone = party.decide(&method, &target);
            let theirs = reach_of(&alone).expect("what both allow, each allows");
            assert!(theirs || !reach, "both reach no further than each");
        }
    }
}

fn reach_of(decision: &Decision) -> Option<bool> {
    match decision {
        Decision::Allowed { reach, .. } => Some(Reach::is_private(*reach)),
        Decision::Denied { .. } => None,
    }
}

//! One exchange: hop after hop, each of them decided before it is made.

use std::sync::atomic::{AtomicU32, Ordering};

use playhouse_ports::egress::{EgressErrorKind, Incoming, Outgoing};
use playhouse_tools_policy::{Decision, Reach};
use reqwest::{Method, Response};

use crate::{
    client::Clients,
    failure::Problem,
    plan::{self, Hop, Plan},
    redirect, response,
};

/// Sends `request` and follows where it leads. `made` counts the requests that were begun.
pub(crate) async fn run(clients: &Clients, request: Outgoing, made: &AtomicU32) -> Result<Incoming, Problem> {
    let (plan, mut hop) = plan::read(request)?;
    for redirects in 0.. {
        let reach = decide(&plan, &hop)?;
        if made.load(Ordering::Relaxed) >= plan.requests {
            return Err(too_many_requests(&plan));
        }
        made.fetch_add(1, Ordering::Relaxed);
        if let Some(name) = hop.target.origin().name() {
            clients.check(reach, name).await.map_err(|way| Problem::from(&way))?;
        }
        let answer = send(clients, &plan, &hop, reach).await?;
        let status = answer.status().as_u16();
        let Some(turn) = redirect::turn(status, answer.headers(), &hop.method, &hop.target)? else {
            let requests = made.load(Ordering::Relaxed);
            return response::collect(answer, &hop.target, plan.limits.response_bytes, requests).await;
        };
        if redirects >= plan.limits.redirects {
            return Err(too_many_redirects(&plan));
        }
        hop = hop.after(turn);
    }
    Err(too_many_redirects(&plan))
}

/// Whether this hop may be made, and how far it reaches. A host that is an address is checked here, since no resolver
/// will be asked about it.
fn decide(plan: &Plan, hop: &Hop) -> Result<Reach, Problem> {
    let decision = plan.allowed.decide(&hop.method, &hop.target);
    tracing::debug!("{}", decision.explain());
    let Decision::Allowed { reach, .. } = decision else {
        return Err(Problem::new(EgressErrorKind::NotGranted, decision.explain()));
    };
    if let Some(address) = hop.target.origin().address() {
        let admitted = reach.admits(address);
        admitted.map_err(|error| Problem::new(EgressErrorKind::PrivateAddress, error.to_string()))?;
    }
    Ok(reach)
}

async fn send(clients: &Clients, plan: &Plan, hop: &Hop, reach: Reach) -> Result<Response, Problem> {
    let method = Method::from_bytes(hop.method.as_bytes()).expect("one of the methods that a rule can name");
    let request = clients.of(reach).request(method, hop.target.as_str()).headers(plan.headers(hop));
    let request = if hop.body.is_empty() { request } else { request.body(hop.body.clone()) };
    request.send().await.map_err(|error| Problem::of_connection(hop.target.origin(), &error))
}

fn too_many_requests(plan: &Plan) -> Problem {
    let most = plan.limits.requests_per_call;
    let message = format!("one call may make {most} requests, redirects included (`requests_per_call`)");
    Problem::new(EgressErrorKind::Limit, message)
}

fn too_many_redirects(plan: &Plan) -> Problem {
    let most = plan.limits.redirects;
    Problem::new(EgressErrorKind::Limit, format!("more than {most} redirects in a row (`redirects`)"))
}

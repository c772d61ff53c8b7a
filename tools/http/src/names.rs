//! From names to addresses that may be connected to.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use playhouse_tools_policy::{Reach, Unreachable};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Most addresses of one name that are looked at. Real names have up to about a dozen; each one more is an
/// attempt to connect.
pub const ADDRESSES_MAX: usize = 16;

/// Asks for the addresses of a name. Tests script it.
#[async_trait]
pub trait Resolver: fmt::Debug + Send + Sync + 'static {
    /// The addresses of `name`, in the order in which to try them.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// What this machine believes: its hosts file and its name servers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A resolver that knows only what is within reach.
#[derive(Debug, Clone)]
pub(crate) struct Within {
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) reach: Reach,
}

/// Why a name leads nowhere. Does not say to which address it leads: that a tool could not know by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoWay {
    #[error("the name `{name}` leads to {}; {}", .met.class.words(), .met.advice())]
    OutOfReach { name: String, met: Unreachable },
    #[error("the name `{name}` has no address: {problem}")]
    Unknown { name: String, problem: String },
}

impl Within {
    /// The addresses of `name` that may be connected to: at least one.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, NoWay> {
        let found = self.resolver.addresses(name).await.map_err(|error| error.to_string());
        admitted(name, found, self.reach)
    }
}

impl Resolve for Within {
    fn resolve(&self, name: Name) -> Resolving {
        let within = self.clone();
        Box::pin(async move {
            let addresses = within.addresses(name.as_str()).await?;
            // Port 0: that of the URL, or of its scheme.
            let sockets = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(sockets) as Addrs)
        })
    }
}

/// Of the addresses that were `found`, those within `reach`.
fn admitted(name: &str, found: Result<Vec<IpAddr>, String>, reach: Reach) -> Result<Vec<IpAddr>, NoWay> {
    let unknown = |problem| NoWay::Unknown { name: name.to_owned(), problem };
    let mut refused = None;
    let mut addresses = Vec::new();
    for address in found.map_err(unknown)?.into_iter().take(ADDRESSES_MAX) {
        match reach.admits(address) {
            Ok(()) => addresses.push(address),
            Err(met) => refused = Some(met),
        }
    }
    match refused {
        _ if !addresses.is_empty() => Ok(addresses),
        Some(met) => Err(NoWay::OutOfReach { name: name.to_owned(), met }),
        None => Err(unknown("the answer is empty".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(addresses: &[&str], private: bool) -> Result<Vec<IpAddr>, NoWay> {
        let found = addresses.iter().map(|address| address.parse().expect("an address")).collect();
        admitted("a.test", Ok(found), Reach::of_names(private))
    }

    #[test]
    fn of_a_mixed_answer_only_what_is_within_reach_is_left() {
        let mixed = ["10.0.0.1", "8.8.8.8", "::1", "169.254.169.254", "2606:4700::1111"];
        let texts = |found: Vec<IpAddr>| found.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts(of(&mixed, false).expect("two are public")), ["8.8.8.8", "2606:4700::1111"]);
        let private = texts(of(&mixed, true).expect("four are within reach"));
        assert_eq!(private, ["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1111"]);
    }

    #[test]
    fn a_name_with_nothing_left_says_what_it_leads_to_and_not_where() {
        let error = of(&["127.0.0.1"], false).expect_err("nothing is left").to_string();
        assert_eq!(
            error,
            "the name `a.test` leads to an address of this machine; ask for `private = true` in the rule"
        );
        assert!(matches!(of(&[], true), Err(NoWay::Unknown { .. })));
    }

    #[test]
    fn no_more_addresses_are_tried_than_a_name_sensibly_has() {
        assert_eq!(of(&["8.8.8.8"; 100], false).map(|found| found.len()), Ok(ADDRESSES_MAX));
    }
}

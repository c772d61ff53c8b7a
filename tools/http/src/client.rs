//! The two clients: one for each reach, each with its own connections.

use std::{sync::Arc, time::Duration};

use playhouse_tools_policy::Reach;
use reqwest::{Certificate, Client, redirect::Policy, retry};
use rustls::crypto;

use crate::{
    names::{Resolver, SystemResolver, Within},
    response::{RESPONSE_HEADER_BYTES_MAX, RESPONSE_HEADERS_MAX},
};

/// What we call ourselves, where a tool does not say otherwise.
const USER_AGENT: &str = concat!("playhouse/", env!("CARGO_PKG_VERSION"));

/// How long a connection may take. The deadline of the exchange holds as well; this one leaves time for a second
/// address when the first one is dead.
const CONNECT: Duration = Duration::from_secs(10);

/// How long, and how many to one host, connections wait for another request: long enough for the next call of the
/// same tool, and few enough that hosts nobody calls again cost nothing.
const IDLE: Duration = Duration::from_secs(30);
const IDLE_PER_HOST_MAX: usize = 4;

/// What the guard needs from outside.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Who knows the addresses of names.
    pub resolver: Arc<dyn Resolver>,
    /// Who vouches for servers.
    pub roots: Roots,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { resolver: Arc::new(SystemResolver), roots: Roots::System }
    }
}

/// Whose word counts for who a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// Those whom the machine trusts.
    System,
    /// These and no others: certificates in DER. With none of them only `http` works, on a machine that trusts nobody
    /// too.
    Only(Vec<Vec<u8>>),
}

/// The guard cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up TLS for tools' requests: {problem}; check the root certificates of this machine")]
pub struct SetupError {
    problem: String,
}

/// One client per reach.
#[derive(Debug)]
pub(crate) struct Clients {
    public: Client,
    private: Client,
}

impl Clients {
    pub(crate) fn new(config: HttpConfig) -> Result<Self, SetupError> {
        if crypto::CryptoProvider::get_default().is_none() {
            // Losing the race against another adapter is as good as winning it.
            let _ = crypto::ring::default_provider().install_default();
        }
        let build = |private| build(&config, Reach::of_names(private));
        let client = |private| {
            build(private).map_err(|error| SetupError { problem: crate::failure::innermost(&error) })
        };
        Ok(Self { public: client(false)?, private: client(true)? })
    }

    /// The client for requests with this reach.
    pub(crate) fn of(&self, reach: Reach) -> &Client {
        if reach.is_private() { &self.private } else { &self.public }
    }
}

fn build(config: &HttpConfig, reach: Reach) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .dns_resolver(Within { resolver: config.resolver.clone(), reach })
        // A proxy would resolve names where nobody checks what they lead to.
        .no_proxy()
        // Followed by hand: each hop is a decision of its own.
        .redirect(Policy::none())
        .referer(false)
        // What failed is the tool's to repeat, or not.
        .retry(retry::never())
        // A body counts as it was sent. Said here, so that no feature of another crate changes it.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        .http1_max_headers(RESPONSE_HEADERS_MAX)
        .http2_max_header_list_size(RESPONSE_HEADER_BYTES_MAX)
        // Head and body leave in two writes; without this the second one can wait 40 ms for an ack.
        .tcp_nodelay(true);
    let builder = match &config.roots {
        Roots::System => builder,
        Roots::Only(roots) => {
            let roots: reqwest::Result<Vec<_>> = roots.iter().map(|der| Certificate::from_der(der)).collect();
            builder.tls_certs_only(roots?)
        }
    };
    builder.build()
}

//! The two clients: one for each reach, each with its own connections.

use std::{sync::Arc, time::Duration};

use playhouse_tools_policy::{Reach, Target};
use reqwest::{Certificate, Client, ClientBuilder, Proxy, redirect::Policy, retry};
use rustls::crypto;

use crate::{
    failure::innermost,
    names::{NoWay, Resolver, SystemResolver, Within},
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
    /// `http://proxy.example:3128`, with user and password if it wants them: for requests that may reach public addresses
    /// only; the others go directly. Names are still looked up and checked here first, but the proxy looks them up
    /// again, and must refuse what it should not reach itself.
    pub proxy: Option<String>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { resolver: Arc::new(SystemResolver), roots: Roots::System, proxy: None }
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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// No root certificates, or none that can be read.
    #[error("cannot set up TLS for tools' requests: {0}; check the root certificates of this machine")]
    Tls(String),
    /// Does not repeat the address: it may hold a password.
    #[error("the address of the proxy for tools' requests cannot be used: {0}; write `http://host:port`")]
    Proxy(String),
}

/// One client per reach.
#[derive(Debug)]
pub(crate) struct Clients {
    public: Client,
    private: Client,
    /// Where a proxy resolves names: what we think of them before.
    before_proxy: Option<Within>,
}

impl Clients {
    pub(crate) fn new(config: HttpConfig) -> Result<Self, SetupError> {
        if crypto::CryptoProvider::get_default().is_none() {
            // Losing the race against another adapter is as good as winning it.
            let _ = crypto::ring::default_provider().install_default();
        }
        let within = |private| Within { resolver: config.resolver.clone(), reach: Reach::of_names(private) };
        let private = plain(&config)?.no_proxy().dns_resolver(within(true));
        let public = plain(&config)?;
        let public = match &config.proxy {
            None => public.no_proxy().dns_resolver(within(false)),
            // The one name that this client resolves is that of the proxy, which the operator chose.
            Some(proxy) => public.proxy(read_proxy(proxy)?),
        };
        let before_proxy = config.proxy.is_some().then(|| within(false));
        Ok(Self {
            public: public.build().map_err(tls)?,
            private: private.build().map_err(tls)?,
            before_proxy,
        })
    }

    /// Refuses a name that leads out of reach, where no resolver of ours will be asked while connecting.
    pub(crate) async fn check(&self, reach: Reach, name: &str) -> Result<(), NoWay> {
        match &self.before_proxy {
            Some(within) if !reach.is_private() => within.addresses(name).await.map(drop),
            _ => Ok(()),
        }
    }

    /// The client for requests with this reach.
    pub(crate) fn of(&self, reach: Reach) -> &Client {
        if reach.is_private() { &self.private } else { &self.public }
    }
}

fn tls(error: reqwest::Error) -> SetupError {
    SetupError::Tls(innermost(&error))
}

fn read_proxy(address: &str) -> Result<Proxy, SetupError> {
    // User and password are not for those who read errors.
    let (scheme, rest) = address.split_once("://").unwrap_or_default();
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let target = Target::parse(&format!("{scheme}://{host}"));
    let target = target.map_err(|error| SetupError::Proxy(error.to_string()))?;
    if target.as_str() != format!("{}/", target.origin()) {
        return Err(SetupError::Proxy("behind its port there is more, and a proxy has no path".into()));
    }
    // What reqwest has to say repeats the address.
    Proxy::all(address).map_err(|_| SetupError::Proxy("it is no address of a proxy".into()))
}

/// What both clients have in common.
fn plain(config: &HttpConfig) -> Result<ClientBuilder, SetupError> {
    let builder = Client::builder()
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
            builder.tls_certs_only(roots.map_err(tls)?)
        }
    };
    Ok(builder)
}

//! The one `reqwest` client of a model: connections, TLS, headers.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Client, ClientBuilder, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use rustls::{ClientConfig, RootCertStore, crypto};

use crate::{check::ConfigError, config::OpenAiConfig, failure, secret::Secret};

/// What we call ourselves.
const USER_AGENT: &str = concat!("playhouse/", env!("CARGO_PKG_VERSION"));

/// Builds the client. `endpoint` is the checked address.
pub(crate) fn build(
    config: &OpenAiConfig,
    endpoint: &Url,
    key: Option<&Secret>,
) -> Result<Client, ConfigError> {
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .default_headers(headers(config, key)?)
        .connect_timeout(Duration::from_millis(config.timeouts.connect_ms))
        // Head and body leave in two writes; without this the second one can wait 40 ms for an ack.
        .tcp_nodelay(true)
        // The workspace's reqwest speaks HTTP/2 for the tools; what is measured and tested here is HTTP/1.1.
        .http1_only()
        // A redirect would carry the prompt, and maybe the key, to a host that nobody configured.
        .redirect(Policy::none())
        // Retries are decided in one place, and that is not here.
        .retry(reqwest::retry::never());
    // A proxy for the internet cannot reach a model on this machine.
    let builder = if is_loopback(endpoint) { builder.no_proxy() } else { builder };
    let problem =
        |problem: String| ConfigError::Tls { model: config.name.clone(), problem: redacted(key, &problem) };
    let builder = if endpoint.scheme() == "https" { with_tls(builder) } else { without_tls(builder) };
    builder
        .map_err(|error| problem(error.to_string()))?
        .build()
        .map_err(|error| problem(failure::chain(&error)))
}

/// TLS as the platform judges it. Installs ring as the process's provider unless there is one already:
/// reqwest takes the default one, and the first adapter to need it decides.
fn with_tls(builder: ClientBuilder) -> Result<ClientBuilder, rustls::Error> {
    if crypto::CryptoProvider::get_default().is_none() {
        // Losing the race against another adapter is as good as winning it.
        let _ = crypto::ring::default_provider().install_default();
    }
    Ok(builder)
}

/// A TLS that trusts nobody, for plain `http://`: reqwest insists on one, and its own would load the
/// system's certificates, which a small container does not have.
fn without_tls(builder: ClientBuilder) -> Result<ClientBuilder, rustls::Error> {
    let provider = Arc::new(crypto::ring::default_provider());
    let nobody = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(builder.tls_backend_preconfigured(nobody))
}

/// The headers of every request. The key is marked sensitive, so that no `Debug` shows it.
fn headers(config: &OpenAiConfig, key: Option<&Secret>) -> Result<HeaderMap, ConfigError> {
    let bad = |header: &str, problem| ConfigError::Header {
        model: config.name.clone(),
        header: header.to_owned(),
        problem,
    };
    let mut headers = HeaderMap::new();
    let organization = config.organization.iter().map(|value| ("openai-organization", value));
    let named = config.headers.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in organization.chain(named) {
        let header = HeaderName::try_from(name).map_err(|_| bad(name, "is not a header name"))?;
        let mut value =
            HeaderValue::try_from(value).map_err(|_| bad(name, "has a value no header can carry"))?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    if let Some(key) = key {
        let bearer = HeaderValue::try_from(format!("Bearer {}", key.expose()));
        let mut bearer = bearer.map_err(|_| ConfigError::BadKey { model: config.name.clone() })?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    Ok(headers)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn redacted(key: Option<&Secret>, text: &str) -> String {
    key.map_or_else(|| text.to_owned(), |key| key.redact(text))
}

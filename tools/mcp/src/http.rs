//! Streamable HTTP: the SDK's transport over a client of ours.

use std::{collections::HashMap, sync::Arc, time::Duration};

use reqwest::{
    Client, Url,
    header::{HeaderName, HeaderValue},
    redirect::Policy,
};
use rmcp::transport::{
    StreamableHttpClientTransport, common::client_side_sse::ExponentialBackoff,
    streamable_http_client::StreamableHttpClientTransportConfig,
};
use rustls::{ClientConfig, RootCertStore, crypto};

use crate::{ConfigError, ServerConfig, bounds::FRAME_BYTES_MAX};

/// What we call ourselves.
const USER_AGENT: &str = concat!("playhouse/", env!("CARGO_PKG_VERSION"));
/// A server that takes longer to accept a connection is not there.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// The longest rest before the stream of notifications is opened again.
const STREAM_REST_MAX: Duration = Duration::from_secs(30);

/// A transport to `url`, connected when the first message is sent.
pub(crate) fn transport(
    server: &str,
    url: &str,
    config: &ServerConfig,
) -> Result<StreamableHttpClientTransport<Client>, ConfigError> {
    let bad = |problem: String| ConfigError::Http { server: server.to_owned(), problem };
    let parsed = Url::parse(url).map_err(|error| bad(error.to_string()))?;
    let client = client(&parsed).map_err(bad)?;
    let mut rests = ExponentialBackoff::default();
    rests.max_delay = Some(STREAM_REST_MAX);
    let mut settings = StreamableHttpClientTransportConfig::with_uri(url)
        // One more than there are calls, so that a listing is never behind them.
        .max_concurrent_requests(config.concurrency + 1)
        .max_sse_event_size(FRAME_BYTES_MAX)
        .custom_headers(headers(config).map_err(bad)?);
    settings.retry_config = Arc::new(rests);
    Ok(StreamableHttpClientTransport::with_client(client, settings))
}

fn client(url: &Url) -> Result<Client, String> {
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_WAIT)
        .tcp_nodelay(true)
        // A redirect would carry arguments and secrets to a host that nobody configured.
        .redirect(Policy::none())
        // A request that was sent twice is an effect that happened twice.
        .retry(reqwest::retry::never());
    // A proxy for the internet cannot reach a server on this machine.
    let builder = if is_loopback(url) { builder.no_proxy() } else { builder };
    let builder = if url.scheme() == "https" {
        if crypto::CryptoProvider::get_default().is_none() {
            // Losing the race against another adapter is as good as winning it.
            let _ = crypto::ring::default_provider().install_default();
        }
        builder
    } else {
        // The client insists on a TLS, and its own would load certificates that a small container does not have.
        let nobody = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        builder.tls_backend_preconfigured(nobody)
    };
    builder.build().map_err(|error| error.to_string())
}

fn headers(config: &ServerConfig) -> Result<HashMap<HeaderName, HeaderValue>, String> {
    let mut headers = HashMap::new();
    for (name, value) in &config.headers {
        let value = value
            .resolve()
            .map_err(|unset| format!("its header `{name}` is to be our `{unset}`, which is not set"))?;
        let header = HeaderName::try_from(name).map_err(|_| format!("`{name}` is not a header name"))?;
        let mut value =
            HeaderValue::try_from(value).map_err(|_| format!("`{name}` has a value no header can carry"))?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    Ok(headers)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether a failed request cannot have reached the server.
pub(crate) fn never_left(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect) {
            return true;
        }
        cause = error.source();
    }
    false
}

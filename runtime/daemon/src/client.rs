//! A client of the daemon's HTTP API, for the command line.

use std::time::Duration;

use anyhow::{Context, anyhow};
use eventsource_stream::{Event as SseEvent, Eventsource};
use futures_util::{Stream, StreamExt};
use reqwest::{Method, RequestBuilder, Response};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::cli::Remote;

/// Longest wait for an answer that is not a stream of events.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// A daemon that does not even answer the connection is not there.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// A daemon, as seen from here.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    remote: Remote,
}

impl Client {
    pub(crate) fn new(remote: Remote) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().connect_timeout(CONNECT_TIME).tcp_nodelay(true).build()?;
        Ok(Self { http, remote })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.remote.url.trim_end_matches('/'));
        let request = self.http.request(method, url);
        match &self.remote.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let response = request.send().await.map_err(|error| {
            let url = &self.remote.url;
            let source = anyhow!(error.without_url());
            source.context(format!(
                "no daemon answers at {url}; start one with `playhouse serve`, or set PLAYHOUSE_URL"
            ))
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let problem: Value = response.json().await.unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("the daemon gave no reason");
        Err(anyhow!("{detail} ({status})"))
    }

    /// `GET path` as JSON.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> anyhow::Result<T> {
        let response = self.send(self.request(Method::GET, path).query(query).timeout(ANSWER_TIME)).await?;
        response.json().await.context("the daemon's answer cannot be read; is it another version?")
    }

    /// `GET path` as it comes.
    pub(crate) async fn text(&self, path: &str) -> anyhow::Result<String> {
        let response = self.send(self.request(Method::GET, path).timeout(ANSWER_TIME)).await?;
        response.text().await.context("the daemon's answer broke off; try again")
    }

    /// `DELETE path`.
    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.send(self.request(Method::DELETE, path).timeout(ANSWER_TIME)).await.map(drop)
    }

    /// `POST path` with JSON, and with an idempotency key if given.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        key: Option<&str>,
    ) -> anyhow::Result<T> {
        let mut request = self.request(Method::POST, path).json(body).timeout(ANSWER_TIME);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let response = self.send(request).await?;
        response.json().await.context("the daemon's answer cannot be read; is it another version?")
    }

    /// The events of a task from position `from` on.
    pub(crate) async fn events(
        &self,
        task: &str,
        from: u64,
    ) -> anyhow::Result<impl Stream<Item = anyhow::Result<SseEvent>> + use<>> {
        let path = format!("/v1/tasks/{task}/events");
        let response = self.send(self.request(Method::GET, &path).query(&[("from", from)])).await?;
        Ok(response.bytes_stream().eventsource().map(|event| event.context("the stream of events broke")))
    }
}

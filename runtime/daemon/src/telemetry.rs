//! Logs and spans: readable on a terminal, JSON otherwise, and to an OTLP collector when one is named.

use std::{io::IsTerminal, time::Duration};

use anyhow::Context;
use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use playhouse_assembly::Telemetry;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

/// The SDK of the MCP client logs what servers say, which is theirs and not ours, with `info`.
const QUIET: &str = "rmcp=warn";
/// What is left in the exporter is sent within this time at the end; a dead collector holds nobody up.
const FLUSH_TIME: Duration = Duration::from_secs(3);

/// Sends the last spans when dropped.
pub(crate) struct Guard(Option<SdkTracerProvider>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.take().map(|provider| provider.shutdown_with_timeout(FLUSH_TIME)) {
            eprintln!("playhouse: the last spans were not sent: {error}");
        }
    }
}

/// Starts logging at `level` unless `RUST_LOG` says otherwise, and exporting spans if an endpoint is set.
pub(crate) fn start(config: &Telemetry, level: &str) -> anyhow::Result<Guard> {
    let filter =
        || EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("{level},{QUIET}")));
    let to_terminal = std::io::stderr().is_terminal();
    let logs = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let logs = match to_terminal {
        true => logs.compact().with_filter(filter()).boxed(),
        false => logs.json().with_filter(filter()).boxed(),
    };
    let provider = config.otlp_endpoint.as_deref().map(provider).transpose()?;
    let spans = provider.as_ref().map(|provider| {
        let tracer = provider.tracer("playhouse");
        tracing_opentelemetry::layer().with_tracer(tracer).with_filter(EnvFilter::new("playhouse=info,info"))
    });
    tracing_subscriber::registry().with(logs).with(spans).try_init().context("failed to start logging")?;
    Ok(Guard(provider))
}

/// Spans leave in batches from a thread of their own; when its queue is full they are dropped, never waited for.
fn provider(endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(&url)
        .build()
        .with_context(|| format!("`telemetry.otlp_endpoint`: cannot send spans to {url}"))?;
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_service_name("playhouse").with_attribute(version).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

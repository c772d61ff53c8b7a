//! `playhouse serve`.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, anyhow, bail};
use playhouse_assembly::{Config, Extras, House, Restart, Shutdown, child, spawn};
use playhouse_http::{ApiKey, Options};
use sd_notify::NotifyState;
use tokio::task::JoinSet;

use crate::{
    EXIT_GAVE_UP,
    cli::ServeArgs,
    edge::Edge,
    stopping::{self, Signals},
    systemd, telemetry,
};

/// Requests in flight finish within this time; event streams end at once and are resumed by their clients.
const EDGE_STOP: Shutdown = Shutdown::secs(8);

pub(crate) async fn serve(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let mut config = Config::load(args.config.as_deref(), std::env::vars())?;
    if let Some(listen) = args.listen {
        config.server.listen = listen;
    }
    config.data = args.data.or(config.data).or_else(default_data);
    let _telemetry = telemetry::start(&config.telemetry, "info")?;
    let (addr, options) = options(&config)?;
    playhouse_http::check_listen(addr, options.auth_configured()).map_err(|problem| anyhow!(problem))?;
    let mut house = House::build(&config, Extras::default()).await?;
    let edge = Edge { addr, runtime: house.runtime(), options };
    house.tree = house.tree.with_edge(child("edge", Restart::Permanent, EDGE_STOP, spawn(edge, ())));
    let mut running = house.start().await?;
    let mut signals = Signals::listen().context("failed to listen for SIGTERM and SIGINT")?;
    let mut attending = JoinSet::new();
    attending.spawn(systemd::attend(running.pulse(), running.runtime.clone()));
    systemd::tell(&[NotifyState::Ready]);
    let drain = Duration::from_millis(config.server.drain_ms);
    tokio::select! {
        ended = running.root.ended() => {
            let why = ended.map_or_else(|error| error.to_string(), |()| "the tree was stopped".into());
            tracing::error!("giving up: {why}");
            return Ok(ExitCode::from(EXIT_GAVE_UP));
        }
        asked = signals.next() => tracing::info!(?asked, "stopping within {drain:?}; a second signal stops at once"),
    }
    Ok(stopping::stop(running, drain, &mut signals).await)
}

fn options(config: &Config) -> anyhow::Result<(SocketAddr, Options)> {
    let addr = config.server.listen.parse().map_err(|_| {
        anyhow!(
            "--listen wants an address and a port, like 127.0.0.1:7529; `{}` is not",
            config.server.listen
        )
    })?;
    let key = |entry: &playhouse_assembly::KeyEntry| ApiKey::sha256_hex(&entry.sha256, entry.tenant.clone());
    let keys = config.server.keys.iter().map(key).collect::<Result<_, _>>();
    let Ok(keys) = keys else { bail!("`server.keys`: `sha256` must be 64 hexadecimal digits") };
    Ok((addr, Options { keys, hosts: config.server.hosts.clone(), ..Options::default() }))
}

/// Where state belongs by convention.
pub(crate) fn default_data() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = folder("XDG_STATE_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/state")))?;
    Some(base.join("playhouse"))
}

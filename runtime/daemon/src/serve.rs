//! `playhouse serve`.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::{Context, anyhow, bail};
use playhouse_assembly::{Config, Extras, House, Restart, Shutdown, child};
use playhouse_http::{ApiKey, Options};
use ractor::Actor;
use tokio::signal::unix::{SignalKind, signal};

use crate::{EXIT_GAVE_UP, cli::ServeArgs, edge::Edge, telemetry};

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
    house.tree = house.tree.with_edge(child("edge", Restart::Permanent, EDGE_STOP, move |supervisor| {
        Actor::spawn_linked(None, edge.clone(), (), supervisor)
    }));
    let mut running = house.start().await?;
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for SIGINT")?;
    tokio::select! {
        ended = running.root.ended() => {
            let why = ended.map_or_else(|error| error.to_string(), |()| "the tree was stopped".into());
            tracing::error!("giving up: {why}");
            return Ok(ExitCode::from(EXIT_GAVE_UP));
        }
        _ = terminate.recv() => tracing::info!("SIGTERM: stopping; a second one stops at once"),
        _ = interrupt.recv() => tracing::info!("stopping; press Ctrl-C again to stop at once"),
    }
    tokio::select! {
        () = running.stop() => {
            tracing::info!("stopped");
            Ok(ExitCode::SUCCESS)
        }
        // A crash is always a fine way to stop: the journal is the state.
        _ = terminate.recv() => Ok(ExitCode::from(128 + 15)),
        _ = interrupt.recv() => Ok(ExitCode::from(128 + 2)),
    }
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
fn default_data() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = folder("XDG_STATE_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/state")))?;
    Some(base.join("playhouse"))
}

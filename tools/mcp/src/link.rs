//! One live connection: how it is made, and how long it is good.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rmcp::{
    ClientCacheConfig, ClientLifecycleMode, RoleClient,
    model::{ProtocolVersion, SubscriptionFilter},
    service::{ClientInitializeError, RunningService, serve_client_with_lifecycle},
    transport::Transport,
};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    ServerConfig,
    bounds::{
        LAST_WORDS_WAIT, LIST_BYTES_MAX, LIST_REST, LIST_REST_TIMES, LIST_WAIT, START_WAIT, WORDS_CHARS_MAX,
        clipped,
    },
    client::Client,
    definition::Definition,
    desk::Desk,
    fault::Fault,
    frames::Frames,
    guard::{CLOSED, Guard},
    http, pages,
    process::{self, Process},
};

/// The connection that calls go through.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) service: RunningService<RoleClient, Client>,
    pub(crate) fault: Fault,
    /// The server says that its list of tools has changed, or a caller doubts that it still answers.
    pub(crate) look: Arc<Notify>,
}

impl Link {
    /// The calls under way.
    pub(crate) fn desk(&self) -> &Desk {
        &self.service.service().desk
    }
}

/// What a connection consists of besides the link: ends when dropped.
pub(crate) struct Life {
    pub(crate) link: Arc<Link>,
    process: Option<Process>,
    words: Arc<Mutex<VecDeque<String>>>,
    jobs: JoinSet<()>,
}

/// What is needed to make a connection.
pub(crate) struct Dial<'a> {
    pub(crate) server: &'a str,
    pub(crate) config: &'a ServerConfig,
    pub(crate) folder: &'a Path,
    pub(crate) client: Client,
    /// Whether the server has turned out to know only protocol versions without `initialize`.
    pub(crate) modern: &'a AtomicBool,
}

impl Dial<'_> {
    /// Starts the program, or calls the address, and shakes hands. The error is for an operator.
    pub(crate) async fn connect(self) -> Result<Life, String> {
        let (fault, look) = (Fault::new(), Arc::new(Notify::new()));
        if let Some(url) = &self.config.url {
            let transport =
                http::transport(self.server, url, self.config).map_err(|error| error.to_string())?;
            let guard = Guard::new(&self.client, transport, fault.clone(), look.clone());
            let service = self.shake(guard, &fault).await?;
            let link = Arc::new(Link { service, fault, look });
            return Ok(Life { link, process: None, words: Arc::default(), jobs: JoinSet::new() });
        }
        let (process, pipes) = Process::start(self.server, self.config, self.folder).await?;
        let mut life = Unlinked { process, words: Arc::default(), jobs: JoinSet::new() };
        let (server, words, stderr) = (self.server.to_owned(), life.words.clone(), pipes.stderr);
        life.jobs.spawn(async move { process::listen(&server, stderr, &words).await });
        let frames = Frames::new(pipes.stdout, pipes.stdin, fault.clone()).telling(life.words.clone());
        let guard = Guard::new(&self.client, frames, fault.clone(), look.clone());
        let shaken = tokio::select! {
            shaken = self.shake(guard, &fault) => shaken,
            () = life.process.ended() => Err("its process ended".into()),
        };
        match shaken {
            Ok(service) => Ok(life.with(Link { service, fault, look })),
            Err(why) => Err(farewell(why, Some(life.process), &life.words, life.jobs, false).await),
        }
    }

    async fn shake(
        &self,
        transport: impl Transport<RoleClient> + 'static,
        fault: &Fault,
    ) -> Result<RunningService<RoleClient, Client>, String> {
        let modern = self.modern.load(Ordering::Relaxed);
        let mode = if modern {
            ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
        } else {
            ClientLifecycleMode::Initialize
        };
        let shaking = Box::pin(serve_client_with_lifecycle(self.client.clone(), transport, mode));
        let service = match timeout(START_WAIT, shaking).await {
            Ok(Ok(service)) => service,
            Ok(Err(error)) => {
                if matches!(error, ClientInitializeError::JsonRpcError(_)) {
                    // It answers, but not to this: the next attempt begins the other way.
                    self.modern.store(!modern, Ordering::Relaxed);
                }
                let why = fault.why().filter(|why| why != CLOSED);
                return Err(why.unwrap_or_else(|| crate::words::problem(&error)));
            }
            Err(_) => return Err(format!("it did not shake hands within {} s", START_WAIT.as_secs())),
        };
        // What is listed is compared with the pins every time, so it must be what the server says now.
        service.set_response_cache_config(ClientCacheConfig::disabled()).await;
        Ok(service)
    }
}

/// A process that has not shaken hands yet.
struct Unlinked {
    process: Process,
    words: Arc<Mutex<VecDeque<String>>>,
    jobs: JoinSet<()>,
}

impl Unlinked {
    fn with(self, link: Link) -> Life {
        Life { link: Arc::new(link), process: Some(self.process), words: self.words, jobs: self.jobs }
    }
}

impl Life {
    /// Serves until the connection breaks, and says why it did. Calls `stock` with what the server offers: at first
    /// as it is, then whenever that may have changed.
    pub(crate) async fn last(&mut self, stock: impl Fn(Vec<Definition>) -> Result<(), String>) -> String {
        let link = self.link.clone();
        let process = &mut self.process;
        let ended = async {
            match process {
                Some(process) => process.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            why = link.fault.raised() => why,
            () = ended => "its process ended".into(),
            why = watch_list(&link, stock) => why,
            () = hear_subscription(&link) => "its subscription ended".into(),
        }
    }

    /// Ends the connection for `why`, the process too, and says how it ended. `orderly` gives the process the time
    /// to end by itself.
    pub(crate) async fn end(self, why: String, orderly: bool) -> String {
        // From here on every call fails with this reason, and the SDK closes the pipes.
        self.link.fault.raise(why.clone());
        drop(self.link);
        farewell(why, self.process, &self.words, self.jobs, orderly).await
    }
}

/// Ends a process, and adds how it ended and what it said last.
async fn farewell(
    why: String,
    process: Option<Process>,
    words: &Mutex<VecDeque<String>>,
    mut jobs: JoinSet<()>,
    orderly: bool,
) -> String {
    let Some(process) = process else { return why };
    let status = if orderly { process.end().await } else { process.finish().await };
    // A grandchild in another group may hold the pipe open for ever.
    timeout(LAST_WORDS_WAIT, jobs.join_next()).await.ok();
    let words = words.lock().unwrap_or_else(PoisonError::into_inner);
    if words.is_empty() {
        return format!("{why} ({status})");
    }
    let said: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = clipped(&said.join(" | "), WORDS_CHARS_MAX);
    // Mostly a script or a folder among its arguments.
    let hint = match &said {
        said if said.contains("Permission denied") => "; what it may read is `read` in its entry",
        said if said.contains("No such file") => {
            "; it works in a folder of its own: `args` wants whole paths"
        }
        _ => "",
    };
    format!("{why} ({status}); it last said: {said}{hint}")
}

/// Lists the tools now and whenever they may have changed; says what is wrong when that fails.
async fn watch_list(link: &Link, stock: impl Fn(Vec<Definition>) -> Result<(), String>) -> String {
    loop {
        let listed = match timeout(LIST_WAIT, list(link)).await {
            Ok(listed) => listed,
            Err(_) => Err(format!("it does not answer: no list of tools in {} s", LIST_WAIT.as_secs())),
        };
        let begun = Instant::now();
        if let Err(why) = listed.and_then(&stock) {
            return why;
        }
        sleep(LIST_REST.max(begun.elapsed() * LIST_REST_TIMES)).await;
        link.look.notified().await;
    }
}

async fn list(link: &Link) -> Result<Vec<Definition>, String> {
    let peer = link.service.peer();
    if peer.peer_info().is_some_and(|info| info.capabilities.tools.is_none()) {
        return Ok(Vec::new());
    }
    let page = |params| async move {
        let page = peer.list_tools(params).await?;
        Ok((page.tools, page.next_cursor))
    };
    let tools = pages::all(page).await.map_err(|why| format!("its tools cannot be listed: {why}"))?;
    let tools: Vec<Definition> = tools.iter().map(Definition::of).collect();
    let bytes: usize = tools.iter().map(Definition::bytes).sum();
    if bytes > LIST_BYTES_MAX {
        return Err(format!("its tools have {bytes} bytes together, and {LIST_BYTES_MAX} are allowed"));
    }
    Ok(tools)
}

/// Servers of the newest protocol tell of changes only those who subscribe. Ends when the subscription does.
async fn hear_subscription(link: &Link) {
    let peer = link.service.peer();
    let asked_for = |version: &ProtocolVersion| !version.has_initialize();
    if peer.peer_info().is_some_and(|info| asked_for(&info.protocol_version)) {
        let filter = SubscriptionFilter::builder().tools_list_changed().build();
        if let Ok(mut news) = peer.listen(filter).await {
            while let Ok(Some(_)) = news.next().await {
                link.look.notify_one();
            }
            return;
        }
    }
    // It tells us without, or not at all.
    std::future::pending().await
}

#[cfg(test)]
mod tests;

//! Models from the configuration: each a port, its permits, and what keeps it running.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use playhouse_actors::{Backend, Run};
use playhouse_core::model::{ChatRequest, ModelError, ModelErrorKind, ModelInfo, Reply, UNUSABLE};
use playhouse_model_llama::{Llama, LlamaConfig, Worker, WorkerCommand};
use playhouse_model_openai::{OpenAi, OpenAiConfig, Secret};
use playhouse_ports::{ChatModel, Deltas};

use crate::{
    BuildError, FindProblems,
    config::{BadConfig, Config, ModelConfig},
    shipped::Shelf,
};

/// First wait before a worker that died young is started again; doubles up to [`REST_MAX`].
const REST: Duration = Duration::from_millis(200);
/// A model that cannot stay up is tried twice a minute.
const REST_MAX: Duration = Duration::from_secs(30);
/// A worker that lived this long died of something new.
const GROWN_UP: Duration = Duration::from_secs(10);
/// Calls at once for a model that an embedding program brings.
const OWN_PERMITS: usize = 256;

/// All models by alias.
pub(crate) struct Models {
    backends: BTreeMap<String, Backend>,
    /// What is wrong, by alias.
    broken: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Models {
    /// Opens what `config` and the embedding program name. A model file that cannot be used does not stop
    /// the daemon: its model says why whenever it is asked.
    pub(crate) fn open(
        config: &Config,
        shelf: &Shelf,
        own: Vec<(String, Arc<dyn ChatModel>)>,
        worker: Option<PathBuf>,
    ) -> Result<Self, BuildError> {
        let mut models = Self { backends: BTreeMap::new(), broken: Arc::default() };
        for (alias, model) in &config.models {
            let backend = match &model.kind {
                ModelConfig::Llama(llama) => {
                    let path = shelf.resolve(&llama.path)?;
                    models.llama(alias, LlamaConfig { path, ..llama.clone() }, worker.clone())
                }
                ModelConfig::OpenAi(remote) => openai(remote.clone())?,
            };
            models.backends.insert(alias.clone(), backend);
        }
        let own = own
            .into_iter()
            .map(|(alias, model)| (alias, Backend { model, permits: OWN_PERMITS, worker: None }));
        models.backends.extend(own);
        Ok(models)
    }

    fn llama(&self, alias: &str, config: LlamaConfig, worker: Option<PathBuf>) -> Backend {
        let permits = config.slots as usize;
        let worker = match worker {
            Some(program) => Ok(Worker::Process(WorkerCommand::new(program))),
            None => Worker::this_binary(),
        };
        match worker.and_then(|worker| Llama::open(alias, config, worker)) {
            Ok(llama) => {
                let worker = Some(keep_running(alias, llama.clone(), self.broken.clone()));
                Backend { model: llama, permits, worker }
            }
            Err(error) => {
                let why = format!("model `{alias}` cannot be used: {error}");
                tracing::error!("{why}");
                note(&self.broken, alias, Some(why.clone()));
                Backend { model: Arc::new(Broken { alias: alias.into(), why }), permits, worker: None }
            }
        }
    }

    /// The models alone.
    pub(crate) fn ports(&self) -> BTreeMap<String, Arc<dyn ChatModel>> {
        self.backends.iter().map(|(alias, backend)| (alias.clone(), backend.model.clone())).collect()
    }

    /// Says which models cannot be asked now, and why.
    pub(crate) fn problems(&self) -> FindProblems {
        let broken = self.broken.clone();
        Arc::new(move || broken.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect())
    }

    pub(crate) fn into_backends(self) -> BTreeMap<String, Backend> {
        self.backends
    }
}

fn openai(config: OpenAiConfig) -> Result<Backend, BuildError> {
    let key = config.api_key_env.as_deref().map(|name| {
        Secret::from_env(name).ok_or_else(|| {
            let message =
                format!("model `{}` wants its key in the environment variable {name}: set it", config.name);
            BadConfig::bare(message)
        })
    });
    let (alias, permits) = (config.name.clone(), config.max_in_flight);
    let model = OpenAi::new(config, key.transpose()?)
        .map_err(|error| BadConfig::bare(format!("model `{alias}`: {error}")))?;
    Ok(Backend { model: Arc::new(model), permits, worker: None })
}

type Notes = Arc<Mutex<BTreeMap<String, String>>>;

fn note(broken: &Notes, alias: &str, problem: Option<String>) {
    let mut broken = broken.lock().unwrap_or_else(PoisonError::into_inner);
    match problem {
        Some(problem) => drop(broken.insert(alias.into(), problem)),
        None => drop(broken.remove(alias)),
    }
}

/// Runs a worker until it dies, after a rest that grows while workers die young.
fn keep_running(alias: &str, llama: Arc<Llama>, broken: Notes) -> Run {
    let (alias, young_deaths) = (alias.to_owned(), Arc::new(Mutex::new(0u32)));
    Arc::new(move || {
        let (alias, llama, broken, deaths) =
            (alias.clone(), llama.clone(), broken.clone(), young_deaths.clone());
        Box::pin(async move {
            let died = *deaths.lock().unwrap_or_else(PoisonError::into_inner);
            if died > 0 {
                tokio::time::sleep((REST * 2u32.saturating_pow(died - 1)).min(REST_MAX)).await;
            }
            if died == 0 {
                note(&broken, &alias, Some(format!("model `{alias}` is being loaded")));
            }
            let born = Instant::now();
            let ready = async {
                llama.ready().await;
                note(&broken, &alias, None);
                std::future::pending().await
            };
            let exit = tokio::select! {
                exit = llama.run() => exit.to_string(),
                () = ready => unreachable!("it never ends"),
            };
            let young = born.elapsed() < GROWN_UP;
            *deaths.lock().unwrap_or_else(PoisonError::into_inner) =
                if young { died.saturating_add(1) } else { 1 };
            note(&broken, &alias, Some(format!("model `{alias}`: {exit}; it is being started again")));
            exit
        })
    })
}

/// Stands in for a model that could not be opened.
struct Broken {
    alias: String,
    why: String,
}

#[async_trait]
impl ChatModel for Broken {
    fn info(&self) -> ModelInfo {
        ModelInfo {
            name: self.alias.clone(),
            version: UNUSABLE.into(),
            provider: "llama_cpp".into(),
            // Unknown: large enough that nothing is refused for its length before this says why.
            context_tokens: u32::MAX,
            bytes_per_token: 1,
        }
    }

    async fn count_tokens(&self, _: &ChatRequest) -> Result<u32, ModelError> {
        Err(ModelError::new(ModelErrorKind::BadRequest, &self.why))
    }

    async fn chat(&self, _: ChatRequest, _: Deltas) -> Result<Reply, ModelError> {
        // Asking again does not help: the file or the configuration must change.
        Err(ModelError::new(ModelErrorKind::BadRequest, &self.why))
    }
}

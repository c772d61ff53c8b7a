//! What an operator sets for one local model, and what is wrong with it when it cannot be used.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::gguf::{GgufError, GgufSummary};

/// A trained context may be 128 Ki tokens and its keys and values many gigabytes: more than this is asked for by
/// name, never taken by default.
const CONTEXT_TOKENS_DEFAULT_MAX: u32 = 8192;
/// Shorter than this and not even a tool call fits beside its question.
const CONTEXT_TOKENS_MIN: u32 = 64;
/// Sequences beyond this gain nothing on any hardware seen so far; llama.cpp itself stops at 256.
const SLOTS_MAX: u32 = 64;
/// llama.cpp's usual largest logical batch.
const BATCH_MAX: u32 = 8192;

/// Settings of one local model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LlamaConfig {
    /// The GGUF file.
    pub path: PathBuf,
    /// Prompt plus reply of one sequence, in tokens. Default: what the model was trained with, at most 8192.
    #[serde(default)]
    pub context_tokens: Option<u32>,
    /// Conversations that are kept and computed side by side; memory grows with `slots × context_tokens`.
    #[serde(default = "defaults::slots")]
    pub slots: u32,
    /// Calls that may wait while every slot is busy; one more is refused with `RateLimited`.
    #[serde(default = "defaults::queue")]
    pub queue: u32,
    /// Threads of a computing step. One is right for a small model or a busy machine, the number of physical
    /// cores for a large model on an idle one: beyond that the threads wait for each other.
    #[serde(default = "defaults::threads")]
    pub threads: u32,
    /// Tokens of one step: a cancelled call and a streaming neighbour wait for at most this many.
    #[serde(default = "defaults::batch")]
    pub batch: u32,
    /// Tokens computed at once within a step; at most `batch`. Default: the same.
    #[serde(default)]
    pub ubatch: Option<u32>,
    /// Layers on the GPU; builds without one ignore it. Default: all.
    #[serde(default = "defaults::gpu_layers")]
    pub gpu_layers: u32,
    /// The one GPU to use. Default: the layers are spread over all there are.
    #[serde(default)]
    pub main_gpu: Option<u32>,
    /// Seed of sampling where a request names none.
    #[serde(default)]
    pub seed: u64,
}

mod defaults {
    pub(super) fn slots() -> u32 {
        4
    }
    pub(super) fn queue() -> u32 {
        32
    }
    pub(super) fn threads() -> u32 {
        1
    }
    pub(super) fn batch() -> u32 {
        256
    }
    pub(super) fn gpu_layers() -> u32 {
        // More layers than any model has.
        999
    }
}

impl LlamaConfig {
    /// Defaults for the model file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            context_tokens: None,
            slots: defaults::slots(),
            queue: defaults::queue(),
            threads: defaults::threads(),
            batch: defaults::batch(),
            ubatch: None,
            gpu_layers: defaults::gpu_layers(),
            main_gpu: None,
            seed: 0,
        }
    }

    /// Calls that may be under way or waiting at one time.
    pub(crate) fn calls_max(&self) -> usize {
        (self.slots + self.queue) as usize
    }

    /// Tokens of context per sequence for this model, or what is wrong with the settings.
    pub(crate) fn check(&self, model: &GgufSummary) -> Result<u32, StartError> {
        let trained = model.context_tokens;
        let context = self.context_tokens.unwrap_or(trained.min(CONTEXT_TOKENS_DEFAULT_MAX));
        between("context_tokens", context, CONTEXT_TOKENS_MIN.min(trained), trained)?;
        between("slots", self.slots, 1, SLOTS_MAX)?;
        between("threads", self.threads, 1, 256)?;
        // Every live sequence puts one token into each step.
        between("batch", self.batch, self.slots, BATCH_MAX)?;
        between("ubatch", self.ubatch.unwrap_or(self.batch), 1, self.batch)?;
        between("queue", self.queue, 0, 4096)?;
        Ok(context)
    }
}

fn between(key: &'static str, value: u32, min: u32, max: u32) -> Result<(), StartError> {
    match value {
        v if v < min || max < v => Err(StartError::Setting { key, value, min, max }),
        _ => Ok(()),
    }
}

/// Why a model cannot be used at all. Waiting does not help; changing the file or the settings does.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The file is not a model that llama.cpp can run.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// A setting does not fit this model.
    #[error("`{key} = {value}` does not fit this model: choose a value from {min} to {max}")]
    Setting {
        /// The setting.
        key: &'static str,
        /// What it is.
        value: u32,
        /// The least it may be.
        min: u32,
        /// The most it may be.
        max: u32,
    },
    /// The chat template in the file cannot be read.
    #[error("the chat template of `{path}` is not usable: {problem}")]
    Template {
        /// The model file.
        path: PathBuf,
        /// The template engine's complaint.
        problem: String,
    },
    /// The program that is to be the worker cannot be found.
    #[error("the path of this program is unknown: {0}")]
    ThisBinary(std::io::Error),
}

//! Gets a model into memory, and answers questions about its vocabulary.

use std::{num::NonZeroU32, path::Path, sync::OnceLock};

use llama_cpp_2::{
    context::{LlamaContext, params::LlamaContextParams},
    llama_backend::LlamaBackend,
    model::{
        LlamaModel,
        params::{LlamaModelParams, LlamaSplitMode},
    },
    token::LlamaToken,
    vocab::LlamaVocab,
};

use crate::{
    LlamaConfig, gguf,
    prompt::{Token, Vocabulary},
    template::Template,
    wire::Start,
};

/// llama.cpp has one backend per process, whoever uses it.
static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();

/// Switches llama.cpp's own log off for this process. A worker process does not: its stderr goes to the parent.
pub(crate) fn silence() {
    backend_with(LlamaBackend::void_logs).ok();
}

fn backend() -> Result<&'static LlamaBackend, String> {
    backend_with(|_| {})
}

fn backend_with(adjust: fn(&mut LlamaBackend)) -> Result<&'static LlamaBackend, String> {
    let made = BACKEND.get_or_init(|| {
        let mut backend = LlamaBackend::init().map_err(|e| e.to_string())?;
        adjust(&mut backend);
        Ok(backend)
    });
    made.as_ref().map_err(Clone::clone)
}

/// Loads the weights. The header is checked again: the file may have changed since the parent looked.
pub(super) fn model(config: &LlamaConfig) -> Result<LlamaModel, String> {
    gguf::read(&config.path).map_err(|e| e.to_string())?;
    let mut params = LlamaModelParams::default().with_n_gpu_layers(config.gpu_layers);
    if let Some(gpu) = config.main_gpu {
        let gpu = i32::try_from(gpu).map_err(|e| e.to_string())?;
        params = params.with_split_mode(LlamaSplitMode::None).with_main_gpu(gpu);
    }
    let path = config.path.display();
    LlamaModel::load_from_file(backend()?, &config.path, &params)
        .map_err(|e| format!("llama.cpp does not accept `{path}`: {e}; its log (level debug) says why"))
}

/// One cache for all slots, so that conversations can share a beginning.
pub(super) fn context<'m>(model: &'m LlamaModel, start: &Start) -> Result<LlamaContext<'m>, String> {
    let config = &start.config;
    let cells = start.context_tokens.checked_mul(config.slots).and_then(NonZeroU32::new);
    let cells = cells.ok_or("`slots` times `context_tokens` is too much")?;
    let threads = config.threads as i32;
    let params = LlamaContextParams::default()
        .with_n_ctx(Some(cells))
        .with_n_seq_max(config.slots)
        .with_kv_unified(true)
        .with_n_batch(config.batch)
        .with_n_ubatch(config.ubatch.unwrap_or(config.batch))
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_no_perf(true);
    let told =
        |e| format!("no memory for {cells} tokens of context ({e}): lower `slots` or `context_tokens`");
    model.new_context(backend()?, params).map_err(told)
}

/// The chat template, compiled with this model's tokens.
pub(super) fn template(path: &Path, words: &Words<'_>) -> Result<Template, String> {
    let source = gguf::read(path).map_err(|e| e.to_string())?.chat_template;
    let vocab = &words.vocab;
    let text = |token: LlamaToken| match token.0 {
        0.. => String::from_utf8_lossy(&words.spell(token.0)).into_owned(),
        _ => String::new(),
    };
    Template::compile(&source, &text(vocab.bos()), &text(vocab.eos()))
}

/// Whether a sequence may be cut anywhere and its beginning lent to another.
pub(super) fn can_share(model: &LlamaModel) -> bool {
    !model.is_recurrent() && !model.is_hybrid()
}

/// A model's vocabulary.
pub(super) struct Words<'m> {
    vocab: LlamaVocab<'m>,
}

impl<'m> Words<'m> {
    pub(super) fn of(model: &'m LlamaModel) -> Self {
        Self { vocab: model.vocab() }
    }

    /// The bytes of a token; a character may be spread over several.
    pub(super) fn spell(&self, token: Token) -> Vec<u8> {
        self.vocab.token_to_piece(LlamaToken(token), true, None)
    }
}

impl Vocabulary for Words<'_> {
    fn tokenize(&self, text: &str) -> Vec<Token> {
        self.vocab.tokenize(text.as_bytes(), false, true).into_iter().map(|token| token.0).collect()
    }

    fn begin(&self) -> Option<Token> {
        self.vocab.should_add_bos().then(|| self.vocab.bos().0).filter(|token| 0 <= *token)
    }

    fn is_end(&self, token: Token) -> bool {
        self.vocab.is_eog(LlamaToken(token))
    }

    fn size(&self) -> usize {
        usize::try_from(self.vocab.n_tokens()).unwrap_or(0)
    }
}

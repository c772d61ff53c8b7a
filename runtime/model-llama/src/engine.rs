//! The one thread that owns a llama.cpp context. Everything it does is a tick:
//!
//! ```text
//!  ┌▶ hear (new calls, cancels) ─▶ admit (queue → free slot) ─▶ one batch ─▶ decode ─▶ per finished row: choose,
//!  └─────────────────────────────────────────────────────────────────────────────────── stream, maybe reply ◀─┘
//! ```
//!
//! One batch holds the next token of every live conversation and, in what room is left, a slice of the prompts
//! that are not read yet: nobody waits for a neighbour's long prompt. llama.cpp cannot be interrupted within
//! a batch, so a cancelled call is dropped between two of them.
//!
//! The context is not `Sync` and borrows its model; one thread with both on its stack needs no locks and no tricks.

mod choose;
mod job;
mod load;
mod slots;

use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, TryRecvError},
};

use llama_cpp_2::{DecodeError, llama_batch::LlamaBatch, token::LlamaToken};
use playhouse_core::model::{ChatRequest, Finish, ModelError, ModelErrorKind};

use crate::{
    prompt::{Known, Memory, Prompter, Token},
    template::Template,
    wire::{CallId, FromWorker, Start, ToWorker},
};

use job::{Job, Next};
use load::Words;
use slots::Slots;

/// Token lists are small beside keys and values: some conversations more than there are slots for.
const CONVERSATIONS_PER_SLOT: usize = 16;
/// At most this share of the context (one in …) is kept free for the reply, whatever was asked for.
const REPLY_SHARE: usize = 2;

pub(crate) use load::silence;

/// Where events go.
pub(crate) type Say<'a> = &'a dyn Fn(FromWorker);

/// Test hook: the process aborts, as a C++ assertion would, after the first token of a call whose conversation
/// has this name.
pub(crate) type AbortOn = Option<String>;

/// Loads the model and serves until `inbox` is closed. Says `Ready` or `Failed` first.
pub(crate) fn run(start: &Start, inbox: &Receiver<ToWorker>, say: Say<'_>, abort_on: AbortOn) {
    let failed = |message: String| say(FromWorker::Failed { message });
    let model = match load::model(&start.config) {
        Ok(model) => model,
        Err(message) => return failed(message),
    };
    let context = match load::context(&model, start) {
        Ok(context) => context,
        Err(message) => return failed(message),
    };
    let words = Words::of(&model);
    let template = match load::template(&start.config.path, &words) {
        Ok(template) => template,
        Err(message) => return failed(message),
    };
    let slots = start.config.slots as usize;
    let engine = Engine {
        start,
        model: &model,
        words,
        template,
        slots: Slots::new(context, slots, load::can_share(&model)),
        queue: VecDeque::new(),
        memory: Memory::new(slots * CONVERSATIONS_PER_SLOT),
        batch: LlamaBatch::new(start.config.batch as usize, 1),
        say,
        abort_on,
    };
    say(FromWorker::Ready);
    engine.serve(inbox);
}

struct Engine<'m> {
    start: &'m Start,
    model: &'m llama_cpp_2::model::LlamaModel,
    words: Words<'m>,
    template: Template,
    slots: Slots<'m>,
    /// Calls without a slot yet. Bounded by the parent, which counts calls in flight.
    queue: VecDeque<Job>,
    memory: Memory,
    batch: LlamaBatch<'static>,
    say: Say<'m>,
    abort_on: AbortOn,
}

/// A slot and the row of the batch that holds its logits.
struct Row {
    slot: usize,
    row: i32,
}

impl Engine<'_> {
    fn serve(mut self, inbox: &Receiver<ToWorker>) {
        while self.hear(inbox) {
            self.admit();
            let rows = self.fill_batch();
            if self.batch.n_tokens() == 0 {
                continue;
            }
            match self.slots.decode(&mut self.batch) {
                Ok(()) => rows.iter().for_each(|row| self.advance(row)),
                Err(error) => self.fail_all(&error),
            }
        }
    }

    /// Takes in what has arrived; waits if there is nothing else to do. `false` when nobody is there any more.
    fn hear(&mut self, inbox: &Receiver<ToWorker>) -> bool {
        loop {
            let idle = self.queue.is_empty() && self.slots.live().next().is_none();
            let message =
                if idle { inbox.recv().map_err(|_| TryRecvError::Disconnected) } else { inbox.try_recv() };
            match message {
                Ok(message) => self.handle(message),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn handle(&mut self, message: ToWorker) {
        match message {
            ToWorker::Start(_) => {}
            ToWorker::Cancel { id } => self.cancel(id),
            ToWorker::Count { id, request } => match self.prompt(&request) {
                Ok(prompt) => self.say(FromWorker::Counted { id, tokens: prompt.len() as u32 }),
                Err(error) => self.say(FromWorker::Error { id, error }),
            },
            ToWorker::Chat { id, request } => match self.prepare(id, request) {
                Ok(job) => self.queue.push_back(job),
                Err(error) => self.say(FromWorker::Error { id, error }),
            },
        }
    }

    fn say(&self, event: FromWorker) {
        (self.say)(event);
    }

    fn prompt(&mut self, request: &ChatRequest) -> Result<Vec<Token>, ModelError> {
        let version = &self.start.version;
        let prompter = Prompter { template: &self.template, vocabulary: &self.words, version };
        let prompt = prompter.tokens(request, self.memory.get(&request.conversation))?;
        match prompt.is_empty() {
            true => Err(ModelError::new(
                ModelErrorKind::BadRequest,
                "the prompt is empty: send at least one message",
            )),
            false => Ok(prompt),
        }
    }

    fn prepare(&mut self, id: CallId, request: ChatRequest) -> Result<Job, ModelError> {
        let prompt = self.prompt(&request)?;
        let context = self.start.context_tokens as usize;
        let kept = (request.sampling.max_tokens as usize).clamp(1, context / REPLY_SHARE);
        if prompt.len() + kept > context {
            let told = format!(
                "a prompt of {} tokens does not fit: the model has {context} tokens of context, {kept} of them kept \
                 for the answer; shorten the conversation or raise `context_tokens`",
                prompt.len(),
            );
            return Err(ModelError::new(ModelErrorKind::ContextOverflow, told));
        }
        let seed = request.sampling.seed.unwrap_or(self.start.config.seed);
        let chooser = choose::Chooser::new(self.model, &request, seed, self.say);
        let budget = (request.sampling.max_tokens as usize).clamp(1, context - prompt.len());
        Ok(Job::new(id, request, prompt, budget, chooser))
    }

    /// Gives waiting calls to free slots.
    fn admit(&mut self) {
        while let Some(job) = self.queue.pop_front() {
            match self.slots.free_for(&job) {
                Some(slot) => self.slots.start(slot, job),
                None => return self.queue.push_front(job),
            }
        }
    }

    /// Puts what comes next of every live conversation into the batch: single tokens first, then slices of prompts.
    fn fill_batch(&mut self) -> Vec<Row> {
        self.batch.clear();
        let mut waiting: Vec<usize> = self.slots.live().collect();
        waiting.sort_by_key(|slot| (self.slots.unread(*slot) > 1, self.slots.job_id(*slot)));
        let mut rows = Vec::new();
        for slot in waiting {
            let room = self.start.config.batch as usize - self.batch.n_tokens() as usize;
            let take = self.slots.unread(slot).min(room);
            let complete = take == self.slots.unread(slot);
            for (at, (position, token)) in self.slots.take(slot, take).into_iter().enumerate() {
                let wants_logits = complete && at + 1 == take;
                let added = self.batch.add(LlamaToken(token), position, &[slot as i32], wants_logits);
                debug_assert!(added.is_ok(), "the batch holds `config.batch` tokens");
                if wants_logits {
                    rows.push(Row { slot, row: self.batch.n_tokens() - 1 });
                }
            }
        }
        rows
    }

    /// One more token for one conversation.
    fn advance(&mut self, row: &Row) {
        let Some(mut job) = self.slots.lift(row.slot) else { return };
        let next = job.advance(self.slots.context(), row.row, self.model, &self.words, self.say);
        if self.abort_on.as_ref() == Some(&job.request.conversation) {
            std::process::abort();
        }
        match next {
            Next::More => self.slots.put_back(row.slot, job),
            Next::Finished(finish) => self.reply(job, finish),
        }
    }

    fn reply(&mut self, job: Job, finish: Finish) {
        let (id, version) = (job.id, &self.start.version);
        let done = job.finish(finish, version, self.say);
        let known = Known::after(done.request, done.reply.message.clone(), done.tokens);
        self.memory.put(done.conversation, known);
        self.say(FromWorker::Done { id, reply: done.reply });
    }

    fn cancel(&mut self, id: CallId) {
        let waiting = self.queue.iter().position(|job| job.id == id).and_then(|at| self.queue.remove(at));
        if waiting.or_else(|| self.slots.lift_call(id)).is_some() {
            let error = ModelError::new(ModelErrorKind::Cancelled, "the call was cancelled");
            self.say(FromWorker::Error { id, error });
        }
    }

    /// llama.cpp refused the batch: nobody knows what it holds now, so every conversation in it starts anew.
    fn fail_all(&mut self, error: &DecodeError) {
        self.say(FromWorker::Warn { message: format!("llama.cpp could not compute a batch: {error}") });
        for id in self.slots.reset() {
            let told = format!("the local model could not compute this step ({error}); try again");
            self.say(FromWorker::Error { id, error: ModelError::new(ModelErrorKind::Unavailable, told) });
        }
    }
}

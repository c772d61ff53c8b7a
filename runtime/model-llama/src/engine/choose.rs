//! Chooses tokens: the likeliest, or by chance as the request says; under a grammar where there is one.
//!
//! Asking a grammar about the whole vocabulary costs more than anything else in sampling. So the token is chosen
//! first and the grammar is asked about that one; only if it says no are all candidates masked and the choice made
//! again. The mask comes before `top_p`, never after: a truncated list with nothing legal in it makes llama.cpp
//! throw through Rust, which ends the process. For the same reason a mask that leaves nothing is noticed here.

use llama_cpp_2::{
    context::LlamaContext,
    json_schema_to_grammar,
    model::LlamaModel,
    sampling::LlamaSampler,
    token::{LlamaToken, data::LlamaTokenData, data_array::LlamaTokenDataArray},
};
use playhouse_core::model::{ChatRequest, Sampling};

use super::{Say, load::Words};
use crate::{grammar, parse::CALL_OPEN, prompt::Token, wire::FromWorker};

/// The rule a grammar starts with.
const ROOT: &str = "root";

pub(super) struct Chooser {
    /// `None` takes the likeliest.
    chance: Option<LlamaSampler>,
    /// In force now.
    grammar: Option<LlamaSampler>,
    /// Comes into force when the model begins a call.
    on_call: Option<String>,
}

impl Chooser {
    pub(super) fn new(model: &LlamaModel, request: &ChatRequest, seed: u64, say: Say<'_>) -> Self {
        let mut grammar = None;
        if let Some(schema) = &request.response_schema {
            let rules = json_schema_to_grammar(&schema.to_string()).map_err(|e| e.to_string());
            let rules = rules.map(|rules| grammar::answer(&rules, &request.tools));
            let made = rules.and_then(|r| LlamaSampler::grammar(model, &r, ROOT).map_err(|e| e.to_string()));
            grammar =
                made.map_err(|e| warn(say, &format!("the response schema cannot be enforced: {e}"))).ok();
        }
        let lazily = grammar.is_none() && !request.tools.is_empty();
        let on_call = lazily.then(|| grammar::tool_calls(&request.tools));
        Self { chance: chance(&request.sampling, seed), grammar, on_call }
    }

    /// The next token, or `None` if the grammar allows none.
    pub(super) fn choose(&mut self, context: &LlamaContext<'_>, row: i32) -> Option<Token> {
        let first = match &mut self.chance {
            None => likeliest(context.get_logits_ith(row)),
            Some(chance) => context.token_data_array_ith(row).with_sampler(chance).selected_token(),
        };
        let Some(grammar) = &mut self.grammar else { return first.map(|token| token.0) };
        if let Some(token) = first.filter(|token| allows(grammar, *token)) {
            return Some(token.0);
        }
        let mut candidates = context.token_data_array_ith(row).with_sampler(grammar);
        candidates.data.retain(|candidate| candidate.logit() > f32::NEG_INFINITY);
        if candidates.data.is_empty() {
            return None;
        }
        let chosen = match &mut self.chance {
            Some(chance) => candidates.with_sampler(chance),
            None => candidates.with_sampler(&mut LlamaSampler::greedy()),
        };
        chosen.selected_token().map(|token| token.0)
    }

    /// Tells the grammar what was chosen. Never called with an end token: where a grammar does not allow the
    /// end, llama.cpp aborts.
    pub(super) fn accept(&mut self, token: Token, say: Say<'_>) {
        let Some(grammar) = &mut self.grammar else { return };
        if let Err(error) = grammar.try_accept(LlamaToken(token)) {
            warn(say, &format!("a grammar lost its place and is no longer enforced: {error}"));
            self.grammar = None;
        }
    }

    /// The model has begun a call: from here on the grammar counts. `written` ends with the token that completed
    /// the opening marker.
    pub(super) fn begin_call(
        &mut self,
        model: &LlamaModel,
        words: &Words<'_>,
        written: &[Token],
        say: Say<'_>,
    ) {
        let Some(rules) = self.on_call.take() else { return };
        // Of the lazy kind, because it finds the marker within the tokens even where they hold more than it.
        match LlamaSampler::grammar_lazy(model, &rules, ROOT, [CALL_OPEN], &[]) {
            Ok(grammar) => self.grammar = Some(grammar),
            Err(error) => return warn(say, &format!("tool calls are not constrained: {error}")),
        }
        let mut text = Vec::new();
        let mut from = written.len();
        while 0 < from && !contains(&text, CALL_OPEN.as_bytes()) {
            from -= 1;
            text.splice(..0, words.spell(written[from]));
        }
        written[from..].iter().for_each(|token| self.accept(*token, say));
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn warn(say: Say<'_>, message: &str) {
    say(FromWorker::Warn { message: message.to_owned() });
}

fn chance(sampling: &Sampling, seed: u64) -> Option<LlamaSampler> {
    if sampling.temperature <= 0.0 {
        return None;
    }
    // llama.cpp's seeds have 32 bits; both halves of ours count.
    let seed = (seed ^ (seed >> 32)) as u32;
    let top_p = LlamaSampler::top_p(sampling.top_p, 1);
    Some(LlamaSampler::chain(
        [top_p, LlamaSampler::temp(sampling.temperature), LlamaSampler::dist(seed)],
        true,
    ))
}

/// The first of the largest: ties are broken the same way every time.
fn likeliest(logits: &[f32]) -> Option<LlamaToken> {
    let mut best: Option<(usize, f32)> = None;
    for (at, logit) in logits.iter().copied().enumerate() {
        if best.is_none_or(|(_, most)| most < logit) {
            best = Some((at, logit));
        }
    }
    best.map(|(at, _)| LlamaToken(at as i32))
}

fn allows(grammar: &mut LlamaSampler, token: LlamaToken) -> bool {
    let one = LlamaTokenDataArray::new(vec![LlamaTokenData::new(token, 1.0, 0.0)], false);
    one.with_sampler(grammar).data.iter().all(|candidate| candidate.logit() > f32::NEG_INFINITY)
}

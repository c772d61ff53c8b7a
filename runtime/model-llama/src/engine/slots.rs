//! Which conversation's keys and values are where.
//!
//! A slot is a sequence in llama.cpp's cache plus the list of the tokens in it. It stays filled after its call
//! ends, so that the next turn finds everything but its own suffix computed. A new call gets, in this order: the
//! slot of its own conversation, an empty one, the one that was used longest ago. Then the longest beginning that
//! any slot shares with the new prompt (instructions, tools) is taken over: with a unified cache that copies
//! no data, it only marks cells as shared.

use llama_cpp_2::{DecodeError, context::LlamaContext, llama_batch::LlamaBatch};

use super::job::Job;
use crate::{prompt::Token, wire::CallId};

pub(super) struct Slots<'m> {
    context: LlamaContext<'m>,
    slots: Vec<Slot>,
    /// Whether a sequence can be cut and shared at any token. Recurrent models keep one state, not one per token.
    can_share: bool,
    clock: u64,
}

#[derive(Default)]
struct Slot {
    /// Invariant: exactly the tokens whose keys and values the context holds for this sequence.
    computed: Vec<Token>,
    conversation: String,
    used: u64,
    job: Option<Job>,
}

impl<'m> Slots<'m> {
    pub(super) fn new(context: LlamaContext<'m>, slots: usize, can_share: bool) -> Self {
        let slots = std::iter::repeat_with(Slot::default).take(slots).collect();
        Self { context, slots, can_share, clock: 0 }
    }

    pub(super) fn context(&self) -> &LlamaContext<'m> {
        &self.context
    }

    /// Slots with a call.
    pub(super) fn live(&self) -> impl Iterator<Item = usize> {
        (0..self.slots.len()).filter(|slot| self.slots[*slot].job.is_some())
    }

    /// Tokens of the slot's call that the context has not seen.
    pub(super) fn unread(&self, slot: usize) -> usize {
        let Slot { computed, job, .. } = &self.slots[slot];
        job.as_ref().map_or(0, |job| job.tokens.len() - computed.len())
    }

    pub(super) fn job_id(&self, slot: usize) -> CallId {
        self.slots[slot].job.as_ref().map_or(0, |job| job.id)
    }

    /// The best slot without a call.
    pub(super) fn free_for(&self, job: &Job) -> Option<usize> {
        let free = (0..self.slots.len()).filter(|slot| self.slots[*slot].job.is_none());
        free.min_by_key(|slot| {
            let slot = &self.slots[*slot];
            (slot.conversation != job.request.conversation, !slot.computed.is_empty(), slot.used)
        })
    }

    /// Puts `job` into `slot`, keeping and borrowing what is computed already.
    pub(super) fn start(&mut self, slot: usize, mut job: Job) {
        self.clock += 1;
        let kept = self.keep(slot, &job.tokens);
        let lent = self.borrow(slot, kept, &job.tokens);
        job.cached = kept.max(lent);
        let place = &mut self.slots[slot];
        place.conversation.clone_from(&job.request.conversation);
        place.used = self.clock;
        place.job = Some(job);
    }

    /// The next `count` tokens of the slot's call, with their positions. They count as computed from here on.
    pub(super) fn take(&mut self, slot: usize, count: usize) -> Vec<(i32, Token)> {
        let Slot { computed, job, .. } = &mut self.slots[slot];
        let Some(job) = job else { return Vec::new() };
        let from = computed.len();
        let next = &job.tokens[from..from + count];
        computed.extend_from_slice(next);
        (from as i32..).zip(next.iter().copied()).collect()
    }

    pub(super) fn decode(&mut self, batch: &mut LlamaBatch<'_>) -> Result<(), DecodeError> {
        self.context.decode(batch)
    }

    /// Takes the call out of its slot; what is computed stays.
    pub(super) fn lift(&mut self, slot: usize) -> Option<Job> {
        self.slots[slot].job.take()
    }

    pub(super) fn put_back(&mut self, slot: usize, job: Job) {
        self.slots[slot].job = Some(job);
    }

    pub(super) fn lift_call(&mut self, id: CallId) -> Option<Job> {
        let slot = self.live().find(|slot| self.job_id(*slot) == id)?;
        self.lift(slot)
    }

    /// Forgets everything; the calls that were live.
    pub(super) fn reset(&mut self) -> Vec<CallId> {
        self.context.clear_kv_cache();
        let jobs = self.slots.iter_mut().filter_map(|slot| std::mem::take(slot).job);
        jobs.map(|job| job.id).collect()
    }

    /// Cuts the slot's sequence down to what it shares with `tokens`; how many that are.
    fn keep(&mut self, slot: usize, tokens: &[Token]) -> usize {
        let computed = &self.slots[slot].computed;
        let shared = shared(computed, tokens);
        if shared == computed.len() {
            return shared;
        }
        let partial = self.can_share && 0 < shared;
        let cut = partial
            && matches!(
                self.context.clear_kv_cache_seq(Some(slot as u32), Some(shared as u32), None),
                Ok(true)
            );
        let keep = if cut { shared } else { 0 };
        if !cut {
            self.clear(slot);
        }
        self.slots[slot].computed.truncate(keep);
        keep
    }

    /// Takes over from another slot, if that has more than the `kept` tokens; how many it gave, or 0.
    fn borrow(&mut self, slot: usize, kept: usize, tokens: &[Token]) -> usize {
        let others = (0..self.slots.len()).filter(|other| *other != slot && self.can_share);
        let best = others.map(|other| (shared(&self.slots[other].computed, tokens), other)).max();
        let Some((lent, other)) = best.filter(|(lent, _)| kept < *lent) else { return 0 };
        self.clear(slot);
        let copied = self.context.copy_kv_cache_seq(other as i32, slot as i32, Some(0), Some(lent as u32));
        let lent = if copied.is_ok() { lent } else { 0 };
        self.slots[slot].computed = tokens[..lent].to_vec();
        lent
    }

    fn clear(&mut self, slot: usize) {
        // Removing a whole sequence cannot fail, and a slot's number always fits.
        let removed = self.context.clear_kv_cache_seq(Some(slot as u32), None, None);
        debug_assert!(matches!(removed, Ok(true)), "a whole sequence can be removed");
    }
}

/// How many first tokens of `tokens` are `computed`, leaving at least one to compute: its logits choose the reply.
fn shared(computed: &[Token], tokens: &[Token]) -> usize {
    let same = computed.iter().zip(tokens).take_while(|(a, b)| a == b).count();
    same.min(tokens.len().saturating_sub(1))
}

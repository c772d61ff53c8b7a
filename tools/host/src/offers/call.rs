//! `context`, `progress`, `log`, `clock`, `random`: what touches nothing outside the call.

use playhouse_core::tool::ToolProgress;
use sha2::{Digest, Sha256};

use crate::bindings::v1::playhouse::tool::{clock, context, log, progress, random};
use crate::describe::is_control;
use crate::guest::{Ended, Guest};

/// Characters of one line in the log, and of one word about progress.
const LINE_CHARS_MAX: usize = 1_024;

impl context::Host for Guest {
    fn effect_id(&mut self) -> wasmtime::Result<String> {
        let effect_id = self.host_call()?.request.effect_id.to_string();
        Ok(self.hear(effect_id))
    }

    fn time_left_ms(&mut self) -> wasmtime::Result<u64> {
        self.host_call()?;
        let left = u64::try_from(self.left().as_millis()).unwrap_or(u64::MAX);
        Ok(self.hear(left))
    }
}

impl progress::Host for Guest {
    fn report(&mut self, done: u64, total: u64, message: String) -> wasmtime::Result<()> {
        let given = self.host_call()?;
        // Looked at before it is cut: what is left of a secret would not be found.
        if given.leaks.find(message.as_bytes()).is_some() {
            return Ok(());
        }
        let message = shown(&message);
        given.tell(ToolProgress::Report { done, total, message });
        Ok(())
    }

    fn partial(&mut self, text: String) -> wasmtime::Result<()> {
        let given = self.host_call()?;
        self.used.partial_bytes = self.used.partial_bytes.saturating_add(text.len());
        // As much as the output may have: the rest is for the result to say.
        if self.used.partial_bytes <= self.limits.output_bytes {
            given.tell(ToolProgress::Partial(text));
        }
        Ok(())
    }
}

impl log::Host for Guest {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let given = self.host_call()?;
        self.used.log_bytes = self.used.log_bytes.saturating_add(message.len());
        if self.used.log_bytes > self.limits.log_bytes {
            return Ok(());
        }
        let request = &given.request;
        let (tool, effect, tenant) = (&request.tool, &request.effect_id, &request.tenant);
        let message = match given.leaks.hide(&message) {
            Some((hidden, _)) => shown(&hidden),
            None => shown(&message),
        };
        match level {
            log::Level::Debug => tracing::debug!(target: "tool", tool, %effect, %tenant, "{message}"),
            log::Level::Info => tracing::info!(target: "tool", tool, %effect, %tenant, "{message}"),
            log::Level::Warn => tracing::warn!(target: "tool", tool, %effect, %tenant, "{message}"),
            log::Level::Error => tracing::error!(target: "tool", tool, %effect, %tenant, "{message}"),
        }
        Ok(())
    }
}

impl clock::Host for Guest {
    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        let now = self.host_call()?.shelf.clock.now_ms();
        Ok(self.hear(now))
    }
}

impl random::Host for Guest {
    fn bytes(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        let given = self.host_call()?;
        let from = self.used.random_bytes;
        self.used.random_bytes = from.saturating_add(u64::from(count));
        if self.used.random_bytes > self.limits.random_bytes {
            return Err(self.end(Ended::Random));
        }
        let effect = given.request.effect_id.to_string();
        let bytes = (from..self.used.random_bytes).map(byte_of(&effect)).collect();
        Ok(self.hear(bytes))
    }
}

/// The endless sequence of random bytes that belongs to an effect: blocks of SHA-256 over its id and a number.
fn byte_of(effect: &str) -> impl FnMut(u64) -> u8 {
    const BLOCK: u64 = 32;
    let mut current = None::<(u64, [u8; 32])>;
    move |at| {
        let number = at / BLOCK;
        let block = match current {
            Some((of, block)) if of == number => block,
            _ => {
                let text = format!("playhouse random {number} {effect}");
                Sha256::digest(text.as_bytes()).into()
            }
        };
        current = Some((number, block));
        block[(at % BLOCK) as usize]
    }
}

/// Text of a guest on one line, of bounded length: it must not look like lines of ours.
pub(crate) fn shown(text: &str) -> String {
    let plain = |c: char| if c.is_control() || is_control(c) { ' ' } else { c };
    text.chars().take(LINE_CHARS_MAX).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_go_on_where_they_ended_and_differ_between_effects() {
        let some = |effect: &str, from: u64, to: u64| (from..to).map(byte_of(effect)).collect::<Vec<_>>();
        let whole = some("task/1.0", 0, 100);
        assert_eq!([some("task/1.0", 0, 33), some("task/1.0", 33, 100)].concat(), whole);
        assert_ne!(some("task/1.1", 0, 100), whole);
        let distinct: std::collections::BTreeSet<_> = whole.iter().collect();
        assert!(distinct.len() > 50, "{distinct:?}");
    }

    #[test]
    fn what_a_guest_logs_is_one_line_of_bounded_length() {
        assert_eq!(shown("a\nb\x1b[8mc\u{202e}d"), "a b [8mc d");
        assert_eq!(shown(&"x".repeat(5_000)).len(), LINE_CHARS_MAX);
    }
}

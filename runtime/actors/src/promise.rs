//! A promise to answer exactly once.
//!
//! Work that may crash, be dropped with a mailbox, or be forgotten by a bug still owes its asker an answer.
//! A [`Promise`] travels with the work; whoever finishes it keeps the promise, and a promise that is dropped
//! unkept answers by itself with what it was told to say then.

use std::fmt;

/// The receiving end is a function: usually "cast this message to that actor".
pub(crate) struct Promise<T> {
    to: Option<Box<dyn FnOnce(T) + Send>>,
    broken: fn() -> T,
}

impl<T> Promise<T> {
    /// A promise whose answer goes to `to`; `broken` makes the answer if nobody else does.
    pub(crate) fn new(broken: fn() -> T, to: impl FnOnce(T) + Send + 'static) -> Self {
        Self { to: Some(Box::new(to)), broken }
    }

    /// Answers.
    pub(crate) fn keep(mut self, answer: T) {
        if let Some(to) = self.to.take() {
            to(answer);
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        if let Some(to) = self.to.take() {
            to((self.broken)());
        }
    }
}

impl<T> fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promise").field("kept", &self.to.is_none()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_promise_is_answered_once_kept_or_broken() {
        let (send, answers) = mpsc::channel();
        let promise =
            |send: mpsc::Sender<&'static str>| Promise::new(|| "broken", move |a| send.send(a).unwrap());
        promise(send.clone()).keep("kept");
        drop(promise(send.clone()));
        let panicking = promise(send.clone());
        let job = std::thread::spawn(move || {
            let _held = panicking;
            panic!("a job crashes");
        });
        job.join().unwrap_err();
        drop(send);
        assert_eq!(answers.iter().collect::<Vec<_>>(), ["kept", "broken", "broken"]);
    }
}

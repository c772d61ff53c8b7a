//! A host for tests: it answers what a tool asks for, natively, and remembers what the tool did.
//!
//! ```
//! use playhouse_tool::{kv, testing::Host};
//!
//! let host = Host::new().kv([("amber-falcon", "14")]);
//! assert_eq!(host.run(|| kv::get("amber-falcon")).unwrap().as_deref(), Some("14"));
//! ```
//!
//! Everything is granted that was set up, and nothing else. One host is current at a time and thread: tests run beside
//! each other. The real limits are those of the sandbox; `playhouse tool test` runs a component in it.

pub(crate) mod answers;
mod state;

use std::cell::RefCell;
use std::rc::Rc;

use crate::Error;
use crate::http::Response;
use state::State;

thread_local! {
    static CURRENT: RefCell<Vec<Host>> = const { RefCell::new(Vec::new()) };
}

/// What the world looks like to a tool under test, and what the tool did to it.
#[derive(Clone, Default)]
pub struct Host {
    state: Rc<RefCell<State>>,
}

impl Host {
    /// A host with an effect id, a clock that stands, time left, and nothing granted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with(self, change: impl FnOnce(&mut State)) -> Self {
        change(&mut self.state.borrow_mut());
        self
    }

    /// The id of this call; random numbers follow from it.
    #[must_use]
    pub fn effect_id(self, id: &str) -> Self {
        self.with(|state| id.clone_into(&mut state.effect_id))
    }

    /// What the clock says, in milliseconds since 1970.
    #[must_use]
    pub fn at_ms(self, now: u64) -> Self {
        self.with(|state| state.now_ms = now)
    }

    /// How long the call may still take, in milliseconds.
    #[must_use]
    pub fn time_left_ms(self, left: u64) -> Self {
        self.with(|state| state.time_left_ms = left)
    }

    /// A table with these entries, readable and writable.
    #[must_use]
    pub fn kv<K: Into<String>, V: Into<String>>(self, entries: impl IntoIterator<Item = (K, V)>) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value.into()));
        self.with(|state| state.table.get_or_insert_default().extend(entries))
    }

    /// A granted folder, empty, readable and writable. `name` is one part: `docs`.
    #[must_use]
    pub fn folder(self, name: &str) -> Self {
        self.with(|state| _ = state.roots.insert(name.to_owned()))
    }

    /// A file in a granted folder: the first part of `path` is granted with it.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let root = path.split('/').next().unwrap_or_default().to_owned();
        self.with(|state| {
            state.roots.insert(root);
            state.files.insert(path.to_owned(), content.as_ref().to_vec());
        })
    }

    /// Answers the requests whose URL is `url`. Others are not granted.
    #[must_use]
    pub fn answer_http(self, url: &str, response: Response) -> Self {
        self.with(|state| _ = state.pages.insert(url.to_owned(), response))
    }

    /// A granted secret; `value` is what requests are signed with. The tool never sees it.
    #[must_use]
    pub fn secret(self, name: &str, value: &str) -> Self {
        self.with(|state| _ = state.secrets.insert(name.to_owned(), value.to_owned()))
    }

    /// A granted tool: JSON in, JSON out.
    #[must_use]
    pub fn answer_tool(self, name: &str, answer: impl Fn(&str) -> Result<String, Error> + 'static) -> Self {
        self.with(|state| _ = state.tools.insert(name.to_owned(), Rc::new(answer)))
    }

    /// A granted model: instructions and prompt in, answer out. An error is in words.
    #[must_use]
    pub fn answer_model(self, answer: impl Fn(&str, &str) -> Result<String, String> + 'static) -> Self {
        self.with(|state| state.model = Some(Rc::new(answer)))
    }

    /// Runs `test` with this host.
    pub fn run<R>(&self, test: impl FnOnce() -> R) -> R {
        /// Takes the host away again, also when the test panics.
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                CURRENT.with_borrow_mut(|hosts| _ = hosts.pop());
            }
        }
        CURRENT.with_borrow_mut(|hosts| hosts.push(self.clone()));
        let _leave = Leave;
        test()
    }

    /// Runs the tool `T` on JSON text with this host: what [`crate::run`] answers.
    ///
    /// # Errors
    /// Those of the tool.
    pub fn call<T: crate::Tool>(&self, arguments: &str) -> Result<String, Error> {
        self.run(|| crate::run::<T>(arguments))
    }

    /// What is in the table under `key` now.
    #[must_use]
    pub fn stored(&self, key: &str) -> Option<String> {
        self.state.borrow().table.as_ref()?.get(key).cloned()
    }

    /// What is in a file now, as text; what is not UTF-8 becomes `�`.
    #[must_use]
    pub fn content(&self, path: &str) -> Option<String> {
        self.state.borrow().files.get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// The requests that were sent: method, URL, headers, body, names of secrets, as one line each.
    #[must_use]
    pub fn requests(&self) -> Vec<Sent> {
        self.state.borrow().sent.clone()
    }

    /// The lines that were logged.
    #[must_use]
    pub fn logged(&self) -> Vec<String> {
        self.state.borrow().logged.clone()
    }

    /// What was reported as progress: `3 of 10: reading`; and parts of the output.
    #[must_use]
    pub fn progress(&self) -> Vec<String> {
        self.state.borrow().progress.clone()
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

/// A request that a tool sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// In capitals.
    pub method: String,
    /// Where to.
    pub url: String,
    /// As the tool wrote them.
    pub headers: Vec<(String, String)>,
    /// What was sent along.
    pub body: Vec<u8>,
    /// Names of the secrets that were asked for.
    pub secrets: Vec<String>,
}

/// The state of the current host.
#[track_caller]
fn current<R>(capability: &str, ask: impl FnOnce(&mut State) -> R) -> R {
    let host = CURRENT.with_borrow(|hosts| hosts.last().cloned()).unwrap_or_else(|| {
        panic!(
            "`{capability}` needs a host, and outside of a component there is none: run this within \
             `playhouse_tool::testing::Host::new().run(|| …)`"
        )
    });
    let mut state = host.state.borrow_mut();
    ask(&mut state)
}

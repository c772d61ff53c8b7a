//! Why a component does not become a tool.

/// Each says what to do instead, where there is something to do.
#[derive(Debug, thiserror::Error)]
pub enum AdaptError {
    /// Not WebAssembly, or a core module, or one that breaks the rules.
    #[error("it is not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// It wants what no tool is given.
    #[error("it imports `{import}`, and {why}")]
    NotGiven {
        /// As in the component.
        import: String,
        /// Whole, without a full stop.
        why: &'static str,
    },
    /// It neither is a tool nor answers requests.
    #[error(
        "it exports neither `wasi:http/incoming-handler@0.2` nor `playhouse:tool/tool@1`, so there is nothing in it \
         to call{}", exports(.0)
    )]
    NothingToCall(Vec<String>),
    /// It needs no adapter.
    #[error("it imports nothing of WASI: it is a tool as it is")]
    IsATool,
    /// It describes itself, and was to be described.
    #[error("it is a tool that says itself what it is called: leave out the name and the description")]
    NamesItself,
    /// It answers requests, and nobody said what it is called.
    #[error("a component that answers requests does not say what it is called: give it a name")]
    Unnamed,
    /// What it shall be called or say is out of bounds.
    #[error("{0}")]
    Label(String),
    /// The parts do not fit: it was built for another form of an interface than the adapter's.
    #[error(
        "its imports do not fit the adapter, which speaks WASI {speaks}: {reason}; build it for that version of WASI \
         or an older 0.2",
        speaks = crate::given::SPEAKS
    )]
    DoesNotFit {
        /// What the validator says.
        reason: String,
    },
}

fn exports(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(" (it exports {})", names.join(", ")) }
}

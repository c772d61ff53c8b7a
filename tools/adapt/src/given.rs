//! What of WASI the adapter has, and what of the host each of it needs.

/// The version that the adapter exports. Within 0.2, a newer release only adds to an older one.
pub(crate) const SPEAKS: &str = "0.2.12";

/// An interface of WASI, and the interface of the contract without which it is nothing.
type Row = (&'static str, Option<&'static str>);

const GIVEN: [Row; 29] = [
    ("wasi:cli/environment", None),
    ("wasi:cli/exit", None),
    ("wasi:cli/stderr", Some("log")),
    ("wasi:cli/stdin", None),
    ("wasi:cli/stdout", Some("log")),
    ("wasi:cli/terminal-input", None),
    ("wasi:cli/terminal-output", None),
    ("wasi:cli/terminal-stderr", None),
    ("wasi:cli/terminal-stdin", None),
    ("wasi:cli/terminal-stdout", None),
    ("wasi:clocks/monotonic-clock", Some("clock")),
    ("wasi:clocks/wall-clock", Some("clock")),
    ("wasi:filesystem/preopens", None),
    ("wasi:filesystem/types", None),
    ("wasi:http/outgoing-handler", Some("http")),
    ("wasi:http/types", None),
    ("wasi:io/error", None),
    ("wasi:io/poll", None),
    ("wasi:io/streams", None),
    ("wasi:random/insecure", Some("random")),
    ("wasi:random/insecure-seed", Some("random")),
    ("wasi:random/random", Some("random")),
    ("wasi:sockets/instance-network", None),
    ("wasi:sockets/ip-name-lookup", None),
    ("wasi:sockets/network", None),
    ("wasi:sockets/tcp", None),
    ("wasi:sockets/tcp-create-socket", None),
    ("wasi:sockets/udp", None),
    ("wasi:sockets/udp-create-socket", None),
];

/// One import that the adapter answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Given {
    /// Without a version.
    pub(crate) interface: &'static str,
    /// Interface of the contract that its functions need.
    pub(crate) needs: Option<&'static str>,
}

impl Given {
    /// `wasi:io/poll@0.2.3`; `None` if the adapter has no such thing.
    pub(crate) fn named(import: &str) -> Option<Self> {
        let (interface, version) = import.split_once('@')?;
        let patch = version.strip_prefix("0.2.")?;
        patch.parse::<u32>().ok()?;
        let (interface, needs) = GIVEN.into_iter().find(|(name, _)| *name == interface)?;
        Some(Self { interface, needs })
    }

    /// Its name among the exports of the adapter.
    pub(crate) fn export(self) -> String {
        format!("{}@{SPEAKS}", self.interface)
    }
}

/// Whether the adapter answers an import of this name.
#[must_use]
pub fn is_given(import: &str) -> bool {
    Given::named(import).is_some()
}

/// Why nobody answers an import of this name.
pub(crate) fn why_not(import: &str) -> &'static str {
    if import.starts_with("wasi:") && import.contains("@0.3") {
        return "the adapter speaks WASI 0.2: build it for that";
    }
    if import.starts_with("wasi:") {
        return "the adapter has `wasi:http`, `io`, `clocks`, `random`, `cli`, an empty `filesystem` and closed \
                `sockets`, of WASI 0.2, and nothing else";
    }
    "no tool is given that: the host has `playhouse:tool`, and the adapter `wasi:http` and what belongs to it"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_0_2_are_answered_and_no_others() {
        for version in ["0.2.0", "0.2.3", "0.2.10", "0.2.12", "0.2.40"] {
            assert!(is_given(&format!("wasi:http/types@{version}")), "{version}");
        }
        for import in [
            "wasi:http/types@0.3.0",
            "wasi:http/types@0.2.0-rc-2023-12-05",
            "wasi:http/types@0.2",
            "wasi:http/types",
            "wasi:sockets/tls@0.2.0",
            "wasi:http/incoming-handler@0.2.0",
            "wasi:keyvalue/store@0.2.0-draft",
            "env",
        ] {
            assert!(!is_given(import), "{import}");
        }
    }
}

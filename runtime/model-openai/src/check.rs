//! The checks of a config before it is used: everything that can be found without a connection.

use reqwest::Url;

use crate::config::OpenAiConfig;

/// What is appended to `base_url`.
const ROUTE: &str = "/chat/completions";

/// Headers that carry credentials. They belong in the environment, not in a file that is checked in.
const SECRET_HEADERS: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "api-key", "x-api-key"];

/// Why a config cannot be used. Never holds a header's value or a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A field that must be filled is empty or zero.
    #[error("model `{model}`: `{field}` is empty or zero; it needs a value")]
    Missing {
        /// The model's alias.
        model: String,
        /// The field.
        field: &'static str,
    },
    /// The address is not one.
    #[error("model `{model}`: `base_url` {problem}; write something like `https://api.openai.com/v1`")]
    Url {
        /// The model's alias.
        model: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A header cannot be sent or may not be configured.
    #[error("model `{model}`: header `{header}` {problem}")]
    Header {
        /// The model's alias.
        model: String,
        /// The header's name.
        header: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is no key where the config says.
    #[error("model `{model}` needs a key: set the environment variable `{env}`")]
    NoKey {
        /// The model's alias.
        model: String,
        /// The variable.
        env: String,
    },
    /// The key holds characters that no header can carry.
    #[error("model `{model}`: the key holds a line break or another character that no key has")]
    BadKey {
        /// The model's alias.
        model: String,
    },
    /// The HTTP client could not be made, usually for want of CA certificates.
    #[error("model `{model}`: cannot set up HTTPS: {problem}; install the system's CA certificates")]
    Tls {
        /// The model's alias.
        model: String,
        /// The complaint.
        problem: String,
    },
}

impl OpenAiConfig {
    /// Checks everything that can be checked without a connection; gives the address of the API.
    pub(crate) fn check(&self) -> Result<Url, ConfigError> {
        let model = || self.name.clone();
        let filled = [
            ("name", !self.name.is_empty()),
            ("model", !self.model.is_empty()),
            ("context_tokens", self.context_tokens > 0),
            ("bytes_per_token", self.bytes_per_token > 0),
            ("max_in_flight", self.max_in_flight > 0),
            ("max_line_bytes", self.max_line_bytes > 0),
            ("max_reply_bytes", self.max_reply_bytes > 0),
            ("timeouts.connect_ms", self.timeouts.connect_ms > 0),
            ("timeouts.first_byte_ms", self.timeouts.first_byte_ms > 0),
            ("timeouts.idle_ms", self.timeouts.idle_ms > 0),
            ("timeouts.total_ms", self.timeouts.total_ms > 0),
        ];
        if let Some((field, _)) = filled.into_iter().find(|(_, filled)| !filled) {
            return Err(ConfigError::Missing { model: model(), field });
        }
        for header in self.headers.keys() {
            if SECRET_HEADERS.contains(&header.to_ascii_lowercase().as_str()) {
                let problem = "carries a credential; name the key's environment variable in `api_key_env`";
                return Err(ConfigError::Header { model: model(), header: header.clone(), problem });
            }
        }
        endpoint(&self.base_url).map_err(|problem| ConfigError::Url { model: model(), problem })
    }
}

/// Parses `base_url` and appends the route.
fn endpoint(base_url: &str) -> Result<Url, String> {
    let mut url = Url::parse(base_url).map_err(|error| format!("is not an address ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("has the scheme `{}` instead of http or https", url.scheme()));
    }
    // These parts end up in logs and error messages of everything on the way.
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("holds a `?` or `#` part".into());
    }
    if url.path().trim_end_matches('/').ends_with(ROUTE) {
        return Err(format!("ends in `{ROUTE}`, which is appended anyway"));
    }
    let path = format!("{}{ROUTE}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

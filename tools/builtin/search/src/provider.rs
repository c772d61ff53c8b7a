//! How the providers want to be asked, and how they answer.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use playhouse_tool::http::{self, Request};
use playhouse_tool::{Error, json};
use serde_json::Value;

use crate::Found;

/// The shapes of answers that are understood.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Provider {
    /// `GET ?q=…&format=json` → `results[].{title, url, content}`
    Searxng,
    /// `GET ?q=…&count=…` → `web.results[].{title, url, description}`
    Brave,
    /// `POST {"query", "max_results"}` → `results[].{title, url, content}`
    Tavily,
}

impl Provider {
    pub(crate) fn named(name: &str) -> Result<Self, Error> {
        match name.trim() {
            "searxng" => Ok(Self::Searxng),
            "brave" => Ok(Self::Brave),
            "tavily" => Ok(Self::Tavily),
            other => {
                let message = format!(
                    "web search is configured wrongly: `provider` is `{other}`, not `searxng`, `brave` or `tavily`"
                );
                Err(Error::failed(message))
            }
        }
    }

    pub(crate) fn request(self, endpoint: &str, query: &str, count: u32) -> Result<Request, Error> {
        let endpoint = endpoint.trim();
        let sign = if endpoint.contains('?') { '&' } else { '?' };
        let written = utf8_percent_encode(query, NON_ALPHANUMERIC);
        match self {
            Self::Searxng => Ok(http::get(format!("{endpoint}{sign}q={written}&format=json"))),
            Self::Brave => Ok(http::get(format!("{endpoint}{sign}q={written}&count={count}"))),
            Self::Tavily => http::post(endpoint).json(&json!({"query": query, "max_results": count})),
        }
    }

    /// The pages in an answer; those without an address are passed over.
    pub(crate) fn results(self, answer: &Value) -> Result<Vec<Found>, Error> {
        let (list, snippet) = match self {
            Self::Searxng | Self::Tavily => (&answer["results"], "content"),
            Self::Brave if answer.get("web").is_none() => return Ok(Vec::new()),
            Self::Brave => (&answer["web"]["results"], "description"),
        };
        let list = list.as_array().ok_or_else(|| {
            Error::failed(format!(
                "the search provider answered in another shape than {self:?} does: check `provider`"
            ))
        })?;
        let text = |result: &Value, field: &str| result[field].as_str().unwrap_or_default().trim().to_owned();
        let found = |result: &Value| Found {
            title: text(result, "title"),
            url: text(result, "url"),
            snippet: text(result, snippet),
        };
        Ok(list.iter().map(found).filter(|found| !found.url.is_empty()).collect())
    }
}

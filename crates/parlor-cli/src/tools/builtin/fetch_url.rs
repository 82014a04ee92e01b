//! The tool `fetch_url`: the text of a page, by the rules of all that is fetched for others.

use std::time::Duration;

use async_trait::async_trait;
use parlor::agent::{Tool, ToolContext, ToolOutput, schemars, tool_fn};
use parlor::{Fetcher, MediaFetcher as _, Result, ToolDefinition};
use serde_json::Value;

use super::html;
use crate::tools::settings::ToolTable;

/// The most bytes of a page.
const LIMIT: u64 = 4 << 20;

/// How long a page may take, unless the configuration says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

const ABOUT: &str = "Fetches a page or a text file from the web and gives its text.";

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[schemars(crate = "parlor::agent::schemars")]
struct Arguments {
    /// Such as `https://example.com/page`.
    url: String,
}

/// Fetches pages.
pub(super) struct FetchUrl(Fetcher);

impl FetchUrl {
    pub(super) fn new(table: &ToolTable) -> Self {
        let limit = table.timeout.and_then(|limit| limit.duration());
        let mut fetcher = Fetcher::new()
            .with_max_bytes(LIMIT)
            .with_max_time(limit.unwrap_or(PATIENCE))
            .with_allowed(table.addresses.iter().copied());
        if table.any_port {
            fetcher = fetcher.with_any_port();
        }
        Self(fetcher)
    }

    fn tool(&self) -> impl Tool {
        let fetcher = self.0.clone();
        tool_fn("fetch_url", ABOUT, move |asked: Arguments, _| {
            let fetcher = fetcher.clone();
            async move {
                let fetched = fetcher.fetch(&asked.url).await;
                let fetched = fetched.map_err(|error| error.message().to_owned())?;
                let media_type = fetched.media_type.as_deref().unwrap_or_default();
                text(&fetched.bytes, media_type)
            }
        })
    }
}

#[async_trait]
impl Tool for FetchUrl {
    fn definition(&self) -> ToolDefinition {
        self.tool().definition()
    }

    async fn call(&self, arguments: Value, context: &ToolContext) -> Result<ToolOutput> {
        self.tool().call(arguments, context).await
    }
}

/// What came as text, if it is any.
fn text(bytes: &[u8], media_type: &str) -> std::result::Result<String, String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let is_text = media_type.starts_with("text/") && !bytes.contains(&0);
        return match is_text {
            true => Ok(readable(&String::from_utf8_lossy(bytes), media_type)),
            false => Err(format!(
                "it is no text but {media_type}, {} bytes",
                bytes.len()
            )),
        };
    };
    Ok(readable(text, media_type))
}

fn readable(text: &str, media_type: &str) -> String {
    let start = text.trim_start().get(..9).unwrap_or_default();
    let is_page = matches!(media_type, "text/html" | "application/xhtml+xml")
        || start.eq_ignore_ascii_case("<!doctype");
    match is_page {
        true => html::text(text),
        false => text.to_owned(),
    }
}

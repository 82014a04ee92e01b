//! The tool `fetch_url`: the text of a page, by the rules of all that is fetched for others.

use std::time::Duration;

use async_trait::async_trait;
use encoding_rs::{Encoding, REPLACEMENT};
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
                text(&fetched.bytes, media_type, fetched.charset.as_deref())
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

/// The bytes in which a page names its encoding, as browsers look for it.
const NAMED_WITHIN: usize = 1024;

/// What came as text, if it is any.
fn text(
    bytes: &[u8],
    media_type: &str,
    charset: Option<&str>,
) -> std::result::Result<String, String> {
    let utf8 = std::str::from_utf8(bytes).ok();
    // What is UTF-8 isn't anything else by chance, whatever the server says of all its files.
    if let Some(text) = utf8.filter(|text| !text.is_ascii()) {
        return Ok(readable(text, media_type));
    }
    let is_page = is_page(media_type);
    let is_text = is_page || media_type.starts_with("text/");
    let named = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let named = named.or_else(|| Encoding::for_label(charset?.as_bytes()));
    let named = named.or_else(|| named_within(bytes).filter(|_| is_page));
    let decoded = named.filter(|it| is_text && *it != REPLACEMENT);
    let decoded = decoded.map(|encoding| encoding.decode(bytes).0);
    if let Some(text) = decoded.filter(|text| !text.contains('\0')) {
        return Ok(readable(&text, media_type));
    }
    match utf8 {
        Some(text) => Ok(readable(text, media_type)),
        None if is_text && !bytes.contains(&0) => {
            Err("its text isn't UTF-8, and in no other encoding that it names".to_owned())
        }
        None => Err(format!(
            "it is no text but {media_type}, {} bytes",
            bytes.len()
        )),
    }
}

/// The encoding that a page names in itself.
fn named_within(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..NAMED_WITHIN).unwrap_or(bytes);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let named = head.split("charset").skip(1).find_map(|after| {
        let value = after.trim_start().strip_prefix('=')?.trim_start();
        let value = value.trim_start_matches(['"', '\'']);
        let is_end = |c: char| c.is_whitespace() || "\"';/>".contains(c);
        Encoding::for_label(value.split(is_end).next()?.as_bytes())
    });
    // Where it can be read at all, it isn't UTF-16.
    named.map(Encoding::output_encoding)
}

fn is_page(media_type: &str) -> bool {
    matches!(media_type, "text/html" | "application/xhtml+xml")
}

fn readable(text: &str, media_type: &str) -> String {
    let start = text.trim_start().get(..9).unwrap_or_default();
    let is_page = is_page(media_type) || start.eq_ignore_ascii_case("<!doctype");
    match is_page {
        true => html::text(text),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn old_encodings_are_read_where_they_are_named() {
        let cafe = b"caf\xe9";
        let plain = |bytes: &[u8], charset| text(bytes, "text/plain", charset);
        assert_eq!(plain(cafe, Some("ISO-8859-1")).as_deref(), Ok("café"));
        assert_eq!(
            plain(b"\xcf\xf0\xe8\xe2\xe5\xf2", Some("windows-1251")).as_deref(),
            Ok("Привет")
        );
        assert_eq!(plain(b"\xff\xfeh\0i\0", None).as_deref(), Ok("hi"));
        // UTF-8 is told by itself.
        let utf8 = "café".as_bytes();
        assert_eq!(plain(utf8, Some("iso-8859-1")).as_deref(), Ok("café"));
        assert_eq!(plain(b"a", Some("no-such")).as_deref(), Ok("a"));
        let page = b"<!doctype html><meta charset=\"Shift_JIS\"><p>\x93\x8c\x8b\x9e</p>";
        let told = text(page, "text/html", None).unwrap();
        assert_eq!(told.trim(), "東京");
        for charset in [None, Some("no-such"), Some("iso-2022-kr")] {
            assert!(plain(cafe, charset).unwrap_err().contains("isn't UTF-8"));
        }
        let image = text(b"\x89PNG\r\n\x1a\n\0", "image/png", None);
        assert!(image.unwrap_err().contains("no text but image/png"));
    }
}

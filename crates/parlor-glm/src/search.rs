//! The provider's search of the web, by itself.

use crate::config::HOST;
use crate::tools::WebSearch;
use parlor_core::{Error, ErrorKind, Result};
use parlor_dialect::merge;
use parlor_http::Method;
use parlor_registry::ProviderConfig;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What is searched with where nothing is said.
const ENGINE: &str = "search_std";

/// What only a search within a chat understands.
const OF_CHATS: &[&str] = &["result_sequence", "require_search", "search_prompt"];

/// A page that a search found. What wasn't told is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FoundPage {
    /// Its title.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// What it says, as much as was asked for.
    #[serde(deserialize_with = "text")]
    pub content: String,
    /// Its address.
    #[serde(deserialize_with = "text")]
    pub link: String,
    /// The site it is on.
    #[serde(deserialize_with = "text")]
    pub media: String,
    /// The address of the site's icon.
    #[serde(deserialize_with = "text")]
    pub icon: String,
    /// The mark by which answers refer to it, such as `ref_1`.
    #[serde(deserialize_with = "text")]
    pub refer: String,
    /// When it was published, as the site writes it.
    #[serde(deserialize_with = "text")]
    pub publish_date: String,
}

/// Searches the web without a chat. Of the settings those count that a search
/// by itself has too; without an engine it is `search_std`.
///
/// ```no_run
/// use parlor_glm::{WebSearch, web_search};
/// use parlor_registry::ProviderConfig;
///
/// # async fn run(config: &ProviderConfig) -> parlor_core::Result<()> {
/// let mut search = WebSearch::default();
/// search.count = Some(5);
/// for page in web_search(config, "rust 2024 edition", &search).await? {
///     println!("{} {}", page.link, page.title);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As a call of a model; `Decode`, when the answer has no list of pages.
///
/// Source: docs.bigmodel.cn, "Web search".
pub async fn web_search(
    config: &ProviderConfig,
    query: &str,
    search: &WebSearch,
) -> Result<Vec<FoundPage>> {
    let mut body = Map::from_iter([("search_engine".to_owned(), ENGINE.into())]);
    let unwritable = |error: serde_json::Error| {
        let message = format!("the search can't be written: {error}");
        Error::new(ErrorKind::Unexpected, message)
    };
    if let Value::Object(own) = serde_json::to_value(search).map_err(unwritable)? {
        merge(&mut body, &own);
    }
    body.retain(|field, _| !OF_CHATS.contains(&field.as_str()));
    body.insert("search_query".to_owned(), query.into());
    let body = json!(body).to_string().into_bytes();
    let (endpoint, dialect) = (HOST.endpoint(config)?, HOST.dialect("", config)?);
    let asked = endpoint.json(&dialect, Method::POST, "/web_search", &[], Some(body));
    let named = |error: Error| error.with_provider(&config.instance);
    let mut answer = asked.await.map_err(named)?;
    let found = answer.get_mut("search_result").map(Value::take);
    let Some(Value::Array(found)) = found else {
        return Err(named(Error::decode("the answer has no list of pages")));
    };
    let page = |page: Value| serde_json::from_value(page).ok();
    Ok(found.into_iter().filter_map(page).collect())
}

/// A text; null is an empty one.
fn text<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

//! What provider crates share: quirks from configuration, live lists of models.

use crate::endpoint::Endpoint;
use parlor_core::{Error, Result};
use parlor_dialect::{Dialect, overridden};
use parlor_registry::{ModelEntry, ProviderConfig};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A host's quirks with what the configuration says of them on top, as
/// [`overridden`] lays it.
///
/// # Errors
/// `Configuration`, when the configuration names a quirk that the dialect
/// doesn't know or gives it a wrong value.
pub fn configured_quirks<Q>(base: Q, config: &ProviderConfig) -> Result<Q>
where
    Q: Serialize + DeserializeOwned,
{
    overridden(base, &config.quirks).map_err(|error| {
        let message = format!("[providers.{}] {}", config.instance, error.message());
        Error::new(error.kind(), message)
    })
}

/// The models that a host lists at a path: the objects of the array under
/// `data` or `models`, or of a bare array, with an `id` or a `name`. What else
/// a host tells of a model is read by `more`; an entry whose id it empties is
/// left out.
///
/// # Errors
/// As [`Endpoint::json`].
pub async fn list_models(
    endpoint: &Endpoint,
    dialect: &impl Dialect,
    path: &str,
    headers: &[(String, String)],
    more: impl Fn(&Value, &mut ModelEntry),
) -> Result<Vec<ModelEntry>> {
    let answer = endpoint
        .json(dialect, Method::GET, path, headers, None)
        .await?;
    Ok(read_models(&answer, more))
}

/// A value as it may stand in a path's query, percent-encoded: the token of a
/// next page is the host's to choose.
///
/// ```
/// assert_eq!(parlor_http::query_value("a&b=c/é"), "a%26b%3Dc%2F%C3%A9");
/// ```
pub fn query_value(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The models in an answer, as [`list_models`] reads it.
pub fn read_models(answer: &Value, more: impl Fn(&Value, &mut ModelEntry)) -> Vec<ModelEntry> {
    models_in(answer, &more)
}

fn models_in(answer: &Value, more: &dyn Fn(&Value, &mut ModelEntry)) -> Vec<ModelEntry> {
    let list = ["data", "models"].iter().find_map(|key| answer.get(key));
    let list = list.unwrap_or(answer).as_array();
    let entry = |item: &Value| {
        let id = item.get("id").or_else(|| item.get("name"))?.as_str()?;
        let mut entry = ModelEntry::new(id);
        entry.created = item.get("created").and_then(Value::as_i64);
        entry.context_window = ["context_length", "context_window", "max_model_len"]
            .iter()
            .find_map(|key| item.get(key)?.as_u64());
        more(item, &mut entry);
        (!entry.id.is_empty()).then_some(entry)
    };
    list.into_iter().flatten().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_core::ErrorKind;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Quirks {
        a: bool,
        b: u8,
    }

    impl Default for Quirks {
        fn default() -> Self {
            Self { a: true, b: 1 }
        }
    }

    #[test]
    fn configured_quirks_change_what_they_name_and_no_more() {
        let base = || Quirks { a: false, b: 7 };
        let config = |quirks| ProviderConfig::new("acme").with_quirks(quirks);
        let read = |quirks| configured_quirks(base(), &config(quirks));
        assert_eq!(read(Value::Null).unwrap(), base());
        assert_eq!(read(json!({"b": 9})).unwrap(), Quirks { a: false, b: 9 });
        let error = read(json!({"c": 1})).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(
            error
                .message()
                .contains("[providers.acme] quirks: unknown field `c`"),
            "{error}"
        );
    }

    #[test]
    fn lists_are_read_in_every_shape() {
        let ids = |answer: Value| -> Vec<String> {
            let entries = read_models(&answer, |_, _| {});
            entries.into_iter().map(|it| it.id).collect()
        };
        assert_eq!(
            ids(json!({"object": "list", "data": [{"id": "a"}, {"x": 1}]})),
            ["a"]
        );
        assert_eq!(ids(json!([{"id": "a"}, {"id": "b"}])), ["a", "b"]);
        assert_eq!(ids(json!({"models": [{"name": "n"}]})), ["n"]);
        assert_eq!(ids(json!({"data": null})), [""; 0]);
    }
}

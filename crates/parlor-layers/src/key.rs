//! What makes two requests the same: one hash for the cache and for coalescing.
//!
//! The hash is SHA-256 over the model's id and the request in a canonical form:
//!
//! - JSON as [`ChatRequest`] is written, without white space, the members of
//!   every object sorted by name, whole numbers without a fraction (`1.0` is `1`).
//! - What says the provider's default in so many words is as if left out: output
//!   as text, one choice, no log probabilities, tool choice `auto`, an empty
//!   `reasoning`.
//! - Left out is what doesn't change the answer: hints for prompt caches,
//!   [`include_raw`](ChatRequest::include_raw), the switches of these layers, and
//!   what [`KeyPolicy`] says.
//!
//! Where a gateway's client is to be given the provider's own words, what it [wrote](parlor_core::Words)
//! counts as well, byte by byte but for what the gateway sets: it may say what core has no words for.
//!
//! Everything else counts, native items and media too. A key begins with the
//! version of this form; when the form changes, the version does, so that a store
//! that outlives the program never gives the answer to another question.
//!
//! Of a model its id is known here, and its [`variant`](ModelInfo::variant), which names of
//! the configuration with parameters, an address or a key of their own have. Where two
//! programs configure one provider differently and share a store, each needs a
//! [`namespace`](KeyPolicy::namespace).

use parlor_core::{ChatRequest, Error, ErrorKind, ModelInfo, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

/// The version of the canonical form, and where the keys come from, for those who
/// look into a shared store.
const PREFIX: &str = "parlor:1:";

/// Under which id of [`ChatRequest::extra`] the switches of layers stand. No
/// provider has it.
const SWITCHES: &str = "parlor";

/// Which of what doesn't change an answer makes a different request all the same.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct KeyPolicy {
    /// Goes into every key, to keep apart what shares a store: programs, tenants.
    /// Empty by default.
    pub namespace: String,
    /// Whether [`user`](ChatRequest::user) counts. False by default: the same
    /// question has the same answer, whoever asks. Set it where one user must not
    /// learn, from how soon an answer comes, that another asked the same.
    pub user: bool,
    /// Whether [`metadata`](ChatRequest::metadata) counts. False by default.
    pub metadata: bool,
    /// Whether [`service_tier`](ChatRequest::service_tier) counts. True by default,
    /// since a class of service may be answered by another model.
    pub service_tier: bool,
    /// Names of fields of [`extra`](ChatRequest::extra) that don't count, under
    /// whatever provider they stand. None by default.
    pub ignored_extra: Vec<String>,
}

impl Default for KeyPolicy {
    fn default() -> Self {
        Self {
            namespace: String::new(),
            user: false,
            metadata: false,
            service_tier: true,
            ignored_extra: Vec::new(),
        }
    }
}

impl KeyPolicy {
    /// The key of this request to this model.
    ///
    /// ```
    /// use parlor_core::{ChatRequest, ModelInfo};
    /// use parlor_layers::key::KeyPolicy;
    ///
    /// let info = ModelInfo::new("house", "model-1");
    /// let mut request = ChatRequest::from("Why is the sky blue?");
    /// let key = KeyPolicy::default().key(&info, &request)?;
    /// assert!(key.to_string().starts_with("parlor:1:"));
    ///
    /// request.user = Some("somebody else".to_owned());
    /// assert_eq!(KeyPolicy::default().key(&info, &request)?, key);
    /// request.temperature = Some(0.0);
    /// assert_ne!(KeyPolicy::default().key(&info, &request)?, key);
    /// # Ok::<(), parlor_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidRequest`](ErrorKind::InvalidRequest) for a request that can't be
    /// written as JSON.
    pub fn key(&self, info: &ModelInfo, request: &ChatRequest) -> Result<CacheKey> {
        let words = request.verbatim.words();
        let request = serde_json::to_value(request).map_err(|error| {
            Error::new(
                ErrorKind::InvalidRequest,
                format!("the request can't be written as JSON: {error}"),
            )
        })?;
        let mut form = Map::new();
        form.insert("model".to_owned(), info.id().into());
        if let Some(variant) = info.variant {
            form.insert("variant".to_owned(), variant.to_string().into());
        }
        form.insert("namespace".to_owned(), self.namespace.as_str().into());
        form.insert("request".to_owned(), self.canonical(request));
        let mut hash = Hash(Sha256::new());
        // Hashing writes to memory and fails never.
        let _ = write(&mut hash, &Value::Object(form));
        if let Some(words) = words {
            hash.0.update(words.dialect);
            words.kept().for_each(|bytes| hash.0.update(bytes));
        }
        Ok(CacheKey(hash.0.finalize().into()))
    }

    /// The request without what doesn't count.
    pub(crate) fn canonical(&self, mut request: Value) -> Value {
        let Some(fields) = request.as_object_mut() else {
            return request;
        };
        fields.retain(|name, value| match name.as_str() {
            "cache" | "include_raw" => false,
            "user" => self.user,
            "metadata" => self.metadata,
            "service_tier" => self.service_tier,
            "output" => value.get("type").and_then(Value::as_str) != Some("text"),
            "n" => value.as_u64() != Some(1),
            "logprobs" => value.as_bool() != Some(false),
            "tool_choice" => value.as_str() != Some("auto"),
            "reasoning" => value.as_object().is_none_or(|it| !it.is_empty()),
            _ => true,
        });
        let extra = fields.get_mut("extra").and_then(Value::as_object_mut);
        if let Some(extra) = extra {
            for fields in extra.values_mut().filter_map(Value::as_object_mut) {
                fields.retain(|name, _| !self.ignored_extra.contains(name));
            }
            extra.retain(|provider, fields| {
                provider != SWITCHES && fields.as_object().is_none_or(|it| !it.is_empty())
            });
            if extra.is_empty() {
                fields.remove("extra");
            }
        }
        for list in ["tools", "messages"] {
            without_hints(fields.get_mut(list));
        }
        request
    }
}

/// Takes the hints for prompt caches off parts and tools. What they hold in the
/// provider's words is left as it is.
fn without_hints(list: Option<&mut Value>) {
    for item in list.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(item) = item.as_object_mut() {
            item.remove("cache");
            without_hints(item.get_mut("parts"));
        }
    }
}

/// The key of a request to a model. Written, it is `parlor:1:` and 64 digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey([u8; 32]);

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0
            .iter()
            .try_for_each(|byte| f.write_fmt(format_args!("{byte:02x}")))
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheKey({self})")
    }
}

struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(out: &mut Hash, value: &Value) -> io::Result<()> {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            let mut before: &[u8] = b"{";
            for (name, value) in members {
                out.write_all(before)?;
                serde_json::to_writer(&mut *out, name)?;
                out.write_all(b":")?;
                write(out, value)?;
                before = b",";
            }
            out.write_all(if before == b"{" { b"{}" } else { b"}" })
        }
        Value::Array(items) => {
            let mut before: &[u8] = b"[";
            for item in items {
                out.write_all(before)?;
                write(out, item)?;
                before = b",";
            }
            out.write_all(if before == b"[" { b"[]" } else { b"]" })
        }
        Value::Number(number) => match number.as_f64() {
            // Within this, every whole number has a place among the floats.
            Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => {
                write!(out, "{}", float as i64)
            }
            _ => write!(out, "{number}"),
        },
        other => Ok(serde_json::to_writer(out, other)?),
    }
}

/// Whether the request asks for an answer that could be given again: at
/// temperature 0, or with a seed.
pub(crate) fn is_deterministic(request: &ChatRequest) -> bool {
    request.temperature == Some(0.0) || request.seed.is_some()
}

/// What the request says under `extra.parlor.NAME`.
pub(crate) fn switch<'a>(request: &'a ChatRequest, name: &str) -> Option<&'a Value> {
    request.extra.get(SWITCHES)?.get(name)
}

/// The request with a switch set.
pub(crate) fn with_switch(request: ChatRequest, name: &str, value: Value) -> ChatRequest {
    request.with_extra(SWITCHES, name, value)
}

/// The request without a switch, which is for nobody further in.
pub(crate) fn without_switch<'a>(request: &'a ChatRequest, name: &str) -> Cow<'a, ChatRequest> {
    if switch(request, name).is_none() {
        return Cow::Borrowed(request);
    }
    let mut request = request.clone();
    if let Some(switches) = request.extra.get_mut(SWITCHES) {
        switches.shift_remove(name);
        if switches.is_empty() {
            request.extra.remove(SWITCHES);
        }
    }
    Cow::Owned(request)
}

/// The same request with an owner of its own.
pub(crate) fn owned(request: Cow<'_, ChatRequest>) -> ChatRequest {
    match request {
        Cow::Borrowed(request) => request.same(),
        Cow::Owned(request) => request,
    }
}

/// A switch that says what it can't.
pub(crate) fn wrong_switch(name: &str, value: &Value, expected: &str) -> Error {
    Error::new(
        ErrorKind::InvalidRequest,
        format!("the request's `extra.{SWITCHES}.{name}` is {value}"),
    )
    .with_help(format!("Say {expected}."))
}

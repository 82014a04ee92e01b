//! Refuses requests that can't go well before anything is sent.
//!
//! - **Place:** inside trace and metrics, which count a refusal, and outside
//!   everything that costs: cache, budget, retries.
//! - **`info()`:** the inner one's.
//! - **A call:** refused at once, or passed on. Nothing is waited for.
//! - **A stream's opening:** as a call.
//! - **A stream's middle:** untouched; the stream isn't even wrapped.
//! - **A drop:** drops the inner future or stream; there is nothing else.
//!
//! A refusal is [`ErrorKind::Validation`] and says which message, part or
//! setting is meant; only a conversation that is longer than the model's
//! context window is [`ErrorKind::ContextTooLong`], as it is where the provider
//! finds out. Messages and parts are counted from 1. What a model can't do is
//! not asked here: the model itself says so.
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo, ErrorKind};
//! use parlor_layers::validate::ValidateLayer;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let model = Echo::new().layer(ValidateLayer::default());
//! let error = model.ask("  ").await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::Validation);
//! assert_eq!(error.message(), "message 1 (user) is blank");
//! # });
//! ```
//!
//! In a configuration, with every key of [`ValidatePolicy`]:
//!
//! ```toml
//! [layers.validate]
//! trim = true
//! max_chars = 200_000
//! media_kinds = ["image"]
//! ```

mod check;

use crate::stack::Configurable;
use async_trait::async_trait;
#[cfg(doc)]
use parlor_core::ErrorKind;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Layer, MediaKind, Message, ModelInfo, Part,
    Result, Role,
};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;

/// What a request must keep to. `None` is no limit; in a configuration that is
/// `false`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ValidatePolicy {
    /// Whether white space around the texts of system and user messages is cut
    /// off before they are checked and sent. A text with a provider's native
    /// item stays as it is. Off by default.
    pub trim: bool,
    /// Whether a blank last message of the user is sent. Off by default. A
    /// message with media isn't blank.
    pub allow_blank: bool,
    /// The most messages. None by default.
    #[serde(deserialize_with = "limit")]
    pub max_messages: Option<usize>,
    /// The most characters of all texts together: messages, arguments and
    /// results of tools. None by default.
    #[serde(deserialize_with = "limit")]
    pub max_chars: Option<u64>,
    /// How many times the model's context window, where it is known, the
    /// [estimate](mod@crate::estimate) of all texts may be. It errs upwards and this
    /// is in favour of the request: 1.5 by default. Tools, media and reasoning
    /// don't count. `None` compares nothing.
    #[serde(deserialize_with = "limit")]
    pub window_tolerance: Option<f64>,
    /// The kinds of media that may be sent. `None`, the default, is all; an
    /// empty list is none.
    #[serde(deserialize_with = "limit")]
    pub media_kinds: Option<Vec<MediaKind>>,
    /// The most media in one request. 100 by default.
    #[serde(deserialize_with = "limit")]
    pub max_media: Option<usize>,
    /// The most bytes of one medium that is sent along. 50 MiB by default.
    /// One at an address or in a provider's store isn't measured.
    #[serde(deserialize_with = "limit")]
    pub max_media_bytes: Option<u64>,
    /// The most bytes of all of them together. 100 MiB by default.
    #[serde(deserialize_with = "limit")]
    pub max_media_total_bytes: Option<u64>,
    /// The most tools. None by default.
    #[serde(deserialize_with = "limit")]
    pub max_tools: Option<usize>,
    /// The least and the greatest temperature. 0 to 2 by default.
    #[serde(deserialize_with = "limit")]
    pub temperature: Option<[f64; 2]>,
    /// The least and the greatest top_p. 0 to 1 by default.
    #[serde(deserialize_with = "limit")]
    pub top_p: Option<[f64; 2]>,
    /// The least and the greatest penalty of both kinds. -2 to 2 by default.
    #[serde(deserialize_with = "limit")]
    pub penalty: Option<[f64; 2]>,
    /// The most tokens of answer that may be asked for. None by default.
    #[serde(deserialize_with = "limit")]
    pub max_output_tokens: Option<u64>,
    /// The most choices that may be asked for. 128 by default.
    #[serde(deserialize_with = "limit")]
    pub max_choices: Option<u32>,
    /// The most alternatives for each token. 20 by default.
    #[serde(deserialize_with = "limit")]
    pub max_top_logprobs: Option<u32>,
}

impl Default for ValidatePolicy {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            trim: false,
            allow_blank: false,
            max_messages: None,
            max_chars: None,
            window_tolerance: Some(1.5),
            media_kinds: None,
            max_media: Some(100),
            max_media_bytes: Some(50 * MIB),
            max_media_total_bytes: Some(100 * MIB),
            max_tools: None,
            temperature: Some([0.0, 2.0]),
            top_p: Some([0.0, 1.0]),
            penalty: Some([-2.0, 2.0]),
            max_output_tokens: None,
            max_choices: Some(128),
            max_top_logprobs: Some(20),
        }
    }
}

/// A limit, or `false` or `null` for none.
fn limit<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> std::result::Result<Option<T>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Bool(false) | Value::Null => Ok(None),
        value => T::deserialize(value).map(Some).map_err(D::Error::custom),
    }
}

impl ValidatePolicy {
    /// Whether the request may be sent to this model.
    ///
    /// # Errors
    /// The first thing that is wrong with it, by its place.
    pub fn check(&self, request: &ChatRequest, info: &ModelInfo) -> Result<()> {
        check::messages(self, request)?;
        check::length(self, request, info)?;
        check::media(self, request)?;
        check::tools(self, request)?;
        check::settings(self, request)
    }

    /// The request as it is sent.
    fn trimmed<'a>(&self, request: &'a ChatRequest) -> Cow<'a, ChatRequest> {
        let mut request = Cow::Borrowed(request);
        if self.trim && request.messages.iter().any(has_margin) {
            for message in &mut request.to_mut().messages {
                trim(message);
            }
        }
        request
    }
}

/// A text that may be trimmed and has something to cut off.
fn margin(role: Role, part: &Part) -> Option<&str> {
    match (role, part) {
        (Role::System | Role::User, Part::Text(text)) if text.native.is_none() => {
            let trimmed = text.text.trim();
            (trimmed.len() < text.text.len()).then_some(trimmed)
        }
        _ => None,
    }
}

fn has_margin(message: &Message) -> bool {
    let mut parts = message.parts.iter();
    parts.any(|part| margin(message.role, part).is_some())
}

fn trim(message: &mut Message) {
    let role = message.role;
    for part in &mut message.parts {
        let trimmed = margin(role, part).map(str::to_owned);
        if let (Part::Text(text), Some(trimmed)) = (part, trimmed) {
            text.text = trimmed;
        }
    }
}

/// Refuses what breaks its policy.
#[derive(Debug, Clone, Default)]
pub struct ValidateLayer {
    policy: Arc<ValidatePolicy>,
}

impl ValidateLayer {
    /// A layer with this policy.
    pub fn new(policy: ValidatePolicy) -> Self {
        Self {
            policy: Arc::new(policy),
        }
    }
}

impl Layer for ValidateLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(ValidateModel {
            inner,
            policy: self.policy.clone(),
        })
    }
}

impl Configurable for ValidateLayer {
    type Settings = ValidatePolicy;

    fn configured(policy: ValidatePolicy) -> std::result::Result<Self, String> {
        Ok(Self::new(policy))
    }
}

#[derive(Debug)]
struct ValidateModel {
    inner: Arc<dyn ChatModel>,
    policy: Arc<ValidatePolicy>,
}

impl ValidateModel {
    fn checked<'a>(&self, request: &'a ChatRequest) -> Result<Cow<'a, ChatRequest>> {
        let request = self.policy.trimmed(request);
        self.policy.check(&request, self.inner.info())?;
        Ok(request)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for ValidateModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.inner.chat(&*self.checked(request)?).await
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        self.inner.stream(&*self.checked(request)?).await
    }
}

//! Takes out of requests what must not leave the program, and puts it back into answers.
//!
//! - **Place:** outside cache and everything that sends, so that nothing
//!   within it sees what was taken out. Hooks, trace and metrics stand outside:
//!   a trace with content shows it.
//! - **`info()`:** the inner one's.
//! - **A call:** `ann@example.org` goes out as `[EMAIL_1]`, and where the answer
//!   says `[EMAIL_1]` the caller reads `ann@example.org`. One value has one
//!   placeholder in a request, by the order in which values first appear, so
//!   that a conversation that grows keeps its placeholders.
//! - **A stream's opening:** as a call. Where nothing was taken out, the stream
//!   isn't wrapped.
//! - **A stream's middle:** placeholders are put back in text, reasoning, tool
//!   calls and what citations quote. The end of a delta that may be the
//!   beginning of a placeholder is held back until it is decided or its part
//!   ends: fewer characters than the longest placeholder has.
//! - **A drop:** drops the inner future or stream at once.
//!
//! Searched are the texts of all messages: text, reasoning, refusals, arguments
//! and results of tools, what citations quote. In arguments that are JSON every
//! text, number and name of a field is; a number that is taken out is a text
//! afterwards, and comes back as one.
//!
//! **Limits.** It is a net, not a proof: what looks like nothing above passes.
//! Not searched are media, their names and addresses, tools and their schemas,
//! names of speakers, metadata, `user`, `extra`, and the native items of a
//! provider, which came from it. A value that is split over two parts isn't
//! found. A model may write a placeholder otherwise than it got it; then it
//! stays as it is. Log probabilities and raw bodies show placeholders.
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo};
//! use parlor_layers::redact::{RedactLayer, RedactPolicy};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let model = Echo::new().layer(RedactLayer::new(RedactPolicy::default()));
//! // Echo got `Write to [EMAIL_1].`
//! let answer = model.ask("Write to ann@example.org.").await?;
//! assert_eq!(answer.text(), "Write to ann@example.org.");
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! In a configuration:
//!
//! ```toml
//! [layers.redact]
//! phones = true
//! patterns = { TICKET = 'T-\d{6}' }
//! ```

mod find;
mod restore;
mod table;

use crate::stack::Configurable;
use async_trait::async_trait;
use find::Finder;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, Layer, ModelInfo, Result,
    Secret,
};
use regex_lite::Regex;
use restore::{Restored, restored_error};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most letters of a pattern's name.
const LONGEST_NAME: usize = 32;

/// What is taken out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RedactPolicy {
    /// Mail addresses, as `[EMAIL_1]`. On by default.
    pub emails: bool,
    /// What looks like an API key by its beginning, or follows `Bearer`, and
    /// the [`secrets`](Self::secrets), as `[KEY_1]`. On by default.
    pub keys: bool,
    /// Numbers of payment cards: 13 to 19 digits that pass the check of Luhn, in
    /// one piece or in a card's groups with spaces or hyphens between, as
    /// `[CARD_1]`. On by default.
    pub cards: bool,
    /// Telephone numbers: 8 to 15 digits after a `+`, or ten in groups, as
    /// `[PHONE_1]`. Off by default, since other numbers look alike.
    pub phones: bool,
    /// Secrets of your own, of eight bytes or more, wherever they stand. None
    /// by default.
    pub secrets: Vec<Secret>,
    /// Patterns of your own. None by default.
    pub patterns: Vec<RedactPattern>,
}

impl Default for RedactPolicy {
    fn default() -> Self {
        Self {
            emails: true,
            keys: true,
            cards: true,
            phones: false,
            secrets: Vec::new(),
            patterns: Vec::new(),
        }
    }
}

/// A regular expression whose matches are taken out.
#[derive(Debug, Clone)]
pub struct RedactPattern {
    name: String,
    regex: Regex,
}

impl RedactPattern {
    /// A pattern in the words of the crate `regex-lite`, whose matches go out
    /// as `[NAME_1]`. The name has capital letters, digits and `_`, at most 32.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for a name or a pattern that can't be used.
    pub fn new(name: impl Into<String>, pattern: &str) -> Result<Self> {
        let name = name.into();
        let in_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_uppercase())
            || !name.chars().all(in_name)
            || name.len() > LONGEST_NAME
        {
            let message = format!("a pattern can't be called `{name}`");
            return Err(Error::new(ErrorKind::Configuration, message)
                .with_help("Use capital letters, digits and `_`, such as `TICKET`."));
        }
        match Regex::new(pattern) {
            Ok(regex) => Ok(Self { name, regex }),
            Err(error) => {
                let message = format!("the pattern `{name}` can't be read: {error}");
                Err(Error::new(ErrorKind::Configuration, message))
            }
        }
    }
}

/// What a configuration can set; by default as in [`RedactPolicy`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RedactSettings {
    /// Mail addresses.
    pub emails: Option<bool>,
    /// API keys.
    pub keys: Option<bool>,
    /// Numbers of payment cards.
    pub cards: Option<bool>,
    /// Telephone numbers.
    pub phones: Option<bool>,
    /// Patterns by their names.
    pub patterns: BTreeMap<String, String>,
}

/// Takes out of requests what its policy names.
#[derive(Debug, Clone)]
pub struct RedactLayer {
    finder: Arc<Finder>,
}

impl RedactLayer {
    /// A layer with this policy.
    pub fn new(policy: RedactPolicy) -> Self {
        Self {
            finder: Arc::new(Finder::new(policy)),
        }
    }
}

impl Default for RedactLayer {
    fn default() -> Self {
        Self::new(RedactPolicy::default())
    }
}

impl Configurable for RedactLayer {
    type Settings = RedactSettings;

    fn configured(settings: RedactSettings) -> std::result::Result<Self, String> {
        let mut policy = RedactPolicy::default();
        for (field, set) in [
            (&mut policy.emails, settings.emails),
            (&mut policy.keys, settings.keys),
            (&mut policy.cards, settings.cards),
            (&mut policy.phones, settings.phones),
        ] {
            *field = set.unwrap_or(*field);
        }
        for (name, pattern) in settings.patterns {
            let pattern = RedactPattern::new(name, &pattern);
            let pattern = pattern.map_err(|error| error.message().to_owned())?;
            policy.patterns.push(pattern);
        }
        Ok(Self::new(policy))
    }
}

impl Layer for RedactLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(RedactModel {
            inner,
            finder: self.finder.clone(),
        })
    }
}

#[derive(Debug)]
struct RedactModel {
    inner: Arc<dyn ChatModel>,
    finder: Arc<Finder>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for RedactModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let Some((redacted, table)) = table::redact(&self.finder, request) else {
            return self.inner.chat(request).await;
        };
        match self.inner.chat(&redacted).await {
            Ok(mut response) => {
                table.restore(&mut response);
                Ok(response)
            }
            Err(error) => Err(restored_error(&table, error)),
        }
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let Some((redacted, table)) = table::redact(&self.finder, request) else {
            return self.inner.stream(request).await;
        };
        match self.inner.stream(&redacted).await {
            Ok(stream) => {
                let table = Arc::new(table);
                Ok(stream.map_events(|events| Restored::new(events, table)))
            }
            Err(error) => Err(restored_error(&table, error)),
        }
    }
}

//! The one error: what failed, whether to try again, what to do next.

mod kind;
#[cfg(test)]
mod tests;

pub use kind::{ErrorKind, Retry, TimeoutKind};

use crate::response::ChatResponse;
use crate::scrub::Scrub;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any failure of parlor: of a call, of the opening of a stream, or of its
/// middle.
///
/// It is one pointer wide, and a clone shares what it points to, so one failure
/// can be handed to all who wait for the same answer. [`kind`](Self::kind) is
/// for code, [`Display`](fmt::Display) says what happened and
/// [`help`](Self::help) what to do next. Secrets are never in it: whoever builds
/// one keeps them out.
///
/// A provider's message may be long. `Display` shows the first 500 characters of
/// it, or as many as [`with_message_limit`](Self::with_message_limit) says, and
/// how many more there are; [`message`](Self::message) and `{:#}` have all of it.
///
/// Its JSON form has `kind, message, help, provider, model, status, code,
/// retry, request_id, partial`, with `null` for what is unknown.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    retry: Retry,
    /// The last wait that was named.
    wait: Option<Duration>,
    help: Option<Cow<'static, str>>,
    provider: Option<String>,
    model: Option<String>,
    tool: Option<String>,
    status: Option<u16>,
    code: Option<String>,
    request_id: Option<String>,
    body: Option<String>,
    /// The most characters of the message that are shown.
    limit: Option<usize>,
    partial: Option<Arc<ChatResponse>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The most bytes of a provider's body that an error keeps.
const BODY_LIMIT: usize = 2048;

/// The most characters of a message that are shown, where nobody said.
const MESSAGE_LIMIT: usize = 500;

impl Error {
    /// An error of a kind. The message is a sentence that names what failed;
    /// whether to retry follows from the kind until
    /// [`with_retry`](Self::with_retry) says otherwise.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            retry: kind.retry(),
            wait: None,
            help: None,
            provider: None,
            model: None,
            tool: None,
            status: None,
            code: None,
            request_id: None,
            body: None,
            limit: None,
            partial: None,
            source: None,
        }))
    }

    /// An answer that isn't what the protocol says.
    pub fn decode(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Decode, message)
    }

    /// An answer that broke off before its protocol's end.
    pub fn truncated() -> Self {
        Self::new(ErrorKind::Truncated, "the answer broke off before its end")
    }

    /// A tool that failed: which one, and of what.
    ///
    /// ```
    /// use parlor_core::Error;
    ///
    /// let error = Error::tool("weather", "no station answers");
    /// assert_eq!(error.tool_name(), Some("weather"));
    /// assert_eq!(error.to_string(), "the tool `weather` failed: no station answers");
    /// ```
    pub fn tool(
        name: impl Into<String>,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let (name, cause) = (name.into(), cause.into());
        let message = format!("the tool `{name}` failed: {cause}");
        let mut error = Self::new(ErrorKind::Tool, message).with_source(cause);
        error.inner().tool = Some(name);
        error
    }

    /// Something that the model or provider can't do.
    pub fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened: the provider's own message where it sent one.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether to try again.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// How long to wait before it may go better, where that was named; known still when retries
    /// are [`Exhausted`](Retry::Exhausted).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.wait
    }

    /// A sentence on what to do next.
    pub fn help(&self) -> &str {
        let has_text = || self.partial().is_some_and(|it| !it.text().is_empty());
        match (&self.0.help, self.kind()) {
            (Some(help), _) => help,
            (None, ErrorKind::Server) if self.request_id().is_some() => {
                "Try again; if it goes on, tell the provider the request id."
            }
            (None, ErrorKind::Truncated) if has_text() => {
                "The partial answer is kept; ask again for the rest."
            }
            (None, ErrorKind::Cancelled) if has_text() => "The partial answer is kept.",
            (None, kind) => kind.help(),
        }
    }

    /// The provider it came from.
    pub fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// The model that was asked.
    pub fn model(&self) -> Option<&str> {
        self.0.model.as_deref()
    }

    /// The tool that failed.
    pub fn tool_name(&self) -> Option<&str> {
        self.0.tool.as_deref()
    }

    /// The HTTP status.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The provider's own code or type of error.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The provider's id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The beginning of the provider's body, at most 2 KiB.
    pub fn body(&self) -> Option<&str> {
        self.0.body.as_deref()
    }

    /// What had come when the answer broke off.
    pub fn partial(&self) -> Option<&ChatResponse> {
        self.0.partial.as_deref()
    }

    /// Takes out what had come when the answer broke off; clones of the error
    /// keep it.
    pub fn take_partial(&mut self) -> Option<ChatResponse> {
        self.inner().partial.take().map(Arc::unwrap_or_clone)
    }

    /// What it says, to be changed; apart from its clones, if there are any.
    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    /// The same error of another kind; whether to retry follows from it anew.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        let inner = self.inner();
        inner.kind = kind;
        inner.retry = kind.retry();
        self
    }

    /// The same error with another word on retrying.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        let inner = self.inner();
        inner.retry = retry;
        if let Retry::Later(Some(wait)) = retry {
            inner.wait = Some(wait);
        }
        self
    }

    /// The same error with a sentence on what to do next.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.inner().help = Some(help.into());
        self
    }

    /// The same error with its provider.
    #[must_use]
    pub fn with_provider(mut self, provider: impl Into<String>) -> Self {
        self.inner().provider = Some(provider.into());
        self
    }

    /// The same error with the model that was asked.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.inner().model = Some(model.into());
        self
    }

    /// The same error whose `Display` shows at most so many characters of the
    /// message, and how many more there are.
    ///
    /// Without, it is 500, but for [`Configuration`](ErrorKind::Configuration),
    /// whose message may list many things that are wrong.
    #[must_use]
    pub fn with_message_limit(mut self, characters: usize) -> Self {
        self.inner().limit = Some(characters);
        self
    }

    /// The same error with its HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.inner().status = Some(status);
        self
    }

    /// The same error with the provider's code; an empty one is none.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        let code = code.into();
        self.inner().code = (!code.is_empty()).then_some(code);
        self
    }

    /// The same error with the provider's id of the request.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.inner().request_id = Some(id.into());
        self
    }

    /// The same error with the beginning of the provider's body.
    #[must_use]
    pub fn with_body(mut self, body: &[u8]) -> Self {
        let head = &body[..body.len().min(BODY_LIMIT)];
        let text = String::from_utf8_lossy(head).into_owned();
        self.inner().body = (!text.is_empty()).then_some(text);
        self
    }

    /// The same error with what had come when the answer broke off.
    #[must_use]
    pub fn with_partial(mut self, partial: ChatResponse) -> Self {
        self.inner().partial = Some(Arc::new(partial));
        self
    }

    /// The same error without the secrets that a server or a cause of it
    /// repeats: in its message, help, code, request id and body. A cause whose
    /// words have one is left out. The partial answer stays as it is.
    #[must_use]
    pub fn scrubbed(mut self, scrub: &Scrub) -> Self {
        let inner = self.inner();
        for text in [Some(&mut inner.message), inner.help.as_mut()] {
            if let Some(text) = text
                && let Cow::Owned(clean) = scrub.text(text)
            {
                *text = Cow::Owned(clean);
            }
        }
        for text in [&mut inner.code, &mut inner.request_id] {
            if let Some(text) = text
                && let Cow::Owned(clean) = scrub.text(text)
            {
                *text = clean;
            }
        }
        if let Some(body) = &mut inner.body {
            *body = scrub.cut_text(body);
        }
        let quotes = |it: &dyn StdError| matches!(scrub.text(&chain(it)), Cow::Owned(_));
        if inner.source.as_deref().is_some_and(|it| quotes(it)) {
            inner.source = None;
        }
        self
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner().source = Some(source.into().into());
        self
    }
}

/// At most so many characters of a text, and how many more there are.
fn cut(text: &str, most: usize) -> Cow<'_, str> {
    // As many bytes hold no more characters.
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let (head, tail) = text.split_at(end);
            Cow::Owned(format!(
                "{head}… ({} more characters)",
                tail.chars().count()
            ))
        }
    }
}

/// All that an error and its causes may show.
fn chain(error: &dyn StdError) -> String {
    let mut text = format!("{error:?}");
    let mut next = Some(error);
    while let Some(error) = next {
        text.push_str(&format!(" {error}"));
        next = error.source();
    }
    text
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(provider) = &inner.provider {
            write!(f, "{provider}: ")?;
        }
        let limit = match (inner.limit, inner.kind) {
            _ if f.alternate() => None,
            (None, ErrorKind::Configuration) => None,
            (limit, _) => Some(limit.unwrap_or(MESSAGE_LIMIT)),
        };
        let message = limit.map_or(Cow::Borrowed(&*inner.message), |it| cut(&inner.message, it));
        f.write_str(&message)?;
        // A message of our own, where the provider sent none, has it already.
        let status = inner.status.map(|status| status.to_string());
        let status = status.filter(|it| !message.ends_with(&format!(" {it}")));
        let request = inner.request_id.as_ref().map(|id| format!("request {id}"));
        let notes: Vec<&str> = [&status, &inner.code, &request]
            .into_iter()
            .filter_map(|note| note.as_deref())
            .collect();
        match notes.is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", notes.join(", ")),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", &inner.kind)
            .field("message", &inner.message)
            // What a `main` that returns the error shows of it.
            .field("help", &self.help())
            .field("retry", &inner.retry);
        let texts = [
            ("provider", &inner.provider),
            ("model", &inner.model),
            ("tool", &inner.tool),
            ("code", &inner.code),
            ("request_id", &inner.request_id),
            ("body", &inner.body),
        ];
        if let Some(status) = inner.status {
            out.field("status", &status);
        }
        for (name, text) in texts {
            if let Some(text) = text {
                out.field(name, text);
            }
        }
        if let Some(partial) = &inner.partial {
            out.field("partial", &partial.text());
        }
        if let Some(source) = &inner.source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source: &(dyn StdError + 'static) = self.0.source.as_deref()?;
        Some(source)
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct RetryForm {
            advice: &'static str,
            after_ms: Option<u64>,
        }
        let after = match self.retry() {
            Retry::Later(Some(after)) => u64::try_from(after.as_millis()).ok(),
            _ => None,
        };
        let mut out = serializer.serialize_struct("Error", 10)?;
        out.serialize_field("kind", self.kind().as_str())?;
        out.serialize_field("message", self.message())?;
        out.serialize_field("help", self.help())?;
        out.serialize_field("provider", &self.provider())?;
        out.serialize_field("model", &self.model())?;
        out.serialize_field("status", &self.status())?;
        out.serialize_field("code", &self.code())?;
        let retry = RetryForm {
            advice: self.retry().as_str(),
            after_ms: after,
        };
        out.serialize_field("retry", &retry)?;
        out.serialize_field("request_id", &self.request_id())?;
        out.serialize_field("partial", &self.partial())?;
        out.end()
    }
}

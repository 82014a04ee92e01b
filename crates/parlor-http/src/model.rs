//! The one model over HTTP, whatever the dialect.

use crate::anew::Anew;
use crate::body::{Body, read_whole};
use crate::endpoint::Endpoint;
use crate::events::{EventReader, is_cut};
use crate::exchange::KeptHead;
use crate::wire::{Boxed, Wire};
use crate::{failure, headers};
use http::Extensions;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, ModelInfo, Result, Retry,
    TimeoutKind, Warning, Words,
};
use parlor_dialect::{Dialect, Policy, Profile, Target};
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The length of a body that comes in many pieces.
const LARGE: u64 = 64 << 10;

/// A chat model over HTTP: a dialect, an endpoint and facts about the model.
///
/// It keeps the endpoint's [time limits](crate::Timeouts) itself, since only it
/// sees connections and bytes, and says so by [`ModelInfo::keeps_time`]. A
/// layer with limits beside them is for whoever wants others.
///
/// Cheap to clone.
#[derive(Debug)]
pub struct HttpModel<D: Dialect> {
    shared: Arc<Shared<D>>,
}

/// What a model is made of. The dialect is the last field, so that a pointer to
/// it serves for whichever it is.
#[derive(Debug)]
pub(crate) struct Shared<D: ?Sized = dyn Wire> {
    pub(crate) info: Arc<ModelInfo>,
    pub(crate) profile: Profile,
    pub(crate) endpoint: Endpoint,
    /// Merged into the body of every request, beneath the request's own.
    extra: Map<String, Value>,
    /// For answers that come whole, and for streams.
    heads: [KeptHead; 2],
    pub(crate) dialect: D,
}

impl<D: Dialect> HttpModel<D> {
    /// A model that speaks a dialect at an endpoint.
    pub fn new(dialect: D, endpoint: Endpoint, info: ModelInfo) -> Self {
        Self::configured(dialect, endpoint, info, Profile::default(), Map::new())
    }

    /// A model of a family with traits of its own, and with fields that go
    /// into the body of every request unless the request says otherwise.
    pub fn configured(
        dialect: D,
        endpoint: Endpoint,
        mut info: ModelInfo,
        profile: Profile,
        extra: Map<String, Value>,
    ) -> Self {
        info.keeps_time = true;
        info.media = info.media.or(dialect.media(&info.model));
        Self {
            shared: Arc::new(Shared {
                dialect,
                info: Arc::new(info),
                profile,
                endpoint,
                extra,
                heads: Default::default(),
            }),
        }
    }

    /// The dialect it speaks.
    pub fn dialect(&self) -> &D {
        &self.shared.dialect
    }

    /// Where it is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.shared.endpoint
    }

    /// What it is made of.
    pub(crate) fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }
}

impl<D: Dialect> Clone for HttpModel<D> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

// Written out, so that nothing of a call is compiled anew for each dialect.
impl<D: Dialect> ChatModel for HttpModel<D> {
    fn info(&self) -> &ModelInfo {
        &self.shared.info
    }

    fn chat<'m, 'r, 'f>(&'m self, request: &'r ChatRequest) -> Boxed<'f, Result<ChatResponse>>
    where
        'm: 'f,
        'r: 'f,
        Self: 'f,
    {
        let shared: &'m Shared = &*self.shared;
        shared.chat(request)
    }

    fn stream<'m, 'r, 'f>(&'m self, request: &'r ChatRequest) -> Boxed<'f, Result<ChatStream>>
    where
        'm: 'f,
        'r: 'f,
        Self: 'f,
    {
        stream(self.shared.clone(), request)
    }
}

/// Asks for an answer as a stream.
fn stream<'a>(shared: Arc<Shared>, request: &'a ChatRequest) -> Boxed<'a, Result<ChatStream>> {
    Box::pin(async move {
        let (streams, warnings) = Policy::streams(request, &shared.info)?;
        let asked = Asked {
            shared: shared.clone(),
            request: Cow::Borrowed(request),
            streams,
            warnings,
            begun: Instant::now(),
        };
        let mut events = asked.open().await?;
        let mut renewed = false;
        if let Err(error) = events.settle().await {
            let (head, extensions) = events.exchange();
            renewed = asked.renews(&error, &head, &extensions).await?;
            if !renewed {
                return Err(error);
            }
            events = asked.open().await?;
            events.settle().await?;
        }
        let metadata = events.metadata();
        let (info, later) = (shared.info.clone(), events.later_metadata());
        let tap = events.tap();
        let mut stream = match renewed || !shared.endpoint.may_renew() {
            true => ChatStream::new(info, events),
            false => ChatStream::new(info, Anew::new(events, asked.kept())),
        };
        if let Some(tap) = tap {
            stream = stream.with_tap(tap);
        }
        Ok(stream.with_metadata(metadata).with_later_metadata(later))
    })
}

/// A stream that is asked for, once or twice.
pub(crate) struct Asked<'a> {
    shared: Arc<Shared>,
    request: Cow<'a, ChatRequest>,
    /// Whether the model streams; if not, the answer comes whole.
    streams: bool,
    warnings: Vec<Warning>,
    begun: Instant,
}

impl Asked<'_> {
    /// The same with a request of its own.
    fn kept(self) -> Asked<'static> {
        Asked {
            shared: self.shared,
            request: Cow::Owned(self.request.same()),
            streams: self.streams,
            warnings: self.warnings,
            begun: self.begun,
        }
    }

    /// Asks.
    pub(crate) async fn open(&self) -> Result<EventReader> {
        let (response, more) = self.shared.open(&self.request, self.streams).await?;
        let warnings = self.warnings.iter().cloned().chain(more).collect();
        let mut events = EventReader::new(self.shared.clone(), response, self.begun, warnings);
        if !self.streams {
            events = events.of_whole();
        } else if let Some(words) = self.shared.words(&self.request) {
            events = events.tapped(words.tells_usage);
        }
        if self.request.n.is_some_and(|n| n > 1) {
            events = events.of_several();
        }
        Ok(events)
    }

    /// Whether it may go better once more after such a failure.
    pub(crate) async fn renews(
        &self,
        error: &Error,
        head: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<bool> {
        self.shared.endpoint.renews(error, head, extensions).await
    }
}

impl Shared {
    /// Asks for a whole answer.
    fn chat<'a>(&'a self, request: &'a ChatRequest) -> Boxed<'a, Result<ChatResponse>> {
        Box::pin(async move {
            let begun = Instant::now();
            let mut renewed = false;
            loop {
                let (mut response, warnings) = self.open(request, false).await?;
                let head = std::mem::take(response.headers_mut());
                // A large body wants the buffer in which its head lies, again and again.
                let is_large = response.content_length().is_some_and(|it| it >= LARGE);
                let head = match is_large {
                    true => headers::detached(head),
                    false => head,
                };
                let extensions = std::mem::take(response.extensions_mut());
                let name = |error| {
                    let id = headers::request_id(&head);
                    let error = failure::named(error, &self.info, id.as_deref());
                    error.scrubbed(&failure::scrub(&extensions, &self.endpoint))
                };
                let status = response.status().as_u16();
                let body = match self.endpoint.timeouts().total {
                    Some(total) => {
                        let left = total.saturating_sub(begun.elapsed());
                        let whole = timeout(left, read_whole(response, &self.endpoint, begun));
                        Box::pin(whole).await.unwrap_or_else(|_| {
                            Err(failure::of_timeout(TimeoutKind::Total, &self.endpoint))
                        })
                    }
                    None => read_whole(response, &self.endpoint, begun).await,
                };
                let mut body = body.map_err(name)?;
                let advice = |known| headers::retry(&head, known);
                let mut read = match self.words(request).is_some() || request.include_raw {
                    true => self.read(&body, status, advice),
                    false => self.take(&mut body, status, advice),
                };
                if let Ok(answer) = &mut read {
                    answer.warnings.splice(..0, warnings);
                    self.complete(answer, request, body, &head, begun);
                }
                // An answer is large, so it isn't moved about.
                let error = match read {
                    Err(error) => error,
                    read => return read,
                };
                if !renewed {
                    let renews = self.endpoint.renews(&error, &head, &extensions);
                    renewed = renews.await.map_err(name)?;
                    if renewed {
                        continue;
                    }
                }
                return Err(name(error));
            }
        })
    }

    /// Puts into an answer what is known beside it.
    fn complete(
        &self,
        answer: &mut ChatResponse,
        request: &ChatRequest,
        body: Body,
        head: &HeaderMap,
        begun: Instant,
    ) {
        let mut metadata = headers::metadata(head);
        metadata.latency.total_ms = u64::try_from(begun.elapsed().as_millis()).ok();
        answer.metadata = metadata;
        if request.include_raw {
            answer.raw = serde_json::from_slice(&body).ok();
        }
        if let Some(words) = self.words(request)
            && body.trim_ascii_start().starts_with(b"{")
        {
            words.answered(answer, body.into());
        }
    }

    pub(crate) fn target(&self, stream: bool) -> Target<'_> {
        let target = Target::new(&self.info, &self.profile).with_extra(&self.extra);
        let target = target.speaking(self.dialect.name());
        match stream {
            true => target.streaming(),
            false => target,
        }
    }

    /// What a client of this dialect wrote, who is told what the provider writes.
    fn words<'a>(&self, request: &'a ChatRequest) -> Option<&'a Arc<Words>> {
        request.verbatim.of(self.dialect.name())
    }

    /// Sends a request; a status that isn't 2xx is an error.
    async fn open(&self, request: &ChatRequest, stream: bool) -> Result<(Response, Vec<Warning>)> {
        let name = |error| failure::named(error, &self.info, None);
        let target = self.target(stream);
        let words = self.words(request);
        let passed = words.and_then(|words| self.dialect.pass_request(words, &target));
        let mut wire = match passed {
            Some(passed) => passed,
            None => {
                let unspoken = parlor_dialect::unspoken(request, &target).map_err(name)?;
                let written = self.dialect.write_request(request, &target);
                let mut written = written.map_err(name)?;
                written.warnings.extend(unspoken);
                written
            }
        };
        let mut warnings = std::mem::take(&mut wire.warnings);
        let [whole, streamed] = &self.heads;
        let head = if stream { streamed } else { whole };
        let response = self.endpoint.post(head, wire).await.map_err(name)?;
        if !response.status().is_success() {
            return Err(name(
                failure::of_status(&self.dialect, response, &self.endpoint).await,
            ));
        }
        check_encoding(response.headers()).map_err(name)?;
        warnings.extend(headers::warnings(response.headers()));
        Ok((response, warnings))
    }

    /// Reads a whole answer as [`read`](Self::read) does, out of a body that
    /// nobody else needs.
    pub(crate) fn take(
        &self,
        body: &mut Body,
        status: u16,
        advice: impl Fn(Retry) -> Retry,
    ) -> Result<ChatResponse> {
        let taken = match body {
            Body::Joined(bytes) => self.dialect.take_response(bytes, &self.target(false)),
            Body::Piece(_) => None,
        };
        taken.map_or_else(|| self.read(body, status, advice), Ok)
    }

    /// Reads a whole answer. A host that streams though nobody asked is read
    /// as a stream. `advice` is what the headers say about trying again.
    pub(crate) fn read(
        &self,
        body: &[u8],
        status: u16,
        advice: impl Fn(Retry) -> Retry,
    ) -> Result<ChatResponse> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let text = body.trim_ascii_start();
        if ["data:", "event:", ":"]
            .iter()
            .any(|it| text.starts_with(it.as_bytes()))
        {
            return crate::events::read_stream(self, body);
        }
        if text.starts_with(b"<") {
            return Err(
                Error::decode("the answer is a web page, not a model's answer")
                    .with_status(status)
                    .with_body(body)
                    .with_help("Check the base URL, and whether a proxy stands between."),
            );
        }
        let mut read = self.dialect.read_response(body, &self.target(false));
        if let Err(error) = read {
            let error = match error.kind() {
                ErrorKind::Decode if is_cut(text) => error.with_kind(ErrorKind::Truncated),
                _ => error,
            };
            let advice = advice(error.retry());
            let error = match error.body() {
                Some(_) => error,
                None => error.with_body(body),
            };
            read = Err(error.with_status(status).with_retry(advice));
        }
        read
    }
}

/// A body that is still compressed can't be read; say so.
fn check_encoding(head: &HeaderMap) -> Result<()> {
    match head.get(CONTENT_ENCODING).and_then(|it| it.to_str().ok()) {
        None | Some("" | "identity") => Ok(()),
        Some(encoding) => Err(Error::decode(format!(
            "the answer is compressed by {encoding}, though nobody asked for it"
        ))
        .with_help("Turn on parlor's `compression` feature.")),
    }
}

/// When a time limit runs out; never, where that is beyond the clock's reach.
pub(crate) fn after(begun: Instant, limit: Option<Duration>) -> Option<Instant> {
    begun.checked_add(limit?)
}

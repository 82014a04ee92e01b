//! A request in any dialect to a model of any provider, and the answer in the same dialect.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::FutureExt as _;
use parlor::{ChatStream, Error, ErrorKind, Event, Origin, Result, Retry, Warning, WarningKind};
use parlor_dialect::{ClientTools, Outline};
use serde::Deserialize;
use tokio::task::JoinHandle;

use crate::account::{Asked, Provenance};
use crate::answer::Answer;
use crate::body::Seen;
use crate::count;
use crate::names::Names;
use crate::ops;
use crate::responses::{self, Keeping};
use crate::seal::Sealer;
use crate::service::Site;
use crate::speak::{self, Speak};
use crate::through;

/// How long a client should wait that was refused for want of room, in seconds.
const COME_AGAIN: u64 = 1;

/// The header of an answer that tells what of its request could not be honoured, by the name
/// of the setting and what was done to it.
const WARNINGS: &str = "x-parlor-warnings";

/// The header by which official clients are told not to try again themselves.
const SHOULD_RETRY: &str = "x-should-retry";

/// Answers a request in the dialect of its path.
pub(crate) async fn ask(
    dialect: Arc<dyn Speak>,
    State(site): State<Arc<Site>>,
    request: Request,
) -> Response {
    if request.uri().path().ends_with(":countTokens") {
        return count::tokens(&count::CONTENTS, dialect, site, request).await;
    }
    let asked = site.asked(request.headers(), request.uri(), dialect.name());
    let asked = match asked.await {
        Ok(asked) => asked,
        Err(error) => return refused(&*dialect, &error),
    };
    if site.config.on_disconnect.is_empty() {
        return answer(dialect, site, asked, request, &AtomicBool::new(false)).await;
    }
    let stays = Arc::new(AtomicBool::new(false));
    let (told, speaks) = (Arc::clone(&stays), Arc::clone(&dialect));
    let answering = async move { answer(speaks, site, asked, request, &told).await };
    let left = Left {
        answering: tokio::spawn(ops::carried(answering)),
        stays,
        dialect,
    };
    left.await
}

/// An answer that goes on without its client where that is wanted, and ends with it else.
struct Left {
    answering: JoinHandle<Response>,
    stays: Arc<AtomicBool>,
    dialect: Arc<dyn Speak>,
}

impl Future for Left {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let answered = std::task::ready!(Pin::new(&mut self.answering).poll(cx));
        Poll::Ready(answered.unwrap_or_else(|_| {
            let message = "the answer ended in an unexpected way";
            let error = Error::new(ErrorKind::Unexpected, message);
            refused(&*self.dialect, &error)
        }))
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        if !self.stays.load(Ordering::Relaxed) {
            self.answering.abort();
        }
    }
}

/// Answers whoever was let in; `stays` is told whether the answer goes on without them.
async fn answer(
    dialect: Arc<dyn Speak>,
    site: Arc<Site>,
    mut asked: Asked,
    request: Request,
    stays: &AtomicBool,
) -> Response {
    let path = path_of(&request);
    match opened(&*dialect, &site, &mut asked, request, stays).await {
        Ok((Opened::Whole(body), warnings)) => {
            let response = reply(StatusCode::OK, "application/json", Body::from(body));
            warned(response, &warnings)
        }
        Ok((Opened::Stream(opened), warnings)) => {
            let form = dialect.form(&path);
            let sealer = Sealer::new(&*dialect);
            let stays = stays.load(Ordering::Relaxed);
            let encoder = dialect.encoder(&opened.tools);
            let answer = Answer::new(opened, encoder, sealer, form, stays, asked);
            let kind = form.media_type();
            warned(reply(StatusCode::OK, kind, Body::new(answer)), &warnings)
        }
        Err(error) => {
            let response = refused(&*dialect, &error);
            asked.failed(&error);
            asked.told(response.status().as_u16());
            response
        }
    }
}

/// An answer that goes well so far.
#[expect(clippy::large_enum_variant, reason = "it is moved once")]
enum Opened {
    /// Its body.
    Whole(Bytes),
    Stream(Stream),
}

/// A stream that has begun.
pub(crate) struct Stream {
    /// What came of it so far: its first event, and the warnings behind it.
    pub(crate) begun: VecDeque<Result<Event>>,
    pub(crate) events: ChatStream,
    /// Whether the client wants to know what it used.
    pub(crate) tells_usage: bool,
    pub(crate) keeping: Option<Keeping>,
    /// How its id begins where the provider gave none.
    pub(crate) ids: Option<&'static str>,
    pub(crate) names: Names,
    /// The client's tools, by which its answer is written.
    pub(crate) tools: ClientTools,
}

/// The answer, and what of the request could not be honoured.
async fn opened(
    dialect: &dyn Speak,
    site: &Site,
    asked: &mut Asked,
    request: Request,
    stays: &AtomicBool,
) -> Result<(Opened, Vec<Warning>)> {
    let path = path_of(&request);
    let (head, body) = {
        let (parts, body) = request.into_parts();
        (parts.headers, body)
    };
    let mut body = site.bodies.whole(&head, body).await?;
    // Until its answer begins.
    let _held = std::mem::take(&mut body.held);
    let id = model_of(&path, &mut body)?;
    asked.called(&id);
    let model = site.model(&id).await?;
    let (body, keeping) = responses::gone_on(site, dialect, asked.caller(), body).await?;
    if let Some(answer) = dialect.at_once(&body.bytes) {
        asked.completed();
        return Ok((Opened::Whole(answer.into()), Vec::new()));
    }
    // What a client sends back of a provider's own belongs to the model that it asks.
    let origin = Origin::new(model.info().native_provider(), dialect.name());
    let mut incoming = dialect.read(&path, &body.bytes, &origin)?;
    incoming.request.client_dialect = Some(dialect.words());
    let names = Names::suit(&mut incoming.request);
    through::spare(&mut incoming.request);
    asked.wants(&id, model.info(), &incoming.request).await?;
    through::carry(dialect, &mut incoming, &head, body, &origin);
    stays.store(site.config.finishes(&id), Ordering::Relaxed);
    if !incoming.stream {
        let mut response = model.chat(&incoming.request).await?;
        asked.answered(&response, || site.answered_by(&id, &response));
        let own = dialect.ids().filter(|_| response.id.is_none());
        if keeping.is_some() {
            response.id = response.id.or(own.map(new_id));
        }
        let words = incoming.request.verbatim.words();
        let body = match words.and_then(|words| words.answer(&response)) {
            Some(body) => body,
            None => {
                response.id = response.id.or_else(|| own.map(new_id));
                response.created.get_or_insert_with(now);
                names.whole(&mut response);
                Sealer::new(dialect).whole(&mut response);
                dialect.whole(&response, &incoming.tools)?.into()
            }
        };
        if let Some(keeping) = keeping {
            keeping.told(&body);
        }
        return Ok((Opened::Whole(body), response.warnings));
    }
    let mut events = model.stream(&incoming.request).await?;
    asked.opened(Provenance::of(&mut events));
    let Some(first) = events.next().await.transpose()? else {
        return Err(Error::new(
            ErrorKind::Truncated,
            "the model's stream is empty",
        ));
    };
    let mut begun = VecDeque::from([Ok(first)]);
    let mut warnings = Vec::new();
    // What is known of the request comes right behind the beginning.
    while let Some(item) = events.next().now_or_never().flatten() {
        let warning = match &item {
            Ok(Event::Warning { warning }) => Some((**warning).clone()),
            _ => None,
        };
        begun.push_back(item);
        match warning {
            Some(warning) => warnings.push(warning),
            None => break,
        }
    }
    let stream = Stream {
        begun,
        events,
        tells_usage: incoming.stream_usage,
        keeping,
        ids: dialect.ids(),
        names,
        tools: incoming.tools,
    };
    Ok((Opened::Stream(stream), warnings))
}

/// A new id, for a provider that gives its answers none.
pub(crate) fn new_id(begins: &'static str) -> String {
    format!(
        "{begins}{:016x}{:016x}",
        fastrand::u64(..),
        fastrand::u64(..)
    )
}

/// The seconds since 1970, for a provider that doesn't say when it answers.
pub(crate) fn now() -> u64 {
    let passed = SystemTime::UNIX_EPOCH.elapsed();
    passed.unwrap_or_default().as_secs()
}

/// An answer whose head tells what could not be honoured.
fn warned(mut response: Response, warnings: &[Warning]) -> Response {
    if let Some(told) = told(warnings) {
        response.headers_mut().insert(WARNINGS, told);
    }
    response
}

fn told(warnings: &[Warning]) -> Option<HeaderValue> {
    let one = |it: &Warning| {
        let kind = match it.kind {
            WarningKind::Unsupported => "unsupported",
            WarningKind::Coerced => "coerced",
            _ => "notice",
        };
        format!("{}={kind}", it.setting)
    };
    let mut told: Vec<String> = warnings.iter().map(one).collect();
    told.dedup();
    (!told.is_empty())
        .then(|| HeaderValue::from_str(&told.join(", ")).ok())
        .flatten()
}

/// What nothing answers.
pub(crate) async fn nothing(request: Request) -> Response {
    let path = request.uri().path();
    let mut message = format!("there is nothing at {} {path}", request.method());
    let meant = speak::meant(path);
    if let Some(meant) = &meant {
        message += &format!("; it is at {meant}: look at the client's base URL");
    }
    let error = Error::new(ErrorKind::InvalidRequest, message).with_status(404);
    refused(&*speak::of_path(meant.as_deref().unwrap_or(path)), &error)
}

/// What is answered by other methods alone.
pub(crate) async fn otherwise(request: Request) -> Response {
    let path = request.uri().path();
    let message = format!("{path} isn't asked by {}", request.method());
    let error = Error::new(ErrorKind::InvalidRequest, message).with_status(405);
    refused(&*speak::of_path(path), &error)
}

/// A failure in the client's own shape.
pub(crate) fn refused(dialect: &dyn Speak, error: &Error) -> Response {
    let (status, body) = dialect.refuse(error);
    // A provider's status is told as the dialect tells failures of its kind; ours as it is.
    let own = error.status().filter(|_| error.provider().is_none());
    let status = own.unwrap_or(status);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = reply(status, "application/json", Body::from(body));
    let named = error.retry_after().map(|it| it.as_secs_f64().ceil() as u64);
    let wait = match (error.retry(), error.kind()) {
        (Retry::Exhausted, _) => named,
        (_, ErrorKind::Overloaded) => named.or(Some(COME_AGAIN)),
        _ => named,
    };
    let headers = response.headers_mut();
    if let Some(wait) = wait {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait));
    } else if error.retry() == Retry::Exhausted {
        // It was tried as often as that makes sense.
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    response
}

pub(crate) fn reply(status: StatusCode, kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(crate) fn path_of(request: &Request) -> String {
    let uri = request.uri();
    let path = uri.path_and_query().map(|it| it.as_str());
    path.unwrap_or_default().to_owned()
}

/// The model that a request names: in its body, or in its path where that has a colon.
pub(crate) fn model_of(path: &str, body: &mut Seen) -> Result<String> {
    let path = path.split('?').next().unwrap_or_default();
    let prefixes = ["/v1beta/models/", "/v1/models/", "/v1beta/"];
    let in_path = prefixes.iter().find_map(|it| path.strip_prefix(it));
    if let Some((model, _)) = in_path.and_then(|it| it.rsplit_once(':')) {
        return Ok(model.replace("%2F", "/").replace("%2f", "/"));
    }
    let outline = Outline::of(&body.bytes);
    let named = outline.as_ref().and_then(|it| it.get("model"));
    let id = match named.and_then(|it| serde_json::from_str(it).ok()) {
        Some(id) => Some(id),
        None => in_broken(&body.bytes)?,
    };
    let id = id.filter(|it| !it.is_empty()).ok_or_else(|| {
        let message = "the request names no model";
        Error::new(ErrorKind::InvalidRequest, message)
            .with_status(400)
            .with_help("Set `model` to an id that GET /v1/models lists.")
    })?;
    body.members = outline.map(Outline::into_members).unwrap_or_default();
    Ok(id)
}

/// The model in a body that is unusual JSON, or none.
fn in_broken(body: &[u8]) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Body {
        model: Option<String>,
    }
    let read = serde_json::from_slice(body).map_err(|error| {
        let message = format!("the body is no JSON that names a model: {error}");
        Error::new(ErrorKind::InvalidRequest, message).with_status(400)
    });
    read.map(|Body { model }| model)
}

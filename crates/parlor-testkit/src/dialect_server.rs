//! Any dialect served from any model: the gateway in small, as a test server.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt};
use parlor_core::{ChatModel, ChatStream, Error, ErrorKind, Event, Origin, Result, Retry};
use parlor_dialect::{Encoder, Framing, ServerDialect};

use crate::event_stream;
use crate::http::{self, Host, Pace, Plan, Reply, SeenRequest, Step};

/// A server on the loopback interface that speaks a dialect and asks models for the answers;
/// dropping it ends it.
///
/// It reads a request by the dialect, asks the model of the name in it, and writes the answer by
/// the dialect. The head of an answer waits for the stream's first event, so that a failure before
/// it has a status of its own; a failure after it is written in the dialect's way. When the client
/// hangs up, the model's stream is dropped. It runs on the runtime in which it was started.
///
/// ```no_run
/// # async fn run(dialect: impl parlor_dialect::ServerDialect) -> std::io::Result<()> {
/// use std::sync::Arc;
/// use parlor_testkit::{DialectServer, Sage};
///
/// let server = DialectServer::new(dialect, Arc::new(Sage::new("sage-1")))
///     .with_key("sk-test")
///     .start()
///     .await?;
/// let base_url = server.url();
/// # let _ = base_url;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct DialectServer {
    host: Host,
}

impl DialectServer {
    /// A server of one model, to be configured and started.
    #[expect(
        clippy::new_ret_no_self,
        reason = "the server is what it becomes once started"
    )]
    pub fn new<D: ServerDialect>(dialect: D, model: Arc<dyn ChatModel>) -> DialectSite<D> {
        DialectSite {
            dialect,
            models: vec![model],
            key: None,
        }
    }

    /// Starts a server of one model that wants no key.
    ///
    /// # Errors
    /// As [`DialectSite::start`].
    pub async fn start(dialect: impl ServerDialect, model: Arc<dyn ChatModel>) -> io::Result<Self> {
        Self::new(dialect, model).start().await
    }

    /// The base URL, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.host.address())
    }

    /// The requests so far, in the order they came in.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.host.requests()
    }

    /// Waits until the requests satisfy `check`; `false` when `bound` passes first.
    pub async fn wait_until(
        &self,
        bound: Duration,
        check: impl Fn(&[SeenRequest]) -> bool,
    ) -> bool {
        self.host.wait_until(bound, check).await
    }
}

/// A [`DialectServer`] that isn't started yet.
pub struct DialectSite<D> {
    dialect: D,
    models: Vec<Arc<dyn ChatModel>>,
    key: Option<String>,
}

impl<D: ServerDialect> DialectSite<D> {
    /// The same with one more model, under the id that its facts have.
    #[must_use]
    pub fn with_model(mut self, model: Arc<dyn ChatModel>) -> Self {
        self.models.push(model);
        self
    }

    /// The same, wanting this key: as a bearer token, in `x-api-key`, `api-key` or
    /// `x-goog-api-key`, or as the parameter `access_token` of the query.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Starts on a free port.
    ///
    /// # Errors
    /// Where the loopback interface can't be listened on.
    pub async fn start(self) -> io::Result<DialectServer> {
        let site = Arc::new(self);
        let answer = move |seen: &SeenRequest| Plan::Live(answer(site.clone(), seen.clone()));
        let host = Host::start(Pace::default(), Arc::new(answer)).await?;
        Ok(DialectServer { host })
    }

    /// Reads a request and asks the model.
    async fn open(&self, seen: &SeenRequest) -> Result<Answer> {
        self.check_key(seen)?;
        if seen.method != "POST" {
            let message = format!("there is nothing at {} {}", seen.method, seen.path);
            return Err(Error::new(ErrorKind::ModelNotFound, message));
        }
        // The models' own provider is the origin of what a client sends back to them.
        let provider = self.models.first().map(|it| it.info().provider.clone());
        let origin = Origin::new(provider.unwrap_or_default(), self.dialect.name());
        let incoming = self.dialect.read_request(&seen.path, &seen.body, &origin)?;
        let model = self.model(&incoming.model)?;
        if !incoming.stream {
            let response = model.chat(&incoming.request).await?;
            return Ok(Answer::Whole(self.dialect.write_response(&response)?));
        }
        let mut events = model.stream(&incoming.request).await?;
        let first = events.next().await.transpose()?;
        Ok(Answer::Stream(first, Box::new(events)))
    }

    fn check_key(&self, seen: &SeenRequest) -> Result<()> {
        let Some(key) = &self.key else { return Ok(()) };
        let bearer = seen.header("authorization");
        let bearer = bearer.and_then(|it| it.strip_prefix("Bearer "));
        let plain = ["x-api-key", "api-key", "x-goog-api-key"];
        let query = seen.path.split_once("access_token=");
        let query = query.and_then(|(_, rest)| rest.split('&').next());
        let mut keys = (plain.iter().map(|name| seen.header(name))).chain([bearer, query]);
        match keys.any(|it| it == Some(key)) {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::Authentication,
                "the API key is missing or not valid",
            )),
        }
    }

    fn model(&self, id: &str) -> Result<&Arc<dyn ChatModel>> {
        let found = self.models.iter().find(|it| it.info().model == id);
        found.ok_or_else(|| {
            let message = format!("the model `{id}` does not exist");
            Error::new(ErrorKind::ModelNotFound, message)
        })
    }

    fn refuse(&self, error: &Error, seen: &SeenRequest) -> Vec<Step> {
        let (status, body) = self.dialect.write_error(error);
        let mut reply = Reply::new(status, "application/json", vec![body]);
        if let Retry::Later(Some(after)) = error.retry() {
            reply = reply.header("retry-after", after.as_secs_f64().to_string());
        }
        reply.script(seen).steps
    }
}

impl<D: ServerDialect> fmt::Debug for DialectSite<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DialectSite")
            .field("dialect", &self.dialect)
            .field("models", &self.models)
            .finish_non_exhaustive()
    }
}

/// What a model has answered so far.
enum Answer {
    Whole(Vec<u8>),
    Stream(Option<Event>, Box<ChatStream>),
}

/// What goes over the wire for a request.
fn answer<D: ServerDialect>(
    site: Arc<DialectSite<D>>,
    seen: SeenRequest,
) -> BoxStream<'static, Step> {
    let opened = async move {
        let answer = site.open(&seen).await;
        match answer {
            Ok(Answer::Whole(body)) => {
                let reply = Reply::new(200, "application/json", vec![body]);
                stream::iter(reply.script(&seen).steps).boxed()
            }
            Ok(Answer::Stream(first, events)) => body(&site.dialect, first, *events),
            Err(error) => stream::iter(site.refuse(&error, &seen)).boxed(),
        }
    };
    stream::once(opened).flatten().boxed()
}

/// The head and the frames of a streamed answer, one step an event, one chunk a frame.
fn body<D: ServerDialect>(
    dialect: &D,
    first: Option<Event>,
    events: ChatStream,
) -> BoxStream<'static, Step> {
    let framing = dialect.framing();
    let mut encoder = dialect.encoder();
    let mut failed = false;
    let frames = stream::iter(first.map(Ok)).chain(events).map(move |item| {
        let mut frames: Vec<(Option<String>, Vec<u8>)> = Vec::new();
        // Nothing may follow a failure.
        if !failed && let Err(error) = item.and_then(|event| encoder.encode(&event, &mut frames)) {
            failed = true;
            encoder.fail(&error, &mut frames);
        }
        let bytes = frames
            .iter()
            .flat_map(|(event, data)| http::chunk(&frame(framing, event.as_deref(), data)))
            .collect();
        Step::Write(bytes)
    });
    let kind = match framing {
        Framing::Sse => "text/event-stream",
        Framing::Ndjson => "application/x-ndjson",
        Framing::EventStream => "application/vnd.amazon.eventstream",
    };
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n");
    let head = stream::iter([Step::Write(head.into_bytes())]);
    let end = stream::iter([Step::Write(b"0\r\n\r\n".to_vec())]);
    head.chain(frames).chain(end).boxed()
}

/// A frame as the framing has it.
fn frame(framing: Framing, event: Option<&str>, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 32);
    match framing {
        Framing::EventStream => event_stream::message(&mut out, event.unwrap_or_default(), data),
        framing => framing.put(event, data, &mut out),
    }
    out
}

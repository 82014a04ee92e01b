//! Every case of the table, played against a client: what it did, beside what is right.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use futures_util::{FutureExt, StreamExt, stream};
use parlor_core::{ChatModel, ChatRequest, ChatStream, Event, Grammar, PartKind, ToolDefinition};
use serde_json::json;
use tokio::time::timeout;

use super::compare::{self, Got};
use super::report::{FaultOutcome, FaultReport, FaultRow};
use super::{DropAt, Expect, FAULTS, Fault, FaultServer, Mode, Wire};
use crate::{Pace, SeenRequest};

/// Builds a client of the fault server from a base URL.
type Factory = dyn Fn(&str) -> Arc<dyn ChatModel> + Send + Sync;

/// All cases of [`FAULTS`] that can occur in one dialect, whole and streamed, played against the
/// clients that a factory builds.
///
/// ```no_run
/// # fn client(base_url: &str, key: &str) -> std::sync::Arc<dyn parlor_core::ChatModel> { unimplemented!() }
/// # async fn run() -> std::io::Result<()> {
/// use parlor_testkit::fault::{FaultSuite, Wire};
///
/// let suite = FaultSuite::new(Wire::OpenAiChat, |base_url| client(base_url, FaultSuite::KEY));
/// suite.run().await?.assert();
/// # Ok(())
/// # }
/// ```
///
/// The clients must give up on a silent server well before the pace's patience runs out, 10
/// seconds by default, and later than 25 of its units and than it takes them to read 8 MiB: a few
/// seconds are a good limit for the first event and for idleness. Each case has a server of its
/// own, so that nothing of one is seen in another. Cases in which the client only waits play side
/// by side; beside them the others play one by one, so that a busy machine isn't taken for a
/// silent server.
pub struct FaultSuite {
    wire: Wire,
    factory: Box<Factory>,
    pace: Pace,
    bound: Duration,
    only: Option<Vec<String>>,
}

impl FaultSuite {
    /// A key for the clients under test: where a case sends them to another host, the suite looks
    /// for it there.
    pub const KEY: &'static str = "sk-fault-suite-0123456789";

    /// The cases of a dialect, for clients built by `factory` from a base URL.
    pub fn new(
        wire: Wire,
        factory: impl Fn(&str) -> Arc<dyn ChatModel> + Send + Sync + 'static,
    ) -> Self {
        Self {
            wire,
            factory: Box::new(factory),
            pace: Pace::default(),
            bound: Duration::from_secs(30),
            only: None,
        }
    }

    /// The same at another pace of the server.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// The same, where a client that isn't done after this long has failed; 30 seconds by default.
    #[must_use]
    pub fn bound(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }

    /// Only the cases with these names, for work on one of them.
    #[must_use]
    pub fn only<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.only = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Plays the cases.
    ///
    /// # Errors
    /// Where the loopback interface can't be listened on.
    pub async fn run(&self) -> io::Result<FaultReport> {
        let mut rows = Vec::new();
        let (mut waits, mut works) = (Vec::new(), Vec::new());
        for fault in FAULTS.iter().filter(|it| self.wants(it)) {
            for mode in Mode::ALL {
                let mut row = FaultRow {
                    fault,
                    mode,
                    outcome: FaultOutcome::Passed,
                };
                match fault.expect(self.wire, mode) {
                    Err(reason) => {
                        row.outcome = FaultOutcome::Absent(reason);
                        rows.push(row);
                    }
                    Ok(expect) if compare::only_waits(&expect) => waits.push((row, expect)),
                    Ok(expect) => works.push((row, expect)),
                }
            }
        }
        let waits = join_all(waits.into_iter().map(|(row, expect)| self.row(row, expect)));
        let works = stream::iter(works).then(|(row, expect)| self.row(row, expect));
        let (waited, worked) = join(waits, works.collect::<Vec<_>>()).await;
        for row in waited.into_iter().chain(worked) {
            rows.push(row?);
        }
        let place = |row: &FaultRow| FAULTS.iter().position(|it| it.name == row.fault.name);
        rows.sort_by_key(place);
        let wire = self.wire;
        Ok(FaultReport { wire, rows })
    }

    fn wants(&self, fault: &Fault) -> bool {
        let named = |names: &Vec<String>| names.iter().any(|it| it == fault.name);
        self.only.as_ref().is_none_or(named)
    }

    async fn row(&self, mut row: FaultRow, expect: Expect) -> io::Result<FaultRow> {
        let server = FaultServer::start_at(self.pace).await?;
        let model = (self.factory)(&server.url(row.fault.name));
        let scene = Play {
            server: &server,
            model: &*model,
            mode: row.mode,
            patience: self.pace.patience,
            name: row.fault.name,
        };
        let wrong = timeout(self.bound, scene.play(&expect)).await;
        let wrong = wrong.unwrap_or_else(|_| vec![format!("not done after {:?}", self.bound)]);
        if !wrong.is_empty() {
            row.outcome = FaultOutcome::Failed(wrong);
        }
        Ok(row)
    }
}

impl fmt::Debug for FaultSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultSuite")
            .field("wire", &self.wire)
            .field("pace", &self.pace)
            .field("bound", &self.bound)
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}

/// One case in one mode, in play.
struct Play<'a> {
    server: &'a FaultServer,
    model: &'a dyn ChatModel,
    mode: Mode,
    /// How long the server waits for the client to hang up, and the suite for the server to see it.
    patience: Duration,
    name: &'static str,
}

impl Play<'_> {
    /// What the client does wrong; nothing if all is right.
    async fn play(&self, expect: &Expect) -> Vec<String> {
        if let Some(at) = expect.drop_at {
            return self.drop_at(at).await.err().into_iter().collect();
        }
        if expect.warm_up
            && let Err(error) = self.ask().await.outcome
        {
            return vec![format!("the request before failed: {error}")];
        }
        let got = self.ask().await;
        let mut wrong = Vec::new();
        if let Some(broken) = &got.broken {
            wrong.push(format!("the events break their grammar: {broken}"));
        }
        let seen = self.server.requests();
        let asked_for = |coding: &str| {
            let codings = seen.last().and_then(|it| it.header("accept-encoding"));
            codings.is_some_and(|it| it.contains(coding))
        };
        let right = match expect.coding {
            Some(coding) if asked_for(coding) => &expect.outcomes[..1],
            _ => &expect.outcomes[..],
        };
        wrong.extend(compare::outcome(right, &got));
        let gave_up = got
            .outcome
            .as_ref()
            .is_err_and(|it| it.kind().as_str().ends_with("_timeout"));
        if (expect.hangs_up || gave_up)
            && !self.server.wait_for_drop(self.name, self.patience).await
        {
            wrong.push("the server was not hung up on".to_owned());
        }
        if expect.redirects {
            wrong.extend(self.server.elsewhere().iter().filter_map(leaked));
        }
        wrong
    }

    async fn ask(&self) -> Got {
        let request = request();
        let stream = match self.mode {
            Mode::Whole => return Got::from(self.model.chat(&request).await),
            Mode::Stream => self.model.stream(&request).await,
        };
        match stream {
            Ok(stream) => read(stream).await,
            Err(error) => Got::from(Err(error)),
        }
    }

    async fn drop_at(&self, at: DropAt) -> Result<(), String> {
        let request = request();
        match (self.mode, at) {
            (Mode::Whole, _) | (_, DropAt::BeforeHeaders) => {
                let call = match self.mode {
                    Mode::Whole => self.model.chat(&request).map(drop).boxed(),
                    Mode::Stream => self.model.stream(&request).map(drop).boxed(),
                };
                let arrived = self
                    .server
                    .wait_until(self.patience, |seen| !seen.is_empty());
                tokio::select! {
                    arrived = arrived => if !arrived {
                        return Err("no request came".to_owned());
                    },
                    () = call => return Err("the call ended, and nothing had come".to_owned()),
                }
            }
            (Mode::Stream, _) => {
                let opened = self.model.stream(&request).await;
                let mut stream = opened.map_err(|error| format!("the opening failed: {error}"))?;
                let reached = |event: &Event| match at {
                    DropAt::AfterText => event.text().is_some(),
                    _ => matches!(
                        event,
                        Event::ArgumentsDelta { .. }
                            | Event::PartStarted {
                                kind: PartKind::ToolCall,
                                ..
                            }
                    ),
                };
                loop {
                    if at == DropAt::AfterHeaders {
                        break;
                    }
                    match stream.next().await {
                        Some(Ok(event)) if reached(&event) => break,
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Err(format!("it failed before: {error}")),
                        None => return Err("it ended before".to_owned()),
                    }
                }
            }
        }
        match self.server.wait_for_drop(self.name, self.patience).await {
            true => Ok(()),
            false => Err("the server didn't see the drop".to_owned()),
        }
    }
}

/// A request that the servers of every case can be taken to answer.
fn request() -> ChatRequest {
    let text = |name: &str| json!({"type": "object", "properties": {name: {"type": "string"}}});
    ChatRequest::from("Hello there")
        .with_tool(ToolDefinition::function(
            "get_weather",
            "The weather of a city.",
            text("city"),
        ))
        .with_tool(ToolDefinition::function(
            "get_time",
            "The time in a zone.",
            text("tz"),
        ))
}

/// Reads a stream to its end and beyond, the grammar in hand.
async fn read(mut stream: ChatStream) -> Got {
    let mut grammar = Grammar::new();
    let mut broken = None;
    let mut failure = None;
    while let Some(item) = StreamExt::next(&mut stream).await {
        if let Err(error) = grammar.check(&item) {
            broken.get_or_insert(error.to_string());
        }
        failure = item.err().or(failure);
    }
    if let Err(error) = grammar.finish() {
        broken.get_or_insert(error.to_string());
    }
    let outcome = failure.map_or_else(|| Ok(stream.partial()), Err);
    Got { outcome, broken }
}

/// What of the client's credentials a request to another host has.
fn leaked(seen: &SeenRequest) -> Option<String> {
    const NAMES: &[&str] = &[
        "api-key",
        "authorization",
        "cookie",
        "proxy-authorization",
        "x-api-key",
        "x-goog-api-key",
    ];
    let bytes = seen.headers.iter().map(|(_, value)| value.as_bytes());
    let mut places = bytes.chain([seen.path.as_bytes(), &seen.body]);
    let key = FaultSuite::KEY.as_bytes();
    let holds = |place: &[u8]| place.windows(key.len()).any(|it| it == key);
    let named = NAMES.iter().any(|name| seen.header(name).is_some());
    (named || places.any(holds)).then(|| "the other host was shown the key".to_owned())
}

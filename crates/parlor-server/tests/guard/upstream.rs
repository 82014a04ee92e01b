//! The forty kinds of faults between the service and a provider, and what a client sees of them.
//!
//! Each case is played whole and streamed, to clients of the provider's own dialect, for whom bytes
//! go through, and to those of the others. With `PARLOR_WRITE=1` in the environment the table in the
//! README is written anew; with `PARLOR_FAULTS=crlf,drip` only these cases are played.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use parlor::{ChatModel, ChatRequest, ChatResponse, Config, ModelInfo, Registry};
use parlor::{Event, Grammar, Result, ToolDefinition};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_http::{Auth, Endpoint, HttpModel, Timeouts};
use parlor_registry::{Descriptor, ModelEntry, Provider, ProviderConfig};
use parlor_server::{Outcome as Ended, ServerConfig};
use parlor_testkit::Pace;
use parlor_testkit::fault::Wire;
use parlor_testkit::fault::{DropAt, Expect, FAULTS, Fault, FaultServer, Mode, Outcome};
use serde_json::json;
use tokio::time::timeout;

use crate::judge::{answer, fails, short};
use crate::shape;
use crate::stage::{BOUND, Counted, serve};
use crate::tee::Tee;

/// The dialects of clients, and of the providers behind.
const WIRES: [Wire; 5] = [
    Wire::OpenAiChat,
    Wire::AnthropicMessages,
    Wire::Gemini,
    Wire::OpenAiResponses,
    Wire::Ollama,
];

/// How long a service waits that has nothing else to do in a case.
const SHORT: Duration = Duration::from_millis(800);

/// The kind that takes so long that one client's roads are enough.
const LARGE: u8 = 31;

/// How many cases are played side by side that have something to do, and how many that only wait:
/// each has seven files open, of which many systems allow a thousand.
const AT_ONCE: usize = 6;
const WAITING: usize = 64;

/// One case on one road.
pub(crate) struct Case {
    pub(crate) fault: &'static Fault,
    pub(crate) mode: Mode,
    client: usize,
    behind: usize,
    expect: Expect,
}

impl Case {
    pub(crate) fn wire(&self) -> Wire {
        WIRES[self.client]
    }

    /// Whether the provider behind speaks the client's dialect.
    pub(crate) fn is_same(&self) -> bool {
        self.client == self.behind
    }

    /// What a server is asked tells the cases of one client apart.
    fn server(&self) -> usize {
        let client = 2 * self.client + usize::from(self.mode == Mode::Stream);
        // What depends on which connections were used before has a server to itself.
        match self.expect.warm_up {
            true => 2 * WIRES.len() * (1 + self.behind) + client,
            false => client,
        }
    }

    /// The model as the provider of the test knows it.
    fn model(&self) -> String {
        let limit = if only_waits(&self.expect) {
            "short"
        } else {
            "long"
        };
        let (server, behind) = (self.server(), self.behind);
        format!("{server}.{behind}.{limit}.{}", self.fault.name)
    }

    /// Whether a reason is right for the end, or the nearest one that the client's dialect has.
    pub(crate) fn allows_finish(&self, right: &[&str], told: &str) -> bool {
        let nearest: &[(&str, &str)] = match self.wire() {
            _ if self.is_same() => &[],
            Wire::OpenAiChat => &[("other", "stop"), ("refusal", "content_filter")],
            Wire::AnthropicMessages => &[("content_filter", "refusal")],
            Wire::Gemini => &[("refusal", "content_filter")],
            Wire::OpenAiResponses => &[("refusal", "content_filter")],
            Wire::Ollama => &[("content_filter", "stop"), ("refusal", "stop")],
            _ => &[],
        };
        let is_near = |it: &&str| *it == told || nearest.contains(&(it, told));
        right.iter().any(is_near)
    }

    fn id(&self) -> String {
        format!("{}.{}", self.client, self.model())
    }
}

/// Whether nothing happens in a case but that a clock runs out.
fn only_waits(expect: &Expect) -> bool {
    let clock = |outcome: &Outcome| match outcome {
        Outcome::Failure(failure) => failure.kinds.iter().all(|it| it.ends_with("_timeout")),
        Outcome::Answer(_) => false,
    };
    !expect.outcomes.is_empty() && expect.outcomes.iter().all(clock)
}

/// A model over HTTP, by its dialect.
fn over_http(wire: Wire, endpoint: Endpoint, id: &str) -> Arc<dyn ChatModel> {
    let info = ModelInfo::new("faulty", id);
    match wire {
        Wire::OpenAiChat => Arc::new(HttpModel::new(OpenAiChat::default(), endpoint, info)),
        Wire::AnthropicMessages => {
            Arc::new(HttpModel::new(AnthropicMessages::default(), endpoint, info))
        }
        Wire::Gemini => Arc::new(HttpModel::new(Gemini::default(), endpoint, info)),
        Wire::OpenAiResponses => {
            Arc::new(HttpModel::new(OpenAiResponses::default(), endpoint, info))
        }
        _ => Arc::new(HttpModel::new(Ollama::default(), endpoint, info)),
    }
}

/// A provider whose models say which fault of which server they are.
#[derive(Debug)]
struct Faulty {
    descriptor: Descriptor,
    servers: Vec<Arc<FaultServer>>,
}

#[async_trait::async_trait]
impl Provider for Faulty {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn build(&self, model: &str, _: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        let mut fields = model.splitn(4, '.');
        let mut field = || fields.next().unwrap();
        let server: usize = field().parse().unwrap();
        let wire: usize = field().parse().unwrap();
        let limit = Some(if field() == "short" { SHORT } else { BOUND });
        let mut timeouts = Timeouts::default();
        (timeouts.first_event, timeouts.idle) = (limit, limit);
        let endpoint = Endpoint::new(&self.servers[server].url(field()))?
            .with_auth(Auth::Bearer("upstream-key".into()))
            .with_timeouts(timeouts);
        Ok(over_http(WIRES[wire], endpoint, "test-model"))
    }

    async fn models(&self, _: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        Ok(Vec::new())
    }
}

/// A service before servers with faults.
struct Stage {
    address: SocketAddr,
    servers: Vec<Arc<FaultServer>>,
    counted: Arc<Counted>,
}

impl Stage {
    async fn start(settings: &str) -> Self {
        let pace = Pace {
            unit: Duration::from_millis(2),
            ..Pace::default()
        };
        let mut servers = Vec::new();
        for _ in 0..2 * WIRES.len() * (1 + WIRES.len()) {
            servers.push(Arc::new(FaultServer::start_at(pace).await.unwrap()));
        }
        let mut descriptor = Descriptor::new("faulty", "Faulty");
        descriptor.needs_key = false;
        let provider = Faulty {
            descriptor,
            servers: servers.clone(),
        };
        let registry = Registry::with(&[Box::leak(Box::new(provider))]).unwrap();
        let settings = Config::from_toml(settings).unwrap();
        let registry = registry.with_config(settings).unwrap();
        let mut config = ServerConfig::default();
        let counted = Counted::of(&mut config);
        let (address, _) = serve(registry, config).await;
        Self {
            address,
            servers,
            counted,
        }
    }

    /// What the client sees in a case, and what is wrong with it.
    async fn play(&self, case: &Case) -> (String, Vec<String>) {
        let played = timeout(BOUND, self.played(case)).await;
        played.unwrap_or_else(|_| (String::new(), vec!["it doesn't end".to_owned()]))
    }

    async fn played(&self, case: &Case) -> (String, Vec<String>) {
        let tee = Tee::before(self.address).await;
        let client = |id: &str| {
            let base = match case.wire() {
                Wire::OpenAiChat | Wire::OpenAiResponses => "/v1",
                Wire::Gemini => "/v1beta",
                _ => "",
            };
            let endpoint = Endpoint::new(&format!("http://{}{base}", tee.address)).unwrap();
            let endpoint = endpoint.with_header("x-request-id", id).unwrap();
            // The service waits for the provider's end as long, and tells what it used then.
            let mut timeouts = Timeouts::default();
            timeouts.end = Some(BOUND);
            let endpoint = endpoint.with_timeouts(timeouts);
            over_http(case.wire(), endpoint, &format!("faulty/{}", case.model()))
        };
        let model = client(&case.id());
        if let Some(at) = case.expect.drop_at {
            let mut wrong = Vec::new();
            if let Err(why) = self.left(case, &*model, at).await {
                wrong.push(why);
            }
            wrong.extend(self.ended(case, |it| it == Ended::Left).await);
            return ("the provider is hung up on".to_owned(), wrong);
        }
        if case.expect.warm_up {
            ask(&*client("before"), case.mode).await.unwrap();
            let _ = tee.last();
        }
        let got = ask(&*model, case.mode).await;
        let mut wrong = Vec::new();
        let Some(came) = tee.last() else {
            return (String::new(), vec!["no answer came".to_owned()]);
        };
        // A client may leave what has all come.
        if !came.is_whole && got.is_err() {
            wrong.push("the answer broke off".to_owned());
        }
        let told = match &got {
            Ok(_) => {
                wrong.extend(self.ended(case, |it| it == Ended::Completed).await);
                "the answer".to_owned()
            }
            Err(_) => {
                let failed = |it| matches!(it, Ended::Failed(_));
                wrong.extend(self.ended(case, failed).await);
                let waits = match came.head.contains("\nretry-after: ") {
                    true => " with `Retry-After`",
                    false => "",
                };
                match came.status {
                    // What the provider said of it went through.
                    200 if case.mode == Mode::Whole => "its failure".to_owned(),
                    200 => {
                        let is_own =
                            case.is_same() && came.body.windows(5).any(|it| it == b"error");
                        if !is_own {
                            wrong.extend(shape::last_event(case.wire(), &came.body));
                        }
                        "what came, then a failure".to_owned()
                    }
                    status => {
                        wrong.extend(shape::refusal(case.wire(), &came));
                        format!("{status}{waits}")
                    }
                }
            }
        };
        let matches = case.expect.outcomes.iter().filter_map(|right| {
            Some(match (right, &got) {
                (Outcome::Answer(reading), Ok(response)) => answer(case, reading, response),
                (Outcome::Failure(failure), Err(error)) => fails(case, failure, error, &told),
                _ => return None,
            })
        });
        wrong.extend(matches.min_by_key(Vec::len).unwrap_or_else(|| match &got {
            Ok(response) => vec![format!("an answer: {:?}", short(&response.text()))],
            Err(error) => vec![format!("it failed: {error}")],
        }));
        if case.expect.hangs_up && !self.is_hung_up_on(case).await {
            wrong.push("the provider was not hung up on".to_owned());
        }
        if case.expect.redirects && self.servers[case.server()].elsewhere().iter().any(shown) {
            wrong.push("the other host was shown the key".to_owned());
        }
        (told, wrong)
    }

    /// The client leaves.
    async fn left(&self, case: &Case, model: &dyn ChatModel, at: DropAt) -> Result<(), String> {
        let request = request();
        // Clients of these dialects are told of calls that are whole.
        let whole_calls = matches!(case.wire(), Wire::Gemini | Wire::Ollama);
        let sees = match at {
            _ if case.mode == Mode::Whole => None,
            DropAt::AfterText => Some(false),
            DropAt::AfterArguments if !whole_calls => Some(true),
            _ => None,
        };
        let Some(wants_call) = sees else {
            let asked = ask(model, case.mode);
            let server = &self.servers[case.server()];
            let mine = |seen: &[_]| seen.iter().any(|it| is_of(case, it));
            tokio::select! {
                _ = asked => return Err("it ended, and nothing had come".to_owned()),
                _ = server.wait_until(BOUND, mine) => {}
            }
            return self.hung_up_on(case).await;
        };
        let opened = model.stream(&request).await;
        let mut stream = opened.map_err(|error| format!("the opening failed: {error}"))?;
        loop {
            match stream.next().await {
                Some(Ok(Event::ArgumentsDelta { .. })) if wants_call => break,
                Some(Ok(Event::PartStarted { call: Some(_), .. })) if wants_call => break,
                Some(Ok(event)) if !wants_call && event.text().is_some() => break,
                Some(Ok(_)) => {}
                other => return Err(format!("it ended before: {other:?}")),
            }
        }
        drop(stream);
        self.hung_up_on(case).await
    }

    async fn hung_up_on(&self, case: &Case) -> Result<(), String> {
        match self.is_hung_up_on(case).await {
            true => Ok(()),
            false => Err("the provider was not hung up on".to_owned()),
        }
    }

    async fn is_hung_up_on(&self, case: &Case) -> bool {
        let server = &self.servers[case.server()];
        let gone = |seen: &[_]| {
            let mut seen = seen.iter();
            seen.any(|it: &parlor_testkit::SeenRequest| it.dropped && is_of(case, it))
        };
        server.wait_until(Pace::default().patience, gone).await
    }

    /// What was counted wrongly of a case, when it is over.
    async fn ended(&self, case: &Case, is_right: impl Fn(Ended) -> bool) -> Option<String> {
        let Some(event) = self.counted.of_request(&case.id()).await else {
            return Some("it is not counted".to_owned());
        };
        (!is_right(event.outcome)).then(|| format!("counted as {:?}", event.outcome))
    }
}

/// Whether a request to a server with faults is this case's.
fn is_of(case: &Case, seen: &parlor_testkit::SeenRequest) -> bool {
    let path = WIRES[case.behind].path(case.mode);
    seen.path == format!("/fault/{}{path}", case.fault.name)
}

fn shown(seen: &parlor_testkit::SeenRequest) -> bool {
    let mut values = seen.headers.iter().map(|(_, value)| value);
    values.any(|it| it.contains("upstream-key"))
}

/// Asks, and reads to the end.
async fn ask(model: &dyn ChatModel, mode: Mode) -> Result<ChatResponse> {
    let request = request();
    if mode == Mode::Whole {
        return model.chat(&request).await;
    }
    let mut stream = model.stream(&request).await?;
    let mut grammar = Grammar::new();
    let mut failure = None;
    while let Some(item) = stream.next().await {
        grammar.check(&item).unwrap();
        failure = item.err().or(failure);
    }
    grammar.finish().unwrap();
    match failure {
        Some(error) => Err(error),
        None => Ok(stream.partial()),
    }
}

fn request() -> ChatRequest {
    let of = |name: &str| json!({"type": "object", "properties": {name: {"type": "string"}}});
    let tool = |name, what, field| ToolDefinition::function(name, what, of(field));
    ChatRequest::from("Hello there")
        .with_tool(tool("get_weather", "The weather of a city.", "city"))
        .with_tool(tool("get_time", "The time in a zone.", "tz"))
}

/// Every case on every road, those that only wait last.
fn cases() -> (Vec<Case>, Vec<Case>) {
    let only = std::env::var("PARLOR_FAULTS").ok();
    let wanted = |name: &str| {
        only.as_ref()
            .is_none_or(|it| it.split(',').any(|it| it == name))
    };
    let mut cases = Vec::new();
    for fault in FAULTS.iter().filter(|it| wanted(it.name)) {
        for mode in Mode::ALL {
            let pairs = (0..WIRES.len()).flat_map(|it| (0..WIRES.len()).map(move |to| (it, to)));
            for (client, behind) in pairs {
                if fault.number == LARGE && client > 0 {
                    continue;
                }
                if let Ok(expect) = fault.expect(WIRES[behind], mode) {
                    cases.push(Case {
                        fault,
                        mode,
                        client,
                        behind,
                        expect,
                    });
                }
            }
        }
    }
    cases.into_iter().partition(|it| !only_waits(&it.expect))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_of_a_provider_reaches_a_client_as_anything_but_an_answer_or_a_failure() {
    let stage = Stage::start("[layers.retry]\nattempts = 1\n").await;
    let (works, waits) = cases();
    let played = async |cases: &[Case], at_once| {
        let played = stream::iter(cases).map(|it| stage.play(it));
        played.buffered(at_once).collect::<Vec<_>>().await
    };
    let (worked, waited) = tokio::join!(played(&works, AT_ONCE), played(&waits, WAITING));
    let played = works
        .iter()
        .chain(&waits)
        .zip(worked.into_iter().chain(waited));
    let mut seen: BTreeMap<(u8, bool), BTreeSet<String>> = BTreeMap::new();
    let mut problems = Vec::new();
    for (case, (told, wrong)) in played {
        let is_stream = case.mode == Mode::Stream;
        seen.entry((case.fault.number, is_stream))
            .or_default()
            .insert(told);
        let (client, behind) = (case.wire().name(), WIRES[case.behind].name());
        for wrong in wrong {
            let name = case.fault.name;
            problems.push(format!(
                "{name} {:?} {client} < {behind}: {wrong}",
                case.mode
            ));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let times = stage.counted.times();
    for case in works.iter().chain(&waits) {
        let id = case.id();
        assert_eq!(times.get(&id), Some(&1), "{id}");
    }
    if std::env::var_os("PARLOR_FAULTS").is_none() {
        crate::page::region("faults", &table(&seen));
    }
}

fn table(seen: &BTreeMap<(u8, bool), BTreeSet<String>>) -> String {
    let mut table = "| | fault | whole | streamed |\n|---:|---|---|---|\n".to_owned();
    let mut numbers: Vec<u8> = FAULTS.iter().map(|it| it.number).collect();
    numbers.dedup();
    for number in numbers {
        let of = FAULTS.iter().filter(|it| it.number == number);
        let what: Vec<&str> = of.map(|it| it.what).collect();
        let cell = |is_stream| {
            let told = seen.get(&(number, is_stream)).into_iter().flatten();
            let told: Vec<&str> = told.map(String::as_str).collect();
            if told.is_empty() {
                "–".to_owned()
            } else {
                told.join("; ")
            }
        };
        let what = what.join("; ").replace('|', "\\|");
        table += &format!("| {number} | {what} | {} | {} |\n", cell(false), cell(true));
    }
    table
}

/// Asks without retries of the client's own, and gives the answer's head.
async fn head_of(stage: &Stage, fault: &str) -> (u16, String) {
    let body = json!({
        "model": format!("faulty/0.0.long.{fault}"),
        "messages": [{ "role": "user", "content": "Hi" }],
    });
    let came = crate::tee::post(stage.address, "/v1/chat/completions", "", &body).await;
    (came.status, came.head)
}

#[tokio::test]
async fn a_client_is_told_whether_and_when_to_come_again() {
    let stage = Stage::start("[layers.retry]\nbase_delay = \"1ms\"\n").await;
    let (status, head) = head_of(&stage, "retry-after-seconds").await;
    assert_eq!(status, 429);
    assert!(head.contains("retry-after: 7"), "{head}");
    assert!(!head.contains("x-should-retry"), "{head}");
    // The wait is the client's: nobody asked again meanwhile.
    let seen = |fault| stage.servers[0].requests_of(fault).len();
    assert_eq!(seen("retry-after-seconds"), 1);
    // What was tried here as often as that makes sense isn't tried by the client too.
    let (status, head) = head_of(&stage, "bad-gateway").await;
    assert_eq!(status, 500);
    assert!(head.contains("x-should-retry: false"), "{head}");
    assert_eq!(seen("bad-gateway"), 3);
    let stage = Stage::start("[layers.retry]\nattempts = 1\n").await;
    let (_, head) = head_of(&stage, "bad-gateway").await;
    assert!(!head.contains("x-should-retry"), "{head}");
}

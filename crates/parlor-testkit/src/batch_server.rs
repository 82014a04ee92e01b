//! A server that takes batches, in both of the forms that are known.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parlor_core::{
    ChatRequest, ChatResponse, Choice, Error, FinishKind, FinishReason, Origin, Part, Usage,
};
use parlor_dialect::ServerDialect;
use serde_json::{Value, json};

use crate::api_server::{ApiAnswer, ApiServer};
use crate::http::SeenRequest;

/// A server on the loopback interface that takes batches: in a file, at `/batches` or
/// `/v1/batches`, and in the body, at any other path that ends so; dropping it ends it.
///
/// What becomes of each request is the test's to say. Results come in the reverse order of the
/// requests. It runs on the runtime in which it was started.
///
/// ```no_run
/// # async fn run(dialect: impl parlor_dialect::ServerDialect) -> std::io::Result<()> {
/// use parlor_testkit::{BatchAnswer, BatchServer};
///
/// let server = BatchServer::start(dialect, |_, _| BatchAnswer::Text("yes".into())).await?;
/// server.end_after(2);
/// server.fail_next("GET /batches/", 429, "{}");
/// let base_url = server.url();
/// # let _ = base_url;
/// # Ok(())
/// # }
/// ```
pub struct BatchServer {
    server: ApiServer,
    state: Arc<Mutex<State>>,
}

/// What becomes of a request of a batch.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum BatchAnswer {
    /// It is answered with this text.
    Text(String),
    /// It fails as it would by itself.
    Fails(Error),
    /// Its time is up before it is begun.
    Expired,
    /// It has no result.
    Missing,
    /// A line of the results that is whatever it is.
    Line(String),
}

type Answers = dyn Fn(&str, &ChatRequest) -> BatchAnswer + Send + Sync;

/// Reads and writes as a dialect does, whichever it is.
///
/// # Behavior
/// - What can't be read is no request; what can't be written is null.
trait Speech: Send + Sync {
    /// A request that goes to this path.
    fn read(&self, path: &str, body: &[u8]) -> Option<ChatRequest>;
    /// An answer.
    fn write(&self, answer: &ChatResponse) -> Value;
    /// A failure: its status and body.
    fn fail(&self, error: &Error) -> (u16, Value);
}

impl<D: ServerDialect> Speech for D {
    fn read(&self, path: &str, body: &[u8]) -> Option<ChatRequest> {
        let origin = Origin::new("server", self.name());
        Some(self.read_request(path, body, &origin).ok()?.request)
    }

    fn write(&self, answer: &ChatResponse) -> Value {
        let body = self.write_response(answer).unwrap_or_default();
        serde_json::from_slice(&body).unwrap_or_default()
    }

    fn fail(&self, error: &Error) -> (u16, Value) {
        let (status, body) = self.write_error(error);
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}

#[derive(Default)]
struct State {
    files: Vec<Vec<u8>>,
    batches: Vec<Batch>,
    /// How often a batch is asked for before it is over.
    patience: usize,
    failures: VecDeque<(String, u16, String)>,
    /// Whether the next batch is taken, and the answer to it lost.
    loses: bool,
    results_at: Option<String>,
    /// What is wrong with every batch as a whole.
    problem: Option<String>,
}

struct Batch {
    name: Value,
    items: Vec<(String, ChatRequest)>,
    asked: usize,
    cancelled: bool,
}

impl BatchServer {
    /// Starts on a free port; `answers` is given each item's id and request.
    ///
    /// # Errors
    /// Where the loopback interface can't be listened on.
    pub async fn start(
        dialect: impl ServerDialect,
        answers: impl Fn(&str, &ChatRequest) -> BatchAnswer + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let answer = move |seen: &SeenRequest| {
            let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
            state.answer(seen, &dialect, &answers)
        };
        let server = ApiServer::answering(answer).await?;
        Ok(Self { server, state })
    }

    /// The base URL, without a slash at its end.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The requests so far, in the order they came in.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.server.requests()
    }

    /// How many batches were taken, and how many requests each has.
    pub fn taken(&self) -> Vec<usize> {
        let state = self.state();
        state.batches.iter().map(|it| it.items.len()).collect()
    }

    /// Batches are over once they were asked for so often; at the first time, unless it is said.
    pub fn end_after(&self, times: usize) {
        self.state().patience = times;
    }

    /// Fails the next request that begins so, as `GET /batches/`, with a status and a body. Several
    /// are given in turn.
    pub fn fail_next(&self, begins: &str, status: u16, body: &str) {
        let failure = (begins.to_owned(), status, body.to_owned());
        self.state().failures.push_back(failure);
    }

    /// Takes the next batch, but answers as a broken gateway would.
    pub fn lose_next_answer(&self) {
        self.state().loses = true;
    }

    /// Says that results are at another host, in the form in which their address is named.
    pub fn results_at(&self, host: &str) {
        self.state().results_at = Some(host.to_owned());
    }

    /// Finds fault with every batch as a whole, where that can be said.
    pub fn find_fault(&self, problem: &str) {
        self.state().problem = Some(problem.to_owned());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for BatchServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchServer")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl State {
    fn answer(&mut self, seen: &SeenRequest, speech: &dyn Speech, answers: &Answers) -> ApiAnswer {
        let asked = format!("{} {}", seen.method, seen.path);
        let failure = self.failures.iter().position(|it| asked.starts_with(&it.0));
        if let Some((_, status, body)) = failure.and_then(|at| self.failures.remove(at)) {
            return ApiAnswer::new(status, body);
        }
        let path = seen.path.split('?').next().unwrap_or_default();
        let path = path.strip_prefix("/v1").unwrap_or(path);
        if let Some(id) = path.strip_prefix("/files") {
            return match (seen.method.as_str(), number(id)) {
                ("POST", _) => self.take_file(seen),
                (_, Some(at)) => self.file(at, speech, answers),
                _ => unknown(),
            };
        }
        let Some((before, rest)) = path.split_once("/batches") else {
            return unknown();
        };
        let in_body = !before.is_empty();
        let at = number(rest).filter(|at| *at < self.batches.len());
        match (seen.method.as_str(), at) {
            ("POST", None) => self.take(seen, in_body, speech),
            ("GET", None) if rest.is_empty() => {
                let batches = (0..self.batches.len()).rev();
                let batches: Vec<_> = batches.map(|at| self.said(at, in_body, seen)).collect();
                told(&json!({"data": batches, "has_more": false}))
            }
            ("GET", Some(at)) if rest.ends_with("/results") => {
                ApiAnswer::new(200, self.results(at, true, speech, answers).0)
            }
            ("GET", Some(at)) => {
                let batch = &mut self.batches[at];
                batch.asked += 1;
                told(&self.said(at, in_body, seen))
            }
            ("POST", Some(at)) => {
                let over = self.is_over(at);
                self.batches[at].cancelled |= !over;
                told(&self.said(at, in_body, seen))
            }
            _ => unknown(),
        }
    }

    fn take_file(&mut self, seen: &SeenRequest) -> ApiAnswer {
        self.files.push(file_of(&seen.body));
        told(&json!({"id": format!("file-{}", self.files.len() - 1)}))
    }

    fn take(&mut self, seen: &SeenRequest, in_body: bool, speech: &dyn Speech) -> ApiAnswer {
        let order = seen.json().unwrap_or_default();
        let (lines, body) = match in_body {
            true => (order["requests"].as_array().cloned(), "params"),
            false => {
                let at = order["input_file_id"].as_str().and_then(number);
                let file = at.and_then(|at| self.files.get(at));
                let text = file.map(|it| String::from_utf8_lossy(it).into_owned());
                let lines = text.map(|it| {
                    it.lines()
                        .map(|it| it.parse().unwrap_or_default())
                        .collect()
                });
                (lines, "body")
            }
        };
        let item = |line: &Value| {
            let path = line["url"].as_str().unwrap_or("/v1/messages");
            let asked = line[body].to_string();
            let request = speech.read(path, asked.as_bytes())?;
            Some((line["custom_id"].as_str()?.to_owned(), request))
        };
        let items: Option<Vec<_>> = lines.iter().flatten().map(item).collect();
        let Some(items) = items else {
            return ApiAnswer::new(400, r#"{"error":{"message":"no batch"}}"#);
        };
        self.batches.push(Batch {
            name: order["metadata"].clone(),
            items,
            asked: 0,
            cancelled: false,
        });
        match std::mem::take(&mut self.loses) {
            true => ApiAnswer::new(502, "<html>bad gateway</html>"),
            false => told(&self.said(self.batches.len() - 1, in_body, seen)),
        }
    }

    fn is_over(&self, at: usize) -> bool {
        let batch = &self.batches[at];
        batch.asked > self.patience || batch.cancelled && batch.asked > 0
    }

    /// What is said of a batch.
    fn said(&self, at: usize, in_body: bool, seen: &SeenRequest) -> Value {
        let (batch, over) = (&self.batches[at], self.is_over(at));
        let total = batch.items.len();
        if in_body {
            let host = seen.header("host").unwrap_or_default();
            let host = self.results_at.clone().unwrap_or(format!("http://{host}"));
            let path = seen.path.split("/batches").next().unwrap_or_default();
            let results = format!("{host}{path}/batches/batch-{at}/results");
            let status = match (over, batch.cancelled) {
                (true, _) => "ended",
                (_, true) => "canceling",
                _ => "in_progress",
            };
            return json!({
                "id": format!("batch-{at}"),
                "type": "message_batch",
                "processing_status": status,
                "request_counts": {
                    "processing": if over { 0 } else { total },
                    "succeeded": if over { total } else { 0 },
                    "errored": 0, "canceled": 0, "expired": 0,
                },
                "created_at": "2026-08-01T10:00:00.123Z",
                "expires_at": "2026-08-02T10:00:00.123Z",
                "ended_at": over.then_some("2026-08-01T11:00:00Z"),
                "cancel_initiated_at": batch.cancelled.then_some("2026-08-01T10:30:00Z"),
                "results_url": over.then_some(results),
            });
        }
        let status = match (over, batch.cancelled) {
            (true, _) if self.problem.is_some() => "failed",
            (true, true) => "cancelled",
            (true, false) => "completed",
            (false, true) => "cancelling",
            (false, false) => "in_progress",
        };
        let has_files = over && self.problem.is_none();
        let file = |kind: usize| has_files.then(|| format!("file-{}", 1000 + 2 * at + kind));
        let problem = self.problem.as_ref();
        json!({
            "id": format!("batch-{at}"),
            "object": "batch",
            "errors": problem.map(|it| json!({"data": [{"message": it, "line": 1}]})),
            "status": status,
            "output_file_id": file(0),
            "error_file_id": file(1),
            "created_at": 1_785_578_400,
            "expires_at": 1_785_664_800,
            "completed_at": over.then_some(1_785_582_000),
            "request_counts": {
                "total": total, "completed": if over { total } else { 0 }, "failed": 0,
            },
            "metadata": batch.name,
        })
    }

    fn file(&self, number: usize, speech: &dyn Speech, answers: &Answers) -> ApiAnswer {
        let at = number.wrapping_sub(1000) / 2;
        if at >= self.batches.len() {
            return unknown();
        }
        let (good, bad) = self.results(at, false, speech, answers);
        ApiAnswer::new(200, if number.is_multiple_of(2) { good } else { bad })
    }

    /// The results of a batch: all of them, or those that succeeded and the others.
    fn results(
        &self,
        at: usize,
        in_body: bool,
        speech: &dyn Speech,
        answers: &Answers,
    ) -> (String, String) {
        let batch = &self.batches[at];
        let (mut good, mut bad) = (String::new(), String::new());
        for (place, (id, request)) in batch.items.iter().enumerate().rev() {
            let undone = batch.cancelled && place >= batch.items.len() / 2;
            let answer = match undone {
                true if in_body => BatchAnswer::Line(
                    json!({"custom_id": id, "result": {"type": "canceled"}}).to_string(),
                ),
                true => BatchAnswer::Missing,
                false => answers(id, request),
            };
            let is_good = matches!(answer, BatchAnswer::Text(_) | BatchAnswer::Line(_));
            if let Some(line) = result(id, answer, in_body, speech) {
                let to = if is_good || in_body {
                    &mut good
                } else {
                    &mut bad
                };
                to.push_str(&line);
                to.push('\n');
            }
        }
        (good, bad)
    }
}

/// A line of the results.
fn result(id: &str, answer: BatchAnswer, in_body: bool, speech: &dyn Speech) -> Option<String> {
    let line = match (answer, in_body) {
        (BatchAnswer::Missing, _) => return None,
        (BatchAnswer::Line(line), _) => return Some(line),
        (BatchAnswer::Text(text), true) => {
            let message = speech.write(&answered(&text));
            json!({"custom_id": id, "result": {"type": "succeeded", "message": message}})
        }
        (BatchAnswer::Text(text), false) => {
            let body = speech.write(&answered(&text));
            let response = json!({"status_code": 200, "request_id": "req-1", "body": body});
            json!({"id": "r-1", "custom_id": id, "response": response, "error": null})
        }
        (BatchAnswer::Fails(error), true) => {
            let (_, body) = speech.fail(&error);
            json!({"custom_id": id, "result": {"type": "errored", "error": body}})
        }
        (BatchAnswer::Fails(error), false) => {
            let (status, body) = speech.fail(&error);
            let response = json!({"status_code": status, "request_id": "req-2", "body": body});
            json!({"id": "r-2", "custom_id": id, "response": response, "error": null})
        }
        (BatchAnswer::Expired, true) => json!({"custom_id": id, "result": {"type": "expired"}}),
        (BatchAnswer::Expired, false) => {
            let error = json!({"code": "batch_expired", "message": "The time was up."});
            json!({"id": "r-3", "custom_id": id, "response": null, "error": error})
        }
    };
    Some(line.to_string())
}

/// An answer of a text and some tokens.
fn answered(text: &str) -> ChatResponse {
    let mut choice = Choice::new(0);
    choice.message.parts.push(Part::text(text));
    choice.finish_reason = Some(FinishReason::new(FinishKind::Stop, "stop"));
    let mut usage = Usage::default();
    usage.input_tokens = Some(7);
    usage.output_tokens = Some(3);
    let mut answer = ChatResponse::default();
    answer.id = Some("answer-1".to_owned());
    answer.model = Some("served".to_owned());
    answer.choices.push(choice);
    answer.usage = Some(usage);
    answer
}

/// The number in an id such as `/batch-7/results`.
fn number(id: &str) -> Option<usize> {
    let digits = id.trim_start_matches(|it: char| !it.is_ascii_digit());
    let end = digits.find(|it: char| !it.is_ascii_digit());
    digits.get(..end.unwrap_or(digits.len()))?.parse().ok()
}

/// The content of the one file of a form.
fn file_of(form: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(form);
    let file = text.split_once("filename=").map_or("", |it| it.1);
    let body = file.split_once("\r\n\r\n").map_or("", |it| it.1);
    let body = body.rsplit_once("\r\n--").map_or("", |it| it.0);
    body.as_bytes().to_vec()
}

fn told(value: &Value) -> ApiAnswer {
    ApiAnswer::new(200, value.to_string())
}

fn unknown() -> ApiAnswer {
    ApiAnswer::new(404, r#"{"error":{"message":"there is no such thing"}}"#)
}

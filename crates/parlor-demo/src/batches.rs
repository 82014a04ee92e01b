//! Batches, as one of the stand-ins takes them: handed in in the body, and over when they are asked
//! for the second time.

use std::time::{SystemTime, UNIX_EPOCH};

use parlor_core::{Error, ErrorKind, Result};
use parlor_dialect::rfc3339;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::exchange::WireRequest;
use crate::stand_in::MESSAGES;

/// Where a request by itself goes.
const MESSAGE: &str = "/v1/messages";

/// What stands behind that.
const BATCHES: &str = "/batches";

/// What stands before the number in a batch's id.
const ID: &str = "msgbatch_";

/// How long a batch may take, in seconds.
const DAY: u64 = 86_400;

/// A batch that was handed in.
#[derive(Debug)]
pub(crate) struct Batch {
    requests: Vec<Item>,
    created: u64,
    /// How often somebody asked how far it is.
    asked: usize,
    cancelled: bool,
}

#[derive(Debug, Clone)]
struct Item {
    id: Value,
    params: String,
}

/// What is answered: the type of its content, and that.
pub(crate) type Told = (&'static str, Vec<u8>);

impl Connection {
    /// What is answered to a request that is about batches; `None` to any other.
    pub(crate) async fn batch(&self, request: &WireRequest) -> Option<Result<Told>> {
        let path = request.path.split('?').next()?;
        let rest = path.strip_prefix(MESSAGE)?.strip_prefix(BATCHES)?;
        if self.stand_in().provider != MESSAGES {
            return None;
        }
        let (id, verb) = match rest.strip_prefix('/') {
            Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
            None => ("", ""),
        };
        Some(match (request.method.as_str(), id, verb) {
            ("POST", "", "") => self.take(request),
            ("GET", "", "") => Ok(self.list(request)),
            ("GET", id, "") => self.one(id, request, |batch| batch.asked += 1),
            ("GET", id, "results") => self.results(id).await,
            ("POST", id, "cancel") => self.one(id, request, |batch| {
                batch.cancelled |= !batch.is_over();
            }),
            _ => return None,
        })
    }

    fn take(&self, request: &WireRequest) -> Result<Told> {
        let order: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let item = |it: &Value| Item {
            id: it["custom_id"].clone(),
            params: it["params"].to_string(),
        };
        let requests = order["requests"].as_array();
        let requests: Vec<Item> = requests.into_iter().flatten().map(item).collect();
        if requests.is_empty() {
            let message = "requests: a batch needs at least one";
            return Err(Error::new(ErrorKind::InvalidRequest, message).with_status(400));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let mut batches = self.site().batches();
        batches.push(Batch {
            requests,
            created: now.unwrap_or_default().as_secs(),
            asked: 0,
            cancelled: false,
        });
        let at = batches.len() - 1;
        Ok(told(&batches[at].said(at, request)))
    }

    fn list(&self, request: &WireRequest) -> Told {
        let batches = self.site().batches();
        let newest_first = batches.iter().enumerate().rev();
        let data: Vec<Value> = newest_first.map(|(at, it)| it.said(at, request)).collect();
        told(&json!({"data": data, "has_more": false, "first_id": null, "last_id": null}))
    }

    /// What is said of a batch, after something was done to it.
    fn one(&self, id: &str, request: &WireRequest, done: impl FnOnce(&mut Batch)) -> Result<Told> {
        let mut batches = self.site().batches();
        let (at, batch) = find(&mut batches, id)?;
        done(batch);
        Ok(told(&batch.said(at, request)))
    }

    async fn results(&self, id: &str) -> Result<Told> {
        let (requests, cancelled) = {
            let mut batches = self.site().batches();
            let (_, batch) = find(&mut batches, id)?;
            if !batch.is_over() {
                return Err(missing(format!("the results of {id} are not there yet")));
            }
            (batch.requests.clone(), batch.cancelled)
        };
        let mut lines = Vec::new();
        for Item { id, params } in requests {
            let result = match cancelled {
                true => json!({"type": "canceled"}),
                false => match self.answered(&params).await {
                    Ok(message) => json!({"type": "succeeded", "message": message}),
                    Err(error) => {
                        let error = parsed(&self.speak().refuse(&error).1);
                        json!({"type": "errored", "error": error})
                    }
                },
            };
            let line = json!({"custom_id": id, "result": result});
            lines.extend_from_slice(line.to_string().as_bytes());
            lines.push(b'\n');
        }
        Ok(("application/x-jsonl", lines))
    }

    async fn answered(&self, params: &str) -> Result<Value> {
        let (played, _) = self.play(MESSAGE, params.as_bytes()).await?;
        Ok(parsed(&self.speak().whole(&played.response)?))
    }
}

impl Batch {
    fn is_over(&self) -> bool {
        self.asked > 1
    }

    fn said(&self, at: usize, request: &WireRequest) -> Value {
        let over = self.is_over();
        let count = |is: bool| if is { self.requests.len() } else { 0 };
        let host = request.header("host").unwrap_or_default();
        let results = format!("http://{host}{MESSAGE}{BATCHES}/{ID}{at}/results");
        let created = rfc3339(self.created);
        json!({
            "id": format!("{ID}{at}"),
            "type": "message_batch",
            "processing_status": match (over, self.cancelled) {
                (true, _) => "ended",
                (_, true) => "canceling",
                _ => "in_progress",
            },
            "request_counts": {
                "processing": count(!over),
                "succeeded": count(over && !self.cancelled),
                "errored": 0,
                "canceled": count(over && self.cancelled),
                "expired": 0,
            },
            "created_at": created,
            "expires_at": rfc3339(self.created.saturating_add(DAY)),
            "ended_at": over.then_some(&created),
            "cancel_initiated_at": self.cancelled.then_some(&created),
            "archived_at": null,
            "results_url": over.then_some(results),
        })
    }
}

fn find<'a>(batches: &'a mut [Batch], id: &str) -> Result<(usize, &'a mut Batch)> {
    let at = id.strip_prefix(ID).and_then(|it| it.parse::<usize>().ok());
    let found = at.and_then(|at| Some((at, batches.get_mut(at)?)));
    found.ok_or_else(|| missing(format!("there is no batch {id} here")))
}

fn missing(what: String) -> Error {
    Error::new(ErrorKind::ModelNotFound, what).with_status(404)
}

fn told(value: &Value) -> Told {
    ("application/json", value.to_string().into_bytes())
}

fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

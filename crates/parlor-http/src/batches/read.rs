//! What is said of a batch, in every form that is known.

use crate::endpoint::Endpoint;
use crate::failure;
use crate::files::segment;
use parlor_core::{BatchCounts, BatchState, BatchStatus, Error, ErrorKind, Result};
use parlor_dialect::time::unix_seconds;
use reqwest::Url;
use serde_json::Value;

/// How many of the things wrong with a batch are told.
const PROBLEMS: usize = 3;

/// Reads what a host says of a batch.
pub(super) fn status(answer: &Value) -> Result<BatchStatus> {
    let text = |keys: &[&str]| {
        let mut found = keys.iter().filter_map(|key| answer.get(key)?.as_str());
        found.next()
    };
    let time = |keys: &[&str]| keys.iter().find_map(|key| seconds(answer.get(key)?));
    let id = text(&["id"]).ok_or_else(|| Error::decode("the answer tells of no batch"))?;
    let word = text(&["status", "processing_status"]).unwrap_or_default();
    let was_cancelled = answer
        .get("cancel_initiated_at")
        .is_some_and(|it| !it.is_null());
    let state = match word {
        "validating" | "" => BatchState::InProgress,
        "completed" => BatchState::Ended,
        "ended" if was_cancelled => BatchState::Cancelled,
        "canceling" => BatchState::Cancelling,
        "canceled" => BatchState::Cancelled,
        word => BatchState::from(word),
    };
    let mut status = BatchStatus::new(id, state);
    let name = answer.get("metadata").and_then(|it| it.get("name"));
    status.name = name.and_then(Value::as_str).map(str::to_owned);
    status.counts = counts(answer.get("request_counts").unwrap_or(&Value::Null));
    status.created = time(&["created_at"]);
    status.expires = time(&["expires_at"]);
    status.ended = time(&[
        "ended_at",
        "completed_at",
        "cancelled_at",
        "expired_at",
        "failed_at",
    ]);
    status.problem = problem(answer.get("errors").unwrap_or(&Value::Null));
    Ok(status)
}

fn seconds(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => unix_seconds(text),
        value => value.as_u64(),
    }
}

fn counts(answer: &Value) -> BatchCounts {
    let figure = |keys: &[&str]| {
        let mut found = keys.iter().filter_map(|key| answer.get(key)?.as_u64());
        found.next()
    };
    let mut counts = BatchCounts::default();
    counts.succeeded = figure(&["succeeded", "completed"]).unwrap_or(0);
    counts.failed = figure(&["failed", "errored"]).unwrap_or(0);
    counts.cancelled = figure(&["canceled", "cancelled"]).unwrap_or(0);
    counts.expired = figure(&["expired"]).unwrap_or(0);
    let open = figure(&["processing"]).unwrap_or(0);
    let sum = counts.done().saturating_add(open);
    counts.total = figure(&["total"]).unwrap_or(sum);
    counts
}

/// What is wrong with a batch as a whole, in a sentence or some.
fn problem(errors: &Value) -> Option<String> {
    let list = errors.get("data").unwrap_or(errors).as_array()?;
    let told = list.iter().filter_map(|error| {
        let message = error.get("message").unwrap_or(error).as_str()?;
        let line = error.get("line").and_then(Value::as_u64);
        Some(match line {
            Some(line) => format!("line {line}: {message}"),
            None => message.to_owned(),
        })
    });
    let mut told: Vec<String> = told.take(PROBLEMS).collect();
    if list.len() > PROBLEMS {
        told.push(format!("and {} more", list.len() - PROBLEMS));
    }
    (!told.is_empty()).then(|| told.join("; "))
}

/// The paths at which the results of a batch lie.
pub(super) fn places(answer: &Value, endpoint: &Endpoint) -> Result<Vec<String>> {
    if let Some(address) = answer.get("results_url").and_then(Value::as_str) {
        return Ok(vec![own_path(address, endpoint)?]);
    }
    let files = ["output_file_id", "error_file_id"].into_iter();
    let ids = files.filter_map(|key| answer.get(key)?.as_str());
    let ids = ids.filter(|id| !id.is_empty());
    Ok(ids
        .map(|id| format!("/files/{}/content", segment(id)))
        .collect())
}

/// The path beneath the endpoint that an address means. The key isn't shown to
/// another host.
fn own_path(address: &str, endpoint: &Endpoint) -> Result<String> {
    let elsewhere = |host: &str| {
        let own = endpoint.address();
        let message = format!("the batch's results are said to be at {host}, not at {own}");
        Error::new(ErrorKind::Configuration, message).with_help(
            "If that is the right host, set it as the base URL; parlor shows the key to no other.",
        )
    };
    let url = Url::parse(address).map_err(|_| elsewhere("what is no address"))?;
    let host = failure::bare(&url);
    let base = endpoint.base.path().trim_end_matches('/');
    let path = match host == endpoint.address() {
        true => url.path().strip_prefix(base),
        false => None,
    };
    let path = path.filter(|it| it.starts_with('/'));
    let path = path.ok_or_else(|| elsewhere(&host))?;
    Ok(match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

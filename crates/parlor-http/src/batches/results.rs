//! Results, line by line as they come.

use crate::body::BODY_LIMIT;
use crate::failure;
use crate::lines::Lines;
use crate::model::Shared;
use crate::wire::Boxed;
use futures_core::Stream;
use parlor_core::{
    BatchResult, BatchResults, ChatResponse, Error, ErrorKind, Result, Scrub, TimeoutKind,
};
use parlor_dialect::WireError;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The most bytes of a line: an answer, and what is around it.
const LINE_LIMIT: usize = BODY_LIMIT + (64 << 10);

/// Reads the results at some paths, one path after the other.
#[derive(Debug)]
pub(super) struct Reader {
    model: Arc<Shared>,
    headers: Vec<(String, String)>,
    paths: VecDeque<String>,
    lines: Option<Lines>,
    scrub: Scrub,
}

impl Reader {
    pub(super) fn new(
        model: Arc<Shared>,
        headers: Vec<(String, String)>,
        paths: Vec<String>,
    ) -> Self {
        Self {
            scrub: model.endpoint.scrub(),
            model,
            headers,
            paths: paths.into(),
            lines: None,
        }
    }

    pub(super) fn into_results(self) -> BatchResults {
        BatchResults::new(Unfolded::Idle(Box::new(self)))
    }

    async fn next(&mut self) -> Option<Result<BatchResult>> {
        let next = self.line().await;
        let read = match next {
            Ok(line) => self.read(&line?),
            Err(error) => {
                self.paths.clear();
                self.lines = None;
                Err(error)
            }
        };
        Some(read.map_err(|error| self.named(error)))
    }

    async fn line(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            if let Some(lines) = &mut self.lines {
                if let Some(line) = lines.next().await? {
                    return Ok(Some(line));
                }
                self.lines = None;
            }
            let Some(path) = self.paths.pop_front() else {
                return Ok(None);
            };
            let (endpoint, dialect) = (&self.model.endpoint, &self.model.dialect);
            let opened = endpoint.accepting(dialect, Method::GET, &path, &self.headers, None);
            self.lines = Some(Lines::new(opened.await?, endpoint).with_limit(LINE_LIMIT));
        }
    }

    fn read(&self, line: &[u8]) -> Result<BatchResult> {
        let unreadable = |why: &str| {
            let message = format!("a line of the batch's results can't be read: {why}");
            Error::decode(message).with_body(line)
        };
        let read: Line<'_> =
            serde_json::from_slice(line).map_err(|error| unreadable(&error.to_string()))?;
        let id = read.custom_id.as_ref();
        let id = id.ok_or_else(|| unreadable("it names no item"))?;
        let result = self.result(&read).map_err(|error| self.named(error));
        Ok(BatchResult::new(id.clone(), result))
    }

    fn result(&self, line: &Line<'_>) -> Result<ChatResponse> {
        if let Some(outcome) = &line.result {
            let body = outcome.message.or(outcome.error);
            return match (outcome.kind.as_deref(), body) {
                (Some("canceled" | "cancelled"), _) => Err(cancelled()),
                (Some("expired"), _) => Err(expired()),
                (_, Some(body)) => self.answer(body),
                (kind, None) => Err(without(kind.unwrap_or_default())),
            };
        }
        if let Some(Response {
            status_code: status,
            request_id,
            body: Some(body),
        }) = &line.response
        {
            let id = request_id.as_deref();
            return match status.unwrap_or(200) {
                200..=299 => {
                    let mut answer = self.answer(body).map_err(|error| of_request(error, id))?;
                    answer.metadata.request_id = id.map(str::to_owned);
                    Ok(answer)
                }
                status => {
                    let wire = WireError::new(status, &[], body.get().as_bytes());
                    let error = self.model.dialect.read_error(&wire);
                    Err(of_request(error.with_status(status), id))
                }
            };
        }
        let error = line.error.as_ref();
        let text = |key: &str| error.and_then(|it| it.get(key)?.as_str());
        let code = text("code").unwrap_or_default();
        Err(match code {
            "batch_expired" => expired().with_code(code),
            "batch_cancelled" | "batch_canceled" => cancelled().with_code(code),
            code => match text("message") {
                Some(message) => Error::new(ErrorKind::Server, message.to_owned()).with_code(code),
                None => without(code),
            },
        })
    }

    /// Reads an answer, or what stands in its place.
    fn answer(&self, body: &RawValue) -> Result<ChatResponse> {
        let body = body.get().as_bytes();
        let target = self.model.target(false);
        let read = self.model.dialect.read_response(body, &target);
        read.map_err(|error| match error.body() {
            Some(_) => error,
            None => error.with_body(body),
        })
    }

    fn named(&self, error: Error) -> Error {
        failure::named(error, &self.model.info, None).scrubbed(&self.scrub)
    }
}

fn of_request(error: Error, id: Option<&str>) -> Error {
    match id {
        Some(id) => error.with_request_id(id),
        None => error,
    }
}

fn expired() -> Error {
    let message = "the batch's time was up before this request was begun";
    Error::new(ErrorKind::Timeout(TimeoutKind::Total), message)
        .with_help("Hand it in again, in a smaller batch or when there is less to do.")
}

fn cancelled() -> Error {
    let message = "the batch was cancelled before this request was begun";
    Error::new(ErrorKind::Cancelled, message)
}

fn without(word: &str) -> Error {
    Error::decode(format!("the result has neither answer nor error: `{word}`"))
}

/// A line of the results, in either form.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(default)]
    custom_id: Option<String>,
    /// Of one form: what the request would have been answered with.
    #[serde(borrow, default)]
    response: Option<Response<'a>>,
    /// Why it was not begun.
    #[serde(default)]
    error: Option<Value>,
    /// Of the other form.
    #[serde(borrow, default)]
    result: Option<Outcome<'a>>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(default)]
    status_code: Option<u16>,
    #[serde(default)]
    request_id: Option<String>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Outcome<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

type Next = Boxed<'static, (Box<Reader>, Option<Result<BatchResult>>)>;

/// A reader as a stream.
enum Unfolded {
    Idle(Box<Reader>),
    Reading(Next),
    Over,
}

impl Stream for Unfolded {
    type Item = Result<BatchResult>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut reading = match std::mem::replace(&mut *self, Self::Over) {
            Self::Over => return Poll::Ready(None),
            Self::Reading(reading) => reading,
            Self::Idle(mut reader) => {
                let next: Next = Box::pin(async move {
                    let next = reader.next().await;
                    (reader, next)
                });
                next
            }
        };
        match reading.as_mut().poll(cx) {
            Poll::Pending => {
                *self = Self::Reading(reading);
                Poll::Pending
            }
            Poll::Ready((_, None)) => Poll::Ready(None),
            Poll::Ready((reader, next)) => {
                *self = Self::Idle(reader);
                Poll::Ready(next)
            }
        }
    }
}

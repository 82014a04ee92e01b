//! The chat service's own form: a line of JSON for each piece of an answer.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::{StreamExt, stream};
use parlor::{
    ChatRequest, ChatStream, Effort, Error, ErrorKind, Event, Message, ReasoningConfig, Result,
    Role, Usage,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::Asked;
use crate::gateway::reply;
use crate::service::Site;

/// A question as the page and simple programs put it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    model: String,
    messages: Vec<Said>,
    temperature: Option<f64>,
    max_tokens: Option<u64>,
    reasoning: Option<Effort>,
}

/// One message: who says it, and its text.
#[derive(Debug, Deserialize)]
struct Said {
    role: Role,
    content: String,
}

/// One line of an answer. The last one is `finished`.
#[derive(Debug, Default, Serialize)]
struct Piece {
    content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<String>,
    finished: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Box<Usage>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

/// Answers with lines, or with server-sent events where the client accepts those alone.
pub(crate) async fn stream(State(site): State<Arc<Site>>, request: Request) -> Response {
    let accept = request.headers().get("accept");
    let is_sse = accept.is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream"));
    let asked = site.asked(request.headers(), request.uri(), "chat").await;
    let mut asked = match asked {
        Ok(asked) => asked,
        Err(error) => return refused(&error),
    };
    match opened(&site, &mut asked, request).await {
        Ok((first, events)) => {
            let lines = pieces(first, events, asked).map(move |piece| {
                let line = serde_json::to_string(&piece).map_err(std::io::Error::from)?;
                Ok::<_, std::io::Error>(match is_sse {
                    true => format!("data: {line}\n\n"),
                    false => line + "\n",
                })
            });
            let kind = match is_sse {
                true => "text/event-stream",
                false => "application/x-ndjson",
            };
            reply(StatusCode::OK, kind, Body::from_stream(lines))
        }
        Err(error) => {
            let response = refused(&error);
            asked.failed(&error);
            asked.told(response.status().as_u16());
            response
        }
    }
}

fn refused(error: &Error) -> Response {
    let status = match error.kind() {
        ErrorKind::Authentication => 401,
        ErrorKind::ModelNotFound => 404,
        ErrorKind::InvalidRequest | ErrorKind::Unsupported => 400,
        _ => error.status().unwrap_or(502),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let body = json!({ "error": told(error) }).to_string();
    reply(status, "application/json", Body::from(body))
}

async fn opened(site: &Site, asked: &mut Asked, request: Request) -> Result<(Event, ChatStream)> {
    let wrong = |message: String| Error::new(ErrorKind::InvalidRequest, message).with_status(400);
    let body = to_bytes(request.into_body(), site.config.max_body).await;
    let body = body.map_err(|error| wrong(format!("the body can't be read: {error}")))?;
    let put: Question = serde_json::from_slice(&body)
        .map_err(|error| wrong(format!("the body is wrong: {error}")))?;
    let messages = put.messages.into_iter();
    let messages: Vec<Message> = messages
        .map(|said| Message::new(said.role, vec![parlor::Part::text(said.content)]))
        .collect();
    let mut question = ChatRequest::from(messages);
    question.temperature = put.temperature;
    question.max_output_tokens = put.max_tokens;
    question.reasoning = put.reasoning.map(ReasoningConfig::from);
    let model = site.model(&put.model)?;
    asked.wants(&put.model, model.info(), &question).await?;
    let mut events = model.stream(&question).await?;
    asked.opened(&events);
    let first = events.next().await.transpose()?;
    let first = first.ok_or_else(|| Error::new(ErrorKind::Truncated, "the stream is empty"))?;
    Ok((first, events))
}

fn pieces(
    first: Event,
    events: ChatStream,
    mut asked: Asked,
) -> impl futures_util::Stream<Item = Piece> + Send {
    let mut reason = None;
    let events = stream::iter([Ok(first)]).chain(events);
    events.filter_map(move |item| {
        match &item {
            Ok(event) => asked.event(event),
            Err(error) => asked.failed(error),
        }
        let piece = match item {
            Ok(Event::TextDelta { text, .. }) => Some(Piece {
                content: text.to_string(),
                ..Piece::default()
            }),
            Ok(Event::ReasoningDelta { text, .. }) => Some(Piece {
                reasoning: Some(text.to_string()),
                ..Piece::default()
            }),
            Ok(Event::Finished { reason: why, .. }) => {
                reason = serde_json::to_value(why).ok();
                None
            }
            Ok(Event::Completed { usage, .. }) => Some(Piece {
                finished: true,
                finish_reason: reason.take(),
                usage,
                ..Piece::default()
            }),
            Ok(_) => None,
            Err(error) => Some(Piece {
                finished: true,
                error: Some(told(&error)),
                ..Piece::default()
            }),
        };
        async move { piece }
    })
}

/// What a client may know of a failure.
fn told(error: &Error) -> Value {
    json!({ "kind": error.kind().as_str(), "message": error.message(), "help": error.help() })
}

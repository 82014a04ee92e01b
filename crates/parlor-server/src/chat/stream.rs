//! The chat service's own form: a line of JSON for each piece of an answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::{StreamExt, stream};
use parlor::{
    ChatRequest, ChatStream, Error, ErrorKind, Event, FinishReason, Media, MediaKind, Message,
    Part, Result, Role, Usage,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::wrong;
use super::question::Settings;
use super::{refused, told};
use crate::account::{Asked, Provenance};
use crate::gateway::reply;
use crate::service::Site;

/// A question as simple programs put it. Fields that aren't known are passed over.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Question {
    /// The name of the model that answers.
    model: String,
    /// What was said so far; the last message is the question.
    messages: Vec<Said>,
    #[serde(flatten)]
    settings: Settings,
}

/// One message: who says it, and what.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Said {
    /// `system`, `user` or `assistant`.
    role: Role,
    /// A text, or parts: `{"type": "text", "text": …}`, `{"type": "image_url", "image_url": {"url": …}}`,
    /// or a part in the words of a conversation's messages.
    #[schemars(with = "Content")]
    content: Value,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it describes what is read by hand")]
enum Content {
    Text(String),
    Parts(Vec<Value>),
}

/// One line of an answer. The last one is `finished`.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Piece {
    /// More text.
    content: String,
    /// More thoughts.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<String>,
    /// Whether this is the last one.
    finished: bool,
    /// Why it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<FinishReason>,
    /// What it used.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Box<Usage>>,
    /// Why it failed, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<super::shown::Failure>")]
    error: Option<Value>,
}

/// Answers with lines, or with server-sent events where the client accepts those and no lines.
pub(crate) async fn stream(site: Arc<Site>, request: Request) -> Response {
    let accept = request.headers().get("accept");
    let accept = accept.and_then(|it| it.to_str().ok()).unwrap_or_default();
    // Who takes both gets lines.
    let is_sse = accept.contains("text/event-stream") && !accept.contains("ndjson");
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

async fn opened(site: &Site, asked: &mut Asked, request: Request) -> Result<(Event, ChatStream)> {
    let (head, body) = request.into_parts();
    let body = site.bodies.whole(&head.headers, body).await?;
    let put: Question = serde_json::from_slice(&body.bytes)
        .map_err(|error| wrong(format!("the body is wrong: {error}")))?;
    let messages = put.messages.into_iter().map(Said::message);
    let messages = messages.collect::<Result<Vec<Message>>>()?;
    if !messages
        .iter()
        .any(|it| it.role != Role::System && !it.parts.is_empty())
    {
        return Err(wrong("`messages` say nothing".to_owned()));
    }
    let mut question = ChatRequest::from(messages);
    put.settings.apply(&mut question);
    let model = site.model(&put.model).await?;
    asked.wants(&put.model, model.info(), &question).await?;
    let mut events = model.stream(&question).await?;
    asked.opened(Provenance::of(&mut events));
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
                reason = Some(why);
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

impl Said {
    fn message(self) -> Result<Message> {
        let parts = match self.content {
            Value::String(text) if text.trim().is_empty() => {
                return Err(wrong("a message has no content"));
            }
            Value::String(text) => vec![Part::text(text)],
            Value::Array(parts) => parts.into_iter().map(part).collect::<Result<_>>()?,
            _ => return Err(wrong("`content` of a message is neither a text nor parts")),
        };
        Ok(Message::new(self.role, parts))
    }
}

/// A part in this service's words, or a picture in those of the chat API.
fn part(part: Value) -> Result<Part> {
    let url = match &part["image_url"] {
        Value::Null => None,
        Value::Object(image) => image.get("url").and_then(Value::as_str),
        image => image.as_str(),
    };
    if let Some(url) = url {
        return Ok(Media::url(MediaKind::Image, url).into());
    }
    serde_json::from_value(part).map_err(|error| wrong(format!("a part is wrong: {error}")))
}

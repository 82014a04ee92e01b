//! Messages of the AWS event stream reach a dialect's decoder with what their headers say.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod raw;

use std::collections::VecDeque;

use parlor_core::{
    ChatModel, ChatModelExt, ChatRequest, ChatResponse, Error, ErrorKind, Event, MediaLimits,
    ModelInfo, Result,
};
use parlor_dialect::openai_chat::{ChatDecoder, OpenAiChat};
use parlor_dialect::{Decoder, Dialect, Frame, Framing, Target, WireError, WireRequest};
use parlor_http::framing::write_message;
use parlor_http::{Endpoint, HttpModel};
use raw::{in_time, server, whole};

/// OpenAI's chunks in the payloads of messages.
#[derive(Debug, Default)]
struct Messages(OpenAiChat);

#[derive(Debug)]
struct MessageDecoder(ChatDecoder);

impl Decoder for MessageDecoder {
    fn decode(&mut self, frame: Frame<'_>, events: &mut VecDeque<Event>) -> Result<()> {
        if let Some(kind) = frame.exception {
            let payload = String::from_utf8_lossy(frame.data);
            let message = frame.message.unwrap_or(&payload);
            let error = Error::new(ErrorKind::Overloaded, message.to_owned());
            return Err(error.with_code(kind));
        }
        match frame.event {
            Some("chunk") => self.0.decode(Frame::data(frame.data), events),
            _ => Ok(()),
        }
    }

    fn is_over(&self) -> bool {
        self.0.is_over()
    }

    fn finish(&mut self, events: &mut VecDeque<Event>) -> Result<()> {
        self.0.finish(events)
    }
}

impl Dialect for Messages {
    type Decoder = MessageDecoder;

    fn name(&self) -> &'static str {
        "messages"
    }
    fn framing(&self) -> Framing {
        Framing::EventStream
    }
    fn media(&self, model: &str) -> MediaLimits {
        self.0.media(model)
    }
    fn write_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<WireRequest> {
        self.0.write_request(request, target)
    }
    fn read_response(&self, body: &[u8], target: &Target<'_>) -> Result<ChatResponse> {
        self.0.read_response(body, target)
    }
    fn decoder(&self, target: &Target<'_>) -> MessageDecoder {
        MessageDecoder(self.0.decoder(target))
    }
    fn read_error(&self, error: &WireError<'_>) -> Error {
        self.0.read_error(error)
    }
}

const HELLO: &str = r#"{"id":"1","choices":[{"index":0,"delta":{"content":"Hello"}}]}"#;
const STOP: &str = r#"{"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

fn event(name: &str, payload: &str) -> Vec<u8> {
    message(
        &[(":event-type", name), (":message-type", "event")],
        payload,
    )
}

fn message(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write_message(&mut out, headers, payload.as_bytes()).unwrap();
    out
}

async fn ask(kind: &str, body: &[u8]) -> Result<ChatResponse> {
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    let (url, _seen) = server(answer);
    let endpoint = Endpoint::new(&url).unwrap();
    let info = ModelInfo::new("test", "m-1");
    let model = HttpModel::new(Messages::default(), endpoint, info);
    in_time(async { model.ask_stream("Hi").await?.response().await }).await
}

const KIND: &str = "application/vnd.amazon.eventstream";

#[tokio::test]
async fn events_go_by_their_type() {
    let other = event("metrics", "no JSON");
    let body = [event("chunk", HELLO), other, event("chunk", STOP)].concat();
    assert_eq!(ask(KIND, &body).await.unwrap().text(), "Hello");
}

#[tokio::test]
async fn an_exception_tells_its_type_and_its_payload() {
    let headers = [
        (":exception-type", "throttlingException"),
        (":message-type", "exception"),
    ];
    let body = [event("chunk", HELLO), message(&headers, "slow down")].concat();
    let error = ask(KIND, &body).await.unwrap_err();
    assert_eq!(error.code(), Some("throttlingException"));
    assert_eq!(error.message(), "slow down");
    assert_eq!(error.partial().unwrap().text(), "Hello");
}

#[tokio::test]
async fn an_error_tells_its_code_and_its_message() {
    let headers = [
        (":message-type", "error"),
        (":error-code", "InternalFailure"),
        (":error-message", "gone"),
    ];
    let error = ask(KIND, &message(&headers, "")).await.unwrap_err();
    assert_eq!(error.code(), Some("InternalFailure"));
    assert_eq!(error.message(), "gone");
}

#[tokio::test]
async fn a_damaged_message_is_no_answer() {
    let mut body = [event("chunk", HELLO), event("chunk", STOP)].concat();
    let last = body.len() - 1;
    body[last] ^= 1;
    let error = ask(KIND, &body).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.partial().unwrap().text(), "Hello");
}

#[tokio::test]
async fn json_in_the_place_of_messages_is_read_as_json() {
    let body = r#"{"error":{"message":"no such model","code":"model_not_found"}}"#;
    for kind in [KIND, "application/json"] {
        let error = ask(kind, body.as_bytes()).await.unwrap_err();
        assert_eq!(error.code(), Some("model_not_found"), "{kind}: {error:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_the_calls_error() {
    let body = r#"{"error":{"message":"slow down"}}"#;
    let (url, _seen) = server(whole(429, "", body));
    let info = ModelInfo::new("test", "m-1");
    let endpoint = Endpoint::new(&url).unwrap();
    let model = HttpModel::new(Messages::default(), endpoint, info);
    let request = ChatRequest::from("Hi");
    let error = in_time(model.stream(&request)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
}

//! What a collector of OpenTelemetry gets of requests.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use common::Gateway;
use parlor::{ChatRequest, ChatResponse, Choice, Env, ErrorKind, FinishKind, Part, Usage};
use parlor_server::{ServerConfig, SpanExporter, SpanSettings};
use parlor_testkit::Script;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex, mpsc};

const ASKS: &str = "/v1/chat/completions";

/// A batch as the collector got it.
struct Got {
    path: String,
    head: HeaderMap,
    body: Value,
}

/// A collector that answers with these statuses in turn, then with 200.
struct Collector {
    url: String,
    got: Mutex<UnboundedReceiver<Got>>,
}

type Shared = (UnboundedSender<Got>, Arc<Mutex<mpsc::Receiver<u16>>>);

impl Collector {
    async fn start(statuses: &[u16]) -> Self {
        let (tell, got) = unbounded_channel();
        let (next, statuses_left) = mpsc::channel(8);
        for status in statuses {
            next.send(*status).await.unwrap();
        }
        let shared: Shared = (tell, Arc::new(Mutex::new(statuses_left)));
        let router = Router::new().fallback(take).with_state(shared);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let got = Mutex::new(got);
        Self { url, got }
    }

    async fn next(&self) -> Got {
        let mut got = self.got.lock().await;
        let next = tokio::time::timeout(Duration::from_secs(20), got.recv());
        next.await.unwrap().unwrap()
    }

    /// The spans of the next batch.
    async fn spans(&self) -> Vec<Value> {
        let got = self.next().await;
        assert_eq!(got.path, "/v1/traces");
        got.body["resourceSpans"][0]["scopeSpans"][0]["spans"]
            .as_array()
            .unwrap()
            .clone()
    }

    async fn gateway(&self, script: fn(&ChatRequest) -> Script) -> (Gateway, Arc<SpanExporter>) {
        let settings = SpanSettings::configured(Some(&self.url), &Env::empty());
        let exporter = Arc::new(SpanExporter::start(settings.unwrap().unwrap()));
        let mut config = ServerConfig::default();
        config.spans = Some(Arc::clone(&exporter));
        (Gateway::start(config, script).await, exporter)
    }
}

async fn take(
    State((tell, statuses)): State<Shared>,
    uri: Uri,
    head: HeaderMap,
    body: String,
) -> StatusCode {
    let (path, body) = (uri.path().to_owned(), serde_json::from_str(&body).unwrap());
    tell.send(Got { path, head, body }).unwrap();
    let status = statuses.lock().await.try_recv().unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}

fn used(_: &ChatRequest) -> Script {
    let mut told = Usage::default();
    told.input_tokens = Some(2000);
    told.output_tokens = Some(70);
    told.cached_input_tokens = Some(1000);
    let mut choice = Choice::new(0);
    choice.message.parts.push(Part::text("A secret answer."));
    choice.finish_reason = Some(FinishKind::Stop.into());
    let mut response = ChatResponse::default();
    response.choices.push(choice);
    response.usage = Some(told);
    Script::response(response)
}

fn asked(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "A secret question" }] })
}

fn attribute<'a>(span: &'a Value, name: &str) -> &'a Value {
    let attributes = span["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|it| it["key"] == name);
    found.map_or(&Value::Null, |it| &it["value"])
}

#[tokio::test]
async fn a_request_is_a_span_with_what_it_used() {
    let collector = Collector::start(&[]).await;
    let (gateway, _exporter) = collector.gateway(used).await;
    let headers = [
        ("x-request-id", "mine-1"),
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
    ];
    let (status, _) = gateway
        .post_with(ASKS, &asked("anthropic/behind"), &headers)
        .await;
    assert_eq!(status, 200);
    let spans = collector.spans().await;
    let [span] = spans.as_slice() else {
        panic!("{spans:?}");
    };
    assert_eq!(span["name"], "chat behind");
    assert_eq!(span["kind"], 3);
    assert_eq!(span["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(span["parentSpanId"], "00f067aa0ba902b7");
    assert_eq!(span["spanId"].as_str().unwrap().len(), 16);
    let time = |name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
    assert!(time("startTimeUnixNano") < time("endTimeUnixNano"));
    for (name, value) in [
        ("gen_ai.operation.name", json!({ "stringValue": "chat" })),
        (
            "gen_ai.provider.name",
            json!({ "stringValue": "anthropic" }),
        ),
        ("gen_ai.request.model", json!({ "stringValue": "behind" })),
        ("gen_ai.usage.input_tokens", json!({ "intValue": "2000" })),
        ("gen_ai.usage.output_tokens", json!({ "intValue": "70" })),
        (
            "gen_ai.usage.cache_read.input_tokens",
            json!({ "intValue": "1000" }),
        ),
        ("parlor.request.id", json!({ "stringValue": "mine-1" })),
        ("parlor.asked", json!({ "stringValue": "anthropic/behind" })),
        ("parlor.dialect", json!({ "stringValue": "openai-chat" })),
        ("http.response.status_code", json!({ "intValue": "200" })),
        ("error.type", Value::Null),
    ] {
        assert_eq!(attribute(span, name), &value, "{name}");
    }
    assert!(
        attribute(span, "parlor.cost")["doubleValue"]
            .as_f64()
            .unwrap()
            > 0.0
    );
    assert!(!span.to_string().contains("secret"), "{span}");
}

#[tokio::test]
async fn what_fails_is_a_span_that_says_so() {
    let collector = Collector::start(&[]).await;
    let (gateway, _exporter) = collector
        .gateway(|_| Script::refuses(parlor::Error::new(ErrorKind::RateLimited, "slower")))
        .await;
    assert_eq!(gateway.post(ASKS, &asked("anthropic/behind")).await.0, 429);
    let spans = collector.spans().await;
    assert_eq!(spans[0]["status"], json!({ "code": 2 }));
    let kind = ErrorKind::RateLimited.as_str();
    assert_eq!(
        attribute(&spans[0], "error.type"),
        &json!({ "stringValue": kind })
    );
}

#[tokio::test]
async fn a_trace_that_is_not_recorded_has_no_span() {
    let collector = Collector::start(&[]).await;
    let (gateway, _exporter) = collector.gateway(used).await;
    let unsampled = [(
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
    )];
    gateway
        .post_with(ASKS, &asked("anthropic/behind"), &unsampled)
        .await;
    gateway.post(ASKS, &asked("openai-chat/behind")).await;
    let spans = collector.spans().await;
    assert_eq!(spans.len(), 1);
    assert_eq!(
        attribute(&spans[0], "parlor.asked"),
        &json!({ "stringValue": "openai-chat/behind" })
    );
}

#[tokio::test]
async fn a_busy_collector_is_tried_again_and_gets_the_same_span() {
    let collector = Collector::start(&[503]).await;
    let (gateway, exporter) = collector.gateway(used).await;
    gateway.post(ASKS, &asked("anthropic/behind")).await;
    let (first, second) = (collector.spans().await, collector.spans().await);
    assert_eq!(first, second);
    exporter.flushed().await;
    assert_eq!(exporter.dropped(), 0);
}

#[tokio::test]
async fn what_a_collector_refuses_is_counted_and_not_sent_again() {
    let collector = Collector::start(&[400]).await;
    let (gateway, exporter) = collector.gateway(used).await;
    gateway.post(ASKS, &asked("anthropic/behind")).await;
    collector.spans().await;
    exporter.flushed().await;
    assert_eq!(exporter.dropped(), 1);
    let figures = gateway.text("/metrics", &[]).await;
    assert!(
        figures.contains("parlor_spans_dropped_total 1"),
        "{figures}"
    );
    gateway.post(ASKS, &asked("openai-chat/behind")).await;
    let spans = collector.spans().await;
    assert_eq!(
        attribute(&spans[0], "parlor.asked"),
        &json!({ "stringValue": "openai-chat/behind" })
    );
}

#[tokio::test]
async fn the_usual_variables_count_and_their_secrets_do_not_print() {
    let collector = Collector::start(&[]).await;
    let base = collector.url.clone();
    let env = Env::new(move |name| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(format!("{base}/")),
        "OTEL_EXPORTER_OTLP_HEADERS" => Some("authorization=Bearer%20of-mine, x-of=a team".into()),
        "OTEL_SERVICE_NAME" => Some("chats".into()),
        _ => None,
    });
    let settings = SpanSettings::configured(None, &env).unwrap().unwrap();
    assert!(!format!("{settings:?}").contains("of-mine"));
    let mut config = ServerConfig::default();
    config.spans = Some(Arc::new(SpanExporter::start(settings)));
    let gateway = Gateway::start(config, used).await;
    gateway.post(ASKS, &asked("anthropic/behind")).await;
    let got = collector.next().await;
    assert_eq!(got.path, "/v1/traces");
    assert_eq!(got.head["authorization"], "Bearer of-mine");
    assert_eq!(got.head["x-of"], "a team");
    assert_eq!(
        got.body["resourceSpans"][0]["resource"]["attributes"],
        json!([{ "key": "service.name", "value": { "stringValue": "chats" } }])
    );
}

#[test]
fn what_is_configured_and_what_is_turned_off() {
    let env = |pairs: &'static [(&str, &str)]| {
        Env::new(move |name| {
            let found = pairs.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    };
    let is_on = |address, env: &Env| SpanSettings::configured(address, env).unwrap().is_some();
    let set = env(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/x")]);
    assert!(is_on(None, &set));
    assert!(!is_on(None, &Env::empty()));
    let off = env(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_TRACES_EXPORTER", "none"),
    ]);
    assert!(!is_on(None, &off));
    assert!(is_on(Some("http://127.0.0.1:1"), &off));
    let wrong = SpanSettings::configured(Some("localhost:4318"), &Env::empty()).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Configuration);
    let wrong = env(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "no pair"),
    ]);
    assert!(SpanSettings::configured(None, &wrong).is_err());
}

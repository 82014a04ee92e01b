//! A span for each request, sent to a collector of OpenTelemetry.
//!
//! The form is the [OpenTelemetry protocol](https://opentelemetry.io/docs/specs/otlp/) in JSON over
//! HTTP. Names are those of the [semantic conventions for generative
//! AI](https://github.com/open-telemetry/semantic-conventions-genai); what is parlor's own begins
//! with `parlor.`. Nothing of a request's or an answer's content is in it.

use std::time::Duration;

use async_trait::async_trait;
use parlor::{Env, Error, ErrorKind, Result};
use parlor_http::{Endpoint, Method};
use parlor_store::{Outcome, ParentSpan, UsageEvent};
use serde_json::{Value, json};

use crate::account::{Queue, Target, UsageSink};

/// How long a collector may take for a batch.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where traces go at an endpoint for everything.
const PATH: &str = "v1/traces";

/// Where spans are sent, and what they are said to be of.
#[derive(Debug, Clone)]
pub struct SpanSettings {
    endpoint: Endpoint,
    service: String,
}

/// A queue before a collector: what doesn't fit into it is dropped and counted, and nobody waits.
///
/// A request whose `traceparent` says that its trace isn't recorded has no span.
#[derive(Debug)]
pub struct SpanExporter {
    queue: Queue,
}

impl SpanSettings {
    /// A collector's address, to which `/v1/traces` is added, if one is configured: here, or by
    /// [the variables](https://opentelemetry.io/docs/specs/otel/protocol/exporter/) that are usual,
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` (taken as it is) and `OTEL_EXPORTER_OTLP_ENDPOINT`.
    /// `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_SERVICE_NAME` count too; so do
    /// `OTEL_SDK_DISABLED=true` and `OTEL_TRACES_EXPORTER=none`, which turn off what is not
    /// configured here.
    ///
    /// # Errors
    /// `Configuration` for an address that is none, and for headers that can't be any.
    pub fn configured(address: Option<&str>, env: &Env) -> Result<Option<Self>> {
        let set = |name: &str| env.get(name).filter(|it| !it.trim().is_empty());
        let is_off = set("OTEL_SDK_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true"))
            || set("OTEL_TRACES_EXPORTER").is_some_and(|it| it == "none");
        let below = |base: &str| format!("{}/{PATH}", base.trim_end_matches('/'));
        let from_env = || {
            let whole = set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
            whole.or_else(|| set("OTEL_EXPORTER_OTLP_ENDPOINT").map(|base| below(&base)))
        };
        let address = match address {
            Some(base) => Some(below(base)),
            None if is_off => None,
            None => from_env(),
        };
        let Some(address) = address else {
            return Ok(None);
        };
        let mut endpoint = Endpoint::new(&address)?;
        let mut headers = set("OTEL_EXPORTER_OTLP_TRACES_HEADERS");
        headers = headers.or_else(|| set("OTEL_EXPORTER_OTLP_HEADERS"));
        for pair in headers.iter().flat_map(|it| it.split(',')) {
            let Some((name, value)) = pair.split_once('=') else {
                let message = "OTEL_EXPORTER_OTLP_HEADERS isn't of the form name=value,name=value";
                return Err(Error::new(ErrorKind::Configuration, message));
            };
            endpoint = endpoint.with_header(name.trim(), &decoded(value.trim()))?;
        }
        let service = set("OTEL_SERVICE_NAME").unwrap_or_else(|| "parlor".to_owned());
        Ok(Some(Self { endpoint, service }))
    }

    /// The collector's address, without what is secret in it.
    pub fn address(&self) -> String {
        self.endpoint.address()
    }
}

impl SpanExporter {
    /// Begins to send, by a task that ends with the exporter when everything is sent. While the
    /// collector is away it is tried each second.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(settings: SpanSettings) -> Self {
        Self {
            queue: Queue::to(settings),
        }
    }

    /// How many spans were dropped: for want of room, or since the collector refused them.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    /// Waits until everything is sent that came before.
    pub async fn flushed(&self) {
        self.queue.flushed().await;
    }
}

impl UsageSink for SpanExporter {
    fn used(&self, event: &UsageEvent) {
        if event.parent.is_none_or(|it| it.is_sampled) {
            self.queue.push(event);
        }
    }
}

#[async_trait]
impl Target for SpanSettings {
    async fn take(&self, batch: &[UsageEvent]) -> Result<usize> {
        let spans: Vec<Value> = batch.iter().map(span).collect();
        let of = [text("service.name", &self.service)];
        let scope = json!({ "name": "parlor", "version": env!("CARGO_PKG_VERSION") });
        let body = json!({ "resourceSpans": [{
            "resource": { "attributes": of },
            "scopeSpans": [{ "scope": scope, "spans": spans }],
        }] });
        let body = body.to_string().into_bytes();
        let sent = self.endpoint.send(Method::POST, "", &[], Some(body));
        let late = |_| Error::new(ErrorKind::Connection, "the collector doesn't answer");
        let answer = tokio::time::timeout(PATIENCE, sent).await.map_err(late)??;
        let status = answer.status();
        if status.is_success() {
            return Ok(0);
        }
        let message = format!("the collector answered {status}");
        Err(Error::new(ErrorKind::Server, message).with_status(status.as_u16()))
    }

    /// The protocol names the statuses that are tried again.
    fn refuses(&self, error: &Error) -> bool {
        !matches!(error.status(), None | Some(429 | 502 | 503 | 504))
    }
}

/// An id that looks like chance, another for each: ids of events follow each other, and collectors
/// choose by those of spans. The last step of SplitMix64.
fn scattered(id: u64) -> u64 {
    let id = (id ^ id >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let id = (id ^ id >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    id ^ id >> 31
}

/// A request as a span.
fn span(event: &UsageEvent) -> Value {
    let model = event.model.as_deref().unwrap_or(&event.asked);
    let began = u128::from(event.at_ms) * 1_000_000;
    let ended = began + u128::from(event.total_us) * 1_000;
    // Made of the event, so that a batch that is sent again has the same spans.
    let id = scattered(event.id.unsigned_abs()).max(1);
    let own = u128::from(event.at_ms) << 64 | u128::from(id);
    let trace = event.parent.map_or(own, |it: ParentSpan| it.trace);
    let usage = &event.usage;
    let mut attributes = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.request.model", model),
        text("parlor.request.id", &event.request_id),
        text("parlor.asked", &event.asked),
        text("parlor.dialect", event.dialect),
        integer("http.response.status_code", u64::from(event.status)),
    ];
    let texts = [
        ("gen_ai.provider.name", event.provider.as_deref()),
        ("gen_ai.response.model", event.served.as_deref()),
        ("parlor.key", event.key.as_deref()),
    ];
    attributes.extend(
        texts
            .into_iter()
            .filter_map(|(name, it)| Some(text(name, it?))),
    );
    let figures = [
        ("gen_ai.usage.input_tokens", usage.input_tokens),
        ("gen_ai.usage.output_tokens", usage.output_tokens),
        (
            "gen_ai.usage.cache_read.input_tokens",
            usage.cached_input_tokens,
        ),
        (
            "gen_ai.usage.cache_write.input_tokens",
            usage.cache_write_tokens,
        ),
        (
            "gen_ai.usage.reasoning.output_tokens",
            usage.reasoning_tokens,
        ),
        ("gen_ai.usage.audio.input_tokens", usage.input_audio_tokens),
        (
            "gen_ai.usage.audio.output_tokens",
            usage.output_audio_tokens,
        ),
    ];
    attributes.extend(
        figures
            .into_iter()
            .filter_map(|(name, it)| Some(integer(name, it?))),
    );
    if let Some(finish) = event.finish {
        let reasons = json!({ "values": [{ "stringValue": finish.as_str() }] });
        attributes.push(json!({
            "key": "gen_ai.response.finish_reasons", "value": { "arrayValue": reasons },
        }));
    }
    if let Some(first) = event.first_event_us {
        let seconds = Duration::from_micros(first).as_secs_f64();
        attributes.push(double("gen_ai.response.time_to_first_chunk", seconds));
    }
    if let Some(cost) = &event.cost {
        attributes.push(double("parlor.cost", cost.amount));
        attributes.push(text("parlor.cost.currency", &cost.currency));
        attributes.push(text("parlor.cost.as_of", &cost.as_of));
    }
    let mut status = json!({});
    match event.outcome {
        Outcome::Failed(kind) => {
            attributes.push(text("error.type", kind.as_str()));
            // `STATUS_CODE_ERROR`.
            status = json!({ "code": 2 });
        }
        Outcome::Left => attributes.push(json!({
            "key": "parlor.cancelled", "value": { "boolValue": true },
        })),
        _ => {}
    }
    let mut span = json!({
        "traceId": format!("{trace:032x}"),
        "spanId": format!("{id:016x}"),
        "name": format!("chat {model}"),
        // `SPAN_KIND_CLIENT`, as the conventions have it for what asks a model.
        "kind": 3,
        // Integers of 64 bits are texts in the protocol's JSON.
        "startTimeUnixNano": began.to_string(),
        "endTimeUnixNano": ended.to_string(),
        "attributes": attributes,
        "status": status,
    });
    if let Some(parent) = event.parent {
        span["parentSpanId"] = format!("{:016x}", parent.span).into();
    }
    span
}

fn text(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": { "stringValue": value } })
}

fn integer(name: &str, value: u64) -> Value {
    json!({ "key": name, "value": { "intValue": value.to_string() } })
}

fn double(name: &str, value: f64) -> Value {
    json!({ "key": name, "value": { "doubleValue": value } })
}

/// A value of `OTEL_EXPORTER_OTLP_HEADERS`, whose odd letters are written `%20`.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        let coded = match (first, after) {
            (b'%', [high, low, ..]) => std::str::from_utf8(&[*high, *low])
                .ok()
                .and_then(|it| u8::from_str_radix(it, 16).ok()),
            _ => None,
        };
        bytes.push(coded.unwrap_or(*first));
        rest = match (coded, after) {
            (Some(_), [_, _, rest @ ..]) => rest,
            _ => after,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

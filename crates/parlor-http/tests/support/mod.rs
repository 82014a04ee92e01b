//! Runs a dialect over recorded exchanges and compares what it makes of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    dead_code
)]

mod same;

use bytes::Bytes;
use parlor_core::*;
use parlor_dialect::{Decoder, Dialect, Encoder, Frame, Profile, ServerDialect, Target, WireError};
use parlor_http::framing::{Framer, Framing, write_message, write_ndjson, write_sse};
use parlor_testkit::{Cassette, ExpectedToolCall};
pub(crate) use same::{difference, drop_nulls};
use same::{same, with_arguments};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

/// One of the three things that are checked of a cassette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Check {
    /// The response decodes to what is expected, whole and in pieces.
    Response,
    /// The request is read and written again with the same meaning.
    Request,
    /// The stream is decoded, encoded and decoded again with the same meaning.
    Encoder,
}

/// A cassette that is excused from a check, and why.
pub(crate) type Exception = (&'static str, Check, &'static str);

/// How a dialect is run over its cassettes.
pub(crate) struct Suite<D> {
    /// The cassettes' name of the dialect.
    pub(crate) dialect: &'static str,
    /// The dialect for a cassette's host.
    pub(crate) make: fn(&Cassette) -> D,
    /// The model family's profile for a cassette.
    pub(crate) profile: fn(&Cassette) -> Profile,
    /// Brings a request body to the form that documented defaults and
    /// equivalent spellings share; run on the recorded and the written one.
    pub(crate) normalise: fn(&mut Value),
    /// The exceptions, each with its reason.
    pub(crate) exceptions: &'static [Exception],
}

/// What a check found.
type Outcome = std::result::Result<(), String>;

impl<D: ServerDialect> Suite<D> {
    /// Runs all checks on all cassettes and panics with what differs. Prints
    /// the counts. An exception that isn't needed any more fails too.
    pub(crate) fn run(&self) {
        let Some(cassettes) = Cassette::load_all(self.dialect) else {
            eprintln!("skipped: no recorded exchanges of {}", self.dialect);
            return;
        };
        let mut failures = Vec::new();
        let mut counts = BTreeMap::<Check, [usize; 3]>::new();
        for cassette in &cassettes {
            for check in [Check::Response, Check::Request, Check::Encoder] {
                let outcome = match check {
                    Check::Response => Some(self.response(cassette)),
                    Check::Request => self.request(cassette),
                    Check::Encoder => self.encoder(cassette),
                };
                let Some(outcome) = outcome else { continue };
                let id = cassette.id();
                let excused = self.exceptions.iter().any(|it| it.0 == id && it.1 == check);
                let count = counts.entry(check).or_default();
                match (outcome, excused) {
                    (Ok(()), false) => count[0] += 1,
                    (Err(_), true) => count[1] += 1,
                    (Ok(()), true) => {
                        failures.push(format!("{id} {check:?}: its exception is not needed"))
                    }
                    (Err(why), false) => {
                        count[2] += 1;
                        failures.push(format!("{id} {check:?}: {why}"));
                    }
                }
            }
        }
        for (check, [passed, excused, failed]) in counts {
            eprintln!(
                "{} {check:?}: {passed} passed, {excused} excused, {failed} failed",
                self.dialect
            );
        }
        assert!(
            failures.is_empty(),
            "{} failures:\n{}",
            failures.len(),
            failures.join("\n")
        );
    }

    /// The facts about the model that a cassette's exchange is with.
    fn info(&self, cassette: &Cassette) -> ModelInfo {
        let body = cassette.request.body.as_ref();
        let model = body
            .and_then(|body| body["model"].as_str())
            .unwrap_or("model");
        ModelInfo::new(cassette.provider.clone(), model)
    }

    fn response(&self, cassette: &Cassette) -> Outcome {
        let (dialect, info, profile) = (
            (self.make)(cassette),
            self.info(cassette),
            (self.profile)(cassette),
        );
        let mut target = Target::new(&info, &profile);
        let body = &cassette.response.body;
        if !cassette.response.streaming {
            let headers: Vec<_> = cassette.response.headers.clone().into_iter().collect();
            let status = cassette.response.status;
            let result = match status {
                200..300 => dialect
                    .read_response(body, &target)
                    .map_err(|it| it.with_status(status)),
                _ => Err(dialect.read_error(&WireError::new(status, &headers, body))),
            };
            if let (Ok(_), Some(framed)) = (&result, framed(&dialect, &target, body)) {
                same(&result, &Ok(framed), "as a frame")?;
            }
            return compare(&result, cassette);
        }
        target.stream = true;
        let whole = decode(&dialect, &target, &[Bytes::copy_from_slice(body)])?;
        compare(&whole, cassette)?;
        let bytes: Vec<_> = body
            .iter()
            .map(|it| Bytes::copy_from_slice(&[*it]))
            .collect();
        same(&whole, &decode(&dialect, &target, &bytes)?, "byte by byte")?;
        let varied = [varied(dialect.framing(), body)];
        same(&whole, &decode(&dialect, &target, &varied)?, "as JSON")?;
        for seed in 0..3 {
            same(
                &whole,
                &decode(&dialect, &target, &cut(body, seed))?,
                "cut at random",
            )?;
        }
        Ok(())
    }

    fn request(&self, cassette: &Cassette) -> Option<Outcome> {
        if cassette.response.status >= 300 {
            return None;
        }
        let recorded = cassette.request.body.as_ref()?;
        Some(self.request_of(cassette, recorded))
    }

    fn request_of(&self, cassette: &Cassette, recorded: &Value) -> Outcome {
        let (dialect, mut info, profile) = (
            (self.make)(cassette),
            self.info(cassette),
            (self.profile)(cassette),
        );
        let mut target = Target::new(&info, &profile);
        let origin = target.origin(dialect.name());
        let body = recorded.to_string();
        let path = cassette.request.path.split('?').next().unwrap();
        let incoming = dialect
            .read_request(path, body.as_bytes(), &origin)
            .map_err(|error| format!("not read: {error:?}"))?;
        let json = serde_json::to_value(&incoming.request).unwrap();
        let again: ChatRequest =
            serde_json::from_value(json).map_err(|it| format!("core's JSON: {it}"))?;
        if again != incoming.request {
            return Err("core's own JSON form doesn't keep the request".to_owned());
        }
        info.model = incoming.model;
        target = Target::new(&info, &profile);
        target.stream = incoming.stream;
        let written = dialect
            .write_request(&incoming.request, &target)
            .map_err(|error| format!("not written: {error:?}"))?;
        if !written.warnings.is_empty() {
            return Err(format!("warnings: {:?}", written.warnings));
        }
        let mut written: Value = serde_json::from_slice(&written.body).unwrap();
        let mut recorded = recorded.clone();
        (self.normalise)(&mut written);
        (self.normalise)(&mut recorded);
        match difference("", &recorded, &written) {
            Some(found) => Err(found),
            None => Ok(()),
        }
    }

    fn encoder(&self, cassette: &Cassette) -> Option<Outcome> {
        if !cassette.response.streaming {
            return None;
        }
        let (dialect, info, profile) = (
            (self.make)(cassette),
            self.info(cassette),
            (self.profile)(cassette),
        );
        let target = Target::new(&info, &profile).streaming();
        let body = Bytes::copy_from_slice(&cassette.response.body);
        let events = match events(&dialect, &target, &[body]) {
            (events, Ok(())) => events,
            _ => return None,
        };
        let mut frames: Vec<(Option<String>, Vec<u8>)> = Vec::new();
        let mut encoder = dialect.encoder();
        for event in &events {
            if let Err(error) = encoder.encode(event, &mut frames) {
                return Some(Err(format!("not encoded: {error:?}")));
            }
        }
        let mut decoder = dialect.decoder(&target);
        let mut again = VecDeque::new();
        for (event, data) in &frames {
            let mut frame = Frame::data(data);
            frame.event = event.as_deref();
            if let Err(error) = decoder.decode(frame, &mut again) {
                return Some(Err(format!("not decoded again: {error:?}")));
            }
        }
        if let Err(error) = decoder.finish(&mut again) {
            return Some(Err(format!("not decoded again to its end: {error:?}")));
        }
        let first = collect(&info, events.into_iter().collect());
        Some(first.map(with_arguments).and_then(|first| {
            let again = collect(&info, again)?;
            same(&Ok(first), &Ok(again), "encoded again")
        }))
    }
}

/// Decodes a body that comes in these pieces.
fn decode<D: Dialect>(
    dialect: &D,
    target: &Target<'_>,
    pieces: &[Bytes],
) -> std::result::Result<Result<ChatResponse>, String> {
    let (events, outcome) = events(dialect, target, pieces);
    let (mut grammar, mut collector) = (Grammar::new(), Collector::new(&target.info.provider));
    for event in &events {
        grammar
            .check(&Ok(event.clone()))
            .map_err(|error| format!("grammar: {error}"))?;
        collector.push(event);
    }
    match outcome {
        Ok(()) => {
            grammar
                .finish()
                .map_err(|error| format!("grammar: {error}"))?;
            Ok(Ok(collector.into_response()))
        }
        Err(error) => Ok(Err(error.with_partial(collector.into_response()))),
    }
}

/// What a whole answer gives as the one frame of a stream, where it can be read
/// as that. Answers that are read at once must give no other. In a stream what
/// some hosts send as `delta` beside the message counts.
fn framed<D: Dialect>(dialect: &D, target: &Target<'_>, body: &[u8]) -> Option<ChatResponse> {
    if body.windows(8).any(|it| it == b"\"delta\":") {
        return None;
    }
    let (mut decoder, mut events) = (dialect.decoder(target), VecDeque::new());
    decoder.decode(Frame::data(body), &mut events).ok()?;
    decoder.finish(&mut events).ok()?;
    let mut collector = Collector::new(&target.info.provider);
    events.iter().for_each(|event| collector.push(event));
    Some(collector.into_response())
}

fn events<D: Dialect>(
    dialect: &D,
    target: &Target<'_>,
    pieces: &[Bytes],
) -> (Vec<Event>, Result<()>) {
    let mut out = VecDeque::new();
    let outcome = feed(dialect, target, pieces, &mut out);
    (out.into_iter().collect(), outcome)
}

fn feed<D: Dialect>(
    dialect: &D,
    target: &Target<'_>,
    pieces: &[Bytes],
    out: &mut VecDeque<Event>,
) -> Result<()> {
    let mut framer = Framer::new(dialect.framing());
    let mut decoder = dialect.decoder(target);
    let wire = |it: parlor_http::framing::FramingError| Error::decode(it.to_string());
    for piece in pieces {
        framer.push(piece.clone());
        while let Some(frame) = framer.next_frame().map_err(wire)? {
            let mut read = Frame::data(frame.data);
            read.event = frame.event;
            decoder.decode(read, out)?;
        }
    }
    while let Some(frame) = framer.finish().map_err(wire)? {
        let mut read = Frame::data(frame.data);
        read.event = frame.event;
        decoder.decode(read, out)?;
    }
    decoder.finish(out)
}

/// The body with a blank in every second object, so that no frame is like the
/// one before and each has to be read as JSON.
fn varied(framing: Framing, body: &[u8]) -> Bytes {
    let mut framer = Framer::new(framing);
    framer.push(Bytes::copy_from_slice(body));
    let (mut out, mut odd) = (Vec::new(), false);
    let mut write = |frame: parlor_http::framing::Frame<'_>| {
        odd = !odd;
        let data = match frame.data.strip_prefix(b"{") {
            Some(rest) if odd => [b"{ ", rest].concat(),
            _ => frame.data.to_vec(),
        };
        match framing {
            Framing::Ndjson => write_ndjson(&mut out, &data),
            Framing::EventStream => {
                let name = (":event-type", frame.event.unwrap_or_default());
                write_message(&mut out, &[name, (":message-type", "event")], &data).unwrap();
            }
            _ if frame.stray => out.extend([b"\n\n", &*data, b"\n\n"].concat()),
            _ => write_sse(&mut out, frame.event, &data),
        }
    };
    while let Ok(Some(frame)) = framer.next_frame() {
        write(frame);
    }
    while let Ok(Some(frame)) = framer.finish() {
        write(frame);
    }
    out.into()
}

fn collect(info: &ModelInfo, events: VecDeque<Event>) -> std::result::Result<ChatResponse, String> {
    let (mut grammar, mut collector) = (Grammar::new(), Collector::new(&info.provider));
    for event in events {
        collector.push(&event);
        grammar
            .check(&Ok(event))
            .map_err(|error| format!("grammar: {error}"))?;
    }
    grammar
        .finish()
        .map_err(|error| format!("grammar: {error}"))?;
    Ok(collector.into_response())
}

/// Pieces of 1 to 97 bytes, by a seed.
fn cut(body: &[u8], seed: u64) -> Vec<Bytes> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut pieces = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let (piece, tail) = rest.split_at((state % 97 + 1).min(rest.len() as u64) as usize);
        pieces.push(Bytes::copy_from_slice(piece));
        rest = tail;
    }
    pieces
}

/// Compares what was decoded with what is expected.
fn compare(result: &Result<ChatResponse>, cassette: &Cassette) -> Outcome {
    let expected = &cassette.expected;
    if let Some(wanted) = &expected.error {
        let Err(error) = result else {
            return Err(format!("expected an error: {wanted:?}"));
        };
        equal("error message", &wanted.message.as_str(), &error.message())?;
        if wanted.status != 200 {
            equal("error status", &Some(wanted.status), &error.status())?;
        }
        let code = wanted.code.clone().or(wanted.kind.clone());
        let known = [wanted.code.as_deref(), wanted.kind.as_deref()];
        if code.is_some() && !known.contains(&error.code()) {
            return Err(format!(
                "error code: expected one of {known:?}, got {:?}",
                error.code()
            ));
        }
        return Ok(());
    }
    let response = result
        .as_ref()
        .map_err(|error| format!("unexpected error: {error:?}"))?;
    equal("text", &expected.text, &response.text())?;
    equal("reasoning", &expected.reasoning, &response.reasoning())?;
    let calls = |executor: Executor| -> Vec<&ToolCall> {
        let parts = response
            .message()
            .map(|it| it.parts.as_slice())
            .unwrap_or_default();
        let calls = parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) if call.executor == executor => Some(call),
            _ => None,
        });
        calls.collect()
    };
    // The recordings count every built-in tool and what goes with it as run by
    // the provider. What isn't, here, is found by the id of its own item.
    let elsewhere = |part: &Part| {
        let ran_by_provider =
            matches!(part, Part::ToolCall(call) if call.executor == Executor::Provider);
        let id = part.native().and_then(|it| it.item.get("id")?.as_str());
        let mut known = expected.provider_tool_calls.iter();
        !ran_by_provider && id.is_some() && known.any(|it| it.id.as_deref() == id)
    };
    let parts = response.message().map(|it| it.parts.as_slice());
    let parts = parts.unwrap_or_default();
    let built_in: Vec<_> = parts.iter().filter(|it| elsewhere(it)).collect();
    let is_built_in = |call: &ToolCall| {
        let mut all = built_in.iter();
        all.any(|it| matches!(it, Part::ToolCall(it) if it.id == call.id))
    };
    let mut client = calls(Executor::Client);
    client.retain(|call| !is_built_in(call));
    let wanted: Vec<_> = expected.tool_calls.iter().map(wanted_call).collect();
    let got: Vec<_> = client.iter().map(|call| got_call(call)).collect();
    equal("tool calls", &wanted, &got)?;
    for (wanted, got) in expected.tool_calls.iter().zip(&client) {
        if let Some(id) = wanted.id.as_deref().filter(|id| !id.is_empty()) {
            equal("tool call id", &id, &got.id.as_str())?;
        }
        if got.id.is_empty() {
            return Err("a tool call without an id".to_owned());
        }
    }
    let provider = calls(Executor::Provider).len() + built_in.len();
    equal(
        "provider tool calls",
        &expected.provider_tool_calls.len(),
        &provider,
    )?;
    let word = response.finish_reason().and_then(|it| it.raw.clone());
    let wanted = expected
        .finish_reason_raw
        .clone()
        .filter(|it| !it.is_empty());
    equal("finish reason", &wanted, &word.filter(|it| !it.is_empty()))?;
    if let Some(wanted) = &expected.usage_inclusive {
        let usage = response.usage.clone().unwrap_or_default();
        equal("input tokens", &wanted.input, &usage.input_tokens)?;
        equal("output tokens", &wanted.output, &usage.output_tokens)?;
        let own = expected.usage.clone().unwrap_or_default();
        if own.cached.is_some_and(|it| it > 0) {
            equal("cached tokens", &own.cached, &usage.cached_input_tokens)?;
        }
        if own.cache_write.is_some_and(|it| it > 0) {
            equal("cache writes", &own.cache_write, &usage.cache_write_tokens)?;
        }
        // Some hosts count more reasoning than output; core's is a part of it.
        let most = wanted.output.unwrap_or(u64::MAX);
        let reasoning = own.reasoning.map(|it| it.min(most));
        if reasoning.is_some_and(|it| it > 0) {
            equal("reasoning tokens", &reasoning, &usage.reasoning_tokens)?;
        }
    }
    let id = expected.response_id.clone().filter(|it| !it.is_empty());
    equal("id", &id, &response.id)?;
    let model = expected.response_model.clone().filter(|it| !it.is_empty());
    equal("model", &model, &response.model)?;
    if let Some(refusal) = &expected.refusal {
        let parts = response
            .message()
            .map(|it| it.parts.as_slice())
            .unwrap_or_default();
        let said: String = parts
            .iter()
            .filter_map(|part| match part {
                Part::Refusal(refusal) => Some(refusal.text.as_str()),
                _ => None,
            })
            .collect();
        equal("refusal", refusal, &said)?;
    }
    if let Some(count) = expected.choice_count {
        equal("choices", &count, &(response.choices.len() as u64))?;
    }
    Ok(())
}

fn wanted_call(call: &ExpectedToolCall) -> (String, Value) {
    let arguments = match call.unparsed() {
        Some(text) => json!({ "__unparsed__": text }),
        None => call.arguments.clone(),
    };
    (call.name.clone().unwrap_or_default(), arguments)
}

fn got_call(call: &ToolCall) -> (String, Value) {
    let arguments = match call.arguments.parse() {
        Ok(value) => value,
        // A call cut before its first argument is invalid to us and `{}` to the recording.
        Err(_) if call.arguments.text.trim().is_empty() => json!({}),
        Err(error) => json!({ "__unparsed__": error.text }),
    };
    (call.name.clone(), arguments)
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, wanted: &T, got: &T) -> Outcome {
    match wanted == got {
        true => Ok(()),
        false => Err(format!("{what}: expected {wanted:?}, got {got:?}")),
    }
}

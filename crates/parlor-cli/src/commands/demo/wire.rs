//! What went over the wire, abridged: a request and its answer in a provider's own shape.

use parlor_demo::{Exchange, WireRequest, WireResponse};
use serde_json::{Map, Value};

use super::rows::{Row, bold, dim, plain};
use crate::markdown::cut;

/// The rows that a body may have.
const BODY: usize = 18;

/// The frames that are shown of a stream's beginning and of its end.
const FIRST: usize = 4;
const FINAL: usize = 3;

/// The letters that are shown of a text, and of what is no text.
const TEXT: usize = 60;
const BINARY: usize = 12;

/// The elements that are shown of a long list, from its end.
const LAST: usize = 2;

/// How a note on elements begins that aren't shown.
const LEFT_OUT: &str = "… ";

/// The field that is told on one line: the same is in it each time.
const TOOLS: &str = "\"tools\": ";

/// The headers that differ between providers.
const HEADERS: &[&str] = &["authorization", "x-", "api-key"];

/// The rows of the request, and those of the response.
pub(super) fn rows(exchange: &Exchange, width: usize) -> [Vec<Row>; 2] {
    [
        request(&exchange.request, width),
        response(&exchange.response, width),
    ]
}

fn request(request: &WireRequest, width: usize) -> Vec<Row> {
    let WireRequest { method, path, .. } = request;
    let size = size(request.body.len());
    let mut rows = vec![headline(&format!("→ {method} {path}"), &size, width)];
    let is_told =
        |name: &str| HEADERS.iter().any(|it| name.starts_with(it)) || name.ends_with("version");
    for (name, value) in request.headers.iter().filter(|(name, _)| is_told(name)) {
        rows.push(vec![dim(cut(&format!("  {name}: {value}"), width))]);
    }
    rows.extend(body(&request.body, width));
    rows
}

fn response(response: &WireResponse, width: usize) -> Vec<Row> {
    let frames = &response.frames;
    let size = match frames.len() {
        1 => size(frames.iter().map(Vec::len).sum()),
        count => format!("{count} frames"),
    };
    let status = format!("← {} {}", response.status, response.content_type);
    let mut rows = vec![headline(&status, &size, width)];
    match frames.as_slice() {
        [whole] => rows.extend(body(whole, width)),
        frames => {
            let left_out = frames.len().saturating_sub(FIRST + FINAL);
            let mut before = Map::new();
            for (at, frame) in frames.iter().enumerate() {
                let line = told(frame, &mut before);
                let is_shown = at < FIRST || at >= frames.len().saturating_sub(FINAL);
                if is_shown || left_out <= 1 {
                    rows.push(vec![plain(cut(&format!("  {line}"), width))]);
                } else if at == FIRST {
                    rows.push(vec![dim(format!("  … {left_out} more"))]);
                }
            }
        }
    }
    if response.hung_up {
        rows.push(vec![dim("  ✕ the client hung up; nothing more is sent")]);
    }
    rows
}

fn headline(told: &str, beside: &str, width: usize) -> Row {
    let told = cut(told, width.saturating_sub(beside.chars().count() + 2));
    vec![bold(told), dim(format!("  {beside}"))]
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1000 => format!("{bytes} bytes"),
        _ => format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100),
    }
}

/// A frame on one line, without what is as in the frame before it, or is the event's name.
fn told(frame: &[u8], before: &mut Map<String, Value>) -> String {
    let text = String::from_utf8_lossy(frame);
    let mut lines = text.lines().filter(|it| !it.is_empty());
    let first = lines.next().unwrap_or_default();
    let event = first.strip_prefix("event: ");
    let line = match event {
        Some(_) => lines.next().unwrap_or_default(),
        None => first,
    };
    let (data, json) = match line.strip_prefix("data: ") {
        Some(json) => ("data: ", json),
        None => ("", line),
    };
    let name = event.map(|it| format!("event: {it}  ")).unwrap_or_default();
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(json) else {
        return format!("{name}{line}");
    };
    let is_new = |(name, value): &(&String, &Value)| {
        before.get(*name) != Some(value) && value.as_str() != event.or(Some(""))
    };
    let new = fields.iter().filter(is_new);
    let new: Vec<String> = new
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    let left_out = if new.len() < fields.len() { "… " } else { "" };
    let told = format!("{name}{data}{{{left_out}{}}}", new.join(","));
    *before = fields;
    told
}

/// A body of JSON, an entry a row where there is room for it.
fn body(body: &[u8], width: usize) -> Vec<Row> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        let text = String::from_utf8_lossy(body);
        return vec![vec![plain(cut(&format!("  {text}"), width))]];
    };
    let mut lines = Vec::new();
    lay(&abridged(&value), "", "", 2, width, &mut lines);
    let left_out = lines.len().saturating_sub(BODY);
    if left_out > 1 {
        lines.truncate(BODY);
        lines.push(format!("  … {left_out} more lines"));
    }
    let row = |line: String| vec![plain(cut(&line, width))];
    lines.into_iter().map(row).collect()
}

/// What is long is told by its beginning, and of many messages the last ones are.
fn abridged(value: &Value) -> Value {
    match value {
        Value::String(text) => shortened(text).into(),
        Value::Array(all) => {
            let earlier = match all.iter().all(Value::is_object) {
                true => all.len().saturating_sub(LAST),
                false => 0,
            };
            let mut shown: Vec<Value> = all.iter().skip(earlier).map(abridged).collect();
            if earlier > 0 {
                shown.insert(0, format!("{LEFT_OUT}{earlier} earlier").into());
            }
            shown.into()
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, value)| (name.clone(), abridged(value)));
            fields.collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn shortened(text: &str) -> String {
    let count = text.chars().count();
    let begin = |most: usize| text.chars().take(most).collect::<String>();
    match text.contains(' ') {
        true if count > TEXT => begin(TEXT) + "…",
        false if count > TEXT => format!("{}… {count} letters", begin(BINARY)),
        _ => text.to_owned(),
    }
}

/// Lays a value out: on one line where it fits, else a line for each thing in it.
fn lay(
    value: &Value,
    name: &str,
    after: &str,
    indent: usize,
    width: usize,
    lines: &mut Vec<String>,
) {
    let whole = match value {
        // What was put in for what is left out is no text of the body.
        Value::String(text) if text.starts_with(LEFT_OUT) => format!("{:indent$}{text}", ""),
        _ => format!("{:indent$}{name}{value}{after}", ""),
    };
    if (whole.chars().count() <= width && indent > 2) || name == TOOLS {
        lines.push(whole);
        return;
    }
    let (open, close, inner): (_, _, Vec<(String, &Value)>) = match value {
        Value::Object(fields) if !fields.is_empty() => {
            let fields = fields.iter();
            (
                '{',
                '}',
                fields
                    .map(|(name, value)| (format!("\"{name}\": "), value))
                    .collect(),
            )
        }
        Value::Array(all) if !all.is_empty() => (
            '[',
            ']',
            all.iter().map(|value| (String::new(), value)).collect(),
        ),
        _ => {
            lines.push(whole);
            return;
        }
    };
    lines.push(format!("{:indent$}{name}{open}", ""));
    let last = inner.len().saturating_sub(1);
    for (at, (name, value)) in inner.into_iter().enumerate() {
        let after = if at < last { "," } else { "" };
        // Of messages the last one is new.
        match (at < last, value) {
            (true, Value::Object(_)) if name.is_empty() => {
                lines.push(format!("{:indent$}  {value},", ""));
            }
            _ => lay(value, &name, after, indent + 2, width, lines),
        }
    }
    lines.push(format!("{:indent$}{close}{after}", ""));
}

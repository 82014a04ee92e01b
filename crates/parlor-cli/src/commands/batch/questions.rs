//! What a batch asks: lines of JSON or of text, each a request.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::sync::Arc;

use parlor::{ChatRequest, ErrorKind, Message};
use serde_json::{Map, Value};

use crate::args::BatchArgs;
use crate::failure::Failure;
use crate::input;
use crate::template::Template;

/// The most wrong lines that are told.
const TOLD: usize = 8;

/// One question.
#[derive(Debug)]
pub(super) struct Question {
    /// What the line calls it.
    pub(super) id: Option<Value>,
    /// What tells it from another question, in every run.
    pub(super) key: String,
    pub(super) request: Arc<ChatRequest>,
}

/// Reads all questions, or says which lines are none.
pub(super) fn read(
    args: &BatchArgs,
    template: Option<&Template>,
    asked: &str,
) -> Result<Vec<Question>, Failure> {
    let name = match args.questions.as_str() {
        "-" => "stdin",
        name => name,
    };
    let bytes = match name {
        "stdin" => {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
        }
        path => std::fs::read(path),
    };
    let bytes = bytes.map_err(|error| {
        wrong(format!("cannot read {name}: {error}"))
            .help("name a file with a question a line, or `-` for stdin")
    })?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut questions = Vec::new();
    let mut problems = Vec::new();
    let mut named: HashMap<String, usize> = HashMap::new();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let at = at + 1;
        let line = std::str::from_utf8(line).map(str::trim);
        let read = line.map_err(|_| "it isn't UTF-8".to_owned());
        let read = read.and_then(|line| match line {
            "" => Ok(None),
            line => question(line, args, template).map(Some),
        });
        match read {
            Ok(None) => {}
            Ok(Some((id, request))) => {
                let before = id.as_ref().map(Value::to_string);
                let before = before.and_then(|id| named.insert(id, at));
                if let (Some(before), Some(id)) = (before, &id) {
                    problems.push(format!("{name}:{at}: line {before} has the id {id} too"));
                }
                questions.push(Question {
                    key: key(asked, &request),
                    id,
                    request: Arc::new(request),
                });
            }
            Err(problem) => problems.push(format!("{name}:{at}: {problem}")),
        }
    }
    if !problems.is_empty() {
        let more = problems.len().saturating_sub(TOLD);
        problems.truncate(TOLD);
        if more > 0 {
            problems.push(format!("and {more} more"));
        }
        return Err(wrong(problems.join("\n"))
            .help("nothing was sent; a line looks like {\"prompt\": \"Why so?\", \"id\": 1}")
            .help("for lines that are bare text: --lines"));
    }
    match questions.is_empty() {
        true => Err(wrong(format!("{name} has no question"))
            .help("write a question a line: {\"prompt\": \"Why so?\"}")),
        false => Ok(questions),
    }
}

fn wrong(fact: String) -> Failure {
    Failure::bad_input("batch", ErrorKind::InvalidRequest, fact)
}

/// The question of a line, and what it is called.
fn question(
    line: &str,
    args: &BatchArgs,
    template: Option<&Template>,
) -> Result<(Option<Value>, ChatRequest), String> {
    let said = match args.lines {
        true => Value::from(line),
        false => serde_json::from_str(line).map_err(|error| {
            let (full, column) = (error.to_string(), error.column());
            let what = full.split(" at line ").next().unwrap_or_default();
            format!("no JSON at column {column}: {what}")
        })?,
    };
    let mut fields = match said {
        Value::String(prompt) => Map::from_iter([("prompt".to_owned(), prompt.into())]),
        Value::Object(fields) => fields,
        _ => return Err("it is neither an object nor a text".to_owned()),
    };
    let id = fields.shift_remove("id").filter(|id| !id.is_null());
    if id
        .as_ref()
        .is_some_and(|id| !id.is_string() && !id.is_number())
    {
        return Err("its id is neither a text nor a number".to_owned());
    }
    let mut request = match fields.contains_key("messages") {
        true => serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?,
        false => asked(fields, args, template)?,
    };
    if let (Some(system), None) = (&args.system, request.system_text()) {
        request = request.with_system(system);
    }
    request.temperature = request.temperature.or(args.temperature);
    request.max_output_tokens = request.max_output_tokens.or(args.max_tokens);
    match request.messages.is_empty() {
        true => Err("it has no message".to_owned()),
        false => Ok((id, request)),
    }
}

/// The request of a line that has a prompt, or values for the template.
fn asked(
    mut fields: Map<String, Value>,
    args: &BatchArgs,
    template: Option<&Template>,
) -> Result<ChatRequest, String> {
    let declared = |name: &str| {
        let mut parameters = template.into_iter().flat_map(Template::parameters);
        parameters.any(|it| it.name == name)
    };
    let system = match declared("system") {
        true => None,
        false => text(&mut fields, "system")?,
    };
    let prompt = match declared("prompt") {
        true => None,
        false => text(&mut fields, "prompt")?,
    };
    let temperature = number(&mut fields, "temperature", Value::as_f64, &declared)?;
    let max_tokens = number(&mut fields, "max_tokens", Value::as_u64, &declared)?;
    let mut request = ChatRequest::default();
    match template {
        Some(template) => {
            let mut values = args.template.param.clone();
            // What a line says goes before what is said of all.
            values.retain(|(name, _)| !fields.contains_key(name));
            let of_line = fields.into_iter().filter(|(name, _)| declared(name));
            values.extend(of_line.map(|(name, value)| match value {
                Value::String(text) => (name, text),
                value => (name, value.to_string()),
            }));
            let filled = template.fill(&values, prompt.as_deref());
            let filled = filled.map_err(|failure| failure.error().message().to_owned())?;
            request = input::put(request, filled, Vec::new());
        }
        None => match prompt {
            Some(prompt) if !prompt.trim().is_empty() => {
                request.messages.push(Message::user(prompt));
            }
            Some(_) => return Err("its prompt is empty".to_owned()),
            None => {
                let names: Vec<&str> = fields.keys().map(String::as_str).collect();
                return Err(match names.as_slice() {
                    [] => "there is no `prompt`".to_owned(),
                    names => format!("there is no `prompt`, only {}", names.join(", ")),
                });
            }
        },
    }
    if let Some(system) = system {
        request = request.with_system(system);
    }
    request.temperature = temperature;
    request.max_output_tokens = max_tokens;
    Ok(request)
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match fields.shift_remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("its `{name}` is no text")),
    }
}

fn number<T>(
    fields: &mut Map<String, Value>,
    name: &str,
    read: impl Fn(&Value) -> Option<T>,
    declared: &impl Fn(&str) -> bool,
) -> Result<Option<T>, String> {
    if declared(name) {
        return Ok(None);
    }
    match fields.shift_remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match read(&value) {
            Some(number) => Ok(Some(number)),
            None => Err(format!("its `{name}` is no such number")),
        },
    }
}

/// FNV-1a of what is asked of whom: the same in every run of every build. It tells whether a
/// question is still the one that was answered, nothing more.
fn key(asked: &str, request: &ChatRequest) -> String {
    let text = serde_json::to_vec(&(asked, request)).unwrap_or_default();
    let hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

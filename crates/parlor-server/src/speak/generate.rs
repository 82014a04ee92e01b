//! `/api/generate`: one prompt and its answer, told by the chat of the same API.

use parlor::{ChatResponse, Error, ErrorKind, Event, Origin, Result};
use parlor_dialect::ollama::Ollama;
use parlor_dialect::{
    ClientTools, Dialect as _, Encoder, FrameWriter, Framing, Incoming, ServerDialect,
};
use serde_json::{Map, Value, json};

use super::Speak;
use super::ollama::loaded;
use crate::answer::Form;

/// The name by which it is counted.
const NAME: &str = "ollama-generate";

/// A prompt as the only message of a chat. Nothing passes it as it is.
pub(super) struct Generate(pub(super) Ollama);

impl Speak for Generate {
    fn name(&self) -> &'static str {
        NAME
    }

    fn words(&self) -> &'static str {
        self.0.name()
    }

    fn form(&self, _: &str) -> Form {
        Form::Frames(Framing::Ndjson)
    }

    fn read(&self, path: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
        let chat = chat(body)?.to_string();
        self.0.read_request(path, chat.as_bytes(), origin)
    }

    fn whole(&self, response: &ChatResponse, _: &ClientTools) -> Result<Vec<u8>> {
        Ok(generated(&self.0.write_response(response)?))
    }

    fn encoder(&self, _: &ClientTools) -> Box<dyn Encoder> {
        Box::new(Generating(Box::new(self.0.encoder())))
    }

    fn refuse(&self, error: &Error) -> (u16, Vec<u8>) {
        self.0.write_error(error)
    }

    fn passes(&self) -> bool {
        false
    }

    fn at_once(&self, body: &[u8]) -> Option<Vec<u8>> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let prompt = body.get("prompt").and_then(Value::as_str);
        let none = prompt.is_none_or(str::is_empty) && body.get("images").is_none();
        none.then(|| {
            let mut loaded = loaded(&body);
            loaded["response"] = "".into();
            loaded.to_string().into_bytes()
        })
    }
}

/// The chat that a prompt is.
fn chat(body: &[u8]) -> Result<Value> {
    let wrong = |what: String| Error::new(ErrorKind::InvalidRequest, what).with_status(400);
    let body: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|error| wrong(format!("the body is no request: {error}")))?;
    let mut chat = body;
    let mut take = |name: &str| chat.shift_remove(name).filter(|it| !it.is_null());
    let said = |it: &Value| it.as_str().is_some_and(|it| !it.is_empty());
    if take("suffix").as_ref().is_some_and(said) {
        return Err(wrong(
            "`suffix` is not supported: text is only continued".to_owned(),
        ));
    }
    // What shapes a prompt for a model that runs here has no meaning for one elsewhere.
    for name in ["template", "raw", "context"] {
        let _ = take(name);
    }
    let mut messages = Vec::new();
    if let Some(system) = take("system").filter(said) {
        messages.push(json!({ "role": "system", "content": system }));
    }
    let mut message = json!({ "role": "user", "content": take("prompt").unwrap_or("".into()) });
    if let Some(images) = take("images") {
        message["images"] = images;
    }
    messages.push(message);
    chat.insert("messages".to_owned(), messages.into());
    Ok(Value::Object(chat))
}

/// A line of a chat as a line of this.
fn generated(line: &[u8]) -> Vec<u8> {
    let Ok(mut line) = serde_json::from_slice::<Map<String, Value>>(line) else {
        return line.to_vec();
    };
    if let Some(Value::Object(mut message)) = line.shift_remove("message") {
        let text = message.shift_remove("content").unwrap_or("".into());
        line.insert("response".to_owned(), text);
        for name in ["thinking", "images"] {
            if let Some(value) = message.shift_remove(name) {
                line.insert(name.to_owned(), value);
            }
        }
    }
    Value::Object(line).to_string().into_bytes()
}

#[derive(Debug)]
struct Generating(Box<dyn Encoder>);

impl Encoder for Generating {
    fn encode(&mut self, event: &Event, out: &mut dyn FrameWriter) -> Result<()> {
        self.0.encode(event, &mut Lines(out))
    }

    fn idle(&mut self, out: &mut dyn FrameWriter) {
        self.0.idle(&mut Lines(out));
    }

    fn fail(&mut self, error: &Error, out: &mut dyn FrameWriter) {
        self.0.fail(error, &mut Lines(out));
    }
}

struct Lines<'a>(&'a mut dyn FrameWriter);

impl FrameWriter for Lines<'_> {
    fn frame(&mut self, event: Option<&str>, data: &[u8]) {
        self.0.frame(event, &generated(data));
    }
}

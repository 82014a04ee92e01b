//! The least that any client does over the same HTTP client.

use kit::{Client, Dialect, Prompt};
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Bare reqwest. `READS` the one string of each delta, or only counts frames.
pub struct Floor<const READS: bool> {
    http: reqwest::Client,
    dialect: Dialect,
    base_url: String,
}

impl<const READS: bool> Floor<READS> {
    async fn send(&self, model: &str, prompt: &Prompt, stream: bool) -> reqwest::Response {
        let base = &self.base_url;
        let url = match (self.dialect, stream) {
            (Dialect::OpenAi, _) => format!("{base}/v1/chat/completions"),
            (Dialect::Anthropic, _) => format!("{base}/v1/messages"),
            (Dialect::Gemini, true) => {
                format!("{base}/v1beta/models/{model}:streamGenerateContent?alt=sse")
            }
            (Dialect::Gemini, false) => format!("{base}/v1beta/models/{model}:generateContent"),
            (Dialect::Ollama, _) => format!("{base}/api/chat"),
        };
        let body = serde_json::to_vec(&body(self.dialect, model, prompt, stream));
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json");
        let request = request.header("authorization", "Bearer none");
        let response = request.body(body.expect("JSON")).send().await;
        response.expect("an answer")
    }
}

fn body(dialect: Dialect, model: &str, prompt: &Prompt, stream: bool) -> Value {
    use base64::Engine as _;
    let encode = |image: &Vec<u8>| base64::engine::general_purpose::STANDARD.encode(image);
    let turns = prompt.turns.iter().enumerate();
    if dialect == Dialect::Gemini {
        let contents: Vec<_> = turns
            .map(|(at, turn)| {
                let mut parts = vec![json!({"text": turn})];
                if at + 1 == prompt.turns.len() {
                    parts.extend(prompt.images.iter().map(|image| {
                        json!({"inlineData": {"mimeType": "image/png", "data": encode(image)}})
                    }));
                }
                json!({"role": (if at % 2 == 0 { "user" } else { "model" }), "parts": parts})
            })
            .collect();
        return json!({"contents": contents});
    }
    let messages: Vec<_> = turns
        .map(|(at, turn)| {
            let role = if at % 2 == 0 { "user" } else { "assistant" };
            if at + 1 < prompt.turns.len() || prompt.images.is_empty() {
                return json!({"role": role, "content": turn});
            }
            let images = prompt.images.iter().map(encode);
            match dialect {
                Dialect::Ollama => {
                    json!({"role": role, "content": turn, "images": images.collect::<Vec<_>>()})
                }
                _ => {
                    let mut parts = vec![json!({"type": "text", "text": turn})];
                    parts.extend(images.map(|data| match dialect {
                        Dialect::Anthropic => json!({"type": "image", "source": {
                            "type": "base64", "media_type": "image/png", "data": data}}),
                        _ => json!({"type": "image_url", "image_url": {
                            "url": format!("data:image/png;base64,{data}")}}),
                    }));
                    json!({"role": role, "content": parts})
                }
            }
        })
        .collect();
    json!({"model": model, "max_tokens": 4096, "stream": stream, "messages": messages})
}

#[derive(Deserialize)]
struct OpenAi<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, alias = "message")]
    delta: Delta<'a>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Anthropic<'a> {
    #[serde(borrow, default)]
    delta: Option<Text<'a>>,
    #[serde(borrow, default)]
    content: Vec<Text<'a>>,
}

#[derive(Deserialize)]
struct Text<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Gemini<'a> {
    #[serde(borrow)]
    candidates: Vec<Candidate<'a>>,
}

#[derive(Deserialize)]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Content<'a>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Vec<Text<'a>>,
}

#[derive(Deserialize)]
struct Ollama<'a> {
    #[serde(borrow)]
    message: Delta<'a>,
}

/// The text of an event or of a whole answer.
fn text(dialect: Dialect, json: &str) -> Option<Cow<'_, str>> {
    match dialect {
        Dialect::OpenAi => {
            let read: OpenAi<'_> = serde_json::from_str(json).ok()?;
            read.choices.into_iter().next()?.delta.content
        }
        Dialect::Anthropic => {
            let read: Anthropic<'_> = serde_json::from_str(json).ok()?;
            read.delta.or_else(|| read.content.into_iter().next())?.text
        }
        Dialect::Gemini => {
            let read: Gemini<'_> = serde_json::from_str(json).ok()?;
            let candidate = read.candidates.into_iter().next()?;
            candidate.content.parts.into_iter().next()?.text
        }
        Dialect::Ollama => {
            let read: Ollama<'_> = serde_json::from_str(json).ok()?;
            read.message.content
        }
    }
}

impl<const READS: bool> Client for Floor<READS> {
    fn cannot(scenario: &str, _: Dialect) -> Option<&'static str> {
        let lacks = !READS && scenario == "huge";
        lacks.then_some("floor-frames reads no text, so it can't tell that all of it came")
    }

    fn new(dialect: Dialect, base_url: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            dialect,
            base_url: base_url.to_owned(),
        }
    }

    async fn stream(&self, model: &str, prompt: &Prompt, mut each: impl FnMut(&str) + Send) {
        let mut response = self.send(model, prompt, true).await;
        let mut buffer: Vec<u8> = Vec::new();
        let lines = self.dialect == Dialect::Ollama;
        while let Some(chunk) = response.chunk().await.expect("a chunk") {
            let searched = buffer.len().saturating_sub(3);
            buffer.extend_from_slice(&chunk);
            let mut start = 0;
            let mut from = searched;
            while let Some(at) = memchr::memchr(b'\n', &buffer[from..]) {
                let end = from + at + 1;
                from = end;
                let frame = &buffer[start..end];
                if !(lines || frame.ends_with(b"\n\n") || frame.ends_with(b"\n\r\n")) {
                    continue;
                }
                start = end;
                if !READS {
                    if is_delta(self.dialect, frame) {
                        each("x");
                    }
                    continue;
                }
                let data = match lines {
                    true => Some(frame),
                    false => frame
                        .split(|byte| *byte == b'\n')
                        .find_map(|line| line.strip_prefix(b"data: ")),
                };
                let json = data.and_then(|data| std::str::from_utf8(data).ok());
                if let Some(text) = json.and_then(|json| text(self.dialect, json.trim_end()))
                    && !text.is_empty()
                {
                    each(&text);
                }
            }
            buffer.drain(..start);
        }
    }

    async fn call(&self, model: &str, prompt: &Prompt) -> usize {
        let response = self.send(model, prompt, false).await;
        let body = response.bytes().await.expect("a body");
        match READS {
            true => {
                let json = std::str::from_utf8(&body).expect("UTF-8");
                text(self.dialect, json).map_or(0, |text| text.len())
            }
            // What stands around the text is of a known length.
            false => body
                .windows(10)
                .position(|w| w == b"All work. ")
                .map_or(0, |at| {
                    let end = body[at..].iter().position(|byte| *byte == b'"');
                    end.unwrap_or(0)
                }),
        }
    }
}

/// Whether a frame is a delta, by a few of its bytes.
fn is_delta(dialect: Dialect, frame: &[u8]) -> bool {
    let has = |bytes: &[u8]| memchr::memmem::find(frame, bytes).is_some();
    match dialect {
        Dialect::OpenAi => has(b"{\"content\":\""),
        Dialect::Anthropic => frame.starts_with(b"event: content_block_delta"),
        Dialect::Gemini => !has(b"finishReason"),
        Dialect::Ollama => has(b"\"done\":false"),
    }
}

//! Streams of many small text deltas, as each provider sends them, and the
//! least that any reader of them must do.

use bytes::Bytes;
use parlor_core::{Event, ModelInfo};
use parlor_dialect::{Decoder, Dialect, Frame, Framing, Profile, Target};
use parlor_http::framing::{Framer, write_message, write_ndjson, write_sse};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::VecDeque;

/// How many text deltas a stream has.
pub(crate) const DELTAS: usize = 10_000;

/// The pieces that a socket hands out.
const READ: usize = 16 * 1024;

/// Words of the lengths that tokens have.
const WORDS: [&str; 8] = [
    "The",
    " sky",
    " is",
    " blue",
    " because",
    " air",
    " scatters",
    " light.\\n",
];

/// What OpenAI pads its deltas with, cut at any length.
const PADDING: &str = "kR3vZq8wTnYb1uXg";

/// What Anthropic pads its deltas with, cut at any length.
const BLANKS: &str = "                ";

/// A stream: what it is cut into, what opens it, one delta, what closes it.
pub(crate) struct Stream {
    pub(crate) framing: Framing,
    pub(crate) open: &'static [(Option<&'static str>, &'static str)],
    /// A delta; `WORD` stands for its text, `COUNT` for its number, `PADDING`
    /// and `BLANKS` for letters and blanks that nobody reads.
    pub(crate) delta: (Option<&'static str>, &'static str),
    pub(crate) close: &'static [(Option<&'static str>, &'static str)],
    /// Reads the one string of a delta.
    pub(crate) floor: fn(&[u8]) -> usize,
}

impl Stream {
    /// The body, in pieces as read from a socket. Where it is `odd`, a blank
    /// more in every second delta makes it of another shape than the one
    /// before, so that none can be read by what differs.
    pub(crate) fn body(&self, odd: bool) -> Vec<Bytes> {
        let mut body = Vec::new();
        let mut write = |event: Option<&str>, data: &str| match self.framing {
            Framing::Ndjson => write_ndjson(&mut body, data.as_bytes()),
            Framing::EventStream => {
                let headers = [
                    (":event-type", event.unwrap_or_default()),
                    (":content-type", "application/json"),
                    (":message-type", "event"),
                ];
                write_message(&mut body, &headers, data.as_bytes()).expect("the data is short");
            }
            _ => write_sse(&mut body, event, data.as_bytes()),
        };
        for (event, data) in self.open {
            write(*event, data);
        }
        for at in 0..DELTAS {
            let mut delta = self.delta.1.replace("WORD", WORDS[at % WORDS.len()]);
            // Numbers that have nothing to do with the word's.
            let cut = at * 7 % 13;
            for (name, value) in [
                ("COUNT", (at + 1).to_string().as_str()),
                ("PADDING", &PADDING[..cut]),
                ("BLANKS", &BLANKS[..cut]),
            ] {
                delta = delta.replace(name, value);
            }
            if odd && at % 2 == 1 {
                delta = delta.replacen('{', "{ ", 1);
            }
            write(self.delta.0, &delta);
        }
        for (event, data) in self.close {
            write(*event, data);
        }
        let body = Bytes::from(body);
        let starts = (0..body.len()).step_by(READ);
        starts
            .map(|at| body.slice(at..body.len().min(at + READ)))
            .collect()
    }

    /// Cuts the frames and reads the one string of each: what no reader can
    /// do without. Gives the bytes of text read.
    pub(crate) fn read_floor(&self, body: &[Bytes]) -> usize {
        let mut framer = Framer::new(self.framing);
        let mut read = 0;
        for piece in body {
            framer.push(piece.clone());
            while let Some(frame) = framer.next_frame().expect("the stream is sound") {
                read += (self.floor)(frame.data);
            }
        }
        read
    }

    /// Decodes the stream into events, as the transport does. Gives the bytes
    /// of text read.
    pub(crate) fn decode<D: Dialect>(&self, dialect: &D, body: &[Bytes]) -> usize {
        let (info, profile) = (ModelInfo::new("bench", "model"), Profile::default());
        let target = Target::new(&info, &profile).streaming();
        let mut framer = Framer::new(self.framing);
        let mut decoder = dialect.decoder(&target);
        let mut events = VecDeque::new();
        let mut read = 0;
        for piece in body {
            framer.push(piece.clone());
            while let Some(frame) = framer.next_frame().expect("the stream is sound") {
                let mut wire = Frame::data(frame.data);
                wire.event = frame.event;
                decoder
                    .decode(wire, &mut events)
                    .expect("the stream is sound");
                while let Some(event) = events.pop_front() {
                    read += match event {
                        Event::TextDelta { text, .. } => text.len(),
                        _ => 0,
                    };
                }
            }
        }
        decoder.finish(&mut events).expect("the stream is whole");
        read
    }
}

fn text<'a, T: Deserialize<'a>>(data: &'a [u8], of: impl Fn(&T) -> Option<usize>) -> usize {
    serde_json::from_slice(data)
        .ok()
        .as_ref()
        .and_then(of)
        .unwrap_or(0)
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    message: Content<'a>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
}

pub(crate) const OLLAMA: Stream = Stream {
    framing: Framing::Ndjson,
    open: &[],
    delta: (
        None,
        r#"{"model":"qwen3:8b","created_at":"2026-11-21T10:00:00.COUNTZ","message":{"role":"assistant","content":"WORD"},"done":false}"#,
    ),
    close: &[(
        None,
        r#"{"model":"qwen3:8b","created_at":"2026-11-21T10:00:09.1Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":9000,"load_duration":1,"prompt_eval_count":26,"prompt_eval_duration":1,"eval_count":10000,"eval_duration":8000}"#,
    )],
    floor: |data| text(data, |line: &Line<'_>| Some(line.message.content.len())),
};

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Content<'a>,
}

pub(crate) const OPENAI_CHAT: Stream = Stream {
    framing: Framing::Sse,
    open: &[(
        None,
        r#"{"id":"chatcmpl-C1","object":"chat.completion.chunk","created":1795255200,"model":"gpt-5.4-mini-2026-03-05","service_tier":"default","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}"#,
    )],
    delta: (
        None,
        r#"{"id":"chatcmpl-C1","object":"chat.completion.chunk","created":1795255200,"model":"gpt-5.4-mini-2026-03-05","service_tier":"default","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"content":"WORD"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"PADDING"}"#,
    ),
    close: &[
        (
            None,
            r#"{"id":"chatcmpl-C1","object":"chat.completion.chunk","created":1795255200,"model":"gpt-5.4-mini-2026-03-05","service_tier":"default","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}"#,
        ),
        (
            None,
            r#"{"id":"chatcmpl-C1","object":"chat.completion.chunk","created":1795255200,"model":"gpt-5.4-mini-2026-03-05","choices":[],"usage":{"prompt_tokens":26,"completion_tokens":10000,"total_tokens":10026}}"#,
        ),
        (None, "[DONE]"),
    ],
    floor: |data| {
        text(data, |chunk: &Chunk<'_>| {
            Some(chunk.choices.first()?.delta.content.len())
        })
    },
};

#[derive(Deserialize)]
struct TextEvent<'a> {
    #[serde(borrow)]
    delta: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow)]
    delta: Words<'a>,
}

#[derive(Deserialize)]
struct Words<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

pub(crate) const OPENAI_RESPONSES: Stream = Stream {
    framing: Framing::Sse,
    open: &[
        (
            Some("response.created"),
            r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1795255200,"status":"in_progress","model":"gpt-5.4-mini-2026-03-17","output":[],"usage":null}}"#,
        ),
        (
            Some("response.output_item.added"),
            r#"{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","content":[],"role":"assistant"}}"#,
        ),
        (
            Some("response.content_part.added"),
            r#"{"type":"response.content_part.added","sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""}}"#,
        ),
    ],
    delta: (
        Some("response.output_text.delta"),
        r#"{"type":"response.output_text.delta","sequence_number":COUNT,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"WORD","logprobs":[],"obfuscation":"PADDING"}"#,
    ),
    close: &[
        (
            Some("response.output_item.done"),
            r#"{"type":"response.output_item.done","sequence_number":10004,"output_index":0,"item":{"id":"msg_1","type":"message","status":"completed","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"…"}],"role":"assistant"}}"#,
        ),
        (
            Some("response.completed"),
            r#"{"type":"response.completed","sequence_number":10005,"response":{"id":"resp_1","object":"response","created_at":1795255200,"status":"completed","model":"gpt-5.4-mini-2026-03-17","output":[{"id":"msg_1","type":"message","status":"completed","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"…"}],"role":"assistant"}],"usage":{"input_tokens":26,"output_tokens":10000,"total_tokens":10026}}}"#,
        ),
    ],
    floor: |data| text(data, |event: &TextEvent<'_>| Some(event.delta.len())),
};

pub(crate) const ANTHROPIC_MESSAGES: Stream = Stream {
    framing: Framing::Sse,
    open: &[
        (
            Some("message_start"),
            r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-5-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":26,"output_tokens":1}}}"#,
        ),
        (
            Some("content_block_start"),
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        ),
    ],
    delta: (
        Some("content_block_delta"),
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"WORD"}BLANKS}"#,
    ),
    close: &[
        (
            Some("content_block_stop"),
            r#"{"type":"content_block_stop","index":0}"#,
        ),
        (
            Some("message_delta"),
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":10000}}"#,
        ),
        (Some("message_stop"), r#"{"type":"message_stop"}"#),
    ],
    floor: |data| text(data, |block: &Block<'_>| Some(block.delta.text.len())),
};

#[derive(Deserialize)]
struct Candidates<'a> {
    #[serde(borrow)]
    candidates: Vec<Candidate<'a>>,
}

#[derive(Deserialize)]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Parts<'a>,
}

#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow)]
    parts: Vec<Words<'a>>,
}

pub(crate) const GEMINI: Stream = Stream {
    framing: Framing::Sse,
    open: &[],
    delta: (
        None,
        r#"{"candidates": [{"content": {"parts": [{"text": "WORD"}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 26,"candidatesTokenCount": COUNT,"totalTokenCount": COUNT,"promptTokensDetails": [{"modality": "TEXT","tokenCount": 26}],"thoughtsTokenCount": 68},"modelVersion": "gemini-3.8-flash","responseId": "ywCzae2oL5ODz7IP29qJmQw"}"#,
    ),
    close: &[(
        None,
        r#"{"candidates": [{"content": {"parts": [{"text": ""}],"role": "model"},"finishReason": "STOP","index": 0}],"usageMetadata": {"promptTokenCount": 26,"candidatesTokenCount": 10000,"totalTokenCount": 10094,"promptTokensDetails": [{"modality": "TEXT","tokenCount": 26}],"thoughtsTokenCount": 68},"modelVersion": "gemini-3.8-flash","responseId": "ywCzae2oL5ODz7IP29qJmQw"}"#,
    )],
    floor: |data| {
        text(data, |it: &Candidates<'_>| {
            Some(it.candidates.first()?.content.parts.first()?.text.len())
        })
    },
};

#[derive(Deserialize)]
struct Added<'a> {
    #[serde(borrow)]
    delta: Said<'a>,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    message: Item<'a>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    content: Words<'a>,
}

pub(crate) const COHERE: Stream = Stream {
    framing: Framing::Sse,
    open: &[
        (
            Some("message-start"),
            r#"{"id":"c14c80c3","type":"message-start","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}"#,
        ),
        (
            Some("content-start"),
            r#"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":""}}}}"#,
        ),
    ],
    delta: (
        Some("content-delta"),
        r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"WORD"}}}}"#,
    ),
    close: &[
        (Some("content-end"), r#"{"type":"content-end","index":0}"#),
        (
            Some("message-end"),
            r#"{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":5,"output_tokens":10000},"tokens":{"input_tokens":26,"output_tokens":10000},"cached_tokens":0}}}"#,
        ),
    ],
    floor: |data| {
        text(data, |it: &Added<'_>| {
            Some(it.delta.message.content.text.len())
        })
    },
};

pub(crate) const BEDROCK_CONVERSE: Stream = Stream {
    framing: Framing::EventStream,
    open: &[(
        Some("messageStart"),
        r#"{"p":"abcdefghijklmn","role":"assistant"}"#,
    )],
    delta: (
        Some("contentBlockDelta"),
        r#"{"contentBlockIndex":0,"delta":{"text":"WORD"},"p":"PADDING"}"#,
    ),
    close: &[
        (
            Some("contentBlockStop"),
            r#"{"contentBlockIndex":0,"p":"abcdefg"}"#,
        ),
        (
            Some("messageStop"),
            r#"{"p":"abcdefghijk","stopReason":"end_turn"}"#,
        ),
        (
            Some("metadata"),
            r#"{"metrics":{"latencyMs":9000},"p":"abcd","usage":{"inputTokens":26,"outputTokens":10000,"totalTokens":10026}}"#,
        ),
    ],
    floor: |data| text(data, |block: &Block<'_>| Some(block.delta.text.len())),
};

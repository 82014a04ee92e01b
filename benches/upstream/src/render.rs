//! Answers in each dialect, rendered once.

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

/// How many deltas share a write.
const TOGETHER: usize = 16;

/// A wire format.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    OpenAi,
    Anthropic,
    Gemini,
    Ollama,
}

/// What to answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plan {
    Stream(usize),
    Single(usize),
    Paced(usize),
    Varied(usize),
    Slow,
    Huge(usize),
    Whole(usize),
}

impl Plan {
    /// The plan that is named in these bytes.
    pub fn find(bytes: &[u8]) -> Option<Self> {
        let number = |name: &str| {
            let at = bytes
                .windows(name.len())
                .position(|w| w == name.as_bytes())?;
            let digits = bytes[at + name.len()..]
                .iter()
                .take_while(|b| b.is_ascii_digit());
            Some(digits.fold(0_usize, |sum, digit| sum * 10 + usize::from(digit - b'0')))
        };
        let slow = || bytes.windows(6).any(|w| w == b"\"slow\"" || w == b"/slow:");
        None.or_else(|| number("stream-").filter(|n| *n > 0).map(Self::Stream))
            .or_else(|| number("single-").map(Self::Single))
            .or_else(|| number("paced-").map(Self::Paced))
            .or_else(|| number("varied-").map(Self::Varied))
            .or_else(|| number("huge-").map(Self::Huge))
            .or_else(|| number("whole-").map(Self::Whole))
            .or_else(|| slow().then_some(Self::Slow))
    }
}

impl Dialect {
    pub fn of(path: &str) -> Option<Self> {
        let ends = |end: &str| {
            path.split('?')
                .next()
                .is_some_and(|path| path.ends_with(end))
        };
        if ends("/chat/completions") {
            Some(Self::OpenAi)
        } else if ends("/messages") {
            Some(Self::Anthropic)
        } else if path.contains("enerateContent") {
            Some(Self::Gemini)
        } else if ends("/api/chat") {
            Some(Self::Ollama)
        } else {
            None
        }
    }

    /// The writes that the answer is made of.
    pub fn render(self, plan: Plan) -> Vec<Vec<u8>> {
        match plan {
            Plan::Whole(bytes) => vec![self.whole(bytes)],
            Plan::Stream(deltas) => self.stream(deltas, TOGETHER, Self::delta),
            Plan::Single(deltas) | Plan::Paced(deltas) => self.stream(deltas, 1, Self::delta),
            Plan::Varied(deltas) => self.stream(deltas, TOGETHER, Self::varied),
            Plan::Slow => {
                let opening = self.opening().into_iter().map(chunk);
                let head = self.head().into_bytes().into_iter();
                let head = head.chain(opening.flatten()).collect();
                vec![head, chunk(self.delta(1, WORDS[1]))]
            }
            Plan::Huge(bytes) => {
                let mut all = self.head().into_bytes();
                for event in self.opening() {
                    all.extend(chunk(event));
                }
                all.extend(chunk(self.delta(0, &"x".repeat(bytes))));
                for event in self.closing(1) {
                    all.extend(chunk(event));
                }
                all.extend(b"0\r\n\r\n");
                all.chunks(1024).map(<[u8]>::to_vec).collect()
            }
        }
    }

    fn stream(
        self,
        deltas: usize,
        together: usize,
        delta: fn(Self, usize, &str) -> String,
    ) -> Vec<Vec<u8>> {
        let middle = (0..deltas).map(|at| delta(self, at, WORDS[at % WORDS.len()]));
        let events = self.opening().into_iter().chain(middle);
        let events: Vec<String> = events.chain(self.closing(deltas)).collect();
        let mut writes = vec![self.head().into_bytes()];
        for events in events.chunks(together) {
            writes.push(events.iter().cloned().flat_map(chunk).collect());
        }
        writes.push(b"0\r\n\r\n".to_vec());
        writes
    }

    fn head(self) -> String {
        let content = match self {
            Self::Ollama => "application/x-ndjson",
            _ => "text/event-stream",
        };
        format!("HTTP/1.1 200 OK\r\ncontent-type: {content}\r\ntransfer-encoding: chunked\r\n\r\n")
    }

    /// What comes before the first delta.
    fn opening(self) -> Vec<String> {
        match self {
            Self::OpenAi => vec![openai(
                r#"{"role":"assistant","content":"","refusal":null}"#,
                "null",
            )],
            Self::Anthropic => vec![
                named(
                    "message_start",
                    r#"{"type":"message_start","message":{"id":"msg_01","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1,"service_tier":"standard"}}}"#,
                ),
                named(
                    "content_block_start",
                    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
                ),
                named("ping", r#"{"type":"ping"}"#),
            ],
            Self::Gemini | Self::Ollama => vec![],
        }
    }

    /// One delta of the text.
    fn delta(self, at: usize, text: &str) -> String {
        match self {
            Self::OpenAi => openai(&format!(r#"{{"content":"{text}"}}"#), "null"),
            Self::Anthropic => named(
                "content_block_delta",
                &format!(
                    r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{text}"}}}}"#
                ),
            ),
            Self::Gemini => gemini(text, "", at),
            Self::Ollama => format!(
                "{{\"model\":\"llama3.2\",\"created_at\":\"2026-11-21T10:00:{:02}.{at:06}Z\",\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"done\":false}}\n",
                at % 60
            ),
        }
    }

    /// The same, its fields after the first in another order than the one before.
    fn varied(self, at: usize, text: &str) -> String {
        let mut whole = self.delta(at, text);
        let (Some(open), Some(close)) = (whole.find('{'), whole.rfind('}')) else {
            return whole;
        };
        let mut fields = fields(&whole[open + 1..close]);
        let others = &mut fields[1..];
        others.rotate_left(at % others.len());
        let turned = fields.join(",");
        whole.replace_range(open + 1..close, &turned);
        whole
    }

    /// What comes after the last delta.
    fn closing(self, deltas: usize) -> Vec<String> {
        match self {
            Self::OpenAi => vec![
                openai("{}", r#""stop""#),
                format!(
                    r#"data: {{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763700000,"model":"gpt-5.4-mini","service_tier":"default","system_fingerprint":"fp_1","choices":[],"usage":{{"prompt_tokens":9,"completion_tokens":{deltas},"total_tokens":{}}}}}"#,
                    deltas + 9
                ) + "\n\n",
                "data: [DONE]\n\n".to_owned(),
            ],
            Self::Anthropic => vec![
                named(
                    "content_block_stop",
                    r#"{"type":"content_block_stop","index":0}"#,
                ),
                named(
                    "message_delta",
                    &format!(
                        r#"{{"type":"message_delta","delta":{{"stop_reason":"end_turn","stop_sequence":null}},"usage":{{"output_tokens":{deltas}}}}}"#
                    ),
                ),
                named("message_stop", r#"{"type":"message_stop"}"#),
            ],
            Self::Gemini => vec![gemini("", r#","finishReason":"STOP""#, deltas)],
            Self::Ollama => vec![format!(
                "{{\"model\":\"llama3.2\",\"created_at\":\"2026-11-21T10:01:00.000000Z\",\"message\":{{\"role\":\"assistant\",\"content\":\"\"}},\"done\":true,\"done_reason\":\"stop\",\"total_duration\":1,\"load_duration\":1,\"prompt_eval_count\":9,\"prompt_eval_duration\":1,\"eval_count\":{deltas},\"eval_duration\":1}}\n"
            )],
        }
    }

    /// An answer that isn't streamed, with a text of this length.
    fn whole(self, bytes: usize) -> Vec<u8> {
        let text = "All work. ".repeat(bytes / 10 + 1);
        // It doesn't end in a blank, which some clients trim.
        let text = format!("{}.", &text[..bytes.saturating_sub(1)]);
        let body = match self {
            Self::OpenAi => format!(
                r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1763700000,"model":"gpt-5.4-mini","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}},"service_tier":"default","system_fingerprint":"fp_1"}}"#
            ),
            Self::Anthropic => format!(
                r#"{{"id":"msg_01","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{{"type":"text","text":"{text}"}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":9,"output_tokens":12}}}}"#
            ),
            Self::Gemini => format!(
                r#"{{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}],"role":"model"}},"finishReason":"STOP","index":0}}],"usageMetadata":{{"promptTokenCount":9,"candidatesTokenCount":12,"totalTokenCount":21}},"modelVersion":"gemini-3-flash","responseId":"r1"}}"#
            ),
            Self::Ollama => format!(
                r#"{{"model":"llama3.2","created_at":"2026-11-21T10:00:00.0Z","message":{{"role":"assistant","content":"{text}"}},"done":true,"done_reason":"stop","total_duration":1,"load_duration":1,"prompt_eval_count":9,"prompt_eval_duration":1,"eval_count":12,"eval_duration":1}}"#
            ),
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        [head.into_bytes(), body.into_bytes()].concat()
    }
}

/// The fields of a JSON object, given what is between its braces.
fn fields(inside: &str) -> Vec<&str> {
    let (mut fields, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => {
                fields.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    fields.push(&inside[start..]);
    fields
}

/// A chunk of a chunked body.
fn chunk(event: String) -> Vec<u8> {
    let mut bytes = format!("{:x}\r\n", event.len()).into_bytes();
    bytes.extend(event.into_bytes());
    bytes.extend(b"\r\n");
    bytes
}

fn named(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn openai(delta: &str, finish: &str) -> String {
    format!(
        r#"data: {{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763700000,"model":"gpt-5.4-mini","service_tier":"default","system_fingerprint":"fp_1","choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}],"usage":null}}"#
    ) + "\n\n"
}

fn gemini(text: &str, finish: &str, tokens: usize) -> String {
    format!(
        r#"data: {{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}],"role":"model"}}{finish},"index":0}}],"usageMetadata":{{"promptTokenCount":9,"candidatesTokenCount":{tokens},"totalTokenCount":{}}},"modelVersion":"gemini-3-flash","responseId":"r1"}}"#,
        tokens + 9
    ) + "\r\n\r\n"
}

//! Where a case plays: one dialect, asked for a stream or for a whole answer.

use serde_json::Value;

use super::answer::{Answer, Finish, OSLO, Part};
use super::expect::{Expect, Failure, Outcome, Reading};
use super::render::{Dialect, Fail, Frame, Mark};
use crate::http::{Framing, Reply};

/// A wire dialect that the fault server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// OpenAI Chat Completions.
    OpenAiChat,
    /// OpenAI Responses.
    OpenAiResponses,
    /// Anthropic Messages.
    AnthropicMessages,
    /// Gemini's `generateContent`.
    Gemini,
    /// Ollama's native `/api/chat`.
    Ollama,
    /// Cohere's chat, version 2.
    Cohere,
    /// Bedrock's Converse, in binary messages.
    BedrockConverse,
    /// Anthropic's events in Bedrock's binary messages, by `InvokeModel`.
    BedrockAnthropic,
    /// Hunyuan's own, by Tencent Cloud's API.
    Hunyuan,
    /// The first generation of Qianfan's.
    QianfanV1,
}

/// What the client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The answer in one piece.
    Whole,
    /// The answer as a stream of events.
    Stream,
}

impl Wire {
    /// Every dialect.
    pub const ALL: [Self; 10] = [
        Self::OpenAiChat,
        Self::OpenAiResponses,
        Self::AnthropicMessages,
        Self::Gemini,
        Self::Ollama,
        Self::Cohere,
        Self::BedrockConverse,
        Self::BedrockAnthropic,
        Self::Hunyuan,
        Self::QianfanV1,
    ];

    /// The name of the dialect, such as `openai-chat`.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiResponses => "openai-responses",
            Self::AnthropicMessages => "anthropic-messages",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
            Self::Cohere => "cohere",
            Self::BedrockConverse => "bedrock-converse",
            Self::BedrockAnthropic => "bedrock-anthropic",
            Self::Hunyuan => "hunyuan",
            Self::QianfanV1 => "qianfan-v1",
        }
    }

    /// The path that a client of this dialect appends to its base URL.
    pub fn path(self, mode: Mode) -> &'static str {
        match (self, mode) {
            (Self::OpenAiChat, _) => "/chat/completions",
            (Self::OpenAiResponses, _) => "/responses",
            (Self::AnthropicMessages, _) => "/v1/messages",
            (Self::Gemini, Mode::Whole) => "/models/test-model:generateContent",
            (Self::Gemini, Mode::Stream) => "/models/test-model:streamGenerateContent?alt=sse",
            (Self::Ollama, _) => "/api/chat",
            (Self::Cohere, _) => "/v2/chat",
            (Self::BedrockConverse, Mode::Whole) => "/model/test-model/converse",
            (Self::BedrockConverse, Mode::Stream) => "/model/test-model/converse-stream",
            (Self::BedrockAnthropic, Mode::Whole) => "/model/test-model/invoke",
            (Self::BedrockAnthropic, Mode::Stream) => {
                "/model/test-model/invoke-with-response-stream"
            }
            (Self::Hunyuan, _) => "/",
            (Self::QianfanV1, _) => "/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/test-model",
        }
    }

    /// The dialect whose words this one has in a form of its own.
    pub(super) fn words(self) -> Self {
        match self {
            Self::BedrockAnthropic => Self::AnthropicMessages,
            Self::Hunyuan => Self::OpenAiChat,
            own => own,
        }
    }

    /// Whether a stream is binary messages.
    pub(super) fn is_binary(self) -> bool {
        matches!(self, Self::BedrockConverse | Self::BedrockAnthropic)
    }

    /// The dialect and the mode of a request, from the end of its path and its body.
    pub(super) fn of(path: &str, body: Option<&Value>) -> Option<(Self, Mode)> {
        let path = path.split('?').next().unwrap_or(path);
        let asked = body
            .and_then(|it| it.get("stream").or_else(|| it.get("Stream")))
            .and_then(Value::as_bool);
        let mode = |default| match asked.unwrap_or(default) {
            true => Mode::Stream,
            false => Mode::Whole,
        };
        Some(match path {
            _ if path.ends_with("/chat/completions") => (Self::OpenAiChat, mode(false)),
            _ if path.ends_with("/responses") => (Self::OpenAiResponses, mode(false)),
            _ if path.ends_with("/messages") => (Self::AnthropicMessages, mode(false)),
            _ if path.ends_with(":streamGenerateContent") => (Self::Gemini, Mode::Stream),
            _ if path.ends_with(":generateContent") => (Self::Gemini, Mode::Whole),
            _ if path.ends_with("/api/chat") => (Self::Ollama, mode(true)),
            _ if path.ends_with("/v2/chat") => (Self::Cohere, mode(false)),
            _ if path.ends_with("/converse") => (Self::BedrockConverse, Mode::Whole),
            _ if path.ends_with("/converse-stream") => (Self::BedrockConverse, Mode::Stream),
            _ if path.ends_with("/invoke") => (Self::BedrockAnthropic, Mode::Whole),
            _ if path.ends_with("/invoke-with-response-stream") => {
                (Self::BedrockAnthropic, Mode::Stream)
            }
            _ if path.ends_with('/') => (Self::Hunyuan, mode(false)),
            _ if path.contains("/wenxinworkshop/chat/") => (Self::QianfanV1, mode(false)),
            _ => return None,
        })
    }
}

impl Mode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Whole, Self::Stream];
}

/// What the server sends in a case, and what a correct client makes of it.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) reply: Reply,
    pub(super) expect: Expect,
}

/// A case, or why it can't occur there.
pub(super) type Built = Result<Case, &'static str>;

/// The reason that most stream cases have not to occur in a whole answer.
pub(super) const NO_FRAMES: &str = "a whole answer has no frames";

/// The reason that cases of lines have not to occur in binary messages.
pub(super) const BINARY: &str = "the stream is binary messages, without lines";

/// A dialect and a mode, for which cases are built.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    pub(super) wire: Wire,
    pub(super) mode: Mode,
}

impl Scene {
    pub(super) fn streams(self) -> bool {
        self.mode == Mode::Stream
    }

    /// Goes on only for a stream.
    pub(super) fn stream_only(self) -> Result<(), &'static str> {
        if self.streams() {
            Ok(())
        } else {
            Err(NO_FRAMES)
        }
    }

    /// Goes on only in these dialects.
    pub(super) fn only(self, wires: &[Wire], why: &'static str) -> Result<(), &'static str> {
        if wires.contains(&self.wire) {
            Ok(())
        } else {
            Err(why)
        }
    }

    /// Goes on only where frames are text.
    pub(super) fn text_only(self) -> Result<(), &'static str> {
        match self.streams() && self.wire.is_binary() {
            true => Err(BINARY),
            false => Ok(()),
        }
    }

    /// Goes on only where frames are server-sent events.
    pub(super) fn sse_only(self) -> Result<(), &'static str> {
        self.stream_only()?;
        match self.wire {
            Wire::Ollama => Err("the stream is JSON lines, not SSE"),
            wire if wire.is_binary() => Err(BINARY),
            _ => Ok(()),
        }
    }

    /// The dialect whose words the answer has.
    pub(super) fn words(self) -> Wire {
        self.wire.words()
    }

    pub(super) fn dialect(self) -> &'static Dialect {
        self.wire.dialect()
    }

    /// Picks a pointer: a frame's or a whole answer's.
    pub(super) fn at(self, places: [&'static str; 2]) -> &'static str {
        let [frame, whole] = places;
        if self.streams() { frame } else { whole }
    }

    pub(super) fn frames(self, answer: &Answer) -> Vec<Frame> {
        (self.dialect().frames)(answer)
    }

    /// The frames before the one that brings the finish reason.
    pub(super) fn unfinished(self, answer: &Answer) -> Vec<Frame> {
        let frames = self.frames(answer);
        frames
            .into_iter()
            .take_while(|it| it.mark != Mark::Finish)
            .collect()
    }

    pub(super) fn reading(self, answer: &Answer) -> Reading {
        self.reading_of(answer, (self.dialect().finish)(answer.finish))
    }

    /// The same, ended by another word.
    pub(super) fn reading_of(self, answer: &Answer, word: &str) -> Reading {
        let mut reading = answer.reading(word);
        if self.has_call_ids().is_err() {
            let calls = reading.choices.iter_mut().flat_map(|it| &mut it.tool_calls);
            calls.for_each(|it| it.id = None);
        }
        reading
    }

    /// Two calls side by side, or the one that there can be.
    pub(super) fn tools(self) -> Answer {
        match self.has_many_calls() {
            Ok(()) => Answer::tools(),
            Err(_) => Answer::new(vec![Part::Call(OSLO)], Finish::ToolCalls),
        }
    }

    /// Goes on only where several calls are made at once.
    pub(super) fn has_many_calls(self) -> Result<(), &'static str> {
        match self.wire {
            Wire::QianfanV1 => Err("one call is made at a time"),
            _ => Ok(()),
        }
    }

    /// Goes on only where calls have ids.
    pub(super) fn has_call_ids(self) -> Result<(), &'static str> {
        match self.wire {
            Wire::QianfanV1 => Err("a call has no id"),
            _ => Ok(()),
        }
    }

    /// 200 with these frames, each a chunk of its own.
    pub(super) fn send_frames(self, frames: &[Frame]) -> Reply {
        self.send_pieces(frames.iter().map(|it| it.bytes(self.wire)).collect())
    }

    /// 200 with the answer, the bytes of each frame or of the whole changed.
    pub(super) fn send_changed(
        self,
        answer: &Answer,
        change: impl Fn(Vec<u8>) -> Vec<u8>,
    ) -> Reply {
        if self.streams() {
            let frames = self.frames(answer);
            let pieces = frames.iter().map(|it| it.changed(self.wire, &change));
            return self.send_pieces(pieces.collect());
        }
        let mut reply = self.send(answer);
        for piece in &mut reply.pieces {
            *piece = change(std::mem::take(piece));
        }
        reply
    }

    /// 200 with this body, typed and framed as the mode has it.
    pub(super) fn send_pieces(self, pieces: Vec<Vec<u8>>) -> Reply {
        let (kind, framing) = match (self.mode, self.wire) {
            (Mode::Whole, _) => ("application/json", Framing::Length),
            (Mode::Stream, Wire::Ollama) => ("application/x-ndjson", Framing::Chunked),
            (Mode::Stream, wire) if wire.is_binary() => {
                ("application/vnd.amazon.eventstream", Framing::Chunked)
            }
            (Mode::Stream, _) => ("text/event-stream", Framing::Chunked),
        };
        Reply {
            framing,
            ..Reply::new(200, kind, pieces)
        }
    }

    /// 200 with the answer.
    pub(super) fn send(self, answer: &Answer) -> Reply {
        self.send_edited(answer, |_, _| {})
    }

    /// 200 with the answer, each JSON value changed: every frame's with its mark, or the whole's.
    pub(super) fn send_edited(
        self,
        answer: &Answer,
        edit: impl Fn(Option<Mark>, &mut Value),
    ) -> Reply {
        match self.mode {
            Mode::Stream => {
                let mut frames = self.frames(answer);
                for frame in &mut frames {
                    let mark = frame.mark;
                    frame.edit(|value| edit(Some(mark), value));
                }
                self.send_frames(&frames)
            }
            Mode::Whole => {
                let mut body = (self.dialect().whole)(answer);
                edit(None, &mut body);
                self.send_pieces(vec![self.wire.body(&body)])
            }
        }
    }

    /// An HTTP error with the dialect's body.
    pub(super) fn send_error(self, fail: &Fail) -> Reply {
        let body = (self.dialect().error)(fail).to_string();
        Reply::new(fail.status, "application/json", vec![body.into_bytes()])
    }

    /// The reply, of which a correct client makes the answer.
    pub(super) fn reads(self, reply: Reply, answer: &Answer) -> Built {
        Ok(Case {
            reply,
            expect: Expect::answer(self.reading(answer)),
        })
    }

    /// The answer sent with no fault.
    pub(super) fn plain(self, answer: &Answer) -> Built {
        self.reads(self.send(answer), answer)
    }

    pub(super) fn fails(self, reply: Reply, failure: Failure) -> Built {
        Ok(Case {
            reply,
            expect: Expect::failure(failure),
        })
    }

    /// The answer read leniently, or a refusal to read it.
    pub(super) fn reads_or_fails(self, reply: Reply, reading: Reading, failure: Failure) -> Built {
        let expect = Expect::answer(reading).or(Outcome::Failure(failure));
        Ok(Case { reply, expect })
    }
}

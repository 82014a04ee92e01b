//! Whole answers: plain ones put together at once, all others by the same road
//! as streams.

use crate::Target;
use crate::assemble::arguments;
use crate::{json, scan};
use parlor_core::{
    ArgumentsForm, ChatResponse, Choice, Collector, Event, FinishKind, FinishReason, Native, Part,
    Result, ToolCall, Usage,
};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::ptr;

/// The most calls of a plain answer: each is compared with those before it.
const MAX_CALLS: usize = 64;

/// Where to make a text of the body that it came in: a shorter one is copied in
/// less time than it takes to ask.
const LARGE: usize = 32 * 1024;

/// The response of a plain answer that is mostly one long text, which is then
/// made of the body's own memory. `read` reads JSON in which a text of at least
/// this length is left as it stands. `None` for any other answer, whose body is
/// as it was.
pub(crate) fn made_of(
    body: &mut Vec<u8>,
    read: impl for<'a> FnOnce(&'a str, usize) -> Option<Plain<'a>>,
) -> Option<ChatResponse> {
    if body.len() < LARGE {
        return None;
    }
    let json = std::str::from_utf8(body).ok()?;
    let plain = read(json, json.len() / 4 * 3)?;
    let left = plain.left.filter(|_| plain.took)?;
    let start = scan::offset(json.as_bytes(), left)?;
    let end = start + left.len();
    let mut response = plain.finish();
    let parts = response.choices.iter_mut();
    let parts = parts.flat_map(|choice| &mut choice.message.parts);
    let mut empty = parts.filter_map(|part| match part {
        Part::Text(text) if text.text.is_empty() => Some(&mut text.text),
        _ => None,
    });
    let (Some(place), None) = (empty.next(), empty.next()) else {
        return None;
    };
    let mut bytes = std::mem::take(body);
    bytes.truncate(end);
    json::unescape_in_place(&mut bytes, start);
    if bytes.len() < bytes.capacity() / 2 {
        bytes.shrink_to_fit();
    }
    // It was UTF-8, and what escapes stand for is.
    *place = String::from_utf8(bytes).unwrap_or_default();
    Some(response)
}

/// The response that the events of a whole answer amount to. An error after
/// content has it as the partial.
pub(crate) fn collected(
    outcome: Result<()>,
    events: VecDeque<Event>,
    target: &Target<'_>,
) -> Result<ChatResponse> {
    let mut collector = Collector::new(&target.info.provider);
    events.into_iter().for_each(|event| collector.take(event));
    match outcome {
        Ok(()) => Ok(collector.into_response()),
        Err(error) if collector.has_content() => Err(error.with_partial(collector.into_response())),
        Err(error) => Err(error),
    }
}

/// A plain answer: one choice of thoughts, texts and calls that nothing is to
/// be joined to, moved or minted for. A dialect tells it what it read as it
/// would tell the events of a stream, and leaves whatever isn't plain to its
/// decoder, which gives an equal response.
#[derive(Debug)]
pub(crate) struct Plain<'a> {
    /// A text that was left as it stands in the body, escapes and all.
    left: Option<&'a str>,
    /// Whether a part is that text, and has none as yet.
    took: bool,
    response: ChatResponse,
    index: u32,
    reason: FinishReason,
    parts: Vec<Part>,
    calls: usize,
}

impl<'a> Plain<'a> {
    /// A choice that has said nothing, and why it ended.
    pub(crate) fn new(target: &Target<'_>, index: u32, reason: FinishReason) -> Self {
        let mut response = ChatResponse::default();
        response.provider.clone_from(&target.info.provider);
        Self {
            left: None,
            took: false,
            response,
            index,
            reason,
            // Most answers are one text.
            parts: Vec::with_capacity(1),
            calls: 0,
        }
    }

    /// The same of a body in which this text was left as it stands.
    pub(crate) fn leaving(mut self, left: Option<&'a str>) -> Self {
        self.left = left;
        self
    }

    /// A text for a part; it is empty until the end where it was left.
    pub(crate) fn text(&mut self, text: Cow<'a, str>) -> Part {
        match text {
            Cow::Borrowed(text) if self.left.is_some_and(|left| ptr::eq(left, text)) => {
                self.took = true;
                Part::text(String::new())
            }
            text => Part::text(text),
        }
    }

    /// Id, model and time; empty ones are none.
    pub(crate) fn start(&mut self, id: &str, model: &str, created: Option<u64>) {
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        self.response.id = said(id);
        self.response.model = said(model);
        self.response.created = created.filter(|created| *created != 0);
    }

    /// A whole part, but for a call.
    pub(crate) fn part(&mut self, part: impl Into<Part>) {
        self.parts.push(part.into());
    }

    /// A part before all others.
    pub(crate) fn part_in_front(&mut self, part: impl Into<Part>) {
        self.parts.insert(0, part.into());
    }

    /// A call that the client runs; `None` if it isn't plain. At the token limit
    /// it may have been cut.
    pub(crate) fn call(&mut self, id: &str, name: &str, text: Cow<'_, str>) -> Option<()> {
        let known = |part: &Part| matches!(part, Part::ToolCall(call) if call.id == id);
        if id.is_empty()
            || name.is_empty()
            || self.calls == MAX_CALLS
            || self.reason.kind == FinishKind::Length
            || self.parts.iter().any(known)
        {
            return None;
        }
        self.calls += 1;
        let arguments = arguments(ArgumentsForm::Json, text.into_owned(), false);
        self.part(ToolCall::new(id, name, arguments));
        Some(())
    }

    /// Puts a native item on the last part.
    pub(crate) fn native_of_last(&mut self, native: Option<Box<Native>>) {
        if let (Some(part), Some(native)) = (self.parts.last_mut(), native) {
            part.set_native(*native);
        }
    }

    /// What was consumed.
    pub(crate) fn usage(&mut self, usage: Usage) {
        if !usage.is_empty() {
            self.response.usage = Some(usage);
        }
    }

    /// What core doesn't model.
    pub(crate) fn unknown(&mut self, native: Native) {
        self.response.native.push(native);
    }

    /// The response.
    pub(crate) fn finish(mut self) -> ChatResponse {
        let mut choice = Choice::new(self.index);
        choice.message.parts = self.parts;
        choice.finish_reason = Some(self.reason.with_calls(self.calls > 0));
        self.response.choices.reserve_exact(1);
        self.response.choices.push(choice);
        self.response
    }
}

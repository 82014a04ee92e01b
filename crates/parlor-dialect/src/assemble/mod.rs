//! Builds well-formed events out of whatever order a provider sends things in.

mod calls;

use calls::CallState;
pub use calls::ToolFragment;
pub(crate) use calls::arguments;
use compact_str::CompactString;
use parlor_core::{
    CallHead, Citation, Error, Event, Executor, FinishKind, FinishReason, KeptUsage, Native,
    Origin, Part, PartKind, Result, TokenLogprob, Usage, Warning,
};
use serde_json::Value;
use std::collections::VecDeque;

/// The most parts that one answer may have. No model comes near it; a hostile
/// server must not fill the memory with empty parts.
const MAX_PARTS: u32 = 4_096;

/// The most choices that one answer may have.
const MAX_CHOICES: usize = 256;

/// Builds the events of one answer and keeps their grammar.
///
/// Decoders tell it what they read; it opens and closes parts, holds `Started`
/// back until there is content, joins the fragments of tool calls, mints
/// missing ids, finishes each choice once and completes the answer once. What
/// comes for a choice that has finished is passed over.
///
/// Two ways to speak of parts may be mixed. Streams without part boundaries
/// use [`text`](Self::text), [`reasoning`](Self::reasoning),
/// [`refusal`](Self::refusal) and [`call`](Self::call): each goes on with the
/// open part of its kind or opens a new one. Streams with boundaries use
/// [`open`](Self::open), [`delta`](Self::delta) and [`close`](Self::close).
#[derive(Debug)]
pub struct Assembler {
    origin: Origin,
    id: Option<String>,
    model: Option<String>,
    created: Option<u64>,
    held: Vec<Event>,
    started: bool,
    completed: bool,
    choices: Vec<ChoiceState>,
    parts: u32,
    minted: u64,
    usage: Option<KeptUsage>,
}

#[derive(Debug)]
struct ChoiceState {
    index: u32,
    next_part: u32,
    /// The part that text without boundaries goes on with.
    current: Option<(u32, PartKind)>,
    open: Vec<(u32, PartKind)>,
    calls: Vec<CallState>,
    has_client_calls: bool,
    finished: bool,
}

impl Assembler {
    /// An assembler of an answer from this origin.
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            id: None,
            model: None,
            created: None,
            held: Vec::new(),
            started: false,
            completed: false,
            choices: Vec::new(),
            parts: 0,
            minted: 0,
            usage: None,
        }
    }

    /// The origin of native items.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// A native item of this origin.
    pub fn native(&self, item: impl Into<Value>) -> Native {
        Native::new(self.origin.clone(), item)
    }

    /// Notes id, model and time; what is known first stays. Empty text is
    /// nothing.
    pub fn start(&mut self, id: Option<&str>, model: Option<&str>, created: Option<u64>) {
        let keep = |slot: &mut Option<String>, text: Option<&str>| {
            if slot.is_none() {
                *slot = text.filter(|text| !text.is_empty()).map(str::to_owned);
            }
        };
        keep(&mut self.id, id);
        if !self.started {
            keep(&mut self.model, model);
        }
        self.created = self.created.or(created.filter(|created| *created != 0));
    }

    /// Whether the answer is complete; what comes later doesn't belong to it.
    pub fn is_completed(&self) -> bool {
        self.completed
    }

    /// Whether this choice has finished.
    pub fn is_finished(&self, choice: u32) -> bool {
        self.choices
            .iter()
            .any(|it| it.index == choice && it.finished)
    }

    /// Whether any choice has finished.
    pub fn any_finished(&self) -> bool {
        self.choices.iter().any(|it| it.finished)
    }

    /// Whether there are choices, and all have finished.
    pub fn all_finished(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|it| it.finished)
    }

    /// Whether any content has come.
    pub fn has_content(&self) -> bool {
        self.started
    }

    /// More text of the answer.
    ///
    /// # Errors
    /// `Decode`, here and below, when the answer has more parts or choices
    /// than any honest one.
    pub fn text(&mut self, choice: u32, text: &str, out: &mut VecDeque<Event>) -> Result<()> {
        self.flow(choice, PartKind::Text, text, out)
    }

    /// More of the thoughts.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn reasoning(&mut self, choice: u32, text: &str, out: &mut VecDeque<Event>) -> Result<()> {
        self.flow(choice, PartKind::Reasoning, text, out)
    }

    /// More of a refusal.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn refusal(&mut self, choice: u32, text: &str, out: &mut VecDeque<Event>) -> Result<()> {
        self.flow(choice, PartKind::Refusal, text, out)
    }

    fn flow(
        &mut self,
        choice: u32,
        kind: PartKind,
        text: &str,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let at = self.choice(choice)?;
        let part = match self.choices[at].current {
            Some((part, current)) if current == kind => part,
            _ if self.choices[at].finished => return Ok(()),
            _ => {
                self.seal(choice, None, out)?;
                let part = self.open(choice, kind, out)?;
                self.choices[at].current = Some((part, kind));
                part
            }
        };
        self.delta(choice, part, kind, text, out);
        Ok(())
    }

    /// Ends the part that text without boundaries goes on with, and puts a
    /// native item on it. An item without a part gets an empty text of its
    /// own, so that its place is kept.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn seal(
        &mut self,
        choice: u32,
        item: Option<Value>,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let at = self.choice(choice)?;
        if self.choices[at].finished {
            return Ok(());
        }
        match (self.choices[at].current.take(), item) {
            (Some((part, _)), item) => self.close(choice, part, item, out),
            (None, Some(item)) => {
                let part = self.open(choice, PartKind::Text, out)?;
                self.close(choice, part, Some(item), out);
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// The part that text without boundaries goes on with.
    pub fn current(&self, choice: u32) -> Option<(u32, PartKind)> {
        self.choices.iter().find(|it| it.index == choice)?.current
    }

    /// Opens a text, reasoning or refusal part and gives its index. Of a
    /// choice that has finished the part goes nowhere.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn open(&mut self, choice: u32, kind: PartKind, out: &mut VecDeque<Event>) -> Result<u32> {
        let at = self.choice(choice)?;
        let part = self.next_part(at)?;
        // Whoever tells usage before the content has no more of it until the end.
        if let Some(usage) = &mut self.usage {
            usage.pack();
        }
        if !self.choices[at].finished {
            let open = &mut self.choices[at].open;
            // Nearly always there is one at a time.
            open.reserve_exact(1);
            open.push((part, kind));
            self.emit(Event::part_started(choice, part, kind), out);
        }
        Ok(part)
    }

    /// More text of an open part; of a part that isn't open it is passed over.
    pub fn delta(
        &mut self,
        choice: u32,
        part: u32,
        kind: PartKind,
        text: &str,
        out: &mut VecDeque<Event>,
    ) {
        let known = self.choices.iter().find(|it| it.index == choice);
        let is_open = known.is_some_and(|it| it.open.contains(&(part, kind)));
        if text.is_empty() || !is_open {
            return;
        }
        let text = CompactString::from(text);
        out.push_back(match kind {
            PartKind::Reasoning => Event::ReasoningDelta { choice, part, text },
            _ => Event::TextDelta { choice, part, text },
        });
    }

    /// Closes an open part and puts a native item on it; a part that isn't
    /// open is passed over.
    pub fn close(
        &mut self,
        choice: u32,
        part: u32,
        item: Option<Value>,
        out: &mut VecDeque<Event>,
    ) {
        let Some(state) = self.choices.iter_mut().find(|it| it.index == choice) else {
            return;
        };
        let Some(at) = state.open.iter().position(|it| it.0 == part) else {
            return;
        };
        state.open.remove(at);
        if state.current.is_some_and(|current| current.0 == part) {
            state.current = None;
        }
        let native = item.map(|item| Box::new(self.native(item)));
        out.push_back(Event::part_finished_as(choice, part, native));
    }

    /// A whole part: a call, a result, media, a source, a native item, or text
    /// with its boundary. Ends the part that text goes on with. A call without
    /// an id gets one.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn part(&mut self, choice: u32, mut part: Part, out: &mut VecDeque<Event>) -> Result<()> {
        self.seal(choice, None, out)?;
        let kind = PartKind::of(&part);
        let text = match &part {
            Part::Text(it) => Some(&it.text),
            Part::Reasoning(it) => Some(&it.text),
            Part::Refusal(it) => Some(&it.text),
            _ => None,
        };
        if let Some(text) = text {
            let index = self.open(choice, kind, out)?;
            self.delta(choice, index, kind, text, out);
            if let Part::Text(text) = &mut part {
                for citation in text.citations.drain(..) {
                    self.citation_in(choice, index, citation, out);
                }
            }
            self.close(choice, index, part.native().map(|it| it.item.clone()), out);
            return Ok(());
        }
        let at = self.choice(choice)?;
        let index = self.next_part(at)?;
        if self.choices[at].finished {
            return Ok(());
        }
        let mut start = Event::part_started(choice, index, kind);
        if let Part::ToolCall(it) = &mut part {
            if it.id.is_empty() {
                it.id = self.mint();
            }
            self.choices[at].has_client_calls |= it.executor == Executor::Client;
            start = Event::call_started(choice, index, CallHead::from(&*it));
        }
        self.emit(start, out);
        out.push_back(Event::part_finished_with(choice, index, part));
        Ok(())
    }

    /// What a span of the current text part rests on; without one it opens an
    /// empty one.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn citation(
        &mut self,
        choice: u32,
        citation: Citation,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let at = self.choice(choice)?;
        if self.choices[at].finished {
            return Ok(());
        }
        let part = match self.choices[at].current {
            Some((part, PartKind::Text)) => part,
            _ => {
                self.seal(choice, None, out)?;
                let part = self.open(choice, PartKind::Text, out)?;
                self.choices[at].current = Some((part, PartKind::Text));
                part
            }
        };
        self.citation_in(choice, part, citation, out);
        Ok(())
    }

    /// What a span of an open text part rests on.
    pub fn citation_in(
        &mut self,
        choice: u32,
        part: u32,
        citation: Citation,
        out: &mut VecDeque<Event>,
    ) {
        let known = self.choices.iter().find(|it| it.index == choice);
        if known.is_some_and(|it| it.open.contains(&(part, PartKind::Text))) {
            out.push_back(Event::Citation {
                choice,
                part,
                citation: Box::new(citation),
            });
        }
    }

    /// Log probabilities of tokens.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn logprobs(
        &mut self,
        choice: u32,
        refusal: bool,
        tokens: Vec<TokenLogprob>,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        self.choice(choice)?;
        if !tokens.is_empty() {
            self.emit(
                Event::Logprobs {
                    choice,
                    refusal,
                    tokens,
                },
                out,
            );
        }
        Ok(())
    }

    /// What is known of usage, as the provider says it.
    pub(crate) fn raw_usage(&mut self) -> Option<&Value> {
        self.usage.as_mut()?.get().raw.as_ref()
    }

    /// A snapshot of usage: merged into what is known, never added.
    pub fn usage(&mut self, usage: Usage, out: &mut VecDeque<Event>) {
        if usage.is_empty() {
            return;
        }
        let news = match &mut self.usage {
            Some(kept) => {
                let known = kept.get();
                known.merge_news(&usage).then(|| Box::new(known.clone()))
            }
            none => {
                let usage = Box::new(usage);
                *none = Some(KeptUsage::new(usage.clone()));
                Some(usage)
            }
        };
        if let Some(usage) = news {
            self.note(Event::Usage { usage }, out);
        }
    }

    /// Something that core doesn't model.
    pub fn unknown(&mut self, item: impl Into<Value>, out: &mut VecDeque<Event>) {
        let native = Box::new(self.native(item));
        self.note(Event::Unknown { native }, out);
    }

    /// A warning.
    pub fn warning(&mut self, warning: Warning, out: &mut VecDeque<Event>) {
        let warning = Box::new(warning);
        self.note(Event::Warning { warning }, out);
    }

    /// Finishes a choice: closes its parts and calls and says why it ended.
    /// The kind is derived: a stop with calls to run is `ToolCalls`. Said
    /// again it is passed over.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn finish(
        &mut self,
        choice: u32,
        reason: FinishReason,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let at = self.choice(choice)?;
        if self.choices[at].finished {
            return Ok(());
        }
        self.seal(choice, None, out)?;
        while let Some((part, _)) = self.choices[at].open.first().copied() {
            self.close(choice, part, None, out);
        }
        let calls = self.choices[at].calls.len();
        for slot in 0..calls {
            // At the token limit a call without arguments had no time to say them.
            let last = slot + 1 == calls && reason.kind == FinishKind::Length;
            let cut = last && self.choices[at].calls[slot].arguments.trim().is_empty();
            self.finish_call(at, slot, cut, out);
        }
        let state = &mut self.choices[at];
        state.finished = true;
        let reason = reason.with_calls(state.has_client_calls);
        self.emit(Event::finished(choice, reason), out);
        Ok(())
    }

    /// Completes the answer: choices that gave no reason have stopped. Said
    /// again it is passed over.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn complete(&mut self, out: &mut VecDeque<Event>) -> Result<()> {
        if self.completed {
            return Ok(());
        }
        for at in 0..self.choices.len() {
            let choice = self.choices[at].index;
            self.finish(choice, FinishKind::Stop.into(), out)?;
        }
        self.begin(out);
        self.completed = true;
        let usage = self.usage.take().map(KeptUsage::into_usage);
        out.push_back(Event::completed(usage));
        Ok(())
    }

    /// Content: `Started` goes before the first of it.
    fn emit(&mut self, event: Event, out: &mut VecDeque<Event>) {
        self.begin(out);
        out.push_back(event);
    }

    /// No content: it waits for `Started`.
    fn note(&mut self, event: Event, out: &mut VecDeque<Event>) {
        match self.started {
            true => out.push_back(event),
            false => self.held.push(event),
        }
    }

    fn begin(&mut self, out: &mut VecDeque<Event>) {
        if !self.started {
            self.started = true;
            out.push_back(Event::started(
                self.id.clone(),
                self.model.take(),
                self.created,
            ));
            out.extend(std::mem::take(&mut self.held));
        }
    }

    fn choice(&mut self, index: u32) -> Result<usize> {
        if let Some(at) = self.choices.iter().position(|it| it.index == index) {
            return Ok(at);
        }
        if self.choices.len() == MAX_CHOICES {
            return Err(Error::decode(format!(
                "the answer has more than {MAX_CHOICES} choices"
            )));
        }
        self.choices.reserve_exact(1);
        self.choices.push(ChoiceState {
            index,
            next_part: 0,
            current: None,
            open: Vec::new(),
            calls: Vec::new(),
            has_client_calls: false,
            finished: false,
        });
        Ok(self.choices.len() - 1)
    }

    fn next_part(&mut self, at: usize) -> Result<u32> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(Error::decode(format!(
                "the answer has more than {MAX_PARTS} parts"
            )));
        }
        let state = &mut self.choices[at];
        let part = state.next_part;
        state.next_part += 1;
        Ok(part)
    }
}

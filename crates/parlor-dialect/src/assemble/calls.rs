//! Joins the fragments of tool calls, whatever order and names they come in.

use super::{Assembler, ChoiceState};
use compact_str::CompactString;
use parlor_core::{Arguments, ArgumentsForm, CallHead, Event, Executor, Part, Result, ToolCall};
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

/// A piece of a tool call. Empty text means that the piece doesn't say.
#[derive(Debug, Clone, Copy, Default)]
pub struct ToolFragment<'a> {
    /// The provider's index of the call; any number, it is only compared.
    pub index: Option<u64>,
    /// The call's id; the first one known counts.
    pub id: &'a str,
    /// The tool's name; the first one known counts.
    pub name: &'a str,
    /// More of the arguments' text.
    pub arguments: &'a str,
    /// What sort of text the arguments are.
    pub form: ArgumentsForm,
    /// Who runs it.
    pub executor: Executor,
}

#[derive(Debug, Default)]
pub(super) struct CallState {
    part: u32,
    index: Option<u64>,
    id: CompactString,
    name: CompactString,
    pub(super) arguments: String,
    form: ArgumentsForm,
    executor: Executor,
    native: Option<Value>,
    /// Whether `PartStarted` went out; until id and name are known it waits.
    started: bool,
    closed: bool,
}

impl Assembler {
    /// A piece of a tool call; gives the call's place for
    /// [`call_native`](Self::call_native) and [`close_call`](Self::close_call).
    ///
    /// The call it belongs to is found by index and id. An index seen before
    /// with another id is another call (some servers number all calls 0);
    /// without an index a new id or a new name is a new call, and everything
    /// else goes on with the last one.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn call(
        &mut self,
        choice: u32,
        fragment: ToolFragment<'_>,
        out: &mut VecDeque<Event>,
    ) -> Result<usize> {
        let at = self.choice(choice)?;
        if self.choices[at].finished {
            return Ok(usize::MAX);
        }
        let slot = match self.choices[at].find_call(&fragment) {
            Some(slot) => slot,
            None => {
                self.seal(choice, None, out)?;
                let part = self.next_part(at)?;
                let state = &mut self.choices[at];
                state.has_client_calls |= fragment.executor == Executor::Client;
                state.calls.push(CallState {
                    part,
                    index: fragment.index,
                    form: fragment.form,
                    executor: fragment.executor,
                    ..CallState::default()
                });
                state.calls.len() - 1
            }
        };
        let call = &mut self.choices[at].calls[slot];
        if call.id.is_empty() {
            call.id = fragment.id.into();
        }
        if call.name.is_empty() {
            call.name = fragment.name.into();
        }
        call.index = call.index.or(fragment.index);
        call.arguments.push_str(fragment.arguments);
        let part = call.part;
        if call.started {
            if !fragment.arguments.is_empty() {
                out.push_back(Event::ArgumentsDelta {
                    choice,
                    part,
                    text: fragment.arguments.into(),
                });
            }
        } else if !call.id.is_empty() && !call.name.is_empty() {
            self.start_call(at, slot, out);
        }
        Ok(slot)
    }

    /// Puts a native item on a call.
    pub fn call_native(&mut self, choice: u32, slot: usize, item: Value) {
        let state = self.choices.iter_mut().find(|it| it.index == choice);
        if let Some(call) = state.and_then(|it| it.calls.get_mut(slot)) {
            call.native = Some(item);
        }
    }

    /// Says what a call's arguments are, for streams that tell them whole at
    /// the end: this counts, whatever their fragments were.
    pub fn call_arguments(&mut self, choice: u32, slot: usize, text: &str) {
        let state = self.choices.iter_mut().find(|it| it.index == choice);
        let call = state.and_then(|it| it.calls.get_mut(slot));
        if let Some(call) = call.filter(|it| it.arguments != text) {
            text.clone_into(&mut call.arguments);
        }
    }

    /// Ends a call before its choice finishes, for streams that say when.
    pub fn close_call(&mut self, choice: u32, slot: usize, out: &mut VecDeque<Event>) {
        let Some(at) = self.choices.iter().position(|it| it.index == choice) else {
            return;
        };
        self.finish_call(at, slot, false, out);
    }

    fn start_call(&mut self, at: usize, slot: usize, out: &mut VecDeque<Event>) {
        let choice = self.choices[at].index;
        let call = &mut self.choices[at].calls[slot];
        call.started = true;
        let (part, arguments) = (call.part, CompactString::from(&call.arguments));
        let mut head = CallHead::new(call.id.as_str(), call.name.as_str());
        head.executor = call.executor;
        head.form = call.form;
        self.emit(Event::call_started(choice, part, head), out);
        if !arguments.is_empty() {
            out.push_back(Event::ArgumentsDelta {
                choice,
                part,
                text: arguments,
            });
        }
    }

    pub(super) fn finish_call(
        &mut self,
        at: usize,
        slot: usize,
        cut: bool,
        out: &mut VecDeque<Event>,
    ) {
        match self.choices[at].calls.get(slot) {
            Some(call) if !call.closed => {}
            _ => return,
        }
        if self.choices[at].calls[slot].id.is_empty() {
            self.choices[at].calls[slot].id = self.mint().into();
        }
        if !self.choices[at].calls[slot].started {
            self.start_call(at, slot, out);
        }
        let choice = self.choices[at].index;
        let call = &mut self.choices[at].calls[slot];
        call.closed = true;
        let text = std::mem::take(&mut call.arguments);
        let arguments = arguments(call.form, text, cut);
        let mut whole = ToolCall::new(call.id.as_str(), call.name.as_str(), arguments);
        whole.executor = call.executor;
        let (part, item) = (call.part, call.native.take());
        let mut content = Part::ToolCall(whole);
        if let Some(item) = item {
            content.set_native(self.native(item));
        }
        out.push_back(Event::part_finished_with(choice, part, content));
    }

    /// An id for a call that came without one: nine letters and digits, which
    /// suits the strictest provider. They follow from the answer's id, so that
    /// a call and a stream of one answer agree; without an id they are random.
    pub fn mint(&mut self) -> String {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        self.minted += 1;
        let mut hash = match &self.id {
            Some(id) => id
                .bytes()
                .chain(self.minted.to_le_bytes())
                .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
                }),
            None => RandomState::new().hash_one(self.minted),
        };
        (0..9)
            .map(|_| {
                let digit = DIGITS[(hash % 62) as usize];
                hash /= 62;
                char::from(digit)
            })
            .collect()
    }
}

impl ChoiceState {
    fn find_call(&self, fragment: &ToolFragment<'_>) -> Option<usize> {
        let by_id = || {
            let same = |call: &CallState| !call.closed && call.id == fragment.id;
            self.calls.iter().rposition(same)
        };
        let with_id = !fragment.id.is_empty();
        let Some(index) = fragment.index else {
            if with_id {
                return by_id().or_else(|| self.last_awaiting_id());
            }
            let last = self.calls.iter().rposition(|call| !call.closed)?;
            let new_name = !fragment.name.is_empty() && !self.calls[last].name.is_empty();
            return (!new_name).then_some(last);
        };
        let at = self
            .calls
            .iter()
            .rposition(|call| !call.closed && call.index == Some(index))
            .or_else(|| with_id.then(by_id).flatten())?;
        let call = &self.calls[at];
        if with_id && !call.id.is_empty() && call.id != fragment.id {
            return by_id();
        }
        // The same index with another name and no id: a new whole call.
        let renamed = !with_id && !fragment.name.is_empty() && !call.name.is_empty();
        (!(renamed && call.name != fragment.name)).then_some(at)
    }

    /// The last call, if its id is still to come.
    fn last_awaiting_id(&self) -> Option<usize> {
        let last = self.calls.len().checked_sub(1)?;
        let call = &self.calls[last];
        (!call.closed && call.id.is_empty()).then_some(last)
    }
}

/// The arguments that a text is: cut where that is known, or where its JSON ends
/// early.
pub(crate) fn arguments(form: ArgumentsForm, text: String, cut: bool) -> Arguments {
    match form {
        ArgumentsForm::Json if cut || is_cut(&text) => Arguments::cut(text),
        ArgumentsForm::Text => Arguments::text(text),
        _ => Arguments::json(text),
    }
}

/// Whether a JSON text ends before its value does.
fn is_cut(text: &str) -> bool {
    let ends_early = |error: serde_json::Error| error.is_eof();
    !text.trim().is_empty() && serde_json::from_str::<IgnoredAny>(text).is_err_and(ends_early)
}

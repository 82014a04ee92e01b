//! What only the provider understands, carried through a client that speaks another dialect.
//!
//! A model's signed thoughts, or the signature of a call, must come back with the next turn, or the
//! provider refuses it or thinks anew. A client gives back only what its own dialect has a place
//! for, so the provider's item goes there, sealed in text that says whose it is:
//!
//! | client | of thoughts | of a call |
//! |---|---|---|
//! | messages | the block's `signature` | a thought of its own beside it |
//! | Responses | the item's `encrypted_content` | a thought of its own beside it |
//! | `generateContent` | the part's `thoughtSignature` | the same of the call, thoughts before it too |
//! | others | | the call's id, with the thoughts before it |
//!
//! A thought or a call that nobody signed is marked where the client's own provider signs such, or it
//! would pass to that as its own and be refused.
//!
//! On its way back it is opened, and goes to nobody but where it came from, as every
//! [`Native`] does. It is no secret and not signed: what a client changes in it, it could have said
//! itself.

use std::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use parlor::{
    ChatRequest, ChatResponse, Event, Native, Origin, Part, PartKind, Reasoning, ToolCall,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::speak::Speak;

/// What a sealed text begins with; in an id it follows what the provider calls it.
const MARK: &str = "-parlor1-";

/// How much of a call's fragments waits at most for its end, in events.
const HELD: usize = 64;

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    /// The item of the thought or call itself.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    native: Option<Native>,
    /// The call that the item belongs to, where it stands in a thought.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    call: Option<String>,
    /// Thoughts before a call.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    thoughts: Vec<Thought>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Thought {
    #[serde(rename = "t")]
    text: String,
    #[serde(rename = "n")]
    native: Native,
}

impl Sealed {
    fn of(native: Option<Native>, thoughts: Vec<Thought>) -> Self {
        Self {
            native,
            call: None,
            thoughts,
        }
    }

    /// As text of letters, digits, `-` and `_`.
    fn close(&self) -> Option<String> {
        let json = serde_json::to_vec(self).ok()?;
        Some(format!("{MARK}{}", URL_SAFE_NO_PAD.encode(json)))
    }

    /// What stands before a sealed text, and what is in it.
    fn open(text: &str) -> Option<(&str, Self)> {
        let (before, sealed) = text.split_once(MARK)?;
        let json = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        Some((before, serde_json::from_slice(&json).ok()?))
    }
}

/// Where a client's dialect has a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A field of a thought, as text.
    Field(&'static str),
    /// A field of thoughts and calls alike, in base64.
    Signature(&'static str),
    /// Ids of calls alone.
    Ids,
}

/// Seals an answer on its way to a client.
pub(crate) struct Sealer {
    dialect: &'static str,
    place: Place,
    /// Thoughts of the first choice, for a place that has them with a call.
    thoughts: Vec<Thought>,
    /// The thoughts that are open, by part, and the text of the last one.
    open: Vec<u32>,
    text: String,
    /// The beginning of a call whose end may be at hand.
    held: VecDeque<Event>,
    /// The calls that go under another id, by part.
    renamed: Vec<(u32, String)>,
    /// How many thoughts were put beside calls.
    beside: u32,
}

impl Sealer {
    /// For clients of this dialect.
    pub(crate) fn new(dialect: &dyn Speak) -> Self {
        Self {
            dialect: dialect.name(),
            place: dialect.place(),
            thoughts: Vec::new(),
            open: Vec::new(),
            text: String::new(),
            held: VecDeque::new(),
            renamed: Vec::new(),
            beside: 0,
        }
    }

    /// Seals what is in a whole answer.
    pub(crate) fn whole(&mut self, response: &mut ChatResponse) {
        for choice in &mut response.choices {
            self.thoughts.clear();
            let mut parts = Vec::with_capacity(choice.message.parts.len());
            for mut part in choice.message.parts.drain(..) {
                match &mut part {
                    Part::Reasoning(thought) => {
                        let (text, native) = (&thought.text, thought.native.as_deref());
                        if let Some(native) = self.thought(text, native) {
                            thought.native = Some(Box::new(native));
                        }
                    }
                    Part::ToolCall(call) => match self.beside(call) {
                        Some(native) => {
                            parts.push(Part::from(Reasoning::default()).with_native(native));
                        }
                        None => self.call(call),
                    },
                    _ => {}
                }
                parts.push(part);
            }
            choice.message.parts = parts;
        }
    }

    /// Takes an event, and hands on what is ready.
    pub(crate) fn event(&mut self, mut event: Event, out: &mut dyn FnMut(Event)) {
        match &mut event {
            Event::PartStarted {
                choice: 0,
                kind: PartKind::ToolCall,
                ..
            } => {
                self.flush(out);
                self.held.push_back(event);
                return;
            }
            Event::PartStarted {
                choice: 0,
                part,
                kind: PartKind::Reasoning,
                ..
            } => self.open.push(*part),
            Event::ArgumentsDelta { .. } if !self.held.is_empty() && self.held.len() < HELD => {
                self.held.push_back(event);
                return;
            }
            Event::PartFinished {
                choice: 0,
                part,
                content: Some(content),
                ..
            } => {
                if let Part::ToolCall(call) = &mut **content {
                    match self.beside(call) {
                        Some(native) => {
                            // No provider's answer has so many parts.
                            let part = u32::MAX - self.beside;
                            self.beside += 1;
                            out(Event::part_started(0, part, PartKind::Reasoning));
                            out(Event::part_finished_as(0, part, Some(Box::new(native))));
                        }
                        None => self.finish(*part, call),
                    }
                }
            }
            Event::ReasoningDelta {
                choice: 0, text, ..
            } if self.keeps_thoughts() => {
                self.text.push_str(text);
            }
            Event::PartFinished {
                choice: 0,
                part,
                native,
                ..
            } if self.open.contains(part) => {
                self.open.retain(|it| it != part);
                let text = std::mem::take(&mut self.text);
                if let Some(sealed) = self.thought(&text, native.as_deref()) {
                    *native = Some(Box::new(sealed));
                }
            }
            _ => {}
        }
        self.flush(out);
        out(event);
    }

    /// Hands on what waited for something that isn't at hand.
    pub(crate) fn flush(&mut self, out: &mut dyn FnMut(Event)) {
        if let Some(Event::PartStarted {
            part,
            call: Some(head),
            ..
        }) = self.held.front_mut()
            && self.place == Place::Ids
            && !self.thoughts.is_empty()
        {
            let thoughts = std::mem::take(&mut self.thoughts);
            if let Some(text) = Sealed::of(None, thoughts).close() {
                head.id.push_str(&text);
                self.renamed.push((*part, head.id.clone()));
            }
        }
        self.held.drain(..).for_each(out);
    }

    /// A call ends, whose beginning may still be held.
    fn finish(&mut self, part: u32, call: &mut ToolCall) {
        if let Some((_, id)) = self.renamed.iter().find(|(it, _)| *it == part) {
            call.id.clone_from(id);
            return;
        }
        let is_held = matches!(
            self.held.front(),
            Some(Event::PartStarted { part: it, .. }) if *it == part
        );
        // Where its id is told, only what doesn't go into it can be.
        if !is_held && !matches!(self.place, Place::Signature(_)) {
            return;
        }
        self.call(call);
        if let Some(Event::PartStarted {
            call: Some(head), ..
        }) = self.held.front_mut()
            && is_held
        {
            head.id.clone_from(&call.id);
        }
    }

    /// The sealed item of a thought; nothing, where there is no place for it or the client
    /// understands it.
    fn thought(&mut self, text: &str, native: Option<&Native>) -> Option<Native> {
        if native.is_some_and(|it| it.origin.dialect == self.dialect) {
            return None;
        }
        if let Some(native) = native.filter(|_| self.keeps_thoughts()) {
            self.thoughts.push(Thought {
                text: text.to_owned(),
                native: native.clone(),
            });
        }
        let sealed = Sealed::of(native.cloned(), Vec::new());
        let item = match self.place {
            Place::Field(field) => json!({ field: sealed.close()? }),
            Place::Signature(field) if native.is_some() => {
                json!({ field: STANDARD.encode(sealed.close()?) })
            }
            _ => return None,
        };
        Some(self.native(item))
    }

    /// Whether a call has the thoughts before it, since the client may not give those back.
    fn keeps_thoughts(&self) -> bool {
        !matches!(self.place, Place::Field(_))
    }

    /// The item of a thought beside a call that has the call's own, where the client gives back
    /// thoughts as they are.
    fn beside(&self, call: &ToolCall) -> Option<Native> {
        let Place::Field(field) = self.place else {
            return None;
        };
        let native = self.foreign(call)?;
        let mut sealed = Sealed::of(Some(native), Vec::new());
        sealed.call = Some(call.id.clone());
        let text = sealed.close()?;
        Some(self.native(match field {
            "signature" => json!({ "type": "redacted_thinking", "data": text }),
            field => json!({ field: text }),
        }))
    }

    /// A call's item that the client doesn't understand. Clients write arguments anew, so nothing
    /// is said of how they were written.
    fn foreign(&self, call: &ToolCall) -> Option<Native> {
        let native = call.native.as_deref();
        let native = native.filter(|it| it.origin.dialect != self.dialect && says_more(&it.item));
        native.map(|it| Native::new(it.origin.clone(), it.item.clone()))
    }

    fn call(&mut self, call: &mut ToolCall) {
        let native = self.foreign(call);
        let thoughts = std::mem::take(&mut self.thoughts);
        let own = call.native.as_deref();
        let is_own = own.is_some_and(|it| it.origin.dialect == self.dialect);
        let is_marked = matches!(self.place, Place::Signature(_)) && !is_own;
        if native.is_none() && thoughts.is_empty() && !is_marked {
            return;
        }
        let Some(text) = Sealed::of(native, thoughts).close() else {
            return;
        };
        match self.place {
            Place::Signature(field) => {
                // As where the provider itself gave the call an id.
                let own = json!({ "id": call.id });
                let item = json!({ field: STANDARD.encode(text), "functionCall": own });
                call.native = Some(Box::new(self.native(item)));
            }
            _ => call.id.push_str(&text),
        }
    }

    fn native(&self, item: Value) -> Native {
        Native::new(Origin::new("", self.dialect), item)
    }
}

/// Whether an item says more than what it is called and how it fares.
fn says_more(item: &Value) -> bool {
    let names = ["id", "type", "status", "index", "call_id", "caller"];
    item.as_object()
        .is_some_and(|it| it.keys().any(|key| !names.contains(&&**key)))
}

/// Opens what a client sends back; whether there was anything.
pub(crate) fn open(request: &mut ChatRequest) -> bool {
    let mut any = false;
    let mut of_calls: Vec<(String, Native)> = Vec::new();
    for message in &mut request.messages {
        message.parts.retain(|part| {
            let Part::Reasoning(thought) = part else {
                return true;
            };
            match thought.native.as_deref().and_then(in_native) {
                Some(Sealed {
                    call: Some(call),
                    native: Some(native),
                    ..
                }) => {
                    of_calls.push((call, native));
                    any = true;
                    false
                }
                _ => true,
            }
        });
    }
    for message in &mut request.messages {
        let mut before: Vec<(usize, Vec<Thought>)> = Vec::new();
        for (at, part) in message.parts.iter_mut().enumerate() {
            match part {
                Part::Reasoning(thought) => {
                    if let Some(sealed) = thought.native.as_deref().and_then(in_native) {
                        thought.native = sealed.native.map(Box::new);
                        any = true;
                    }
                }
                Part::ToolCall(call) => {
                    let in_item = call.native.as_deref().and_then(in_native);
                    let sealed = in_item.or_else(|| {
                        let (id, sealed) = Sealed::open(&call.id)?;
                        let id = id.to_owned();
                        call.id = id;
                        Some(sealed)
                    });
                    if let Some(sealed) = sealed {
                        call.native = sealed.native.map(Box::new);
                        before.push((at, sealed.thoughts));
                        any = true;
                    }
                    if let Some(at) = of_calls.iter().position(|(id, _)| *id == call.id) {
                        call.native = Some(Box::new(of_calls.swap_remove(at).1));
                        any = true;
                    }
                }
                Part::ToolResult(result) => {
                    if let Some((id, _)) = Sealed::open(&result.call_id) {
                        result.call_id = id.to_owned();
                        any = true;
                    }
                }
                _ => {}
            }
        }
        for (at, thoughts) in before.into_iter().rev() {
            if thoughts.is_empty() {
                continue;
            }
            // The sealed ones are whole; what the client has of the same thoughts is not.
            let thoughts = thoughts.into_iter().map(|it| {
                let mut thought = Reasoning::new(it.text);
                thought.native = Some(Box::new(it.native));
                Part::Reasoning(thought)
            });
            let calls = message.parts.split_off(at);
            message.parts.retain(|it| !matches!(it, Part::Reasoning(_)));
            let texts = std::mem::take(&mut message.parts);
            message.parts = thoughts.chain(texts).chain(calls).collect();
        }
    }
    any
}

/// What is sealed in an item of the client's dialect.
fn in_native(native: &Native) -> Option<Sealed> {
    let text = |name: &str| native.item.get(name).and_then(Value::as_str);
    let plain = ["signature", "data", "encrypted_content"].into_iter();
    let found = plain
        .filter_map(text)
        .find_map(|it| Some(Sealed::open(it)?.1));
    found.or_else(|| {
        let signature = text("thoughtSignature")?;
        let bytes = STANDARD.decode(signature).ok()?;
        Some(Sealed::open(std::str::from_utf8(&bytes).ok()?)?.1)
    })
}

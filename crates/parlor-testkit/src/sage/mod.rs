//! A stand-in for a language model that can do all that the conformance suite asks for.

mod answer;
mod question;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use parlor_core::{
    Capabilities, Capability, ChatModel, ChatRequest, ChatResponse, ChatStream, Effort, Error,
    ErrorKind, Event, Message, ModelInfo, Native, Part, PartKind, Result, Role,
};
use serde_json::Value;

/// How long it takes for a word when it is told to take its time.
const PAUSE: Duration = Duration::from_millis(5);

/// A deterministic model without a key or a network. It is no language model: it knows a handful
/// of phrases, those of the conformance suite among them, and repeats what it doesn't know.
///
/// # Behavior
/// - *Count from one to twenty* is counted, *17 + 25* is added up, and *Repeat: …* is repeated.
/// - *What is the secret word?* is answered from whatever said *the secret word is …* before: the
///   instructions, an earlier turn, a document.
/// - Where a tool must be called, or the prompt speaks of what a tool is named for, the tool is
///   called, once for each capitalised name in the prompt, and with it; once if calls may not be
///   parallel. Given results, it tells them.
/// - JSON is given when asked for; by a schema its texts are the name in the prompt and its numbers
///   the number there, as far as the schema leaves a choice.
/// - Asked to reason, it reasons first.
/// - A token is a word. The limit on output, stop sequences, several choices and log probabilities
///   are honoured. What stands before the last message counts as read from a cache.
/// - Told to *take your time*, it goes on for thousands of words with a pause before each.
/// - The same request always gives the same answer. Streams go word by word.
///
/// ```
/// use parlor_core::ChatModelExt;
/// use parlor_testkit::Sage;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let answer = Sage::new("sage-1").ask("What is 17 + 25?").await?;
/// assert_eq!(answer.text(), "42");
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Sage {
    info: Arc<ModelInfo>,
    signature: Option<(PartKind, Native)>,
    requests: Arc<Mutex<Vec<ChatRequest>>>,
}

impl Sage {
    /// The model under an id, with a context window of 100,000 words.
    pub fn new(id: impl Into<String>) -> Self {
        let mut info = ModelInfo::new("sage", id);
        info.capabilities = Capabilities::UNKNOWN.having(Capability::ALL).lacking(&[
            Capability::ImageOutput,
            Capability::AudioOutput,
            Capability::Prefill,
        ]);
        info.context_window = Some(100_000);
        Self {
            info: Arc::new(info),
            signature: None,
            requests: Arc::default(),
        }
    }

    /// The same with another context window, in words.
    #[must_use]
    pub fn with_context_window(mut self, words: u64) -> Self {
        Arc::make_mut(&mut self.info).context_window = Some(words);
        self
    }

    /// The same, which signs: parts of this kind carry `native`, as those of an answer that
    /// reasons do at some providers, and are refused when they come back without it. Of a turn
    /// that called tools at least one such part has to come back, where the request reasons.
    ///
    /// The origin to use is that of [`DialectServer`](crate::DialectServer): the provider `sage`
    /// and the dialect's name.
    #[must_use]
    pub fn signing(mut self, kind: PartKind, native: Native) -> Self {
        self.signature = Some((kind, native));
        self
    }

    /// The requests it got, in order. Clones share them.
    pub fn requests(&self) -> Vec<ChatRequest> {
        self.kept().clone()
    }

    fn kept(&self) -> MutexGuard<'_, Vec<ChatRequest>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.kept().push(request.clone());
        let name = |error: Error| error.with_provider(&self.info.provider);
        self.check(request).map_err(name)?;
        let mut response = answer::answer(request).await?;
        response.id = Some("sage-1".to_owned());
        response.provider.clone_from(&self.info.provider);
        response.model = Some(self.info.model.clone());
        response.created = Some(1_700_000_000);
        if let Some((kind, native)) = &self.signature
            && reasons(request)
        {
            let parts = response.choices.iter_mut();
            let parts = parts.flat_map(|choice| &mut choice.message.parts);
            for part in parts.filter(|part| PartKind::of(part) == *kind) {
                part.set_native(native.clone());
            }
        }
        Ok(response)
    }

    fn check(&self, request: &ChatRequest) -> Result<()> {
        if request.messages.is_empty() {
            return Err(invalid("the request has no message"));
        }
        let words = answer::input_words(&request.messages);
        let window = self.info.context_window.unwrap_or(u64::MAX);
        if words > window {
            return Err(Error::new(
                ErrorKind::ContextTooLong,
                format!("{words} words are more than {window}"),
            ));
        }
        if let Some((kind, native)) = &self.signature {
            let current = request.messages.iter().rposition(is_prompt);
            for (at, message) in request.messages.iter().enumerate() {
                let turn = reasons(request) && Some(at) > current;
                check_signatures(message, *kind, native, turn)?;
            }
        }
        check_results(&request.messages)
    }
}

/// Whether the person speaks in it.
fn is_prompt(message: &Message) -> bool {
    message.role == Role::User
}

fn check_signatures(message: &Message, kind: PartKind, native: &Native, turn: bool) -> Result<()> {
    if message.role != Role::Assistant {
        return Ok(());
    }
    let of_kind = |part: &&Part| PartKind::of(part) == kind;
    let signed = |part: &Part| {
        let item = part.native_for(&native.origin);
        item.is_some_and(|item| contains(item, &native.item))
    };
    let mut parts = message.parts.iter().filter(of_kind);
    // A provider that signs calls signs the first of those made side by side and takes the rest
    // unsigned, and earlier turns too; reasoning is signed part by part.
    let all_signed = match kind {
        PartKind::ToolCall => !turn || parts.next().is_none_or(signed),
        _ => parts.all(signed),
    };
    if !all_signed {
        return Err(invalid(
            "a signature is missing, or what it signs was changed",
        ));
    }
    let calls = message.tool_calls().next().is_some();
    if turn && calls && !message.parts.iter().any(|part| of_kind(&part)) {
        return Err(invalid(
            "a turn that reasoned came back without its reasoning",
        ));
    }
    Ok(())
}

/// Every call has its result next, and every result has its call before it.
fn check_results(messages: &[Message]) -> Result<()> {
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        if !open.is_empty() && message.role != Role::Tool {
            return Err(invalid("a tool call has no result"));
        }
        for part in &message.parts {
            match part {
                Part::ToolCall(call) => open.push(&call.id),
                Part::ToolResult(result) => {
                    let call = open.iter().position(|id| *id == result.call_id);
                    let call = call.ok_or_else(|| invalid("a tool result has no call"))?;
                    open.remove(call);
                }
                _ => {}
            }
        }
    }
    match open.is_empty() {
        true => Ok(()),
        false => Err(invalid("a tool call has no result")),
    }
}

/// Whether an item has all that another has.
fn contains(item: &Value, wanted: &Value) -> bool {
    match (item, wanted) {
        (Value::Object(item), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| item.get(key) == Some(value)),
        _ => item == wanted,
    }
}

fn reasons(request: &ChatRequest) -> bool {
    let off = |effort: &Effort| *effort == Effort::Off;
    let wish = request.reasoning.as_ref();
    wish.is_some_and(|wish| !wish.effort.as_ref().is_some_and(off))
}

fn takes_time(request: &ChatRequest) -> bool {
    let last = request.messages.last();
    last.is_some_and(|last| last.text().contains("take your time"))
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidRequest, message)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for Sage {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let response = self.answer(request).await?;
        if takes_time(request) {
            let words = response.text().split_whitespace().count();
            let words = u32::try_from(words).unwrap_or(u32::MAX);
            tokio::time::sleep(PAUSE.saturating_mul(words)).await;
        }
        Ok(response)
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let events = self.answer(request).await?.into_events();
        let events = events.into_iter().flat_map(in_pieces).collect::<Vec<_>>();
        let slow = takes_time(request);
        let events = stream::iter(events).then(move |event| async move {
            if slow && event.text().is_some() {
                tokio::time::sleep(PAUSE).await;
            }
            Ok(event)
        });
        Ok(ChatStream::new(self.info.clone(), events))
    }
}

/// Texts word by word, arguments cut in the middle of words.
fn in_pieces(event: Event) -> Vec<Event> {
    let words = |text: &str| -> Vec<String> {
        let words = text.split_inclusive(char::is_whitespace);
        words.map(str::to_owned).collect()
    };
    match event {
        Event::TextDelta { choice, part, text } => (words(&text).iter())
            .map(|word| Event::TextDelta {
                choice,
                part,
                text: word.into(),
            })
            .collect(),
        Event::ReasoningDelta { choice, part, text } => (words(&text).iter())
            .map(|word| Event::ReasoningDelta {
                choice,
                part,
                text: word.into(),
            })
            .collect(),
        Event::ArgumentsDelta { choice, part, text } => {
            let letters: Vec<char> = text.chars().collect();
            (letters.chunks(5))
                .map(|piece| Event::ArgumentsDelta {
                    choice,
                    part,
                    text: piece.iter().collect(),
                })
                .collect()
        }
        other => vec![other],
    }
}

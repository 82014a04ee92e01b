//! One turn from its question to its end: said to the readers as it comes, kept as it grows.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parlor::agent::{
    Conversation, ConversationStore, KeptTurn, Reply, RunEvent, Turn, TurnFailure, TurnId,
    TurnState,
};
use parlor::{ChatRequest, Error, ErrorKind, Event, Result};
use parlor_store::Store;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::elsewhere::{obey, speak};
use super::heard::{Heard, Last};
use super::{Ended, Going, Place, Turns};
use crate::account::Asked;
use crate::chat::approvals::Asking;
use crate::chat::log::{MOST, Said};
use crate::chat::shown;
use crate::chat::told;
use crate::tools::Tools;

/// How long a turn that grows is left before it is kept again: what a crash can cost.
const KEPT_EVERY: Duration = Duration::from_secs(1);

/// How long others may take to be told the end before the conversation is free for the next turn.
const TOLD: Duration = Duration::from_millis(200);

/// How often keeping the end is tried.
const TRIES: u32 = 4;

/// A turn whose question is kept.
pub(in crate::chat) struct Begun {
    pub(in crate::chat) id: TurnId,
    /// The conversation up to where the turn begins.
    pub(in crate::chat) chat: Conversation,
    pub(in crate::chat) question: ChatRequest,
    /// The store, as the one sees it who asks.
    pub(in crate::chat) store: Store,
    pub(in crate::chat) asked: Asked,
    /// What the model may call.
    pub(in crate::chat) tools: Arc<Tools>,
}

/// What is kept of a turn that has no end yet, so that it is named should its service be killed.
pub(in crate::chat) fn without_end() -> TurnFailure {
    let message = "the service ended before this was answered";
    TurnFailure::from(&Error::new(ErrorKind::Truncated, message).with_help("Ask again."))
}

/// Whether a turn as it is kept has no end: it is on its way, or was when its service was killed.
pub(in crate::chat) fn is_without_end(turn: &Turn) -> bool {
    turn.failure.as_ref() == Some(&without_end())
}

/// Has a turn go its way in a task of its own.
pub(in crate::chat) fn go(place: Place, begun: Begun) {
    let going = place.begin(begun.id);
    tokio::spawn(async move {
        // Whatever happens, the conversation is free again then, and readers know the end.
        let end = Closing(Arc::clone(&going));
        let over = Notify::new();
        let answer = async {
            let told = tokio::select! {
                told = answered(&going, &place.turns, begun) => told,
                never = obey(&place.turns, &going) => match never {},
            };
            going.approvals.close();
            going.log.end(&told);
            over.notify_one();
        };
        let Some(relay) = place.turns.relay.clone() else {
            answer.await;
            drop((end, place));
            return;
        };
        let holder = place.holder.clone();
        let mut speaking = pin!(speak(&*relay, &going, &holder, &over));
        let is_told = {
            let mut answer = pin!(answer);
            tokio::select! {
                biased;
                () = &mut answer => false,
                // It ends after the answer.
                () = &mut speaking => true,
            }
        };
        // Where others can't be told at once, the conversation goes on without them.
        let is_told = is_told || timeout(TOLD, &mut speaking).await.is_ok();
        drop((end, place));
        if !is_told {
            speaking.await;
        }
    });
}

/// Ends a log that nobody ended.
struct Closing(Arc<Going>);

impl Drop for Closing {
    fn drop(&mut self) {
        if !self.0.log.is_over() {
            self.0.approvals.close();
            self.0.log.end(&json!({ "state": TurnState::Interrupted }));
        }
    }
}

/// Answers, keeps what came of it, and tells its end.
async fn answered(going: &Arc<Going>, turns: &Arc<Turns>, begun: Begun) -> Value {
    let Begun {
        id,
        chat,
        question,
        store,
        mut asked,
        tools,
    } = begun;
    let asking = Asking {
        going: Arc::clone(going),
        turns: Arc::clone(turns),
        tools: Arc::clone(&tools),
    };
    let mut chat = tools.equip(chat, asking.clone());
    let (model, opened) = Heard::around(Arc::clone(chat.model()));
    chat.set_model(model);
    let before = chat.history().turns().len();
    let info = chat.model().info();
    let (provider, name) = (info.provider.clone(), info.id());
    going.log.begin(id, Some(&name));
    let mut asked_for = Turn::new(question.messages.clone());
    asked_for.state = TurnState::Interrupted;
    asked_for.model = Some(name);
    let mut growing = Growing {
        going,
        store: &store,
        id,
        provider,
        opened,
        began: Instant::now(),
        first: None,
        asking: &asking,
        running: HashMap::new(),
    };
    let result = growing.run(&mut chat, question, &mut asked).await;
    let mut turn = chat
        .history()
        .turns()
        .get(before)
        .cloned()
        .unwrap_or(asked_for);
    let (outcome, failure) = match &result {
        Ok((reply, _)) => (Some(reply.outcome), None),
        Err(error) => {
            asked.failed(error);
            (None, Some(told(error)))
        }
    };
    if let Err(error) = &result {
        turn.failure = Some(TurnFailure::from(error));
    } else if let Ok((_, Some(Ended::Closed))) = &result {
        let closed = Error::new(
            ErrorKind::Cancelled,
            "the service ended while this was answered",
        );
        turn.failure = Some(TurnFailure::from(&closed));
    }
    let mut kept = growing.kept(turn);
    kept.cost = result
        .as_ref()
        .ok()
        .and_then(|(reply, _)| reply.cost.clone());
    let unkept = growing.keep(&kept).await.err();
    let reply = result.as_ref().ok().map(|(reply, _)| reply);
    let reason = reply.and_then(|reply| reply.response.finish_reason());
    let mut end = shown::end(&kept);
    let more = [
        ("finishReason", reason.map(|it| json!(it))),
        ("outcome", outcome.map(|it| json!(it))),
        ("error", failure),
        ("unkept", unkept.as_ref().map(told)),
    ];
    if let Value::Object(end) = &mut end {
        let more = more
            .into_iter()
            .filter_map(|(name, it)| Some((name.to_owned(), it?)));
        end.extend(more);
    }
    end
}

/// A turn as it grows.
struct Growing<'a> {
    going: &'a Going,
    store: &'a Store,
    id: TurnId,
    /// Who answers.
    provider: String,
    opened: Last,
    began: Instant,
    first: Option<Duration>,
    asking: &'a Asking,
    /// Since when calls run.
    running: HashMap<String, Instant>,
}

impl Growing<'_> {
    async fn run(
        &mut self,
        chat: &mut Conversation,
        question: ChatRequest,
        asked: &mut Asked,
    ) -> Result<(Reply, Option<Ended>)> {
        let mut run = chat.stream(question)?;
        let mut stopped = pin!(self.going.stopped());
        let mut due = pin!(sleep(KEPT_EVERY));
        let mut keeping: Option<BoxFuture<'static, bool>> = None;
        let mut has_grown = false;
        loop {
            let event = tokio::select! {
                biased;
                by = &mut stopped => return Ok((run.stop(), Some(by))),
                is_there = kept(&mut keeping), if keeping.is_some() => {
                    keeping = None;
                    if !is_there {
                        return Ok((run.stop(), Some(Ended::Stopped)));
                    }
                    due.as_mut().reset(Instant::now() + KEPT_EVERY);
                    continue;
                }
                () = &mut due, if has_grown && keeping.is_none() => {
                    has_grown = false;
                    let mut turn = run.so_far();
                    turn.failure = Some(without_end());
                    let (store, id, turn) = (self.store.clone(), self.id, self.kept(turn));
                    keeping = Some(Box::pin(async move {
                        // What can't be kept now is kept at the end, or that is told; one that was
                        // deleted goes on for nobody.
                        let kept = store.update(id, &turn).await;
                        !kept.is_err_and(|error| error.kind() == ErrorKind::Validation)
                    }));
                    continue;
                }
                event = run.next() => event,
            };
            let Some(event) = event else {
                // A run tells its end before it is over.
                return Ok((run.stop(), None));
            };
            match event? {
                RunEvent::Finished(reply) => return Ok((*reply, None)),
                RunEvent::Model(event) => {
                    if let Some(opened) = self.opened.take() {
                        self.provider.clone_from(&opened.info.provider);
                        asked.opened(opened);
                    }
                    asked.event(&event);
                    has_grown |= self.tell(&event);
                    if event.is_terminal() {
                        self.asking.announce(run.calls());
                    }
                }
                RunEvent::ToolStarted(call) => {
                    let started = json!({ "id": call.id });
                    self.going.log.aside("tool_started", &started);
                    self.running.insert(call.id, Instant::now());
                }
                RunEvent::ToolFinished(result) => {
                    let since = self.running.remove(&result.call_id);
                    let took = since.map(|since| since.elapsed());
                    self.going.log.result(&result, took);
                    has_grown = true;
                }
                _ => {}
            }
            if self.going.log.bytes() > MOST {
                let message = format!("the answer is longer than {} MiB", MOST / 1024 / 1024);
                let partial = run.stop().response;
                return Err(Error::new(ErrorKind::Unsupported, message).with_partial(partial));
            }
        }
    }

    /// Tells readers of an event, if there is anything to tell.
    fn tell(&mut self, event: &Event) -> bool {
        let log = &self.going.log;
        match event {
            Event::TextDelta {
                text, choice: 0, ..
            } => log.say(Said::Text, text),
            Event::ReasoningDelta {
                text, choice: 0, ..
            } => log.say(Said::Reasoning, text),
            Event::PartFinished {
                content: Some(part),
                choice: 0,
                ..
            } => log.part(part),
            _ => return false,
        }
        let passed = self.began.elapsed();
        self.first.get_or_insert(passed);
        true
    }

    /// A turn as it is kept now.
    fn kept(&self, turn: Turn) -> KeptTurn {
        let millis = |time: Duration| u64::try_from(time.as_millis()).ok();
        let mut kept = KeptTurn::from(turn);
        kept.provider = Some(self.provider.clone());
        kept.latency.first_event_ms = self.first.and_then(millis);
        kept.latency.total_ms = millis(self.began.elapsed());
        kept
    }

    /// Keeps the end; a store that is away for a moment is waited for.
    async fn keep(&self, turn: &KeptTurn) -> Result<()> {
        let mut pause = Duration::from_millis(100);
        for _ in 1..TRIES {
            match self.store.update(self.id, turn).await {
                Err(error) if error.kind() != ErrorKind::Validation => {
                    sleep(pause).await;
                    pause *= 4;
                }
                // Somebody deleted it meanwhile.
                Err(_) | Ok(()) => return Ok(()),
            }
        }
        self.store.update(self.id, turn).await
    }
}

/// Whether there still is a turn to be kept.
async fn kept(keeping: &mut Option<BoxFuture<'static, bool>>) -> bool {
    match keeping {
        Some(keeping) => keeping.await,
        None => true,
    }
}

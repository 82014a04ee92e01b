//! Calls of a turn that wait for a person's word.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lru::LruCache;
use parlor::agent::{Approval, ApprovalRequest, Approver};
use parlor::{Error, ErrorKind, Result, ToolCall};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::call::{missing, wrong};
use super::going::{Going, Turns};
use super::log::Log;
use crate::tools::Tools;

/// The names of the events that tell of it.
pub(super) const ASKED: &str = "approval";
pub(super) const DECIDED: &str = "decided";

/// The status of a call that was decided on otherwise, or can't be any more.
const DECIDED_OTHERWISE: u16 = 409;

/// In how many conversations it is remembered what may always run.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);

/// A call that waits for a person's word.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Waiting {
    /// The call's id.
    pub(super) id: String,
    /// The name that the model knows the tool by.
    pub(super) name: String,
    /// The tool's name for people.
    pub(super) title: String,
    /// Where the tool comes from.
    pub(super) source: String,
    /// The arguments as the model wrote them, which is JSON.
    pub(super) arguments: String,
    /// When nobody having answered is a no, in milliseconds since 1970 (UTC).
    pub(super) until_ms: u64,
}

/// What is answered of a call that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Answer {
    /// Whether it runs.
    pub(super) allow: bool,
    /// Whether later calls of the tool in this conversation run without asking, until the service
    /// is started again.
    #[serde(default)]
    pub(super) always: bool,
}

/// What was decided of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Decision {
    /// The call's id.
    pub(super) id: String,
    /// Whether it runs.
    pub(super) allow: bool,
    /// Whether later calls of the tool in this conversation do, too.
    pub(super) always: bool,
    /// Who decided.
    pub(super) by: By,
}

/// Who decided on a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// Somebody who may use the conversation.
    Person,
    /// Nobody answered in time.
    Time,
}

impl Answer {
    pub(super) fn check(self) -> Result<Self> {
        match self.always && !self.allow {
            true => Err(wrong("`always` goes with `\"allow\": true` alone")),
            false => Ok(self),
        }
    }
}

impl Decision {
    /// The decision where the answer is the same, so that an answer may be sent again.
    pub(super) fn same_as(self, answer: Answer) -> Result<Self> {
        if (self.allow, self.always) == (answer.allow, answer.always) {
            return Ok(self);
        }
        Err(late(match (self.allow, self.by) {
            (true, _) => "the call was allowed already",
            (false, By::Person) => "the call was denied already",
            (false, By::Time) => "nobody answered in time, so the call was denied",
        }))
    }
}

/// An answer that comes too late.
pub(super) fn late(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidRequest, message)
        .with_status(DECIDED_OTHERWISE)
        .with_help("Look at the turn as it is now.")
}

/// The turn has no such call.
pub(super) fn no_such_call(id: &str) -> Error {
    missing(wrong(format!("no call `{id}` waits for an approval here")))
}

/// The calls of one turn that a person was asked about.
#[derive(Debug, Default)]
pub(super) struct Approvals {
    known: Mutex<Known>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Known {
    calls: Vec<Asked>,
    is_over: bool,
}

#[derive(Debug)]
struct Asked {
    call: Waiting,
    until: Instant,
    decision: Option<Decision>,
}

impl Approvals {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks about a call, once.
    fn ask(&self, call: &ToolCall, tools: &Tools, log: &Log) {
        let mut known = self.known();
        if known.calls.iter().any(|it| it.call.id == call.id) {
            return;
        }
        let tool = tools.get(&call.name);
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let until = now.saturating_add(tools.patience).as_millis();
        let waiting = Waiting {
            id: call.id.clone(),
            name: call.name.clone(),
            title: tool.map_or(&*call.name, |it| it.title()).to_owned(),
            source: tool.map_or("unknown", |it| it.source()).to_owned(),
            arguments: call.arguments.text.clone(),
            until_ms: u64::try_from(until).unwrap_or(u64::MAX),
        };
        log.aside(ASKED, &json!(waiting));
        known.calls.push(Asked {
            call: waiting,
            until: Instant::now() + tools.patience.min(FOR_EVER),
            decision: None,
        });
        drop(known);
        self.changed.send_replace(());
    }

    /// Answers for a call. The first answer counts; the same one again changes nothing.
    ///
    /// Allowed for good, other calls of the tool that wait are allowed, too.
    fn answer(&self, id: &str, answer: Answer, by: By, log: &Log) -> Result<(Decision, String)> {
        let mut known = self.known();
        let is_over = known.is_over;
        let asked = known.calls.iter().find(|it| it.call.id == id);
        let asked = asked.ok_or_else(|| no_such_call(id))?;
        let name = asked.call.name.clone();
        if let Some(decision) = &asked.decision {
            return Ok((decision.clone().same_as(answer)?, name));
        }
        if is_over {
            return Err(late("the turn is over, and the call wasn't run"));
        }
        let mut given = None;
        for asked in &mut known.calls {
            let is_meant = asked.call.id == id || (answer.always && asked.call.name == name);
            if !is_meant || asked.decision.is_some() {
                continue;
            }
            let decision = Decision {
                id: asked.call.id.clone(),
                allow: answer.allow,
                always: answer.always,
                by,
            };
            log.aside(DECIDED, &json!(decision));
            asked.decision = Some(decision.clone());
            if asked.call.id == id {
                given = Some(decision);
            }
        }
        drop(known);
        self.changed.send_replace(());
        let given = given.ok_or_else(|| no_such_call(id))?;
        Ok((given, name))
    }

    /// Waits for the decision on a call; nobody answering in time is a no.
    async fn decision(&self, id: &str, log: &Log) -> Option<Decision> {
        let mut changed = self.changed.subscribe();
        loop {
            let until = {
                let known = self.known();
                let asked = known.calls.iter().find(|it| it.call.id == id)?;
                if let Some(decision) = &asked.decision {
                    return Some(decision.clone());
                }
                asked.until
            };
            tokio::select! {
                // The sender is this one's own.
                _ = changed.changed() => {}
                () = sleep_until(until) => {
                    let no = Answer { allow: false, always: false };
                    // Somebody may have answered in this moment.
                    let _ = self.answer(id, no, By::Time, log);
                }
            }
        }
    }

    /// The calls that wait now.
    pub(super) fn waiting(&self) -> Vec<Waiting> {
        let known = self.known();
        let calls = known.calls.iter().filter(|_| !known.is_over);
        let calls = calls.filter(|it| it.decision.is_none());
        calls.map(|it| it.call.clone()).collect()
    }

    /// Waits until some call waits.
    pub(super) async fn asked(&self) {
        let mut changed = self.changed.subscribe();
        while self.waiting().is_empty() && changed.changed().await.is_ok() {}
    }

    /// The turn is over; what wasn't answered is answered no more.
    pub(super) fn close(&self) {
        self.known().is_over = true;
        self.changed.send_replace(());
    }
}

/// What is longer than any turn, and within the clock's reach.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// What may always run, by conversation.
#[derive(Debug)]
pub(super) struct Remembered(Mutex<LruCache<String, BTreeSet<String>>>);

impl Default for Remembered {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl Remembered {
    fn all(&self) -> MutexGuard<'_, LruCache<String, BTreeSet<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may(&self, conversation: &str, tool: &str) -> bool {
        let mut all = self.all();
        all.get(conversation)
            .is_some_and(|tools| tools.contains(tool))
    }

    fn keep(&self, conversation: &str, tool: String) {
        let mut all = self.all();
        let tools = all.get_or_insert_mut(conversation.to_owned(), BTreeSet::new);
        tools.insert(tool);
    }

    /// Forgets what was decided in a conversation.
    pub(super) fn forget(&self, conversation: &str) {
        self.all().pop(conversation);
    }
}

impl Turns {
    /// Answers for a call of a turn that is on its way here, or ended lately.
    pub(super) fn answer(&self, going: &Going, id: &str, answer: Answer) -> Result<Decision> {
        let answered = going.approvals.answer(id, answer, By::Person, &going.log);
        let (decision, tool) = answered?;
        if decision.always {
            self.remembered.keep(&going.conversation, tool);
        }
        Ok(decision)
    }
}

/// Asks whoever follows a turn.
#[derive(Clone)]
pub(super) struct Asking {
    pub(super) going: Arc<Going>,
    pub(super) turns: Arc<Turns>,
    pub(super) tools: Arc<Tools>,
}

impl Asking {
    /// Asks about all calls of an answer that a person is to decide on, so that they can be
    /// answered in any order.
    pub(super) fn announce(&self, calls: &[ToolCall]) {
        for (at, call) in calls.iter().enumerate() {
            let asks = self.tools.get(&call.name).is_some_and(|it| it.asks());
            if asks && self.tools.takes(at, call) && !self.may(&call.name) {
                self.going.approvals.ask(call, &self.tools, &self.going.log);
            }
        }
    }

    fn may(&self, tool: &str) -> bool {
        self.turns.remembered.may(&self.going.conversation, tool)
    }
}

#[async_trait]
impl Approver for Asking {
    async fn approve(&self, request: ApprovalRequest<'_>) -> Approval {
        let call = request.call;
        let (approvals, log) = (&self.going.approvals, &self.going.log);
        if self.may(&call.name) {
            return Approval::Allow;
        }
        approvals.ask(call, &self.tools, log);
        match approvals.decision(&call.id, log).await {
            Some(Decision { allow: true, .. }) => Approval::Allow,
            Some(Decision { by: By::Time, .. }) => {
                let time = self.tools.patience;
                Approval::Deny(Some(format!("nobody answered within {time:?}")))
            }
            _ => Approval::Deny(Some("the person said no".to_owned())),
        }
    }
}

//! What is done with each call: it runs, a person is asked, or it doesn't run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use parlor::agent::{Approval, ApprovalRequest, Approver};
use parlor::{Result, ToolCall};
use tokio::sync::{mpsc, oneshot};

use super::remembered;
use super::settings::Policy;

/// What a person answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Once,
    /// As long as the program runs.
    Session,
    /// In later runs too.
    Always,
    No,
    /// In later runs too.
    Never,
    /// No, and the turn ends.
    Stop,
    /// Nobody is there any more; it is asked again when the conversation goes on.
    Later,
}

/// A call that a person is asked about.
#[derive(Debug)]
pub(crate) struct Question {
    /// The tool's name for people.
    pub(crate) shown: String,
    pub(crate) source: String,
    pub(crate) call: ToolCall,
    answer: oneshot::Sender<Answer>,
}

impl Question {
    /// Lets the call go on as answered.
    pub(crate) fn answer(self, answer: Answer) {
        // Who asked may be gone.
        let _ = self.answer.send(answer);
    }
}

/// Decides on calls, and remembers what was decided.
#[derive(Debug)]
pub(crate) struct Gate {
    rules: Mutex<BTreeMap<String, Rule>>,
    /// Who is asked; nobody where there is no terminal.
    questions: Option<mpsc::UnboundedSender<Question>>,
    /// Tools that nobody could be asked about, by their names for people.
    unasked: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Rule {
    shown: String,
    source: String,
    policy: Policy,
}

impl Gate {
    /// A gate, and where its questions arrive if somebody can be asked.
    pub(crate) fn new(can_ask: bool) -> (Arc<Self>, mpsc::UnboundedReceiver<Question>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let gate = Self {
            rules: Mutex::default(),
            questions: can_ask.then_some(sender),
            unasked: Mutex::default(),
        };
        (Arc::new(gate), receiver)
    }

    fn rules(&self) -> MutexGuard<'_, BTreeMap<String, Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a tool, by the name that the model knows. What was remembered of it
    /// wins unless the policy is final; so does what was decided here before.
    pub(super) fn set(
        &self,
        name: &str,
        shown: &str,
        source: &str,
        policy: Policy,
        is_final: bool,
    ) {
        let mut rules = self.rules();
        if let Some(rule) = rules.get(name)
            && rule.source == source
        {
            return;
        }
        let kept = remembered::of(shown, source).filter(|_| !is_final);
        let rule = Rule {
            shown: shown.to_owned(),
            source: source.to_owned(),
            policy: kept.unwrap_or(policy),
        };
        rules.insert(name.to_owned(), rule);
    }

    /// What is done with a tool's calls.
    pub(super) fn policy(&self, name: &str) -> Policy {
        self.rules()
            .get(name)
            .map_or(Policy::Ask, |rule| rule.policy)
    }

    /// Decides on a tool in later runs too.
    pub(super) fn decide(&self, name: &str, policy: Policy) -> Result<()> {
        let mut rules = self.rules();
        let Some(rule) = rules.get_mut(name) else {
            return Ok(());
        };
        rule.policy = policy;
        remembered::keep(&rule.shown, &rule.source, policy)
    }

    /// Tools whose calls didn't run since nobody could be asked.
    pub(crate) fn unasked(&self) -> Vec<String> {
        let unasked = self.unasked.lock();
        unasked.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn nobody(&self, shown: &str) -> Approval {
        let mut unasked = self.unasked.lock().unwrap_or_else(PoisonError::into_inner);
        if !unasked.iter().any(|it| it == shown) {
            unasked.push(shown.to_owned());
        }
        Approval::Deny(Some("nobody is there to be asked".to_owned()))
    }

    async fn decided(&self, call: &ToolCall) -> Approval {
        let (shown, source, policy) = match self.rules().get(&call.name) {
            Some(rule) => (rule.shown.clone(), rule.source.clone(), rule.policy),
            None => (call.name.clone(), "unknown".to_owned(), Policy::Deny),
        };
        match policy {
            Policy::Allow => return Approval::Allow,
            Policy::Deny => {
                return Approval::Deny(Some("the person's settings forbid it".to_owned()));
            }
            Policy::Ask => {}
        }
        let (sender, receiver) = oneshot::channel();
        let question = Question {
            shown: shown.clone(),
            source,
            call: call.clone(),
            answer: sender,
        };
        let sent = self.questions.as_ref().map(|to| to.send(question).is_ok());
        if sent != Some(true) {
            return self.nobody(&shown);
        }
        let answer = receiver.await.unwrap_or(Answer::Later);
        let for_good = match answer {
            Answer::Once => return Approval::Allow,
            Answer::Later => return Approval::Later,
            Answer::No | Answer::Stop => return denied(),
            Answer::Session => {
                if let Some(rule) = self.rules().get_mut(&call.name) {
                    rule.policy = Policy::Allow;
                }
                return Approval::Allow;
            }
            Answer::Always => Policy::Allow,
            Answer::Never => Policy::Deny,
        };
        // What can't be written holds in this run all the same.
        if let Err(error) = self.decide(&call.name, for_good) {
            crate::terminal::complain(&format!("warning: {}\n", error.message()));
        }
        match for_good {
            Policy::Allow => Approval::Allow,
            _ => denied(),
        }
    }
}

fn denied() -> Approval {
    Approval::Deny(Some("the person said no".to_owned()))
}

/// Asks at the gate.
#[derive(Debug)]
pub(super) struct Asking(pub(super) Arc<Gate>);

#[async_trait]
impl Approver for Asking {
    async fn approve(&self, request: ApprovalRequest<'_>) -> Approval {
        self.0.decided(request.call).await
    }
}

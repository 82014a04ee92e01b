//! Turns between instances of a service: what is said here is told to others, and what is said
//! there is heard.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parlor::agent::TurnId;
use parlor::{Error, ErrorKind, Result};
use parlor_store::{Ear, Mark, Relay, Store, Told};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until};

use super::{Ended, Going, Turns};
use crate::chat::approvals::{ASKED, Answer, DECIDED, Decision, Waiting, late, no_such_call};
use crate::chat::log::{END, Position, Read};

/// How long a conversation is held without a sign of life, and how often one is given.
pub(super) const HELD: Duration = Duration::from_secs(6);
const ALIVE: Duration = Duration::from_secs(2);

/// How long nobody holds a conversation before its turn counts as one that nobody has: a relay that
/// forgot everything is told again in that time.
const GONE: Duration = Duration::from_secs(3);

/// How long words gather before they are told: where somebody follows, and where nobody does.
const FOLLOWED: Duration = Duration::from_millis(25);
const ALONE: Duration = Duration::from_millis(250);

/// How long a relay that is away is left before it is told again, and how often after the end.
const AGAIN: Duration = Duration::from_millis(500);
const TRIES: u32 = 6;

/// Tells others what a turn says, to its end, and has it stopped when they say so.
pub(super) async fn speak(relay: &dyn Relay, going: &Going, holder: &str, over: &Notify) {
    let turn = going.id.0.to_string();
    let mut ear = going.log.ear();
    let mut position = Position::default();
    let mut stopped = pin!(relay.stopped(&turn));
    let mut is_listening = true;
    let mut alive = interval_at(Instant::now() + ALIVE, ALIVE);
    alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut due = Instant::now();
    let mut tries = 0;
    loop {
        ear.mark_unchanged();
        let is_due = due <= Instant::now() || going.log.is_over();
        let (mut next, mut told) = (position, Vec::new());
        let mut read = Read::Wait;
        if is_due {
            read = going.log.each(&mut next, &mut |position, name, data| {
                told.push(Told {
                    mark: position.mark(),
                    name: name.to_owned(),
                    data: data.to_owned(),
                });
            });
        }
        if !told.is_empty() {
            match relay.tell(&turn, position.mark(), &told).await {
                Ok(heard) => {
                    // What it lost is told again.
                    position = Position::of(heard.until);
                    tries = 0;
                    let pause = if heard.is_followed { FOLLOWED } else { ALONE };
                    due = Instant::now() + pause;
                }
                Err(_) if going.log.is_over() && tries >= TRIES => return,
                Err(_) => {
                    tries += u32::from(going.log.is_over());
                    sleep(AGAIN).await;
                }
            }
            continue;
        }
        if read == Read::End {
            return;
        }
        tokio::select! {
            _ = ear.changed(), if is_due => {}
            () = sleep_until(due), if !is_due => {}
            () = over.notified() => {}
            told = &mut stopped, if is_listening => {
                is_listening = false;
                if told.is_ok() {
                    going.stop(Ended::Stopped);
                }
            }
            _ = alive.tick(), if !going.log.is_over() => {
                // Where it is away, the conversation is free for others in a while; they make
                // another branch then.
                let _ = relay.take(&going.conversation, holder, HELD).await;
                // What it forgot is told again, though nothing new is said.
                if let Ok(heard) = relay.tell(&turn, position.mark(), &[]).await {
                    position = Position::of(heard.until);
                }
                if !is_listening {
                    stopped.set(relay.stopped(&turn));
                    is_listening = true;
                }
            }
        }
    }
}

/// Where answers for a turn's calls are told, as what a turn says is.
fn answers_to(turn: &str) -> String {
    format!("{turn}:answers")
}

/// Hears what others answer for the calls of a turn, while any waits.
pub(super) async fn obey(turns: &Turns, going: &Going) -> Infallible {
    let Some(relay) = &turns.relay else {
        return std::future::pending().await;
    };
    let mut ear = relay.follow(&answers_to(&going.id.0.to_string()));
    let mut heard = Mark::default();
    loop {
        going.approvals.asked().await;
        match ear.hear(heard, ALIVE).await {
            Ok(told) => {
                for one in told {
                    heard = one.mark;
                    if let Ok(answer) = serde_json::from_str::<Answer>(&one.data) {
                        // Who answers looks at what is decided.
                        let _ = turns.answer(going, &one.name, answer);
                    }
                }
            }
            Err(_) => sleep(AGAIN).await,
        }
    }
}

/// A turn of another instance.
#[derive(Debug)]
pub(in crate::chat) struct Elsewhere {
    relay: Arc<dyn Relay>,
    store: Store,
    conversation: String,
    id: TurnId,
    /// The id as others know it.
    turn: String,
    ear: Box<dyn Ear>,
    /// Since when nobody has it.
    gone: Option<Instant>,
}

/// What was heard of a turn.
pub(in crate::chat) enum News {
    /// It said this.
    Told(Vec<Told>),
    /// Nothing so far.
    Nothing,
    /// Nobody can tell: the relay is away.
    Away,
    /// Nobody has it any more.
    Gone,
}

/// Whether a turn is the last one of its conversation: of those without an end only that can be on
/// its way. Where nobody can tell, it is.
pub(in crate::chat) async fn is_last(store: &Store, conversation: &str, id: TurnId) -> bool {
    store.is_last(conversation, id).await.unwrap_or(true)
}

impl Elsewhere {
    /// A turn that another instance told of, or that it may have.
    pub(in crate::chat) async fn find(
        relay: Arc<dyn Relay>,
        store: &Store,
        conversation: &str,
        (id, may_be_going): (TurnId, bool),
        after: Position,
    ) -> Option<Self> {
        let turn = id.0.to_string();
        let mut ear = relay.follow(&turn);
        let told = ear.hear(after.mark(), Duration::ZERO).await;
        let is_told_of = told.is_ok_and(|told| !told.is_empty());
        (is_told_of || may_be_going).then(|| Self {
            store: store.clone(),
            conversation: conversation.to_owned(),
            id,
            gone: None,
            relay,
            turn,
            ear,
        })
    }

    /// What was said since; waits some seconds where that is nothing.
    pub(in crate::chat) async fn hear(&mut self, after: Position) -> News {
        let wait = match self.gone {
            Some(since) => GONE.saturating_sub(since.elapsed()),
            None => ALIVE,
        };
        match self.ear.hear(after.mark(), wait).await {
            Ok(told) if !told.is_empty() => {
                self.gone = None;
                return News::Told(told);
            }
            Ok(_) => {}
            Err(_) => {
                sleep(AGAIN).await;
                return News::Away;
            }
        }
        let is_taken = match self.relay.is_taken(&self.conversation).await {
            Ok(is_taken) => is_taken,
            Err(_) => return News::Away,
        };
        // It may be for another turn.
        if is_taken && is_last(&self.store, &self.conversation, self.id).await {
            self.gone = None;
            return News::Nothing;
        }
        let since = *self.gone.get_or_insert_with(Instant::now);
        match since.elapsed() >= GONE {
            true => News::Gone,
            false => News::Nothing,
        }
    }

    /// Its calls that wait for a person's word.
    pub(in crate::chat) async fn waiting(&mut self) -> Vec<Waiting> {
        let mut waiting: Vec<Waiting> = Vec::new();
        let mut position = Position::default();
        while let Ok(told) = self.ear.hear(position.mark(), Duration::ZERO).await {
            let Some(last) = told.last() else { break };
            position = Position::of(last.mark);
            for one in &told {
                if one.name == ASKED {
                    waiting.extend(serde_json::from_str::<Waiting>(&one.data));
                } else if let Some(decision) = decision(one) {
                    waiting.retain(|it| it.id != decision.id);
                } else if one.name == END {
                    waiting.clear();
                }
            }
        }
        waiting
    }

    /// Answers for one of its calls, and waits for what is decided.
    pub(in crate::chat) async fn answer(
        &mut self,
        call: &str,
        answer: Answer,
        wait: Duration,
    ) -> Result<Decision> {
        let away = || {
            let message = "the instance that has the turn doesn't answer";
            Error::new(ErrorKind::Overloaded, message).with_status(503)
        };
        let told = Told {
            mark: Mark::default(),
            name: call.to_owned(),
            data: serde_json::json!(answer).to_string(),
        };
        let decided = async {
            let mut position = Position::default();
            let (mut is_asked, mut is_told) = (false, false);
            loop {
                let heard = match self.hear(position).await {
                    News::Told(heard) => heard,
                    News::Nothing if is_asked => continue,
                    News::Away => return Err(away()),
                    News::Nothing => return Err(no_such_call(call)),
                    News::Gone => return Err(late("whoever had the turn is gone")),
                };
                position = heard.last().map_or(position, |it| Position::of(it.mark));
                for one in &heard {
                    let asked = || serde_json::from_str::<Waiting>(&one.data).ok();
                    is_asked |= one.name == ASKED && asked().is_some_and(|it| it.id == call);
                    if let Some(decision) = decision(one).filter(|it| it.id == call) {
                        return decision.same_as(answer);
                    }
                    if one.name == END {
                        return match is_asked {
                            true => Err(late("the turn is over, and the call wasn't run")),
                            false => Err(no_such_call(call)),
                        };
                    }
                }
                if is_asked && !is_told {
                    say(&*self.relay, &answers_to(&self.turn), told.clone()).await?;
                    is_told = true;
                }
            }
        };
        let decided = tokio::time::timeout(wait, decided).await;
        decided.unwrap_or_else(|_| Err(away()))
    }

    /// Has it stopped, and waits for its end.
    pub(in crate::chat) async fn stop(&mut self, wait: Duration) -> Result<()> {
        self.relay.stop(&self.turn).await?;
        let ended = async {
            let mut position = Position::default();
            loop {
                match self.hear(position).await {
                    News::Told(told) => {
                        if told.iter().any(|it| it.name == END) {
                            return;
                        }
                        position = told.last().map_or(position, |it| Position::of(it.mark));
                    }
                    News::Nothing | News::Away => {}
                    News::Gone => return,
                }
            }
        };
        // Whoever has it may be gone without a word.
        let _ = tokio::time::timeout(wait, ended).await;
        Ok(())
    }
}

fn decision(told: &Told) -> Option<Decision> {
    (told.name == DECIDED)
        .then(|| serde_json::from_str(&told.data).ok())
        .flatten()
}

/// Adds to what others say at the same time.
async fn say(relay: &dyn Relay, to: &str, mut told: Told) -> Result<()> {
    let mut after = Mark::default();
    loop {
        // No other has this mark, nor comes a later one before it, though all was forgotten since.
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or_default();
        told.mark = Mark::new(now.max(after.piece.saturating_add(1)), fastrand::u64(1..));
        let heard = relay.tell(to, after, std::slice::from_ref(&told)).await?;
        if heard.until == told.mark {
            return Ok(());
        }
        after = heard.until;
    }
}

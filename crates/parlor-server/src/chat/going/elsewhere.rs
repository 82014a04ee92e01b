//! Turns between instances of a service: what is said here is told to others, and what is said
//! there is heard.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parlor::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::{Ended, Going};
use crate::chat::log::{Log, Position, Read, Said};
use crate::chat::relay::Relay;

/// How long a conversation is held without a sign of life, and how often one is given.
pub(super) const HELD: Duration = Duration::from_secs(15);
const ALIVE: Duration = Duration::from_secs(5);

/// How long a relay that is away is left before it is told again, and how often after the end.
const AGAIN: Duration = Duration::from_millis(500);
const TRIES: u32 = 6;

/// One thing that a turn said.
#[derive(Serialize, Deserialize)]
struct Piece {
    name: String,
    data: Box<RawValue>,
}

/// Tells others what a turn says, to its end, and has it stopped when they say so.
pub(super) async fn speak(relay: &dyn Relay, going: &Going, holder: &str) {
    let turn = going.id.0.to_string();
    let mut ear = going.log.ear();
    let mut position = Position::default();
    let mut stopped = pin!(relay.stopped(&turn));
    let mut is_listening = true;
    let mut alive = interval(ALIVE);
    alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tries = 0;
    loop {
        ear.mark_unchanged();
        let (mut next, mut said) = (position, Vec::new());
        let read = going.log.each(&mut next, &mut |_, name, data| {
            let data = RawValue::from_string(data.to_owned());
            let piece = data.map(|data| Piece {
                name: name.to_owned(),
                data,
            });
            said.extend(piece.and_then(|piece| serde_json::to_string(&piece)));
        });
        if !said.is_empty() {
            match relay.say(&turn, &said).await {
                Ok(()) => (position, tries) = (next, 0),
                Err(_) if going.log.is_over() && tries >= TRIES => return,
                Err(_) => {
                    tries += 1;
                    sleep(AGAIN).await;
                }
            }
            continue;
        }
        if read == Read::End {
            return;
        }
        tokio::select! {
            _ = ear.changed() => {}
            told = &mut stopped, if is_listening => {
                is_listening = false;
                if told.is_ok() {
                    going.stop(Ended::Stopped);
                }
            }
            _ = alive.tick() => {
                // Where it is away, the conversation is free for others in a while; they make
                // another branch then.
                let _ = relay.take(&going.conversation, holder, HELD).await;
                if !is_listening {
                    stopped.set(relay.stopped(&turn));
                    is_listening = true;
                }
            }
        }
    }
}

/// A turn of another instance, as far as it was heard.
#[derive(Debug)]
pub(in crate::chat) struct Elsewhere {
    relay: Arc<dyn Relay>,
    conversation: String,
    turn: String,
    heard: usize,
    pub(in crate::chat) log: Log,
}

impl Elsewhere {
    /// A turn that another instance told of, if one did.
    pub(in crate::chat) async fn find(
        relay: Arc<dyn Relay>,
        conversation: &str,
        turn: String,
    ) -> Option<Self> {
        let mut found = Self {
            relay,
            conversation: conversation.to_owned(),
            turn,
            heard: 0,
            log: Log::new(),
        };
        let is_told_of = found.hear(Duration::ZERO).await.unwrap_or(false);
        (is_told_of || found.is_on_its_way().await).then_some(found)
    }

    /// Takes in what was said since; waits this long where that is nothing. Answers whether
    /// anything was.
    pub(in crate::chat) async fn hear(&mut self, wait: Duration) -> Result<bool> {
        let said = self.relay.hear(&self.turn, self.heard, wait).await?;
        self.heard += said.len();
        for piece in &said {
            let Ok(piece) = serde_json::from_str::<Piece>(piece) else {
                continue;
            };
            let Ok(data) = serde_json::from_str::<Value>(piece.data.get()) else {
                continue;
            };
            let text = data["text"].as_str().unwrap_or_default();
            match &*piece.name {
                "text" => self.log.say(Said::Text, text),
                "reasoning" => self.log.say(Said::Reasoning, text),
                "end" => self.log.end(&data),
                name => self.log.note(name, &data),
            }
        }
        Ok(!said.is_empty())
    }

    /// Whether somebody still has it.
    pub(in crate::chat) async fn is_on_its_way(&self) -> bool {
        !self.log.is_over()
            && self
                .relay
                .is_taken(&self.conversation)
                .await
                .unwrap_or(true)
    }

    /// Has it stopped, and waits for its end.
    pub(in crate::chat) async fn stop(&mut self, wait: Duration) -> Result<()> {
        self.relay.stop(&self.turn).await?;
        let ended = async { while self.is_on_its_way().await && self.hear(ALIVE).await.is_ok() {} };
        // Whoever has it may be gone without a word.
        let _ = tokio::time::timeout(wait, ended).await;
        Ok(())
    }
}

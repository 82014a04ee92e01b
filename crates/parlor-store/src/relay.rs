//! What several instances of a service tell each other of turns: who has a conversation, what its
//! turn says, and that it is to stop.

use async_trait::async_trait;
use parlor_core::Result;
use std::fmt::{self, Debug};
use std::num::ParseIntError;
use std::str::FromStr;
use std::time::Duration;

/// How far a turn was told: everything before a piece of it, and so many bytes of that.
///
/// Written as `piece-at`; the default is its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The pieces before are told.
    pub piece: u64,
    /// So many bytes of the piece are, too.
    pub at: u64,
}

impl Mark {
    /// The mark before this piece's byte.
    pub fn new(piece: u64, at: u64) -> Self {
        Self { piece, at }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.piece, self.at)
    }
}

impl FromStr for Mark {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (piece, at) = text.split_once('-').unwrap_or((text, "0"));
        Ok(Self::new(piece.parse()?, at.parse()?))
    }
}

/// One thing that a turn said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// How far the turn is told with it.
    pub mark: Mark,
    /// What it is.
    pub name: String,
    /// The thing itself, as JSON.
    pub data: String,
}

/// What came of telling something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heard {
    /// How far others can hear the turn now.
    pub until: Mark,
    /// Whether anybody listens.
    pub is_followed: bool,
}

/// What instances of one service share of turns that are on their way.
///
/// While it is away, turns go on and are kept where they run; they can't be followed or stopped
/// from other instances then.
#[async_trait]
pub trait Relay: Debug + Send + Sync {
    /// Takes a conversation for a turn.
    ///
    /// # Behavior
    /// - Answers whether it is the holder's now: until it is given back, or the time is over.
    /// - The holder's own is taken again, for so long from now.
    async fn take(&self, conversation: &str, holder: &str, time: Duration) -> Result<bool>;

    /// Gives a conversation back, if it is the holder's.
    async fn give_back(&self, conversation: &str, holder: &str) -> Result<()>;

    /// Whether anybody holds a conversation.
    async fn is_taken(&self, conversation: &str) -> Result<bool>;

    /// Adds to what a turn said until `after`.
    ///
    /// # Behavior
    /// - All of it is there for others, in this order, when this returns; or none of it.
    /// - Where what is there doesn't end at `after`, nothing is added: a relay that lost something
    ///   is told again from where it says that it stands. So it may be repeated, too.
    /// - It is held for some minutes after the last of it.
    async fn tell(&self, turn: &str, after: Mark, told: &[Told]) -> Result<Heard>;

    /// An ear for what a turn says. Nothing is asked before it is used.
    fn follow(&self, turn: &str) -> Box<dyn Ear>;

    /// Tells whoever has a turn to stop it.
    async fn stop(&self, turn: &str) -> Result<()>;

    /// Waits until a turn is told to stop, however long ago that was.
    ///
    /// # Behavior
    /// - Dropping the future loses nothing.
    async fn stopped(&self, turn: &str) -> Result<()>;
}

/// Somebody who listens to a turn; when it is dropped, it listens no more.
#[async_trait]
pub trait Ear: Debug + Send {
    /// What the turn said after a mark, some of it; waits this long where that is nothing.
    ///
    /// # Behavior
    /// - The first thing may have begun before the mark, where it was told again in other pieces.
    async fn hear(&mut self, after: Mark, wait: Duration) -> Result<Vec<Told>>;
}

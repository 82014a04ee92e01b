//! Taking over what another program kept.

use crate::conversations::{BRANCH, write_content};
use crate::counted::count;
use crate::failure::failed;
use crate::id;
use crate::store::Store;
use crate::texts::plain;
use parlor_agent::{KeptTurn, TurnId};
use parlor_core::{Error, ErrorKind, Result};
use serde_json::Value;
use sqlx::{Any, Row, Transaction};

/// A conversation that another program kept.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Imported {
    /// What it is known by for ever: the program, and its own name for the
    /// conversation. The same is taken over once.
    pub origin: String,
    /// A line that says what it is about.
    pub title: String,
    /// What its model was told at first.
    pub system: Option<String>,
    /// When it began, in milliseconds since 1970 (UTC).
    pub created_ms: i64,
    /// Its turns, each with its time.
    pub turns: Vec<(i64, KeptTurn)>,
}

/// What became of a conversation that was to be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Import {
    /// It is new here.
    New,
    /// It was here, and has so many turns more now.
    Longer(usize),
    /// It was here with all its turns, or went its own way here, and is left as it is.
    Known,
}

impl Store {
    /// Takes a conversation over, with its dates; once, however often it is given.
    ///
    /// One that grew where it comes from grows here too, unless somebody went on
    /// with it here. With `changes` false, it is only told what would become of it.
    ///
    /// # Errors
    /// As of [`ConversationStore`](parlor_agent::ConversationStore); then nothing
    /// has changed.
    pub async fn import(&self, it: &Imported, changes: bool) -> Result<Import> {
        let failed = failed("taking a conversation over");
        let id = id::of_origin(&it.origin);
        let mut transaction = self.begin().await.map_err(&failed)?;
        let head = "SELECT head FROM conversations WHERE id = $1";
        let head = sqlx::query(head).bind(&id);
        let head = head.fetch_optional(&mut *transaction).await;
        let (known, last) = match head.map_err(&failed)? {
            None => (None, None),
            Some(row) => {
                let head: Option<i64> = row.try_get(0).map_err(&failed)?;
                let said = said(&mut transaction, head).await.map_err(&failed)?;
                (Some(said), head)
            }
        };
        let told = it.turns.iter();
        let told = told.map(|(_, kept)| serde_json::to_value(&kept.turn.messages));
        let told = told.collect::<serde_json::Result<Vec<_>>>();
        let told = told.map_err(|error| {
            Error::new(ErrorKind::Unexpected, format!("a turn is no JSON: {error}"))
        })?;
        let (done, outcome) = match &known {
            None => (0, Import::New),
            Some(said) if said.len() < told.len() && told.starts_with(said) => {
                (said.len(), Import::Longer(told.len() - said.len()))
            }
            Some(_) => return Ok(Import::Known),
        };
        if !changes {
            return Ok(outcome);
        }
        if known.is_none() {
            let made = "INSERT INTO conversations (id, title, system, created_ms, updated_ms)
                VALUES ($1, $2, $3, $4, $5)";
            let made = sqlx::query(made).bind(&id).bind(plain(&it.title));
            let made = made.bind(it.system.as_deref().map(plain));
            let made = made.bind(it.created_ms).bind(it.created_ms);
            made.execute(&mut *transaction).await.map_err(&failed)?;
        }
        let mut last = last;
        for (at_ms, kept) in it.turns.iter().skip(done) {
            let turn = place(&mut transaction, &id, last, *at_ms).await?;
            write_content(&mut transaction, turn, kept).await?;
            if !kept.turn.usage.is_empty() {
                count(&mut transaction, turn, *at_ms, kept).await?;
            }
            last = Some(turn.0);
        }
        let updated = it.turns.last().map_or(it.created_ms, |(at_ms, _)| *at_ms);
        let done = "UPDATE conversations SET head = $1, updated_ms = $2 WHERE id = $3";
        let done = sqlx::query(done).bind(last).bind(updated).bind(&id);
        done.execute(&mut *transaction).await.map_err(&failed)?;
        transaction.commit().await.map_err(&failed)?;
        Ok(outcome)
    }
}

/// The messages of the turns up to a head. What else is known of a turn may change where
/// it comes from: of a whole conversation some programs keep one model.
async fn said(
    transaction: &mut Transaction<'_, Any>,
    head: Option<i64>,
) -> sqlx::Result<Vec<Value>> {
    let rows = sqlx::query(BRANCH).bind(head);
    let rows = rows.fetch_all(&mut **transaction).await?;
    let messages = rows.iter().map(|row| {
        let content: String = row.try_get("content")?;
        // What can't be read is like nothing that is told.
        let mut turn: Value = serde_json::from_str(&content).unwrap_or_default();
        let messages = turn.get_mut("messages").map(Value::take);
        Ok(messages.unwrap_or_default())
    });
    messages.collect()
}

/// Makes room for a turn of that time.
async fn place(
    transaction: &mut Transaction<'_, Any>,
    conversation: &str,
    parent: Option<i64>,
    at_ms: i64,
) -> Result<TurnId> {
    let failed = failed("taking a conversation over");
    let made = "INSERT INTO turns (id, conversation, parent, created_ms, content, text)
        VALUES ($1, $2, $3, $4, '', '') ON CONFLICT (id) DO NOTHING";
    let mut turn = id::turn_at(at_ms);
    loop {
        let made = sqlx::query(made).bind(turn.0).bind(conversation);
        let made = made.bind(parent).bind(at_ms);
        let made = made.execute(&mut **transaction).await.map_err(&failed)?;
        if made.rows_affected() > 0 {
            return Ok(turn);
        }
        turn.0 += 1;
    }
}

//! Beginning a conversation under a name that a person may have seen already.

use crate::failure::failed;
use crate::id;
use crate::store::Store;
use crate::texts::plain;
use parlor_core::{Error, ErrorKind, Result};
use sqlx::{Any, Transaction};

/// Letters of a new conversation's id, and how many ids are tried before it is
/// made longer.
const ID_LENGTH: usize = 4;
const TRIES: usize = 4;

impl Store {
    /// An id for a conversation that is begun later, by
    /// [`create_as`](Self::create_as). Nothing is opened, kept or reserved.
    pub fn new_id() -> String {
        id::conversation(ID_LENGTH)
    }

    /// Begins a conversation under an id of [`new_id`](Self::new_id), and answers
    /// with the id that it has: where another conversation took that one
    /// meanwhile, it is a new one.
    ///
    /// # Errors
    /// As of [`ConversationStore`](parlor_agent::ConversationStore).
    pub async fn create_as(&self, id: &str, title: &str, system: Option<&str>) -> Result<String> {
        let failed = failed("beginning a conversation");
        let mut transaction = self.begin().await.map_err(&failed)?;
        let id = self.made(&mut transaction, id, title, system, None).await?;
        transaction.commit().await.map_err(&failed)?;
        Ok(id)
    }

    /// Begins a conversation under this id, or under another where it is taken.
    pub(crate) async fn made(
        &self,
        transaction: &mut Transaction<'_, Any>,
        wanted: &str,
        title: &str,
        system: Option<&str>,
        forked_from: Option<&str>,
    ) -> Result<String> {
        let now = id::now_ms();
        let statement = "INSERT INTO conversations
        (id, title, system, created_ms, updated_ms, forked_from, owner)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";
        let mut id = plain(wanted).into_owned();
        for attempt in 1.. {
            let made = sqlx::query(statement).bind(&id).bind(plain(title));
            let made = made
                .bind(system.map(plain))
                .bind(now)
                .bind(now)
                .bind(forked_from.map(plain))
                .bind(self.owner.as_deref());
            let made = made.execute(&mut **transaction).await;
            if made
                .map_err(failed("beginning a conversation"))?
                .rows_affected()
                > 0
            {
                return Ok(id);
            }
            id = id::conversation(ID_LENGTH + attempt / TRIES);
        }
        Err(Error::new(
            ErrorKind::Unexpected,
            "no name is left for a conversation",
        ))
    }
}

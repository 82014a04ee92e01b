//! A conversation as the tree that it is, and lists of them in pieces.

use crate::conversations::{BRANCH, belongs, unknown, unreadable};
use crate::failure::failed;
use crate::info::{NEXT, ONE, cost};
use crate::store::Store;
use crate::summary::KeptSummary;
use crate::texts::plain;
use parlor_agent::{ConversationStore, History, Kept, KeptInfo, Turn, TurnId};
use parlor_core::{Cost, Result};
use sqlx::Row;

/// A turn's place in its conversation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Branched {
    /// The turn.
    pub id: TurnId,
    /// The turn that it follows; none for the first.
    pub parent: Option<TurnId>,
    /// When it began, in milliseconds since 1970 (UTC).
    pub created_ms: i64,
    /// What it cost, where that is known.
    pub cost: Option<Cost>,
}

/// The conversation that a list goes on after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// When it changed last, in milliseconds since 1970 (UTC).
    pub updated_ms: i64,
    /// Its id.
    pub id: String,
}

impl Store {
    /// A conversation with the history up to a turn, or up to the head.
    ///
    /// # Errors
    /// As [`ConversationStore::load`], and where it has no such turn.
    pub async fn load_until(&self, id: &str, until: Option<TurnId>) -> Result<Kept> {
        let failed = failed("reading a conversation");
        let info = self.infos(ONE, |query| {
            query.bind(plain(id).into_owned()).bind(self.owner.clone())
        });
        let info = info.await?.into_iter().next().ok_or_else(|| unknown(id))?;
        let about = "SELECT system, summary, head FROM conversations WHERE id = $1";
        let about = sqlx::query(about)
            .bind(plain(id))
            .fetch_optional(&self.pool)
            .await;
        // Somebody may have deleted it since.
        let about = about.map_err(&failed)?.ok_or_else(|| unknown(id))?;
        let head: Option<i64> = match until {
            Some(until) => {
                let mut transaction = self.pool.begin().await.map_err(&failed)?;
                belongs(&mut transaction, id, until).await?;
                Some(until.0)
            }
            None => about.try_get("head").map_err(&failed)?,
        };
        let rows = sqlx::query(BRANCH).bind(head).fetch_all(&self.pool).await;
        let rows = rows.map_err(&failed)?;
        let (mut ids, mut turns) = (Vec::new(), Vec::new());
        for row in &rows {
            let content: &str = row.try_get("content").map_err(&failed)?;
            let turn: Turn = serde_json::from_str(content).map_err(unreadable)?;
            if !History::of(None, vec![turn.clone()], None).is_empty() {
                turns.push(turn);
                ids.push(TurnId(row.try_get("id").map_err(&failed)?));
            }
        }
        let summary: Option<&str> = about.try_get("summary").map_err(&failed)?;
        let summary = summary.and_then(KeptSummary::read);
        let summary = summary.and_then(|it| it.of_branch(&ids));
        let system = about.try_get("system").map_err(&failed)?;
        let mut kept = Kept::default();
        kept.info = info;
        kept.history = History::of(system, turns, summary);
        kept.turns = ids;
        Ok(kept)
    }

    /// All turns of a conversation with their places, oldest first.
    ///
    /// # Errors
    /// As [`ConversationStore::load`].
    pub async fn tree(&self, id: &str) -> Result<Vec<Branched>> {
        let failed = failed("reading a conversation");
        let turns = "SELECT turns.id, parent, turns.created_ms, cost, currency, priced
            FROM turns JOIN conversations ON conversations.id = turns.conversation
            WHERE conversation = $1 AND (CAST($2 AS TEXT) IS NULL OR owner = $2)
            ORDER BY turns.id";
        let turns = sqlx::query(turns)
            .bind(plain(id))
            .bind(self.owner.as_deref());
        let rows = turns.fetch_all(&self.pool).await.map_err(&failed)?;
        let turn = |row: &sqlx::any::AnyRow| {
            let parent: Option<i64> = row.try_get("parent")?;
            Ok(Branched {
                id: TurnId(row.try_get("id")?),
                parent: parent.map(TurnId),
                created_ms: row.try_get("created_ms")?,
                cost: cost(row)?,
            })
        };
        let turns = rows.iter().map(turn).collect::<sqlx::Result<_>>();
        turns.map_err(&failed)
    }

    /// Whether a turn is the head of a conversation, or the one that began last by its id, which the
    /// clocks of several programs may not agree on.
    ///
    /// # Errors
    /// As [`ConversationStore::load`].
    pub async fn is_last(&self, id: &str, turn: TurnId) -> Result<bool> {
        let failed = failed("reading a conversation");
        let last = "SELECT 1 FROM conversations
            WHERE id = $1 AND (CAST($3 AS TEXT) IS NULL OR owner = $3)
                AND (head = $2 OR $2 = (SELECT MAX(id) FROM turns WHERE conversation = $1))";
        let last = sqlx::query(last).bind(plain(id)).bind(turn.0);
        let last = last.bind(self.owner.as_deref());
        let last = last.fetch_optional(&self.pool).await.map_err(&failed)?;
        Ok(last.is_some())
    }

    /// One turn of a conversation, wherever it stands.
    ///
    /// # Errors
    /// As [`ConversationStore::load`], and where it has no such turn.
    pub async fn turn(&self, id: &str, turn: TurnId) -> Result<Turn> {
        let failed = failed("reading a turn");
        let found = "SELECT content
            FROM turns JOIN conversations ON conversations.id = turns.conversation
            WHERE turns.id = $1 AND conversation = $2
                AND (CAST($3 AS TEXT) IS NULL OR owner = $3)";
        let found = sqlx::query(found).bind(turn.0).bind(plain(id));
        let found = found.bind(self.owner.as_deref());
        let found = found.fetch_optional(&self.pool).await.map_err(&failed)?;
        let row = found.ok_or_else(|| crate::conversations::no_turn(turn))?;
        let content: &str = row.try_get("content").map_err(&failed)?;
        serde_json::from_str(content).map_err(unreadable)
    }

    /// Says by which name of a model a conversation goes on, until its next turn.
    ///
    /// # Errors
    /// As of [`ConversationStore`].
    pub async fn set_model(&self, id: &str, model: Option<&str>) -> Result<()> {
        let statement = "UPDATE conversations SET model = $1
            WHERE id = $2 AND (CAST($3 AS TEXT) IS NULL OR owner = $3)";
        self.change(statement, model, id).await
    }

    /// The conversations that changed last before one of them, newest first: what
    /// a list goes on with, whatever has changed since it began.
    ///
    /// # Errors
    /// As of [`ConversationStore`].
    pub async fn list_since(&self, limit: u32, since: Option<&Since>) -> Result<Vec<KeptInfo>> {
        let Some(since) = since.cloned() else {
            return self.list(limit, 0).await;
        };
        self.infos(NEXT, |query| {
            let query = query.bind(i64::from(limit)).bind(since.updated_ms);
            query
                .bind(plain(&since.id).into_owned())
                .bind(self.owner.clone())
        })
        .await
    }
}

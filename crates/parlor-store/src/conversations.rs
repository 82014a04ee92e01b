//! Keeping conversations: the trait, written in statements.

use crate::counted::{billionths, count, tokens};
use crate::failure::failed;
use crate::id;
use crate::info::NEWEST;
use crate::store::Store;
use crate::summary::KeptSummary;
use crate::texts::{plain, searched};
use async_trait::async_trait;
use parlor_agent::{
    ConversationStore, Found, Kept, KeptInfo, KeptTurn, Summary, TurnId, UsageBy, UsageRow,
};
use parlor_core::{Error, ErrorKind, Result};
use sqlx::{Any, Row, Transaction};
use std::collections::HashMap;

/// The turns of a conversation from its first to a turn.
pub(crate) const BRANCH: &str = "WITH RECURSIVE branch (id, parent, depth) AS (
        SELECT id, parent, 0 FROM turns WHERE id = $1
        UNION ALL
        SELECT turns.id, turns.parent, depth + 1
            FROM turns JOIN branch ON turns.id = branch.parent)
    SELECT turns.id, turns.content FROM branch JOIN turns ON turns.id = branch.id
    ORDER BY depth DESC";

const COPY: &str = "INSERT INTO turns (id, conversation, parent, created_ms, content, text, model,
        input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, cost, currency, priced)
    SELECT CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS BIGINT), created_ms, content, text,
        model, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, cost, currency,
        priced
    FROM turns WHERE id = $4";

#[async_trait]
impl ConversationStore for Store {
    async fn create(&self, title: &str, system: Option<&str>) -> Result<String> {
        self.create_as(&Self::new_id(), title, system).await
    }

    async fn resolve(&self, typed: &str) -> Result<String> {
        let failed = failed("looking for a conversation");
        let wanted = typed.trim().to_lowercase();
        let is_name = !wanted.is_empty() && wanted.bytes().all(|it| it.is_ascii_alphanumeric());
        let like = if is_name {
            format!("{wanted}%")
        } else {
            String::new()
        };
        let statement = "SELECT id FROM conversations
            WHERE id LIKE $1 AND (CAST($2 AS TEXT) IS NULL OR owner = $2)
            ORDER BY updated_ms DESC LIMIT 6";
        let rows = sqlx::query(statement)
            .bind(like)
            .bind(self.owner.as_deref())
            .fetch_all(&self.pool)
            .await;
        let ids = rows.map_err(&failed)?;
        let ids = ids.iter().map(|row| row.try_get::<String, _>(0));
        let ids = ids.collect::<sqlx::Result<Vec<_>>>().map_err(&failed)?;
        match ids.as_slice() {
            [only] => Ok(only.clone()),
            ids if ids.contains(&wanted) => Ok(wanted),
            [] => Err(unknown(typed)),
            several => {
                let message = format!(
                    "several conversations begin with `{typed}`: {}",
                    several.join(", ")
                );
                Err(Error::new(ErrorKind::Validation, message).with_help("Type one letter more."))
            }
        }
    }

    async fn load(&self, id: &str) -> Result<Kept> {
        self.load_until(id, None).await
    }

    async fn append(&self, id: &str, after: Option<TurnId>, turn: &KeptTurn) -> Result<TurnId> {
        let failed = failed("keeping a turn");
        let mut transaction = self.begin().await.map_err(&failed)?;
        let new = id::turn();
        let now = id::now_ms();
        // From now on its last turn tells its model.
        let changed = "UPDATE conversations SET head = $1, updated_ms = $2, model = NULL
            WHERE id = $3 AND (CAST($4 AS TEXT) IS NULL OR owner = $4)";
        let changed = sqlx::query(changed).bind(new.0).bind(now).bind(plain(id));
        let changed = changed
            .bind(self.owner.as_deref())
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        if changed.rows_affected() == 0 {
            return Err(unknown(id));
        }
        if let Some(after) = after {
            belongs(&mut transaction, id, after).await?;
        }
        let added = "INSERT INTO turns (id, conversation, parent, created_ms, content, text)
            VALUES ($1, $2, $3, $4, '', '')";
        let added = sqlx::query(added)
            .bind(new.0)
            .bind(plain(id))
            .bind(after.map(|it| it.0))
            .bind(now);
        added.execute(&mut *transaction).await.map_err(&failed)?;
        write(&mut transaction, new, turn).await?;
        transaction.commit().await.map_err(&failed)?;
        Ok(new)
    }

    async fn update(&self, turn: TurnId, content: &KeptTurn) -> Result<()> {
        let failed = failed("keeping a turn");
        let mut transaction = self.begin().await.map_err(&failed)?;
        // The conversation first, as who deletes it does: two who wait for each other would fail.
        let changed = "UPDATE conversations SET updated_ms = $1
            WHERE id = (SELECT conversation FROM turns WHERE id = $2)
                AND (CAST($3 AS TEXT) IS NULL OR owner = $3)";
        let changed = sqlx::query(changed).bind(id::now_ms()).bind(turn.0);
        let changed = changed.bind(self.owner.as_deref());
        let changed = changed.execute(&mut *transaction).await.map_err(&failed)?;
        if changed.rows_affected() == 0 {
            return Err(no_turn(turn));
        }
        write(&mut transaction, turn, content).await?;
        transaction.commit().await.map_err(&failed)
    }

    async fn set_head(&self, id: &str, head: Option<TurnId>) -> Result<()> {
        let failed = failed("going back");
        let mut transaction = self.begin().await.map_err(&failed)?;
        if let Some(head) = head {
            belongs(&mut transaction, id, head).await?;
        }
        let changed = "UPDATE conversations SET head = $1, updated_ms = $2
            WHERE id = $3 AND (CAST($4 AS TEXT) IS NULL OR owner = $4)";
        let changed = sqlx::query(changed)
            .bind(head.map(|it| it.0))
            .bind(id::now_ms())
            .bind(plain(id))
            .bind(self.owner.as_deref());
        let changed = changed.execute(&mut *transaction).await.map_err(&failed)?;
        if changed.rows_affected() == 0 {
            return Err(unknown(id));
        }
        transaction.commit().await.map_err(&failed)
    }

    async fn set_title(&self, id: &str, title: &str) -> Result<()> {
        self.change(
            "UPDATE conversations SET title = $1
                WHERE id = $2 AND (CAST($3 AS TEXT) IS NULL OR owner = $3)",
            Some(title),
            id,
        )
        .await
    }

    async fn set_system(&self, id: &str, system: Option<&str>) -> Result<()> {
        self.change(
            "UPDATE conversations SET system = $1
                WHERE id = $2 AND (CAST($3 AS TEXT) IS NULL OR owner = $3)",
            system,
            id,
        )
        .await
    }

    async fn set_summary(&self, id: &str, summary: Option<&Summary>) -> Result<()> {
        let summary = match summary {
            Some(summary) => {
                let turns = self.load_until(id, None).await?.turns;
                Some(KeptSummary::new(summary, &turns).write()?)
            }
            None => None,
        };
        let statement = "UPDATE conversations SET summary = $1
            WHERE id = $2 AND (CAST($3 AS TEXT) IS NULL OR owner = $3)";
        self.change(statement, summary.as_deref(), id).await
    }

    async fn fork(&self, id: &str, until: Option<TurnId>) -> Result<String> {
        let failed = failed("forking a conversation");
        let mut transaction = self.begin().await.map_err(&failed)?;
        let about = "SELECT title, system, summary, head FROM conversations
            WHERE id = $1 AND (CAST($2 AS TEXT) IS NULL OR owner = $2)";
        let about = sqlx::query(about)
            .bind(plain(id))
            .bind(self.owner.as_deref())
            .fetch_optional(&mut *transaction)
            .await;
        let about = about.map_err(&failed)?.ok_or_else(|| unknown(id))?;
        let (title, system): (String, Option<String>) = (
            about.try_get("title").map_err(&failed)?,
            about.try_get("system").map_err(&failed)?,
        );
        let until = match until {
            Some(until) => {
                belongs(&mut transaction, id, until).await?;
                Some(until.0)
            }
            None => about.try_get("head").map_err(&failed)?,
        };
        let system = system.as_deref();
        let fork = self
            .made(&mut transaction, &Self::new_id(), &title, system, Some(id))
            .await?;
        let rows = sqlx::query(BRANCH)
            .bind(until)
            .fetch_all(&mut *transaction)
            .await;
        let mut last: Option<i64> = None;
        let mut copies = HashMap::new();
        for row in &rows.map_err(&failed)? {
            let old: i64 = row.try_get("id").map_err(&failed)?;
            let new = id::turn().0;
            let copied = sqlx::query(COPY).bind(new).bind(&fork).bind(last).bind(old);
            copied.execute(&mut *transaction).await.map_err(&failed)?;
            copies.insert(old, new);
            last = Some(new);
        }
        let summary: Option<&str> = about.try_get("summary").map_err(&failed)?;
        let summary = summary.and_then(KeptSummary::read);
        let summary = summary.and_then(|it| it.copied(&copies));
        let summary = summary.map(|it| it.write()).transpose()?;
        let finished = "UPDATE conversations SET head = $1, summary = $2 WHERE id = $3";
        let finished = sqlx::query(finished).bind(last).bind(summary).bind(&fork);
        finished.execute(&mut *transaction).await.map_err(&failed)?;
        transaction.commit().await.map_err(&failed)?;
        Ok(fork)
    }

    async fn delete(&self, id: &str) -> Result<()> {
        let failed = failed("deleting a conversation");
        let gone = "DELETE FROM conversations
            WHERE id = $1 AND (CAST($2 AS TEXT) IS NULL OR owner = $2)";
        let gone = sqlx::query(gone)
            .bind(plain(id))
            .bind(self.owner.as_deref());
        let gone = gone.execute(&self.pool).await.map_err(&failed)?;
        match gone.rows_affected() {
            0 => Err(unknown(id)),
            _ => Ok(()),
        }
    }

    async fn list(&self, limit: u32, skip: u32) -> Result<Vec<KeptInfo>> {
        self.infos(NEWEST, |query| {
            let query = query.bind(i64::from(limit)).bind(i64::from(skip));
            query.bind(self.owner.clone())
        })
        .await
    }

    async fn search(&self, words: &str, limit: u32) -> Result<Vec<Found>> {
        self.find(words, limit).await
    }

    async fn usage(&self, since_ms: i64, by: UsageBy) -> Result<Vec<UsageRow>> {
        self.used(since_ms, by).await
    }
}

impl Store {
    /// Sets `$1` of the conversation `$2`, if it is `$3`'s.
    pub(crate) async fn change(
        &self,
        statement: &'static str,
        value: Option<&str>,
        id: &str,
    ) -> Result<()> {
        let changed = sqlx::query(statement)
            .bind(value.map(plain))
            .bind(plain(id));
        let changed = changed.bind(self.owner.as_deref());
        let changed = changed.execute(&self.pool).await;
        match changed
            .map_err(failed("changing a conversation"))?
            .rows_affected()
        {
            0 => Err(unknown(id)),
            _ => Ok(()),
        }
    }
}

pub(crate) async fn belongs(
    transaction: &mut Transaction<'_, Any>,
    id: &str,
    turn: TurnId,
) -> Result<()> {
    let found = "SELECT 1 FROM turns WHERE id = $1 AND conversation = $2";
    let found = sqlx::query(found).bind(turn.0).bind(plain(id));
    let found = found.fetch_optional(&mut **transaction).await;
    match found.map_err(failed("looking for a turn"))? {
        Some(_) => Ok(()),
        None => Err(Error::new(
            ErrorKind::Validation,
            format!("conversation `{id}` has no turn {}", turn.0),
        )),
    }
}

/// Writes what a turn is, and what it used.
async fn write(transaction: &mut Transaction<'_, Any>, id: TurnId, kept: &KeptTurn) -> Result<()> {
    write_content(transaction, id, kept).await?;
    count(transaction, id, id::now_ms(), kept).await
}

/// Writes what a turn is.
pub(crate) async fn write_content(
    transaction: &mut Transaction<'_, Any>,
    id: TurnId,
    kept: &KeptTurn,
) -> Result<()> {
    let failed = failed("keeping a turn");
    let content = serde_json::to_string(&kept.turn).map_err(unreadable)?;
    let cost = kept.cost.as_ref();
    let mut written = sqlx::query(
        "UPDATE turns SET content = $1, text = $2, model = $3, input_tokens = $4,
            output_tokens = $5, cached_input_tokens = $6, reasoning_tokens = $7, cost = $8,
            currency = $9, priced = $10 WHERE id = $11",
    );
    written = written
        .bind(content)
        .bind(searched(kept))
        .bind(kept.turn.model.as_deref().map(plain));
    for count in tokens(kept) {
        written = written.bind(count);
    }
    written = written
        .bind(cost.map(billionths))
        .bind(cost.map(|it| plain(&it.currency)))
        .bind(cost.map(|it| plain(&it.as_of)))
        .bind(id.0);
    let written = written.execute(&mut **transaction).await.map_err(&failed)?;
    if written.rows_affected() == 0 {
        return Err(no_turn(id));
    }
    Ok(())
}

pub(crate) fn no_turn(id: TurnId) -> Error {
    let message = format!("there is no turn {} any more", id.0);
    Error::new(ErrorKind::Validation, message)
}

pub(crate) fn unknown(id: &str) -> Error {
    Error::new(
        ErrorKind::Validation,
        format!("there is no conversation `{id}`"),
    )
    .with_help("List the conversations that are kept: `parlor history`.")
}

pub(crate) fn unreadable(error: serde_json::Error) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        format!("a kept turn can't be read: {error}"),
    )
    .with_source(error)
}

//! The tables, and the steps from each version of them to the next.

use crate::database::Database;
use crate::failure::failed;
use parlor_core::{Error, ErrorKind, Result};
use sqlx::{Any, AnyPool, AssertSqlSafe, Row};

/// What each version adds to the one before. A step that was released is never
/// changed. `{key}` is the database's word, `{index}`, `{words}` and `{folded}` stand for its statements.
/// Costs are whole billionths, so that sums are exact.
const STEPS: &[&[&str]] = &[
    &[
        "CREATE TABLE conversations (
        id TEXT PRIMARY KEY,
        title TEXT NOT NULL,
        system TEXT,
        summary TEXT,
        created_ms BIGINT NOT NULL,
        updated_ms BIGINT NOT NULL,
        forked_from TEXT,
        head BIGINT)",
        "CREATE INDEX conversations_updated ON conversations (updated_ms)",
        "CREATE TABLE turns (
        id {key} PRIMARY KEY,
        conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        parent BIGINT,
        created_ms BIGINT NOT NULL,
        content TEXT NOT NULL,
        text TEXT NOT NULL,
        model TEXT,
        input_tokens BIGINT,
        output_tokens BIGINT,
        cached_input_tokens BIGINT,
        reasoning_tokens BIGINT,
        cost BIGINT,
        currency TEXT,
        priced TEXT)",
        "CREATE INDEX turns_conversation ON turns (conversation)",
        "CREATE TABLE usage (
        turn {key} PRIMARY KEY,
        at_ms BIGINT NOT NULL,
        provider TEXT,
        model TEXT,
        input_tokens BIGINT,
        output_tokens BIGINT,
        cached_input_tokens BIGINT,
        reasoning_tokens BIGINT,
        first_event_ms BIGINT,
        total_ms BIGINT,
        cost BIGINT,
        currency TEXT,
        priced TEXT)",
        "CREATE INDEX usage_at ON usage (at_ms)",
        "{index}",
    ],
    &[
        // Whose it is, where several share a store; the model that it goes on with.
        "ALTER TABLE conversations ADD COLUMN owner TEXT",
        "ALTER TABLE conversations ADD COLUMN model TEXT",
        "CREATE INDEX conversations_owner ON conversations (owner, updated_ms)",
    ],
    &[
        "CREATE TABLE service_keys (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        hash TEXT NOT NULL UNIQUE,
        shown TEXT NOT NULL,
        terms TEXT NOT NULL,
        created_ms BIGINT NOT NULL,
        revoked_ms BIGINT)",
        "CREATE TABLE requests (
        id {key} PRIMARY KEY,
        at_ms BIGINT NOT NULL,
        request_id TEXT NOT NULL,
        service_key TEXT,
        dialect TEXT NOT NULL,
        asked TEXT NOT NULL,
        provider TEXT,
        model TEXT,
        served TEXT,
        outcome TEXT NOT NULL,
        status BIGINT NOT NULL,
        finish TEXT,
        input_tokens BIGINT,
        output_tokens BIGINT,
        cached_input_tokens BIGINT,
        cache_write_tokens BIGINT,
        reasoning_tokens BIGINT,
        is_estimated BIGINT NOT NULL,
        is_reused BIGINT NOT NULL,
        first_event_us BIGINT,
        total_us BIGINT NOT NULL,
        cost BIGINT,
        currency TEXT,
        priced TEXT)",
        "CREATE INDEX requests_at ON requests (at_ms)",
    ],
    &[
        "CREATE TABLE responses (
        id TEXT PRIMARY KEY,
        at_ms BIGINT NOT NULL,
        content TEXT NOT NULL)",
        "CREATE INDEX responses_at ON responses (at_ms)",
    ],
    &["{words}"],
    &["{folded}"],
];

const VERSION: &str = "SELECT version FROM parlor_schema";

/// Brings the tables up to date. Several programs may do so at once.
pub(crate) async fn bring_up(pool: &AnyPool, database: &Database) -> Result<()> {
    if version(pool).await == Some(latest()) {
        return Ok(());
    }
    let failed = failed("making its tables");
    let mut transaction = pool.begin_with(database.begin).await.map_err(&failed)?;
    if let Some(alone) = database.alone {
        let alone = sqlx::query(alone).execute(&mut *transaction).await;
        alone.map_err(&failed)?;
    }
    let first = "CREATE TABLE IF NOT EXISTS parlor_schema (version BIGINT NOT NULL)";
    sqlx::query(first)
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
    let found = sqlx::query(VERSION).fetch_optional(&mut *transaction).await;
    let found = found.map_err(&failed)?;
    let found: i64 = match &found {
        Some(row) => row.try_get(0).map_err(&failed)?,
        None => 0,
    };
    if found > latest() {
        return Err(newer(found));
    }
    let done = usize::try_from(found).unwrap_or(0);
    for step in STEPS.iter().skip(done).flat_map(|steps| steps.iter()) {
        let statements: Vec<String> = match *step {
            "{index}" => database.index.iter().map(|it| (*it).to_owned()).collect(),
            "{words}" => database.words.iter().map(|it| (*it).to_owned()).collect(),
            "{folded}" => database.folded.iter().map(|it| (*it).to_owned()).collect(),
            step => vec![step.replace("{key}", database.key)],
        };
        for statement in statements {
            let made = sqlx::query::<Any>(AssertSqlSafe(statement));
            made.execute(&mut *transaction).await.map_err(&failed)?;
        }
    }
    let told = match found {
        0 => "INSERT INTO parlor_schema (version) VALUES ($1)",
        _ => "UPDATE parlor_schema SET version = $1",
    };
    let told = sqlx::query(told).bind(latest());
    told.execute(&mut *transaction).await.map_err(&failed)?;
    transaction.commit().await.map_err(&failed)
}

/// The version of the tables that are there; a newer one is seen by
/// [`bring_up`], which then knows that it is right.
async fn version(pool: &AnyPool) -> Option<i64> {
    let row = sqlx::query(VERSION).fetch_optional(pool).await.ok()??;
    row.try_get(0).ok()
}

fn latest() -> i64 {
    STEPS.len() as i64
}

fn newer(found: i64) -> Error {
    let message = format!(
        "the store was made by a newer parlor: its tables have version {found}, this program knows {}",
        latest()
    );
    Error::new(ErrorKind::Configuration, message)
        .with_help("Update parlor, or use another file for the store.")
}

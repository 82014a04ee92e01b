//! Keys that a service gives out: kept as digests, with what each may.

use crate::failure::failed;
use crate::id;
use crate::store::Store;
use crate::texts::plain;
use parlor_core::{Error, ErrorKind, Result, Secret};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::any::AnyRow;
use std::fmt::Write as _;

/// How every key begins, so that scanners for leaked ones find them.
const BEGIN: &str = "sk-parlor-";
/// How many letters of a key are shown again, its beginning included.
const SHOWN: usize = BEGIN.len() + 4;

/// A key that a service gave out, without the key itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServiceKey {
    /// Names it in what is counted.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// How the key begins.
    pub shown: String,
    /// What it may.
    pub terms: KeyTerms,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// Since when it is void.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_ms: Option<i64>,
}

/// What a key may; by default everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct KeyTerms {
    /// The models it may ask, by the name that clients call them; `*` stands for any letters.
    /// Without any, all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// How many requests in any minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// How many tokens in any minute, of input and output together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// What it may use in all, or in each day or month.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Allowed>,
    /// When it ends, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<i64>,
}

/// So much in a span of time: money where there is a currency, else tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Allowed {
    /// How much, in whole units of the currency or in tokens.
    pub amount: f64,
    /// The currency's ISO 4217 code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// In which time.
    pub per: Span,
}

impl Allowed {
    /// So much in a span.
    pub fn new(amount: f64, currency: Option<String>, per: Span) -> Self {
        Self {
            amount,
            currency,
            per,
        }
    }
}

/// The time that an allowance is for; days and months are those of the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Span {
    /// A day.
    Day,
    /// A month.
    Month,
    /// All of the key's life.
    Life,
}

impl Store {
    /// Makes a key, and gives it out: it can't be shown again.
    ///
    /// # Errors
    /// `Validation` where the name is taken.
    pub async fn add_service_key(
        &self,
        name: &str,
        terms: KeyTerms,
    ) -> Result<(ServiceKey, Secret)> {
        let failed = failed("keeping a key");
        let mut chance = [0; 32];
        getrandom::fill(&mut chance).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "the system gives no random numbers")
                .with_source(error)
        })?;
        let secret = format!("{BEGIN}{}", hex(&chance));
        let made = ServiceKey {
            id: format!("key_{}", id::conversation(8)),
            name: plain(name).into_owned(),
            shown: secret.chars().take(SHOWN).collect(),
            terms,
            created_ms: id::now_ms(),
            revoked_ms: None,
        };
        let terms = serde_json::to_string(&made.terms).map_err(unreadable)?;
        let added = sqlx::query(
            "INSERT INTO service_keys (id, name, hash, shown, terms, created_ms)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(made.id.as_str())
        .bind(made.name.as_str())
        .bind(digest(&secret))
        .bind(made.shown.as_str())
        .bind(terms)
        .bind(made.created_ms);
        let added = added.execute(&self.pool).await.map_err(&failed)?;
        if added.rows_affected() == 0 {
            let message = format!("there is a key called `{name}` already");
            return Err(Error::new(ErrorKind::Validation, message)
                .with_help("Give the new one another name; that of a revoked one stays taken."));
        }
        Ok((made, secret.into()))
    }

    /// All keys, revoked ones too, the oldest first.
    ///
    /// # Errors
    /// Where the store can't be read.
    pub async fn service_keys(&self) -> Result<Vec<ServiceKey>> {
        let failed = failed("reading the keys");
        let rows = sqlx::query("SELECT * FROM service_keys ORDER BY created_ms, id");
        let rows = rows.fetch_all(&self.pool).await.map_err(&failed)?;
        rows.iter().map(read).collect()
    }

    /// The key that was shown, where it was given out here: one that was revoked too.
    ///
    /// # Errors
    /// Where the store can't be read: `Connection` while it is away.
    pub async fn service_key_of(&self, shown: &str) -> Result<Option<ServiceKey>> {
        if !shown.starts_with(BEGIN) {
            return Ok(None);
        }
        let failed = failed("looking a key up");
        let row = sqlx::query("SELECT * FROM service_keys WHERE hash = $1").bind(digest(shown));
        let row = row.fetch_optional(&self.pool).await.map_err(&failed)?;
        row.as_ref().map(read).transpose()
    }

    /// Makes a key void, by its name, id or beginning as it is shown.
    ///
    /// # Errors
    /// `Validation` where there is no such key, or several begin so.
    pub async fn revoke_service_key(&self, which: &str) -> Result<ServiceKey> {
        let failed = failed("revoking a key");
        let keys = self.service_keys().await?;
        let by_name = keys.iter().filter(|it| it.name == which || it.id == which);
        let mut found: Vec<_> = by_name.collect();
        if found.is_empty() {
            found = keys.iter().filter(|it| it.shown == which).collect();
        }
        let [key] = found[..] else {
            let message = match found.len() {
                0 => format!("there is no key called `{which}`"),
                _ => format!("several keys begin with `{which}`"),
            };
            return Err(Error::new(ErrorKind::Validation, message)
                .with_help("`parlor serve keys list` shows them."));
        };
        let mut key = key.clone();
        let now = *key.revoked_ms.get_or_insert(id::now_ms());
        let revoked = sqlx::query("UPDATE service_keys SET revoked_ms = $1 WHERE id = $2");
        let revoked = revoked.bind(now).bind(key.id.as_str());
        revoked.execute(&self.pool).await.map_err(&failed)?;
        Ok(key)
    }
}

fn read(row: &AnyRow) -> Result<ServiceKey> {
    let failed = failed("reading the keys");
    let terms: String = row.try_get("terms").map_err(&failed)?;
    Ok(ServiceKey {
        id: row.try_get("id").map_err(&failed)?,
        name: row.try_get("name").map_err(&failed)?,
        shown: row.try_get("shown").map_err(&failed)?,
        // Terms that can't be read must not become none.
        terms: serde_json::from_str(&terms).map_err(unreadable)?,
        created_ms: row.try_get("created_ms").map_err(&failed)?,
        revoked_ms: row.try_get("revoked_ms").map_err(&failed)?,
    })
}

/// Keys are long and of chance: one round of a digest can't be turned back.
fn digest(key: &str) -> String {
    hex(&Sha256::digest(key.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Unexpected, "the terms of a key can't be read").with_source(error)
}

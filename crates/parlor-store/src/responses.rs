//! Answers that clients of a service go on from, kept as text for a while.

use crate::failure::failed;
use crate::store::Store;
use crate::texts::plain;
use parlor_core::Result;
use sqlx::Row;

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptResponse {
    /// What it is found by.
    pub key: String,
    /// When it was given, in milliseconds since 1970.
    pub at_ms: i64,
    /// The text itself.
    pub text: String,
}

impl Store {
    /// Keeps answers, all or none, each in the place of another of the same key.
    ///
    /// # Errors
    /// `Connection` where the store is away for now, else `Unexpected`.
    pub async fn keep_responses<'a>(
        &self,
        responses: impl IntoIterator<Item = &'a KeptResponse>,
    ) -> Result<()> {
        let failed = failed("keeping an answer");
        let mut transaction = self.begin().await.map_err(&failed)?;
        for response in responses {
            let kept = "INSERT INTO responses (id, at_ms, content) VALUES ($1, $2, $3)
                ON CONFLICT (id) DO UPDATE SET at_ms = $2, content = $3";
            let kept = sqlx::query(kept)
                .bind(plain(&response.key))
                .bind(response.at_ms)
                .bind(plain(&response.text));
            kept.execute(&mut *transaction).await.map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)
    }

    /// The text of an answer that was given since then.
    ///
    /// # Errors
    /// As of [`keep_responses`](Self::keep_responses).
    pub async fn response(&self, key: &str, since_ms: i64) -> Result<Option<String>> {
        let failed = failed("looking for an answer");
        let found = "SELECT content FROM responses WHERE id = $1 AND at_ms >= $2";
        let found = sqlx::query(found).bind(plain(key)).bind(since_ms);
        let found = found.fetch_optional(&self.pool).await.map_err(&failed)?;
        found.map(|row| row.try_get(0)).transpose().map_err(&failed)
    }

    /// Takes an answer away; whether it was there.
    ///
    /// # Errors
    /// As of [`keep_responses`](Self::keep_responses).
    pub async fn forget_response(&self, key: &str) -> Result<bool> {
        let gone = sqlx::query("DELETE FROM responses WHERE id = $1").bind(plain(key));
        let gone = gone.execute(&self.pool).await;
        let gone = gone.map_err(failed("forgetting an answer"))?;
        Ok(gone.rows_affected() > 0)
    }

    /// Takes away all answers that were given before then, and says how many.
    ///
    /// # Errors
    /// As of [`keep_responses`](Self::keep_responses).
    pub async fn forget_responses(&self, before_ms: i64) -> Result<u64> {
        let gone = sqlx::query("DELETE FROM responses WHERE at_ms < $1").bind(before_ms);
        let gone = gone.execute(&self.pool).await;
        let gone = gone.map_err(failed("forgetting old answers"))?;
        Ok(gone.rows_affected())
    }
}

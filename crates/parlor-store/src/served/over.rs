//! What requests used over time, and how long they took.

use super::{COUNTS, REQUESTS, ServedBy, ServedRow, served_row};
use crate::failure::failed;
use crate::info::SUMS;
use crate::store::Store;
use crate::texts::plain;
use parlor_core::Result;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

/// Which requests are added up, and in what spans of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServedWhich {
    /// Those that came then or later, in milliseconds since 1970.
    pub since_ms: i64,
    /// Those that came before then.
    pub until_ms: i64,
    /// How long a span is, in milliseconds; spans begin at its multiples. Zero is for one span,
    /// which begins at `since_ms`.
    pub every_ms: u32,
    /// By what they are told apart within a span.
    pub by: ServedBy,
    /// Those of this key alone, by its id.
    pub key: Option<String>,
}

/// What the requests of a span used that ended in one way.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ServedPart {
    /// When the span begins, in milliseconds since 1970.
    pub at_ms: i64,
    /// How they ended: [`Outcome`](super::Outcome) in one word.
    pub outcome: String,
    /// What they used.
    pub row: ServedRow,
}

/// How long whole answers took that were made for their requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServedTimes {
    /// When the span begins, in milliseconds since 1970.
    pub at_ms: i64,
    /// The name of the key, or its id.
    pub key: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    first_event_us: Vec<u64>,
    total_us: Vec<u64>,
}

/// Two of the times of several answers, each one that was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quantiles {
    /// Half of them took no longer.
    pub median: u64,
    /// Of a hundred 95 took no longer.
    pub p95: u64,
}

impl ServedTimes {
    /// How many answers were timed.
    pub fn answers(&self) -> u64 {
        self.total_us.len() as u64
    }

    /// Microseconds until the first event; of an answer that isn't streamed that is its end.
    pub fn first_event_us(&self) -> Quantiles {
        Quantiles::of(self.first_event_us.clone())
    }

    /// Microseconds until the end.
    pub fn total_us(&self) -> Quantiles {
        Quantiles::of(self.total_us.clone())
    }

    /// Adds the times of others to these, whatever both are about.
    pub fn add(&mut self, other: &Self) {
        self.first_event_us.extend_from_slice(&other.first_event_us);
        self.total_us.extend_from_slice(&other.total_us);
    }
}

impl Quantiles {
    fn of(mut times: Vec<u64>) -> Self {
        // The smallest one that as many as wanted don't exceed.
        let mut at = |percent: usize| {
            let place = (times.len() * percent).div_ceil(100).checked_sub(1)?;
            Some(*times.select_nth_unstable(place).1)
        };
        Self {
            median: at(50).unwrap_or_default(),
            p95: at(95).unwrap_or_default(),
        }
    }
}

impl ServedWhich {
    /// The requests of this time, all together.
    pub fn new(since_ms: i64, until_ms: i64) -> Self {
        Self {
            since_ms,
            until_ms,
            ..Self::default()
        }
    }

    /// When a request's span begins, as a column.
    fn span(&self) -> String {
        match self.every_ms {
            0 => format!("CAST({} AS BIGINT) AS span", self.since_ms),
            every => format!("at_ms / {every} * {every} AS span"),
        }
    }
}

/// Which of them are looked at.
const WHERE: &str = "at_ms >= $1 AND at_ms < $2 AND (CAST($3 AS TEXT) IS NULL OR service_key = $3)";

/// All values of a column in one text.
fn listed(column: &str) -> String {
    format!("STRING_AGG(CAST({column} AS TEXT), ',')")
}

impl Store {
    /// What requests used, by span of time and by how they ended, the first span first.
    ///
    /// # Errors
    /// As of [`record`](Self::record).
    pub async fn served_over(&self, which: &ServedWhich) -> Result<Vec<ServedPart>> {
        let statement = format!(
            "SELECT {about}, currency, {span}, outcome, {COUNTS}, {SUMS} FROM {REQUESTS}
            WHERE {WHERE} GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 6, 1, 2, 3, 4, 7, 5",
            about = which.by.columns(self.database),
            span = which.span(),
        );
        self.rows(statement, which, |row| {
            Ok(ServedPart {
                at_ms: row.try_get("span")?,
                outcome: row.try_get("outcome")?,
                row: served_row(row)?,
            })
        })
        .await
    }

    /// How long answers took, by span of time, the first span first. One that failed, or that
    /// was made before for another request, isn't timed.
    ///
    /// All times come here, where they are put in order in less time than a database takes to
    /// number its rows: some 30 bytes of memory for each answer.
    ///
    /// # Errors
    /// As of [`record`](Self::record).
    pub async fn served_times(&self, which: &ServedWhich) -> Result<Vec<ServedTimes>> {
        let statement = format!(
            "SELECT {about}, {span}, {first} AS first_event_us, {total} AS total_us FROM {REQUESTS}
            WHERE {WHERE} AND outcome = 'completed' AND is_reused = 0
                AND first_event_us IS NOT NULL
            GROUP BY 1, 2, 3, 4, 5 ORDER BY 5, 1, 2, 3, 4",
            about = which.by.columns(self.database),
            span = which.span(),
            first = listed("first_event_us"),
            total = listed("total_us"),
        );
        self.rows(statement, which, |row| {
            let times = |of: &str| {
                let listed: String = row.try_get(of)?;
                let times = listed.split(',').map(|it| it.parse().unwrap_or_default());
                Ok::<Vec<u64>, sqlx::Error>(times.collect())
            };
            Ok(ServedTimes {
                at_ms: row.try_get("span")?,
                key: row.try_get("by_key")?,
                provider: row.try_get("by_provider")?,
                model: row.try_get("by_model")?,
                first_event_us: times("first_event_us")?,
                total_us: times("total_us")?,
            })
        })
        .await
    }

    async fn rows<T>(
        &self,
        statement: String,
        which: &ServedWhich,
        read: impl Fn(&AnyRow) -> sqlx::Result<T>,
    ) -> Result<Vec<T>> {
        let failed = failed("adding up what was used");
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(which.since_ms)
            .bind(which.until_ms)
            .bind(which.key.as_deref().map(plain));
        let rows = rows.fetch_all(&self.pool).await.map_err(&failed)?;
        let rows: sqlx::Result<Vec<T>> = rows.iter().map(read).collect();
        rows.map_err(&failed)
    }
}

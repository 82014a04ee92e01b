//! What requests to a service used: written down by the batch, and added up.

mod event;
mod over;

pub use event::{Outcome, ParentSpan, UsageEvent};
pub use over::{Quantiles, ServedPart, ServedTimes, ServedWhich};

use crate::counted::billionths;
use crate::database::Database;
use crate::failure::{failed, is_of_values};
use crate::info::{SUMS, cost, count, usage};
use crate::store::Store;
use crate::texts::plain;
use parlor_core::{Cost, Result, Usage};
use serde::{Deserialize, Serialize};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Arguments, AssertSqlSafe, Row};
use std::sync::Arc;

/// By what requests are added up; by default it is one sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServedBy {
    /// A row for each day (UTC).
    pub day: bool,
    /// A row for each key.
    pub key: bool,
    /// A row for each provider.
    pub provider: bool,
    /// A row for each model of each provider.
    pub model: bool,
}

/// What some requests used. What they are added up by is told, else `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ServedRow {
    /// The day (UTC) as `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// The name of the key, or its id where nobody knows its name any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model, as the provider calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How many requests.
    pub requests: u64,
    /// How many of them ended with a failure.
    pub failed: u64,
    /// Whose client went away before the end.
    pub left: u64,
    /// Their tokens.
    pub usage: Usage,
    /// What they cost: a sum for each currency.
    pub costs: Vec<Cost>,
    /// How many used tokens whose price isn't known.
    pub unpriced: u64,
    /// Of how many the tokens are an estimate in a part, since their answers broke off.
    pub estimated: u64,
}

/// How many rows are written by one statement, as many times as that goes, then fewer: each
/// statement has its price.
const TOGETHER: [usize; 4] = [64, 16, 4, 1];

/// The fields of an event, in the order in which they are bound.
const FIELDS: [&str; 24] = [
    "id",
    "at_ms",
    "request_id",
    "service_key",
    "dialect",
    "asked",
    "provider",
    "model",
    "served",
    "outcome",
    "status",
    "finish",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "is_estimated",
    "is_reused",
    "first_event_us",
    "total_us",
    "cost",
    "currency",
    "priced",
];

/// Requests, with the names of their keys.
const REQUESTS: &str = "requests LEFT JOIN service_keys ON service_keys.id = requests.service_key";

/// How the requests of a row ended, and what is known of their tokens.
const COUNTS: &str = "
    CAST(SUM(CASE WHEN outcome = 'left' THEN 1 ELSE 0 END) AS BIGINT) AS gone,
    CAST(SUM(CASE WHEN outcome = 'completed' THEN 1 ELSE 0 END) AS BIGINT) AS whole,
    CAST(SUM(is_estimated) AS BIGINT) AS guessed, COUNT(input_tokens) AS counted";

impl ServedBy {
    /// What a row is about, as four columns.
    fn columns(self, database: &Database) -> String {
        let or_none = |wanted: bool, column| match wanted {
            true => column,
            false => "CAST(NULL AS TEXT)",
        };
        let key = "COALESCE(service_keys.name, requests.service_key)";
        format!(
            "{} AS day, {} AS by_key, {} AS by_provider, {} AS by_model",
            or_none(self.day, database.day),
            or_none(self.key, key),
            or_none(self.provider || self.model, "provider"),
            or_none(self.model, "model"),
        )
    }
}

impl Store {
    /// Writes down what became of requests. What was written already stays as it is: where nobody
    /// knows whether that went well, it is written again.
    ///
    /// An event whose own values the database refuses would be refused again: it is left out, and
    /// the others are written. How many were left out is the answer.
    ///
    /// # Errors
    /// `Connection` where the store is away for now, else `Unexpected` or `Configuration`.
    pub async fn record(&self, events: &[UsageEvent]) -> Result<usize> {
        let failed = failed("writing down what was used");
        match self.write_down(events).await {
            Ok(()) => return Ok(0),
            Err(error) if !is_of_values(&error) => return Err(failed(error)),
            Err(_) => {}
        }
        let mut left_out = 0;
        for event in events {
            match self.write_down(std::slice::from_ref(event)).await {
                Ok(()) => {}
                Err(error) if is_of_values(&error) => left_out += 1,
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(left_out)
    }

    /// Writes events down, all or none.
    async fn write_down(&self, events: &[UsageEvent]) -> sqlx::Result<()> {
        let mut pieces = self.insertions.pieces(events);
        let (Some(first), second) = (pieces.next(), pieces.next()) else {
            return Ok(());
        };
        if second.is_none() {
            // One statement does all or nothing by itself.
            return first.execute(&self.pool).await.map(drop);
        }
        let mut transaction = self.begin().await?;
        for piece in [first].into_iter().chain(second).chain(pieces) {
            piece.execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }

    /// What requests since then used, in milliseconds since 1970, the first day first; those of
    /// one key, by its id, or all.
    ///
    /// # Errors
    /// As of [`record`](Self::record).
    pub async fn served(
        &self,
        since_ms: i64,
        by: ServedBy,
        key: Option<&str>,
    ) -> Result<Vec<ServedRow>> {
        let failed = failed("adding up what was used");
        let statement = format!(
            "SELECT {about}, currency, {COUNTS}, {SUMS} FROM {REQUESTS}
            WHERE at_ms >= $1 AND (CAST($2 AS TEXT) IS NULL OR service_key = $2)
            GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5",
            about = by.columns(self.database),
        );
        let rows = sqlx::query(AssertSqlSafe(statement));
        let rows = rows.bind(since_ms).bind(key.map(plain));
        let rows = rows.fetch_all(&self.pool).await.map_err(&failed)?;
        let mut sums: Vec<ServedRow> = Vec::new();
        for row in &rows {
            let row = served_row(row).map_err(&failed)?;
            // Rows of one thing in several currencies stand together, or with none.
            match sums.iter_mut().find(|it| about(it) == about(&row)) {
                Some(sum) => sum.add(&row),
                None => sums.push(row),
            }
        }
        Ok(sums)
    }
}

impl ServedRow {
    /// Adds another row to this one, whatever both are about.
    pub fn add(&mut self, other: &ServedRow) {
        self.requests += other.requests;
        self.failed += other.failed;
        self.left += other.left;
        self.unpriced += other.unpriced;
        self.estimated += other.estimated;
        self.usage.add(&other.usage);
        for cost in &other.costs {
            let mut sums = self.costs.iter_mut();
            match sums.find(|sum| sum.currency == cost.currency) {
                Some(sum) => {
                    sum.amount += cost.amount;
                    // The oldest price that is in the sum.
                    if cost.as_of < sum.as_of {
                        sum.as_of.clone_from(&cost.as_of);
                    }
                }
                None => self.costs.push(cost.clone()),
            }
        }
    }
}

/// The statements that write rows, so many at once.
#[derive(Debug)]
pub(crate) struct Insertions([Arc<str>; TOGETHER.len()]);

impl Insertions {
    pub(crate) fn new(database: &Database) -> Self {
        Self(TOGETHER.map(|rows| insertion(rows, database).into()))
    }

    /// What writes these events.
    fn pieces<'a>(&'a self, events: &'a [UsageEvent]) -> impl Iterator<Item = Bound<'a>> {
        let mut rest = events;
        let by_size = TOGETHER.iter().zip(&self.0).map(move |(rows, statement)| {
            let whole = rest.len() - rest.len() % rows;
            let (these, others) = rest.split_at(whole);
            rest = others;
            (these.chunks(*rows), statement)
        });
        by_size.flat_map(|(chunks, statement)| {
            chunks.map(|events| {
                let mut values = AnyArguments::default();
                values.reserve(events.len() * FIELDS.len(), 0);
                let row = sqlx::query_with(AssertSqlSafe(Arc::clone(statement)), values);
                events.iter().fold(row, bound)
            })
        })
    }
}

/// The statement that writes so many rows.
fn insertion(rows: usize, database: &Database) -> String {
    let place = |at| match database.numbers {
        true => format!("${at}"),
        false => "?".to_owned(),
    };
    let places: Vec<String> = (1..=rows * FIELDS.len()).map(place).collect();
    let rows = places.chunks(FIELDS.len());
    let rows: Vec<String> = rows.map(|row| format!("({})", row.join(", "))).collect();
    let fields = FIELDS.join(", ");
    let rows = rows.join(", ");
    format!("INSERT INTO requests ({fields}) VALUES {rows} ON CONFLICT (id) DO NOTHING")
}

type Bound<'a> = Query<'a, Any, AnyArguments>;

/// Binds the fields of an event.
fn bound<'a>(row: Bound<'a>, event: &'a UsageEvent) -> Bound<'a> {
    let cost = event.cost.as_ref();
    let usage = &event.usage;
    row.bind(event.id)
        .bind(whole(event.at_ms))
        .bind(plain(&event.request_id))
        .bind(event.key.as_deref().map(plain))
        .bind(event.dialect)
        .bind(plain(&event.asked))
        .bind(event.provider.as_deref().map(plain))
        .bind(event.model.as_deref().map(plain))
        .bind(event.served.as_deref().map(plain))
        .bind(event.outcome.as_str())
        .bind(i64::from(event.status))
        .bind(event.finish.map(|it| it.as_str()))
        .bind(usage.input_tokens.map(whole))
        .bind(usage.output_tokens.map(whole))
        .bind(usage.cached_input_tokens.map(whole))
        .bind(usage.cache_write_tokens.map(whole))
        .bind(usage.reasoning_tokens.map(whole))
        .bind(i64::from(event.is_estimated))
        .bind(i64::from(event.is_reused))
        .bind(event.first_event_us.map(whole))
        .bind(whole(event.total_us))
        .bind(cost.map(billionths))
        .bind(cost.map(|it| plain(&it.currency)))
        .bind(cost.map(|it| plain(&it.as_of)))
}

fn about(row: &ServedRow) -> [&Option<String>; 4] {
    [&row.day, &row.key, &row.provider, &row.model]
}

fn served_row(row: &AnyRow) -> sqlx::Result<ServedRow> {
    let number = |name| Ok::<_, sqlx::Error>(count(row, name)?.unwrap_or(0));
    let (requests, left) = (number("turns")?, number("gone")?);
    Ok(ServedRow {
        day: row.try_get("day")?,
        key: row.try_get("by_key")?,
        provider: row.try_get("by_provider")?,
        model: row.try_get("by_model")?,
        requests,
        failed: requests
            .saturating_sub(left)
            .saturating_sub(number("whole")?),
        left,
        usage: usage(row)?,
        costs: cost(row)?.into_iter().collect(),
        unpriced: number("counted")?.saturating_sub(number("priced_turns")?),
        estimated: number("guessed")?,
    })
}

fn whole(figure: u64) -> i64 {
    i64::try_from(figure).unwrap_or(i64::MAX)
}

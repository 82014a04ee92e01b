//! Rows made into what lists show.

use crate::failure::failed;
use crate::store::Store;
use parlor_agent::{KeptInfo, UsageBy, UsageRow};
use parlor_core::{Cost, Result, Usage};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

/// Which conversations, as a query for their rows.
pub(crate) const ONE: &str = "SELECT * FROM conversations
    WHERE id = $1 AND (CAST($2 AS TEXT) IS NULL OR owner = $2)";
/// The newest ones: so many, after so many.
pub(crate) const NEWEST: &str = "SELECT * FROM conversations
    WHERE (CAST($3 AS TEXT) IS NULL OR owner = $3)
    ORDER BY updated_ms DESC, id LIMIT $1 OFFSET $2";
/// The newest ones: so many, after the one that changed then and has this id.
pub(crate) const NEXT: &str = "SELECT * FROM conversations
    WHERE (CAST($4 AS TEXT) IS NULL OR owner = $4)
        AND (updated_ms < $2 OR updated_ms = $2 AND id > $3)
    ORDER BY updated_ms DESC, id LIMIT $1";

/// Parts of a currency's unit that costs are kept in.
pub(crate) const BILLION: f64 = 1e9;

/// What is asked of the turns of a branch, or of usage.
pub(crate) const SUMS: &str = "COUNT(*) AS turns, COUNT(cost) AS priced_turns,
    CAST(SUM(input_tokens) AS BIGINT) AS input_tokens,
    CAST(SUM(output_tokens) AS BIGINT) AS output_tokens,
    CAST(SUM(cached_input_tokens) AS BIGINT) AS cached_input_tokens,
    CAST(SUM(reasoning_tokens) AS BIGINT) AS reasoning_tokens,
    CAST(SUM(cost) AS BIGINT) AS cost, MIN(priced) AS priced";

impl Store {
    /// What lists show of these conversations.
    pub(crate) async fn infos<'q, B>(&self, which: &str, bind: B) -> Result<Vec<KeptInfo>>
    where
        B: FnOnce(Query<'q>) -> Query<'q>,
    {
        let statement = format!(
            "WITH RECURSIVE listed AS ({which}),
            branch (conversation, id, parent) AS (
                SELECT listed.id, turns.id, turns.parent
                    FROM listed JOIN turns ON turns.id = listed.head
                UNION ALL
                SELECT branch.conversation, turns.id, turns.parent
                    FROM branch JOIN turns ON turns.id = branch.parent),
            sums AS (
                SELECT branch.conversation AS of, MIN(currency) AS currency,
                    MAX(currency) AS other_currency, {SUMS}
                FROM branch JOIN turns ON turns.id = branch.id GROUP BY branch.conversation)
            SELECT listed.id, listed.title, listed.created_ms, listed.updated_ms,
                listed.forked_from, COALESCE(listed.model, head.model) AS model, sums.*
            FROM listed LEFT JOIN sums ON sums.of = listed.id
                LEFT JOIN turns AS head ON head.id = listed.head
            ORDER BY listed.updated_ms DESC, listed.id"
        );
        let rows = bind(sqlx::query(AssertSqlSafe(statement)));
        let rows = rows.fetch_all(&self.pool).await;
        let rows = rows.map_err(failed("listing conversations"))?;
        let infos = rows.iter().map(info).collect::<sqlx::Result<_>>();
        infos.map_err(failed("listing conversations"))
    }

    pub(crate) async fn used(&self, since_ms: i64, by: UsageBy) -> Result<Vec<UsageRow>> {
        let day = if by.day {
            self.database.day
        } else {
            "CAST(NULL AS TEXT)"
        };
        let (provider, model) = match by.model {
            true => ("provider", "model"),
            false => ("CAST(NULL AS TEXT)", "CAST(NULL AS TEXT)"),
        };
        let statement = format!(
            "SELECT {day} AS day, {provider} AS by_provider, {model} AS by_model, currency, {SUMS}
            FROM usage WHERE at_ms >= $1 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
        );
        let rows = sqlx::query(AssertSqlSafe(statement)).bind(since_ms);
        let rows = rows.fetch_all(&self.pool).await;
        let rows = rows.map_err(failed("adding up usage"))?;
        let mut sums: Vec<UsageRow> = Vec::new();
        for row in &rows {
            let row = usage_row(row).map_err(failed("adding up usage"))?;
            // Rows of one thing in several currencies stand together.
            match sums.last_mut() {
                Some(last) if key(last) == key(&row) => {
                    last.turns += row.turns;
                    last.unpriced += row.unpriced;
                    last.usage.add(&row.usage);
                    last.costs.extend(row.costs);
                }
                _ => sums.push(row),
            }
        }
        Ok(sums)
    }
}

pub(crate) type Query<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

fn key(row: &UsageRow) -> [&Option<String>; 3] {
    [&row.day, &row.provider, &row.model]
}

fn info(row: &AnyRow) -> sqlx::Result<KeptInfo> {
    let mut info = KeptInfo::default();
    info.id = row.try_get("id")?;
    info.title = row.try_get("title")?;
    info.created_ms = row.try_get("created_ms")?;
    info.updated_ms = row.try_get("updated_ms")?;
    info.forked_from = row.try_get("forked_from")?;
    info.model = row.try_get("model")?;
    let turns: Option<i64> = row.try_get("turns")?;
    let priced: Option<i64> = row.try_get("priced_turns")?;
    info.turns = turns.and_then(|it| it.try_into().ok()).unwrap_or(0);
    info.usage = usage(row)?;
    let other: Option<String> = row.try_get("other_currency")?;
    let cost = cost(row)?;
    info.cost = cost.filter(|cost| turns == priced && other.as_deref() == Some(&cost.currency));
    Ok(info)
}

fn usage_row(row: &AnyRow) -> sqlx::Result<UsageRow> {
    let count = |name| Ok::<_, sqlx::Error>(count(row, name)?.unwrap_or(0));
    let mut used = UsageRow::default();
    used.day = row.try_get("day")?;
    used.provider = row.try_get("by_provider")?;
    used.model = row.try_get("by_model")?;
    used.turns = count("turns")?;
    used.unpriced = used.turns.saturating_sub(count("priced_turns")?);
    used.usage = usage(row)?;
    used.costs = cost(row)?.into_iter().collect();
    Ok(used)
}

pub(crate) fn usage(row: &AnyRow) -> sqlx::Result<Usage> {
    let mut usage = Usage::default();
    usage.input_tokens = count(row, "input_tokens")?;
    usage.output_tokens = count(row, "output_tokens")?;
    usage.cached_input_tokens = count(row, "cached_input_tokens")?;
    usage.reasoning_tokens = count(row, "reasoning_tokens")?;
    Ok(usage)
}

pub(crate) fn count(row: &AnyRow, name: &str) -> sqlx::Result<Option<u64>> {
    let count: Option<i64> = row.try_get(name)?;
    Ok(count.and_then(|it| it.try_into().ok()))
}

pub(crate) fn cost(row: &AnyRow) -> sqlx::Result<Option<Cost>> {
    let amount: Option<i64> = row.try_get("cost")?;
    let currency: Option<String> = row.try_get("currency")?;
    let priced: Option<String> = row.try_get("priced")?;
    Ok(amount.zip(currency).map(|(amount, currency)| {
        Cost::new(
            amount as f64 / BILLION,
            currency,
            priced.unwrap_or_default(),
        )
    }))
}

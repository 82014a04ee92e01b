//! Counting what was used.

use crate::failure::failed;
use crate::id;
use crate::info::BILLION;
use crate::store::Store;
use crate::texts::plain;
use parlor_agent::{KeptTurn, TurnId};
use parlor_core::{Cost, Result};
use sqlx::{Any, Transaction};

impl Store {
    /// Counts what was used for something that is no part of a conversation, such
    /// as the items of a batch: tokens, cost and time, not what was said.
    ///
    /// # Errors
    /// As of [`ConversationStore`](parlor_agent::ConversationStore); then none is
    /// counted.
    pub async fn count(&self, used: &[KeptTurn]) -> Result<()> {
        let failed = failed("counting what was used");
        let mut transaction = self.begin().await.map_err(&failed)?;
        for used in used {
            count(&mut transaction, id::turn(), id::now_ms(), used).await?;
        }
        transaction.commit().await.map_err(&failed)
    }
}

/// The tokens of a turn, as columns.
pub(crate) fn tokens(kept: &KeptTurn) -> [Option<i64>; 4] {
    let usage = &kept.turn.usage;
    let counts = [
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_input_tokens,
        usage.reasoning_tokens,
    ];
    counts.map(|count| count.and_then(|it| i64::try_from(it).ok()))
}

/// A cost as whole billionths.
pub(crate) fn billionths(cost: &Cost) -> i64 {
    (cost.amount * BILLION).round() as i64
}

/// Counts what a turn used, once however often it is written.
pub(crate) async fn count(
    transaction: &mut Transaction<'_, Any>,
    id: TurnId,
    at_ms: i64,
    kept: &KeptTurn,
) -> Result<()> {
    let failed = failed("counting what was used");
    let cost = kept.cost.as_ref();
    let times = [kept.latency.first_event_ms, kept.latency.total_ms];
    let times = times.map(|time| time.and_then(|it| i64::try_from(it).ok()));
    let mut counted = sqlx::query(
        "INSERT INTO usage (turn, at_ms, provider, model, input_tokens, output_tokens,
            cached_input_tokens, reasoning_tokens, first_event_ms, total_ms, cost, currency, priced)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (turn) DO UPDATE SET provider = excluded.provider, model = excluded.model,
            input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
            cached_input_tokens = excluded.cached_input_tokens,
            reasoning_tokens = excluded.reasoning_tokens,
            first_event_ms = excluded.first_event_ms, total_ms = excluded.total_ms,
            cost = excluded.cost, currency = excluded.currency, priced = excluded.priced",
    );
    counted = counted
        .bind(id.0)
        .bind(at_ms)
        .bind(kept.provider.as_deref().map(plain))
        .bind(kept.turn.model.as_deref().map(plain));
    for count in tokens(kept).into_iter().chain(times) {
        counted = counted.bind(count);
    }
    counted = counted
        .bind(cost.map(billionths))
        .bind(cost.map(|it| plain(&it.currency)))
        .bind(cost.map(|it| plain(&it.as_of)));
    counted.execute(&mut **transaction).await.map_err(&failed)?;
    Ok(())
}

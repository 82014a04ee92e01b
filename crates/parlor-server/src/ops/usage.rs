//! `GET /api/usage`: what was used, added up by what is wanted.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use parlor::{Cost, Error, ErrorKind, Result, Usage};
use parlor_store::{ServedBy, ServedRow, Store};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::Caller;
use crate::account::now_ms;
use crate::chat::{Call, json, wrong};
use crate::service::Site;

/// How long a store may take to add up.
const PATIENCE: Duration = Duration::from_secs(15);

/// A question about usage: since when, and by what it is to be added up.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    days: Option<u32>,
    by: Option<String>,
}

/// What was used.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Used {
    rows: Vec<Row>,
}

/// What the requests of one day, key, provider or model used.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// The day (UTC) as `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    #[serde(flatten)]
    of: Of,
    #[serde(flatten)]
    sum: Sum,
}

/// Whose requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub(super) struct Of {
    /// The name of the key, or its id where nobody knows its name any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    /// The provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) provider: Option<String>,
    /// The model, as the provider calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
}

/// What some requests used.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Sum {
    /// How many requests.
    requests: u64,
    /// How many of them ended with a failure.
    failed: u64,
    /// Whose client went away before the end.
    left: u64,
    /// Their tokens.
    usage: Usage,
    /// What they cost, a sum for each currency, with the day of the oldest price that is in it.
    costs: Vec<Cost>,
    /// How many used tokens whose price isn't known.
    unpriced: u64,
    /// Of how many the tokens are an estimate in a part, since their answers broke off.
    estimated: u64,
}

impl Sum {
    pub(super) fn of(row: ServedRow) -> Self {
        Self {
            requests: row.requests,
            failed: row.failed,
            left: row.left,
            usage: row.usage,
            costs: row.costs,
            unpriced: row.unpriced,
            estimated: row.estimated,
        }
    }
}

/// What was used; who holds a key that was given out sees what that key used.
pub(super) async fn used(site: Arc<Site>, call: Call) -> Result<Response> {
    let wanted: Wanted = call.query()?;
    let store = site.counted()?;
    let mut by = ServedBy::default();
    let words = wanted.by.as_deref().unwrap_or("day,key,provider,model");
    for word in words.split(',') {
        let field = match word.trim() {
            "day" => &mut by.day,
            "key" => &mut by.key,
            "provider" => &mut by.provider,
            "model" => &mut by.model,
            "" => continue,
            other => {
                return Err(wrong(format!("usage isn't added up by `{other}`"))
                    .with_help("Say day, key, provider or model, with commas between."));
            }
        };
        *field = true;
    }
    let days = i64::from(wanted.days.unwrap_or(30));
    let since = now_ms().saturating_sub(days.saturating_mul(86_400_000));
    let key = of_key(&call.caller);
    let rows = site
        .added_up(store.served(since, by, key.as_deref()))
        .await?;
    let rows = rows.into_iter().map(|mut row| Row {
        day: row.day.take(),
        of: Of {
            key: row.key.take(),
            provider: row.provider.take(),
            model: row.model.take(),
        },
        sum: Sum::of(row),
    });
    let rows = rows.collect();
    json(StatusCode::OK, &Used { rows })
}

/// The id of the key whose usage alone is seen.
pub(super) fn of_key(caller: &Caller) -> Option<String> {
    match caller {
        Caller::Given(key) => Some(key.id.clone()),
        _ => None,
    }
}

impl Site {
    /// The store that usage is counted in.
    pub(super) fn counted(&self) -> Result<&Store> {
        self.config.given_keys.as_ref().ok_or_else(|| {
            let message = "this service keeps no account of usage";
            Error::new(ErrorKind::InvalidRequest, message)
                .with_status(404)
                .with_help("Give it a store.")
        })
    }

    /// What a store adds up, in its turn and within time.
    pub(super) async fn added_up<T>(&self, sums: impl Future<Output = Result<T>>) -> Result<T> {
        let within = async {
            // It is never closed.
            let _turn = self.account.adding.acquire().await;
            sums.await
        };
        let away = |error: Error| error.with_kind(ErrorKind::Overloaded).with_status(503);
        let late = |_| Error::new(ErrorKind::Overloaded, "the store is away").with_status(503);
        let rows = tokio::time::timeout(PATIENCE, within).await;
        rows.map_err(late)?.map_err(away)
    }
}

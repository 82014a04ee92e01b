//! `GET /api/usage/series`: what was used over time, as plots are drawn of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use parlor::Result;
use parlor_store::{Quantiles, ServedPart, ServedRow, ServedTimes, ServedWhich};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::usage::{Of, Sum, of_key};
use crate::account::now_ms;
use crate::chat::{Call, json};
use crate::service::Site;

/// The most that are told by themselves: names of models may come from strangers.
const GROUPS: usize = 24;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    range: Range,
    by: By,
}

/// How long a time.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Range {
    Hour,
    #[default]
    Day,
    Week,
    Month,
}

/// What requests are told apart by.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    #[default]
    Model,
    Provider,
    Key,
}

/// What was used over time.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Series {
    /// When the first span begins, in milliseconds since 1970.
    since_ms: i64,
    /// Up to when requests are counted.
    until_ms: i64,
    /// How long a span is.
    every_ms: u32,
    /// What the groups are told apart by.
    by: By,
    /// Everything together.
    sum: Sum,
    /// How long all answers took.
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<Times>,
    /// Who asked most first.
    groups: Vec<Group>,
}

/// What one model, provider or key was used for.
#[derive(Debug, Serialize, JsonSchema)]
struct Group {
    #[serde(flatten)]
    of: Of,
    /// How many are in it, where it is those who asked least, together.
    #[serde(skip_serializing_if = "Option::is_none")]
    others: Option<usize>,
    sum: Sum,
    /// How long its answers took; not of several together.
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<Times>,
    /// How many requests ended each way: `completed`, `left`, or the kind of the failure.
    outcomes: BTreeMap<String, u64>,
    /// The spans in which there were any, the first one first.
    points: Vec<Point>,
}

/// What was used in a span.
#[derive(Debug, Serialize, JsonSchema)]
struct Point {
    /// When it begins, in milliseconds since 1970.
    at_ms: i64,
    #[serde(flatten)]
    sum: Sum,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<Times>,
}

/// How long whole answers took that were made for their requests.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Times {
    /// How many were timed.
    answers: u64,
    /// Until the first event; of an answer that isn't streamed that is its end.
    first_event_ms: Quantile,
    /// Until the end.
    total_ms: Quantile,
}

/// Two of several times, in milliseconds.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Quantile {
    /// Half of them took no longer.
    median: f64,
    /// Of a hundred 95 took no longer.
    p95: f64,
}

impl Range {
    /// How many spans there are, the one that is going on included, and how long each is.
    fn spans(self) -> (i64, u32) {
        const MINUTE: u32 = 60_000;
        match self {
            Self::Hour => (60, MINUTE),
            Self::Day => (48, 30 * MINUTE),
            Self::Week => (56, 180 * MINUTE),
            Self::Month => (30, 1440 * MINUTE),
        }
    }
}

/// What is added up of one group.
#[derive(Debug, Default)]
struct Adding {
    of: Of,
    sum: ServedRow,
    outcomes: BTreeMap<String, u64>,
    points: BTreeMap<i64, ServedRow>,
}

impl Adding {
    fn add(&mut self, part: &ServedPart) {
        self.sum.add(&part.row);
        *self.outcomes.entry(part.outcome.clone()).or_default() += part.row.requests;
        self.points.entry(part.at_ms).or_default().add(&part.row);
    }

    /// Takes another group into this one.
    fn take(&mut self, other: &Self) {
        self.sum.add(&other.sum);
        for (outcome, requests) in &other.outcomes {
            *self.outcomes.entry(outcome.clone()).or_default() += requests;
        }
        for (at, row) in &other.points {
            self.points.entry(*at).or_default().add(row);
        }
    }

    /// The same with what was timed of it, in spans.
    fn timed(self, times: &[ServedTimes]) -> Group {
        let of = &self.of;
        let mine = || times.iter().filter(|it| is_of(it, of));
        let over_all = Times::of(mine());
        let mut timed = mine();
        let mut next = timed.next();
        let points = self.points.into_iter().map(|(at_ms, row)| {
            while next.is_some_and(|it| it.at_ms < at_ms) {
                next = timed.next();
            }
            Point {
                at_ms,
                sum: Sum::of(row),
                times: Times::of(next.filter(|it| it.at_ms == at_ms)),
            }
        });
        let points = points.collect();
        Group {
            others: None,
            sum: Sum::of(self.sum),
            times: over_all,
            outcomes: self.outcomes,
            points,
            of: self.of,
        }
    }
}

impl Times {
    /// Of all of these together.
    fn of<'a>(all: impl IntoIterator<Item = &'a ServedTimes>) -> Option<Self> {
        let mut times = ServedTimes::default();
        all.into_iter().for_each(|it| times.add(it));
        let ms = |of: Quantiles| Quantile {
            median: of.median as f64 / 1e3,
            p95: of.p95 as f64 / 1e3,
        };
        (times.answers() > 0).then(|| Self {
            answers: times.answers(),
            first_event_ms: ms(times.first_event_us()),
            total_ms: ms(times.total_us()),
        })
    }
}

fn is_of(times: &ServedTimes, of: &Of) -> bool {
    times.model == of.model && times.provider == of.provider && times.key == of.key
}

/// What was used over time; who holds a key that was given out sees what that key used.
pub(super) async fn series(site: Arc<Site>, call: Call) -> Result<Response> {
    let Wanted { range, by } = call.query()?;
    let store = site.counted()?;
    let (count, every_ms) = range.spans();
    let every = i64::from(every_ms);
    let until = now_ms().saturating_add(1);
    let since = (until / every - (count - 1)) * every;
    let mut which = ServedWhich::new(since, until);
    which.every_ms = every_ms;
    which.key = of_key(&call.caller);
    match by {
        By::Model => which.by.model = true,
        By::Provider => which.by.provider = true,
        By::Key => which.by.key = true,
    }
    let sums = async {
        let parts = store.served_over(&which).await?;
        Ok((parts, store.served_times(&which).await?))
    };
    let (parts, timed) = site.added_up(sums).await?;
    let mut groups = groups(&parts);
    let mut sum = ServedRow::default();
    groups.iter().for_each(|it| sum.add(&it.sum));
    let rest = groups.split_off(groups.len().min(GROUPS));
    let groups = groups.into_iter().map(|it| it.timed(&timed));
    let mut groups: Vec<Group> = groups.collect();
    if !rest.is_empty() {
        let mut others = Adding::default();
        rest.iter().for_each(|it| others.take(it));
        let mut others = others.timed(&[]);
        others.others = Some(rest.len());
        groups.push(others);
    }
    let series = Series {
        since_ms: since,
        until_ms: until,
        every_ms,
        by,
        sum: Sum::of(sum),
        times: Times::of(&timed),
        groups,
    };
    json(StatusCode::OK, &series)
}

/// The parts by what they are about, who asked most first.
fn groups(parts: &[ServedPart]) -> Vec<Adding> {
    let mut groups: BTreeMap<[&Option<String>; 3], Adding> = BTreeMap::new();
    for part in parts {
        let row = &part.row;
        let group = groups
            .entry([&row.provider, &row.model, &row.key])
            .or_default();
        group.add(part);
        group.of = Of {
            key: row.key.clone(),
            provider: row.provider.clone(),
            model: row.model.clone(),
        };
    }
    let mut groups: Vec<Adding> = groups.into_values().collect();
    groups.sort_by_key(|it| std::cmp::Reverse(it.sum.requests));
    groups
}

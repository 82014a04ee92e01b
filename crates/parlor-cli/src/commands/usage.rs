//! `parlor usage`: what models were used for, and what that cost.

use std::time::SystemTime;

use parlor::Cost;
use parlor::agent::{ConversationStore as _, UsageRow};
use parlor_store::{ServedBy, ServedRow};
use serde_json::{Value, json};

use super::serve::service_store;
use super::table::table;
use crate::args::{ListForm, UsageArgs};
use crate::converse::{grouped, money};
use crate::failure::Failure;
use crate::keeper::Shelf;
use crate::setup;
use crate::terminal::{self, Terminal};

const HEAD: [&str; 7] = ["day", "model", "turns", "input", "output", "cost", ""];

/// Adds up what is kept of usage.
pub(crate) fn usage(args: &UsageArgs) -> Result<(), Failure> {
    let since = args.since.unwrap_or(SystemTime::UNIX_EPOCH);
    let since = since.duration_since(SystemTime::UNIX_EPOCH);
    let since = i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX);
    if let Some(by) = args.served() {
        return served(args, since, by);
    }
    let shelf = Shelf::default();
    let rows = setup::runtime()?.block_on(async {
        let store = shelf.store().await?;
        store.usage(since, args.by()).await
    })?;
    let total = total(&rows);
    if args.listing.form() == ListForm::Json {
        let mut report = json!({ "rows": rows, "total": total });
        leave_out_days(&mut report);
        return Ok(terminal::say(&format!("{report}\n"))?);
    }
    let told = Terminal::find(args.common.plain, args.common.quiet);
    if rows.is_empty() {
        told.notice("Nothing was used in that time.");
        return Ok(());
    }
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(|row| cells(row, "")));
    if rows.len() > 1 {
        lines.push(cells(&total, "total"));
    }
    // A column that says nothing of any row is left out.
    let by_day = rows.iter().any(|row| row.day.is_some());
    let by_model = rows
        .iter()
        .any(|row| row.model.is_some() || row.provider.is_some());
    let text = match by_day && by_model {
        true => table(&lines),
        false => {
            let rest = lines.into_iter().map(|[day, model, rest @ ..]| {
                let [turns, input, output, cost, note] = rest;
                let about = match by_day || day == "total" {
                    true => day,
                    // Questions to which nothing came.
                    false if model.is_empty() => "–".to_owned(),
                    false => model,
                };
                [about, turns, input, output, cost, note]
            });
            table(&rest.collect::<Vec<_>>())
        }
    };
    terminal::say(&terminal::printable(&text))?;
    let dates = total.costs.iter().map(|cost| &*cost.as_of);
    if let Some(date) = dates.filter(|date| !date.is_empty()).min() {
        told.notice(format!("Costs are by prices as listed on {date} or later."));
    }
    if total.unpriced > 0 {
        told.notice("Turns without a known price are in no sum of costs.");
    }
    Ok(())
}

/// Leaves out the day of prices that have none, as what is free here.
fn leave_out_days(report: &mut Value) {
    match report {
        Value::Object(fields) => {
            fields.retain(|name, value| name != "as_of" || value != "");
            fields.values_mut().for_each(leave_out_days);
        }
        Value::Array(items) => items.iter_mut().for_each(leave_out_days),
        _ => {}
    }
}

/// What the service's requests came to.
fn served(args: &UsageArgs, since: i64, by: ServedBy) -> Result<(), Failure> {
    let rows = setup::runtime()?.block_on(async {
        let store = service_store(args.common.config.as_deref()).await?;
        let rows = store.served(since, by, None).await;
        store.close().await;
        Ok::<_, Failure>(rows?)
    })?;
    let mut total = ServedRow::default();
    rows.iter().for_each(|row| total.add(row));
    if args.listing.form() == ListForm::Json {
        let mut report = json!({ "rows": rows, "total": total });
        leave_out_days(&mut report);
        return Ok(terminal::say(&format!("{report}\n"))?);
    }
    if rows.is_empty() {
        let told = Terminal::find(args.common.plain, args.common.quiet);
        told.notice("Nothing was served in that time.");
        return Ok(());
    }
    let mut lines = vec![["", "requests", "input", "output", "cost", ""].map(str::to_owned)];
    lines.extend(rows.iter().map(|row| served_cells(row, "–")));
    if rows.len() > 1 {
        lines.push(served_cells(&total, "total"));
    }
    Ok(terminal::say(&terminal::printable(&table(&lines)))?)
}

fn served_cells(row: &ServedRow, name: &str) -> [String; 6] {
    let model = match (&row.provider, &row.model) {
        (Some(provider), Some(model)) => Some(format!("{provider}/{model}")),
        (provider, model) => provider.clone().or(model.clone()),
    };
    let about: Vec<String> = [row.day.clone(), row.key.clone(), model]
        .into_iter()
        .flatten()
        .collect();
    let notes = [
        (row.failed, "failed"),
        (row.left, "left"),
        (row.unpriced, "without a known price"),
    ];
    let notes = notes.iter().filter(|(count, _)| *count > 0);
    let notes: Vec<String> = notes
        .map(|(count, what)| format!("{} {what}", grouped(*count)))
        .collect();
    [
        match about.is_empty() {
            true => name.to_owned(),
            false => about.join("  "),
        },
        grouped(row.requests),
        tokens(row.usage.input_tokens),
        tokens(row.usage.output_tokens),
        costs(&row.costs),
        notes.join(", "),
    ]
}

fn tokens(count: Option<u64>) -> String {
    count.map(grouped).unwrap_or_else(|| "–".to_owned())
}

fn costs(costs: &[Cost]) -> String {
    match costs {
        [] => "–".to_owned(),
        costs => costs.iter().map(money).collect::<Vec<_>>().join(" + "),
    }
}

/// Everything together, with a sum for each currency.
fn total(rows: &[UsageRow]) -> UsageRow {
    let mut total = UsageRow::default();
    for row in rows {
        total.turns += row.turns;
        total.unpriced += row.unpriced;
        total.usage.add(&row.usage);
        for cost in &row.costs {
            let mut sums = total.costs.iter_mut();
            match sums.find(|sum| sum.currency == cost.currency) {
                Some(sum) => {
                    sum.amount += cost.amount;
                    // The oldest price that is in the sum; what costs nothing has no date.
                    let is_dated = !cost.as_of.is_empty();
                    if is_dated && (sum.as_of.is_empty() || cost.as_of < sum.as_of) {
                        sum.as_of.clone_from(&cost.as_of);
                    }
                }
                None => total.costs.push(cost.clone()),
            }
        }
    }
    total
}

fn cells(row: &UsageRow, name: &str) -> [String; 7] {
    // A turn names its model with the provider in front.
    let model = row.model.as_ref().or(row.provider.as_ref());
    let model = model.cloned().unwrap_or_default();
    [
        row.day.clone().unwrap_or_else(|| name.to_owned()),
        model,
        grouped(row.turns),
        tokens(row.usage.input_tokens),
        tokens(row.usage.output_tokens),
        costs(&row.costs),
        match row.unpriced {
            0 => String::new(),
            count => format!("{} without a known price", grouped(count)),
        },
    ]
}

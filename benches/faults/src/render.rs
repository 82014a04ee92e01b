//! The verdicts as Markdown.

use crate::judge::{Row, Verdict};
use std::fmt::Write;

/// A line for each kind of fault: a mark where all its cases are right, else
/// how many are.
pub(crate) fn table(clients: &[&str], rows: &[Row]) -> String {
    let mut out = format!("| | fault | {} |\n|---:|---|", clients.join(" | "));
    out.push_str(&":---:|".repeat(clients.len()));
    out.push('\n');
    let mut numbers: Vec<u8> = rows.iter().map(|row| row.fault.number).collect();
    numbers.dedup();
    let right = |rows: &[&Row], at: usize| {
        let mine = rows.iter().filter_map(|row| row.verdicts.get(at));
        mine.filter(|it| matches!(it, Verdict::Right)).count()
    };
    let mut whole = vec![0; clients.len()];
    for number in &numbers {
        let of: Vec<&Row> = rows
            .iter()
            .filter(|it| it.fault.number == *number)
            .collect();
        let mut names: Vec<&str> = of.iter().map(|row| row.fault.name).collect();
        names.dedup();
        let _ = write!(out, "| {number} | {} |", names.join(", "));
        for (at, whole) in whole.iter_mut().enumerate() {
            let count = right(&of, at);
            *whole += usize::from(count == of.len());
            let _ = match count == of.len() {
                true => write!(out, " ✓ |"),
                false => write!(out, " {count}/{} |", of.len()),
            };
        }
        out.push('\n');
    }
    let _ = write!(
        out,
        "| | **kinds without a mistake, of {}** |",
        numbers.len()
    );
    for whole in &whole {
        let _ = write!(out, " **{whole}** |");
    }
    let all: Vec<&Row> = rows.iter().collect();
    let _ = write!(out, "\n| | **cases right, of {}** |", all.len());
    for at in 0..clients.len() {
        let _ = write!(out, " **{}** |", right(&all, at));
    }
    out.push('\n');
    out
}

/// Each mistake.
pub(crate) fn details(clients: &[&str], rows: &[Row]) -> String {
    let mut out = String::new();
    for (at, client) in clients.iter().enumerate() {
        let _ = writeln!(out, "\n## {client}\n");
        for row in rows {
            if let Some(Verdict::Wrong(why)) = row.verdicts.get(at) {
                let (name, what) = (row.fault.name, row.fault.what);
                let _ = writeln!(out, "- {name} ({:?}: {what}): {why}", row.mode);
            }
        }
    }
    out
}

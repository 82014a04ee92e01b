//! The verdicts as Markdown.

use crate::judge::{Row, Rule, Verdict};
use std::fmt::Write;
use table::build::SHORT_CLIENTS;
use table::write::Line;

/// A client's column.
struct Column<'a> {
    rows: &'a [Row],
    at: usize,
}

impl Column<'_> {
    /// How many cases were right of a kind, or of all, without these rules.
    fn right(&self, kind: Option<u8>, without: &[Rule]) -> usize {
        let of_kind = |row: &&Row| kind.is_none_or(|kind| kind == row.fault.number);
        let mine = self.rows.iter().filter(of_kind);
        let verdicts = mine.filter_map(|row| row.verdicts.get(self.at));
        verdicts.filter(|it| it.is_right_without(without)).count()
    }

    /// How many kinds were right in every case, without these rules.
    fn whole(&self, without: &[Rule]) -> usize {
        let is_whole = |kind: &&u8| self.right(Some(**kind), without) == cases(self.rows, **kind);
        kinds(self.rows).iter().filter(is_whole).count()
    }
}

fn kinds(rows: &[Row]) -> Vec<u8> {
    let mut numbers: Vec<u8> = rows.iter().map(|row| row.fault.number).collect();
    numbers.dedup();
    numbers
}

fn cases(rows: &[Row], kind: u8) -> usize {
    rows.iter().filter(|row| row.fault.number == kind).count()
}

/// A line for each kind of fault: a mark where all its cases are right, else
/// how many are. Then the sums, with and without the rules.
pub(crate) fn table(clients: &[&str], rows: &[Row]) -> String {
    let mut out = format!("| | fault | {} |\n|---:|---|", clients.join(" | "));
    out.push_str(&":---:|".repeat(clients.len()));
    out.push('\n');
    let columns: Vec<_> = (0..clients.len()).map(|at| Column { rows, at }).collect();
    for kind in kinds(rows) {
        let of = rows.iter().filter(|row| row.fault.number == kind);
        let mut names: Vec<&str> = of.map(|row| row.fault.name).collect();
        names.dedup();
        let _ = write!(out, "| {kind} | {} |", names.join(", "));
        let all = cases(rows, kind);
        for column in &columns {
            let right = column.right(Some(kind), &[]);
            let _ = match right == all {
                true => write!(out, " ✓ |"),
                false => write!(out, " {right}/{all} |"),
            };
        }
        out.push('\n');
    }
    let mut sum = |what: String, count: &dyn Fn(&Column<'_>) -> usize| {
        let _ = write!(out, "| | **{what}** |");
        for column in &columns {
            let _ = write!(out, " **{}** |", count(column));
        }
        out.push('\n');
    };
    const BOTH: &[Rule] = &[Rule::Waiting, Rule::Retrying];
    let rules: [(&str, &[Rule]); 4] = [
        ("", &[]),
        (", without the waiting rule", &BOTH[..1]),
        (", without the retry rule", &BOTH[1..]),
        (", without either", BOTH),
    ];
    for (which, without) in rules {
        let of = kinds(rows).len();
        sum(
            format!("kinds without a mistake, of {of}{which}"),
            &|column| column.whole(without),
        );
        sum(
            format!("cases right, of {}{which}", rows.len()),
            &|column| column.right(None, without),
        );
    }
    out
}

/// The line of the short table.
pub(crate) fn short(clients: &[&str], rows: &[Row]) -> Line {
    let cell = |name: &&str| match clients.iter().position(|it| it == name) {
        Some(at) => format!("{}/{}", Column { rows, at }.whole(&[]), kinds(rows).len()),
        None => "–".to_owned(),
    };
    let label = "kinds of server faults without a mistake".to_owned();
    (label, SHORT_CLIENTS.iter().map(cell).collect())
}

/// Each mistake, and what is right by a rule only.
pub(crate) fn details(clients: &[&str], rows: &[Row]) -> String {
    let mut out = String::new();
    for (at, client) in clients.iter().enumerate() {
        let _ = writeln!(out, "\n## {client}\n");
        for row in rows {
            let why = match row.verdicts.get(at) {
                Some(Verdict::Wrong(why)) => why.clone(),
                Some(Verdict::Under(rule)) => format!("right by the rule of {rule:?}"),
                _ => continue,
            };
            let (name, what) = (row.fault.name, row.fault.what);
            let _ = writeln!(out, "- {name} ({:?}: {what}): {why}", row.mode);
        }
    }
    out
}

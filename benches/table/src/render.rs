//! The figures as Markdown.

use crate::scenarios::{Column, SCENARIOS, SHORT, Scenario};
use crate::{Cell, DIALECTS, Measured};
use std::fmt::Write;
use table::build::{Built, CLIENTS, Clean, FLOOR, SHORT_CLIENTS, command_weight};
use table::machine::{described, load};
use table::write::Line;

/// All that was measured, and under what load.
pub(crate) struct Page<'a> {
    pub(crate) measured: &'a Measured,
    pub(crate) rounds: usize,
    pub(crate) load: &'a str,
}

/// Notes that cells refer to, each said once.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn mark(&mut self, note: &str) -> String {
        let at = self.0.iter().position(|it| it == note).unwrap_or_else(|| {
            self.0.push(note.to_owned());
            self.0.len() - 1
        });
        format!("<sup>{}</sup>", at + 1)
    }

    fn list(&self, out: &mut String) {
        for (at, note) in self.0.iter().enumerate() {
            let _ = writeln!(out, "{}. {note}.", at + 1);
        }
    }
}

impl Page<'_> {
    /// What doesn't depend on what else the machine does.
    pub(crate) fn steady(&self, built: &[Built]) -> String {
        let mut out = format!(
            "{}; load {} at the beginning, {} at the end; `cargo run -p table -- --built --write`, \
             or with `--steady` these tables alone. × is the ratio to `{FLOOR}`.\n\n",
            described(),
            self.load,
            load()
        );
        self.tables(&mut out, false);
        weights(&mut out, built);
        out
    }

    /// What depends on it.
    pub(crate) fn timed(&self) -> String {
        let mut out = format!(
            "{}; load {} at the beginning, {} at the end; rounds: {}, medians; \
             `cargo run -p table -- --built --rounds {} --write`. × is the ratio to `{FLOOR}`.\n\n",
            described(),
            self.load,
            load(),
            self.rounds,
            self.rounds
        );
        self.tables(&mut out, true);
        out
    }

    fn tables(&self, out: &mut String, timed: bool) {
        let mut notes = Notes::default();
        for scenario in SCENARIOS {
            let columns = scenario.columns.iter().filter(|it| it.timed == timed);
            let columns: Vec<_> = columns.filter(|it| self.has(scenario, it)).collect();
            if columns.is_empty() {
                continue;
            }
            let _ = writeln!(out, "### {}\n", scenario.caption);
            for column in columns {
                self.table(out, &mut notes, scenario, column);
            }
            self.opened(out, scenario);
        }
        notes.list(out);
        out.push('\n');
    }

    fn has(&self, scenario: &Scenario, column: &Column) -> bool {
        let mut all = self.measured.iter();
        all.any(|((name, _, _), cell)| {
            *name == scenario.name && cell.figures.contains_key(column.figure)
        })
    }

    fn cell(&self, scenario: &str, dialect: &str, client: &str) -> Option<&Cell> {
        let mut all = self.measured.iter();
        let found =
            all.find(|((name, of, by), _)| *name == scenario && *of == dialect && *by == client);
        found.map(|(_, cell)| cell)
    }

    fn value(&self, scenario: &str, dialect: &str, client: &str, figure: &str) -> Option<f64> {
        let mut values = self
            .cell(scenario, dialect, client)?
            .figures
            .get(figure)?
            .clone();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        match values.len() % 2 {
            0 => Some((values.get(middle)? + values.get(middle.checked_sub(1)?)?) / 2.0),
            _ => values.get(middle).copied(),
        }
    }

    /// One figure, a line for each client and two columns for each dialect.
    fn table(&self, out: &mut String, notes: &mut Notes, scenario: &Scenario, column: &Column) {
        let _ = write!(out, "| {} |", column.heading);
        for dialect in DIALECTS {
            let _ = write!(out, " {dialect} | × |");
        }
        let _ = writeln!(out, "\n|---|{}", "---:|---:|".repeat(DIALECTS.len()));
        for client in CLIENTS {
            let _ = write!(out, "| {client} |");
            for dialect in DIALECTS {
                let value = |client| self.value(scenario.name, dialect, client, column.figure);
                let (mine, floor) = (value(client), value(FLOOR));
                let Some(mine) = mine else {
                    let _ = write!(
                        out,
                        " {} | – |",
                        self.why_not(notes, scenario, dialect, client)
                    );
                    continue;
                };
                let unit = column.unit;
                let _ = write!(out, " {} {unit} |", number(mine / column.divisor));
                let _ = match floor.filter(|floor| *floor > 0.0) {
                    Some(floor) => write!(out, " {:.2} |", mine / floor),
                    None => write!(out, " – |"),
                };
            }
            out.push('\n');
        }
        out.push('\n');
    }

    /// What stands in a cell without a figure.
    fn why_not(
        &self,
        notes: &mut Notes,
        scenario: &Scenario,
        dialect: &str,
        client: &str,
    ) -> String {
        let Some(cell) = self.cell(scenario.name, dialect, client) else {
            let mark = notes.mark(&format!("{client} was not built"));
            return format!("not built{mark}");
        };
        match (&cell.cannot, &cell.failed) {
            (Some(why), _) => format!("can't{}", notes.mark(why)),
            (None, Some(why)) => {
                let mark = notes.mark(&format!("{client}, {dialect}: {why}"));
                format!("fails{mark}")
            }
            (None, None) => {
                let mark = notes.mark("This figure was not counted");
                format!("not counted{mark}")
            }
        }
    }

    /// How many of the streams that were opened at once got through.
    fn opened(&self, out: &mut String, scenario: &Scenario) {
        let mut few = Vec::new();
        let mut wanted = None;
        for client in CLIENTS {
            for dialect in DIALECTS {
                let value = |figure| self.value(scenario.name, dialect, client, figure);
                let (Some(opened), Some(units)) = (value("opened"), value("units")) else {
                    continue;
                };
                wanted = Some(units);
                if opened < units {
                    few.push(format!("{client}, {dialect}: {opened:.0}"));
                }
            }
        }
        let Some(wanted) = wanted else {
            return;
        };
        let _ = match few.is_empty() {
            true => writeln!(out, "All {wanted:.0} streams of each line got through.\n"),
            false => writeln!(
                out,
                "Of {wanted:.0} streams got through: {}; of all others, all.\n",
                few.join("; ")
            ),
        };
    }

    /// The lines of the short table.
    pub(crate) fn short(&self, timed: bool) -> Vec<Line> {
        let line = |it: &crate::scenarios::Short| {
            let scenario = SCENARIOS.iter().find(|of| of.name == it.scenario)?;
            let column = scenario.columns.iter().find(|of| of.figure == it.figure)?;
            let value = |client: &str| self.value(it.scenario, DIALECTS[0], client, it.figure);
            let floor = value(FLOOR).filter(|floor| *floor > 0.0)?;
            let cell = |client: &&str| match (value(client), it.divisor) {
                (None, _) => "–".to_owned(),
                (Some(mine), Some(divisor)) => number(mine / divisor),
                (Some(_), None) if *client == FLOOR => "1".to_owned(),
                (Some(mine), None) => number(mine / floor),
            };
            let cells = SHORT_CLIENTS.iter().map(cell).collect();
            (timed || !column.timed).then(|| (it.label.to_owned(), cells))
        };
        SHORT.iter().filter_map(line).collect()
    }
}

fn weights(out: &mut String, built: &[Built]) {
    out.push_str("### Weight\n\n");
    out.push_str("| program | version of the library | crates | stripped |\n");
    out.push_str("|---|---|---:|---:|\n");
    let mut line = |name: &str, version: &str, crates: usize, size: u64| {
        let size = size as f64 / 1e6;
        let _ = writeln!(out, "| {name} | {version} | {crates} | {size:.1} MB |");
    };
    for client in built {
        line(client.name, &client.version, client.crates, client.size);
    }
    if let Some((size, crates)) = command_weight() {
        let name = "the command `parlor`: every provider, every layer";
        let parlor = built.iter().find(|client| client.name == "parlor");
        line(name, parlor.map_or("", |it| &it.version), crates, size);
    }
    out.push('\n');
}

/// What clean release builds took.
pub(crate) fn builds(built: &[Clean], before: &str) -> String {
    let mut out = format!(
        "{}; load {before} at the beginning, {} at the end; \
         `cargo run -p table -- --clean-builds --write`.\n\n",
        described(),
        load()
    );
    out.push_str("| client | crates | CPU of a clean release build | × |\n|---|---:|---:|---:|\n");
    let floor = built
        .iter()
        .find(|it| it.name == FLOOR)
        .and_then(|it| it.took);
    for Clean { name, crates, took } in built {
        let cell = took.map_or("failed".to_owned(), |took| format!("{took:.0} s"));
        let ratio = match (took, floor) {
            (Some(took), Some(floor)) => format!("{:.2}", took / floor),
            _ => "–".to_owned(),
        };
        let _ = writeln!(out, "| {name} | {crates} | {cell} | {ratio} |");
    }
    out
}

fn number(value: f64) -> String {
    match value.abs() {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 0.995 || value == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

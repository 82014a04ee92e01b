//! What was measured, as Markdown.

use crate::Run;
use crate::measure::{BURST, FIRST, LARGE, Memory, PACED, SCENARIOS, SMALL, Seen, median};
use crate::servers::{FLOOR, SERVERS};
use table::machine;

/// What is aimed at, of the product: by scenario, for the same dialect and another.
fn aim(scenario: &str) -> &'static str {
    match scenario {
        SMALL => "≤ 1.3 ×",
        LARGE => "≤ 400 µs over the floor",
        PACED => "≤ 1.3 ×, ≤ 2 × across",
        FIRST => "≤ 0.3 ms over direct",
        _ => "–",
    }
}

impl Run {
    /// The median over the rounds.
    fn seen(&self, server: &str, crosses: bool, scenario: &str) -> Result<Seen, String> {
        let found = self.costs.iter().find(|((name, is_other, what), _)| {
            *name == server && *is_other == crosses && *what == scenario
        });
        let runs = found.map(|(_, runs)| runs).ok_or("–")?;
        let good = || runs.iter().flatten();
        if good().count() * 2 <= runs.len() {
            let why = runs.iter().find_map(|run| run.as_ref().err());
            return Err(format!("fails: {}", why.map_or("?", String::as_str)));
        }
        Ok(Seen {
            cpu: median(&mut good().map(|it| it.cpu).collect::<Vec<_>>()),
            first: median(&mut good().map(|it| it.first).collect::<Vec<_>>()),
        })
    }

    fn direct(&self) -> f64 {
        median(&mut self.direct.clone())
    }

    /// A line of a table with these columns, in words.
    fn cells(&self, server: &str, crosses: bool, scenario: &str) -> String {
        let floor = self.seen(FLOOR, false, scenario);
        match (self.seen(server, crosses, scenario), floor) {
            (Err(why), _) => format!(" {why} | |"),
            (Ok(seen), _) if scenario == FIRST => {
                let over = seen.first - self.direct();
                format!(" {:.2} | {over:+.2} |", seen.first)
            }
            (Ok(seen), Ok(floor)) if scenario == LARGE => {
                format!(" {:.0} | {:+.0} |", seen.cpu, seen.cpu - floor.cpu)
            }
            (Ok(seen), Ok(floor)) => {
                let digits = usize::from(seen.cpu < 100.0);
                format!(" {:.digits$} | {:.2} |", seen.cpu, seen.cpu / floor.cpu)
            }
            (Ok(seen), Err(_)) => format!(" {:.1} | |", seen.cpu),
        }
    }
}

/// The whole table.
pub(crate) fn page(run: &Run, load: &str) -> String {
    let mut text = format!(
        "{}; load {load} at the beginning, {} at the end; medians of {} rounds; \
         `cargo run --release -p load -- --write`.\n\n",
        machine::described(),
        machine::load(),
        run.rounds,
    );
    text += "| CPU µs of | small request | × | 200 KB prompt | over | paced event | × | \
             event of a burst | × | first token, ms | over direct |\n";
    text += &format!("|---|{}\n", "---:|".repeat(10));
    for server in SERVERS {
        for way in server.ways {
            let name = shown(server.name, way.crosses);
            if run.absent.contains_key(server.name) {
                continue;
            }
            text += &format!("| {name} |");
            for scenario in SCENARIOS {
                text += &run.cells(server.name, way.crosses, scenario.name);
            }
            text += "\n";
        }
    }
    text += "| *aimed at* |";
    for scenario in [SMALL, LARGE, PACED, BURST, FIRST] {
        text += &format!(" | {} |", aim(scenario));
    }
    text += &format!("\n\nStraight to the upstream: {:.2} ms.\n\n", run.direct());
    text += "| resident MB | idle | streams | while open | KiB a stream | 15 s after | \
             descriptors before and after |\n";
    text += &format!("|---|{}\n", "---:|".repeat(6));
    for server in SERVERS {
        let Some(idle) = run.idle.get(server.name) else {
            continue;
        };
        for way in server.ways {
            let name = shown(server.name, way.crosses);
            text += &format!("| {name} | {idle:.1} |");
            text += &match run.memory.get(&(server.name, way.crosses)) {
                Some(Ok(seen)) => memory(seen),
                Some(Err(why)) => format!(" {why} | | | | |\n"),
                None => " – | | | | |\n".to_owned(),
            };
        }
    }
    text += "| *aimed at, of parlor* | ≤ 30 | 5000 | | | returning | |\n";
    for (name, why) in &run.absent {
        text += &format!("\n{name} is not in the tables: {why}.\n");
    }
    text
}

/// The lines of the product and the floor.
pub(crate) fn short(run: &Run) -> String {
    let mut text = String::from(
        "| | floor | same dialect | × | another | × |\n|---|---:|---:|---:|---:|---:|\n",
    );
    for (scenario, label) in [
        (SMALL, "CPU µs of a small request"),
        (LARGE, "CPU µs of a prompt of 200 KB"),
        (PACED, "CPU µs of a streamed event"),
    ] {
        let cpu = |server, crosses| run.seen(server, crosses, scenario).map(|it| it.cpu);
        if let (Ok(floor), Ok(same), Ok(other)) =
            (cpu(FLOOR, false), cpu("parlor", false), cpu("parlor", true))
        {
            text += &format!(
                "| {label} | {floor:.1} | {same:.1} | {:.2} | {other:.1} | {:.2} |\n",
                same / floor,
                other / floor
            );
        }
    }
    let first = |server, crosses| run.seen(server, crosses, FIRST).map(|it| it.first);
    if let (Ok(floor), Ok(same), Ok(other)) = (
        first(FLOOR, false),
        first("parlor", false),
        first("parlor", true),
    ) {
        let direct = run.direct();
        text += &format!(
            "| ms to the first token that are added | {:.2} | {:.2} | | {:.2} | |\n",
            floor - direct,
            same - direct,
            other - direct
        );
    }
    let open = |server, crosses| run.memory.get(&(server, crosses))?.as_ref().ok().copied();
    if let (Some(floor), Some(same), Some(other)) = (
        open(FLOOR, false),
        open("parlor", false),
        open("parlor", true),
    ) {
        for (label, of) in [
            ("idle", (|it| it.before) as fn(Memory) -> f64),
            ("with 5,000 slow streams", |it| it.open),
            ("15 s after them", |it| it.after),
        ] {
            let (floor, same, other) = (of(floor), of(same), of(other));
            text +=
                &format!("| resident MB, {label} | {floor:.0} | {same:.0} | | {other:.0} | |\n");
        }
    }
    text
}

fn memory(seen: &Memory) -> String {
    let each = (seen.open - seen.before) * 1e6 / 1024.0 / seen.streams as f64;
    let (before, after) = seen.descriptors;
    format!(
        " {} | {:.0} | {each:.1} | {:.0} | {before} → {after} |\n",
        seen.streams, seen.open, seen.after
    )
}

fn shown(name: &str, crosses: bool) -> String {
    match crosses {
        true => format!("{name}, to another dialect"),
        false => name.to_owned(),
    }
}

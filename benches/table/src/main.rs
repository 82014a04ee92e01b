//! Builds every client, measures them in turn, and writes the tables:
//! `cargo run -p table -- [--built] [--rounds N] [--quick] [--only SCENARIO] [--steady] [--write]
//! [--command]`, or `-- --clean-builds [--write]`.
//!
//! Clients take turns within each round, so that what else the machine does
//! weighs on all of them; figures are medians over the rounds. Where the
//! machine has two cores the upstream has one and the client the other.

mod measure;
mod render;
mod scenarios;

use measure::{Run, instructions, once, start};
use render::Page;
use scenarios::{How, SCENARIOS};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use table::build::{self, Built, CLIENTS};
use table::{machine, write};

const DIALECTS: &[&str] = &["open-ai", "anthropic", "gemini", "ollama"];

/// In what the instructions of each event are counted.
const COUNTED: &[&str] = &["stream", "varied"];

/// What one client did in one scenario and dialect.
#[derive(Default)]
pub(crate) struct Cell {
    /// By name, a value a round.
    pub(crate) figures: BTreeMap<String, Vec<f64>>,
    /// Why its library can't.
    pub(crate) cannot: Option<String>,
    /// How it failed.
    pub(crate) failed: Option<String>,
}

impl Cell {
    fn take(&mut self, run: Run) {
        match run {
            Ok(figures) => {
                for (name, value) in figures {
                    self.figures.entry(name).or_default().push(value);
                }
            }
            Err(why) => self.failed = Some(why),
        }
    }
}

/// All that was measured, by scenario, dialect and client.
pub(crate) type Measured = BTreeMap<(&'static str, &'static str, &'static str), Cell>;

/// A client in a scenario and a dialect.
type Task<'a> = (&'a Built, &'static scenarios::Scenario, &'static str);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let (quick, steady) = (has("--quick"), has("--steady"));
    let rounds = after("--rounds").and_then(|n| n.parse().ok());
    let rounds = rounds.unwrap_or(if quick || steady { 1 } else { 3 });
    let only = after("--only");
    if has("--clean-builds") {
        let load = machine::load();
        let text = render::builds(&build::clean(), &load);
        return put(&text, "builds", has("--write"));
    }
    machine::raise_file_limit();
    let anew = !has("--built");
    if anew && !build::upstream() {
        eprintln!("the upstream does not build");
    }
    if has("--command") && !build::command() {
        eprintln!("the product's command does not build");
    }
    let built: Vec<Built> = CLIENTS
        .iter()
        .filter_map(|name| build::client(name, anew))
        .collect();
    let load = machine::load();
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let measured = measured(&built, rounds, quick, &wanted);
    let page = Page {
        measured: &measured,
        rounds,
        load: &load,
    };
    let write = has("--write") && !quick && only.is_none();
    if has("--write") && !write {
        eprintln!("a part of the tables is not written to the pages");
    }
    put(&page.steady(&built), "steady", write);
    if !steady {
        put(&page.timed(), "timed", write);
    }
    if write && let Err(why) = write::lines(&write::front_page(), "short", &page.short(!steady)) {
        eprintln!("{why}");
    }
}

/// Prints a text, and writes it to the page.
fn put(text: &str, region: &str, write: bool) {
    println!("{text}");
    if write && let Err(why) = write::region(&write::page(), region, text) {
        eprintln!("{why}");
    }
}

fn measured(
    built: &[Built],
    rounds: usize,
    quick: bool,
    wanted: &dyn Fn(&str) -> bool,
) -> Measured {
    let mut measured = Measured::new();
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for scenario in SCENARIOS.iter().filter(|it| wanted(it.name)) {
        for dialect in DIALECTS {
            for client in built {
                let cell = measured.entry((scenario.name, dialect, client.name));
                let cell = cell.or_default();
                cell.cannot = client.cannot(scenario.asks, dialect);
                if cell.cannot.is_none() {
                    tasks.push((client, scenario, dialect));
                }
            }
        }
    }
    let key = |(client, scenario, dialect): &Task<'_>| (scenario.name, *dialect, client.name);
    for scenario in SCENARIOS {
        let How::Beside(workers) = scenario.how else {
            continue;
        };
        let mine = tasks.iter().filter(|(_, it, _)| it.name == scenario.name);
        let count = scenario
            .count
            .map(|count| if quick { count / 10 } else { count });
        let done = beside(workers, mine, |(client, it, dialect)| {
            once(client, it.asks, dialect, count)
        });
        for (task, run) in done {
            measured.entry(key(&task)).or_default().take(run);
        }
    }
    for round in 1..=rounds {
        for task @ (client, scenario, dialect) in &tasks {
            let cell = measured.entry(key(task)).or_default();
            if cell.failed.is_some() || matches!(scenario.how, How::Beside(_)) {
                continue;
            }
            say(task, &format!("round {round} of {rounds}"));
            let few = match scenario.asks {
                "stream" | "single" | "varied" => 4000,
                _ => 10,
            };
            cell.take(match scenario.how {
                How::Start => start(client, dialect),
                _ => once(client, scenario.asks, dialect, quick.then_some(few)),
            });
            if let Some(why) = &cell.failed {
                eprintln!("  fails: {why}");
            }
        }
    }
    let counted = tasks
        .iter()
        .filter(|(_, it, _)| COUNTED.contains(&it.name) && !quick);
    let counted = counted.filter(|task| measured[&key(task)].failed.is_none());
    let done = beside(2, counted, |(client, it, dialect)| {
        instructions(client, it.asks, dialect)
    });
    for (task, each) in done {
        let figures = &mut measured.entry(key(&task)).or_default().figures;
        figures.extend(each.map(|each| ("instructions".to_owned(), vec![each])));
    }
    measured
}

fn say((client, scenario, dialect): &Task<'_>, what: &str) {
    eprintln!("{what}: {} {dialect} {}", scenario.name, client.name);
}

/// Does the tasks, as many at a time as there are workers.
fn beside<'a, R: Send>(
    workers: usize,
    tasks: impl Iterator<Item = &'a Task<'a>>,
    work: impl Fn(&Task<'a>) -> R + Sync,
) -> Vec<(Task<'a>, R)> {
    let tasks: Mutex<VecDeque<_>> = Mutex::new(tasks.copied().collect());
    let done = Mutex::new(Vec::new());
    let next = || tasks.lock().ok()?.pop_front();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(task) = next() {
                    say(&task, "once");
                    let did = work(&task);
                    if let Ok(mut done) = done.lock() {
                        done.push((task, did));
                    }
                }
            });
        }
    });
    done.into_inner().unwrap_or_default()
}

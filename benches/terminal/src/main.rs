//! Measures terminal programs beside each other: `cargo run -p terminal -- [--built] [--rounds N]
//! [--write]`.
//!
//! The product's command is built here; `aichat` and `llm` are measured where they are found on
//! the path. All ask the same server, in turns, with a home folder of their own.

mod programs;
mod watch;

use programs::{PROGRAMS, Place, Program};
use std::collections::BTreeMap;
use table::upstream::Upstream;
use table::{build, machine, write};
use watch::{Seen, watch};

/// Text deltas of a long answer: about 100 KB.
const LONG: usize = 17_000;

/// What a program is asked, and where its answer goes.
struct Scenario {
    name: &'static str,
    /// The model of the upstream; `None` asks for the program's version only.
    model: Option<(&'static str, usize)>,
    on_terminal: bool,
    figures: &'static [Figure],
}

/// A column: its head, how it is taken, how many digits it has after the point.
type Figure = (&'static str, fn(&Seen, usize) -> Option<f64>, usize);

const WALL: Figure = ("ms", |seen, _| Some(seen.wall * 1e3), 1);
const CPU: Figure = ("CPU ms", |seen, _| Some(seen.cpu * 1e3), 1);
const MEMORY: Figure = ("resident MB", |seen, _| Some(seen.resident / 1e6), 1);
const REQUEST: Figure = ("ms to the request", |seen, _| Some(seen.request? * 1e3), 1);
const EACH: Figure = (
    "CPU µs a delta",
    |seen, n| Some(seen.cpu * 1e6 / n as f64),
    1,
);
const BYTES: Figure = (
    "bytes to the terminal a delta",
    |seen, n| Some(seen.bytes as f64 / n as f64),
    1,
);
const CLEARED: Figure = ("screens cleared", |seen, _| Some(seen.cleared as f64), 0);

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "`--version`",
        model: None,
        on_terminal: false,
        figures: &[WALL, CPU, MEMORY],
    },
    Scenario {
        name: "a question, answered at once, into a pipe",
        model: Some(("single", 1)),
        on_terminal: false,
        figures: &[REQUEST, WALL, CPU, MEMORY],
    },
    Scenario {
        name: "an answer of 100 KB, into a pipe",
        model: Some(("single", LONG)),
        on_terminal: false,
        figures: &[EACH, MEMORY],
    },
    Scenario {
        name: "the same in a terminal of 100 columns",
        model: Some(("single", LONG)),
        on_terminal: true,
        figures: &[EACH, BYTES, CLEARED, MEMORY],
    },
];

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|it| it == name);
    let rounds = arguments.iter().position(|it| it == "--rounds");
    let rounds = rounds.and_then(|at| arguments.get(at + 1)?.parse().ok());
    let rounds: usize = rounds.unwrap_or(5);
    let is_built = has("--built") || (build::upstream() && build::command());
    if !is_built {
        return Err("the product doesn't build".to_owned());
    }
    let found: Vec<Program> = PROGRAMS.iter().filter_map(Program::find).collect();
    let load = machine::load();
    let mut measured: BTreeMap<(usize, usize), Vec<Result<Seen, String>>> = BTreeMap::new();
    for _ in 0..rounds {
        for (at, scenario) in SCENARIOS.iter().enumerate() {
            for (which, program) in found.iter().enumerate() {
                let seen = once(program, scenario);
                measured.entry((at, which)).or_default().push(seen);
            }
        }
    }
    let mut text = format!(
        "{}; load {load} at the beginning, {} at the end; medians of {rounds} rounds; \
         `cargo run -p terminal -- --write`.\n",
        machine::described(),
        machine::load(),
    );
    for (at, scenario) in SCENARIOS.iter().enumerate() {
        text += &format!("\n| {} |", scenario.name);
        scenario
            .figures
            .iter()
            .for_each(|it| text += &format!(" {} |", it.0));
        text += &format!("\n|---|{}\n", "---:|".repeat(scenario.figures.len()));
        for (which, program) in found.iter().enumerate() {
            text += &row(program, scenario, &measured[&(at, which)]);
        }
    }
    text += "\n| the program | version | MB |\n|---|---|---:|\n";
    for program in &found {
        let size = program
            .size()
            .map(|size| format!("{:.1}", size as f64 / 1e6));
        let size = size.unwrap_or_else(|| "an environment of Python".to_owned());
        text += &format!("| {} | {} | {size} |\n", program.name, program.version());
    }
    println!("{text}");
    match has("--write") {
        true => write::region(&write::page(), "terminal", &text),
        false => Ok(()),
    }
}

fn once(program: &Program, scenario: &Scenario) -> Result<Seen, String> {
    let mut upstream = Upstream::start()?;
    let Some((kind, deltas)) = scenario.model else {
        let place = Place::new(program, "", &upstream.address)?;
        return watch(place.versions(program), false);
    };
    let model = format!("{kind}-{deltas}");
    let place = Place::new(program, &model, &upstream.address)?;
    // The first run makes what a program keeps; it is the second that its user knows.
    watch(place.asks(program, &model), scenario.on_terminal)?;
    let mut seen = watch(place.asks(program, &model), scenario.on_terminal)?;
    let came = upstream.last().ok_or("the upstream is mute")?;
    seen.request = Some(came / 1e9 - seen.began);
    Ok(seen)
}

fn row(program: &Program, scenario: &Scenario, runs: &[Result<Seen, String>]) -> String {
    let deltas = scenario.model.map_or(1, |(_, deltas)| deltas);
    let mut row = format!("| {} |", program.name);
    for (_, figure, digits) in scenario.figures {
        let values = runs
            .iter()
            .flatten()
            .filter_map(|seen| figure(seen, deltas));
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        row += &match values.get(values.len() / 2) {
            Some(value) => format!(" {value:.digits$} |"),
            None => " failed |".to_owned(),
        };
    }
    if let Some(Err(why)) = runs.iter().find(|run| run.is_err()) {
        eprintln!("{}: {}: {why}", program.name, scenario.name);
    }
    row + "\n"
}

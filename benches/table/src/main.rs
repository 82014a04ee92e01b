//! Builds every client, measures them in turn, and writes the tables:
//! `cargo run -p table -- [--rounds N] [--quick] [--only SCENARIO] [--built] [--clean-builds]`.
//!
//! Clients take turns within each round, so that what else the machine does
//! weighs on all of them; figures are medians over the rounds. Where the
//! machine has two cores the upstream has one and the client the other.

mod measure;
mod render;

use measure::{Upstream, instructions, once, start};
use std::collections::BTreeMap;
use table::build::{self, Built, CLIENTS};

const DIALECTS: &[&str] = &["open-ai", "anthropic", "gemini", "ollama"];

/// Scenarios, with the dialects that they are run in.
const SCENARIOS: &[(&str, &[&str])] = &[
    ("stream", DIALECTS),
    ("single", &["open-ai"]),
    ("open", &["open-ai"]),
    ("small", DIALECTS),
    ("large", &["open-ai"]),
    ("history", &["open-ai", "anthropic"]),
    ("images", &["open-ai"]),
    ("huge", &["open-ai"]),
    ("latency", &["open-ai"]),
];

/// Figures of one client in one scenario and dialect, by name, a value a round.
pub(crate) type Figures = BTreeMap<String, Vec<f64>>;

/// All that was measured, by scenario, dialect and client.
pub(crate) type Measured = BTreeMap<(&'static str, &'static str, &'static str), Figures>;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let quick = has("--quick");
    let rounds = after("--rounds").and_then(|n| n.parse().ok());
    let rounds = rounds.unwrap_or(if quick { 1 } else { 5 });
    let only = after("--only");
    let wanted = |scenario: &str| only.as_deref().is_none_or(|only| only == scenario);
    let anew = !has("--built");
    if anew {
        build::upstream();
    }
    let built: Vec<Built> = CLIENTS
        .iter()
        .filter_map(|name| build::client(name, anew))
        .collect();
    let upstream = Upstream::start();
    let mut measured = Measured::new();
    for round in 1..=rounds {
        for (scenario, dialects) in SCENARIOS {
            if !wanted(scenario) {
                continue;
            }
            for dialect in *dialects {
                for client in built.iter().filter(|client| client.speaks(dialect)) {
                    eprintln!(
                        "round {round} of {rounds}: {scenario} {dialect} {}",
                        client.name
                    );
                    let Some(figures) = once(client, scenario, dialect, &upstream, quick) else {
                        continue;
                    };
                    let key = (*scenario, *dialect, client.name);
                    let all = measured.entry(key).or_default();
                    for (name, value) in figures {
                        all.entry(name).or_default().push(value);
                    }
                }
            }
        }
        for client in built.iter().filter(|_| wanted("start")) {
            let all = measured
                .entry(("start", "open-ai", client.name))
                .or_default();
            for (name, value) in start(client, &upstream) {
                all.entry(name).or_default().push(value);
            }
        }
    }
    if !quick && wanted("stream") {
        // One dialect: it takes a while.
        for dialect in &DIALECTS[..1] {
            for client in built.iter().filter(|client| client.speaks(dialect)) {
                if let Some(each) = instructions(client, dialect, &upstream) {
                    let all = measured
                        .entry(("stream", dialect, client.name))
                        .or_default();
                    all.insert("instructions".to_owned(), vec![each]);
                }
            }
        }
    }
    let mut built = built;
    if has("--clean-builds") {
        built.iter_mut().for_each(build::clean);
    }
    print!("{}", render::tables(&built, &measured, rounds));
}

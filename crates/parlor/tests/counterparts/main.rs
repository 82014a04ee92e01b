//! The conformance suite against servers that others wrote.
//!
//! `cargo xtask counterparts` starts the servers and runs this. Each server is found by a variable
//! of its own; the tests of one whose variable isn't set are skipped, by name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "helpers of tests, whose tables are read by people"
)]

mod departures;
mod servers;

use std::fmt::Write as _;

use parlor::{PROVIDERS, Registry};
use parlor_testkit::Conformance;
use parlor_testkit::conformance::{CaseOutcome, ConformanceReport};

use servers::{PAIRS, Pair};

/// Letters of a row of a table; a failure is told whole below it.
const WIDTH: usize = 160;

/// Runs the suite for the models of one provider as one server serves them.
async fn suite(server: &str, provider: &str) {
    let pair = PAIRS
        .iter()
        .find(|pair| pair.server == server && pair.provider == provider)
        .expect("the pair is in the table");
    let name = format!("{server} × {provider}");
    let Ok(url) = std::env::var(pair.variable) else {
        eprintln!("skipped: {name}, since {} isn't set", pair.variable);
        return;
    };
    let registry = Registry::global(PROVIDERS).unwrap();
    let Some(built) = registry.provider(provider) else {
        eprintln!("skipped: {name}, since the feature {provider} is off");
        return;
    };
    let report = pair.conformance(built, &url).run().await;
    let (table, wrong) = judged(pair, &report);
    eprintln!("\n{name}: {table}");
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
}

/// A report as a table, and what in it isn't as it should be.
fn judged(pair: &Pair, report: &ConformanceReport) -> (String, Vec<String>) {
    let mut rows = String::new();
    let mut wrong = Vec::new();
    let (mut passed, mut departs, mut skipped) = (0, 0, 0);
    for case in &report.cases {
        let known = departures::find(pair.server, pair.provider, case.name);
        let (word, told) = match (&case.outcome, known) {
            (CaseOutcome::Passed, None) => {
                passed += 1;
                ("passed", "")
            }
            (CaseOutcome::Failed(_), Some(reason)) => {
                departs += 1;
                ("departs", reason)
            }
            (CaseOutcome::Skipped(why), None) => {
                skipped += 1;
                ("skipped", why.as_str())
            }
            (CaseOutcome::Failed(why), None) => {
                wrong.push(format!("  {}: {why}", case.name));
                ("FAILED", why.as_str())
            }
            (CaseOutcome::Passed, Some(_)) => {
                wrong.push(format!("  {}: passed, and is a known departure", case.name));
                ("PASSED", "and is a known departure: take it off the list")
            }
            (CaseOutcome::Skipped(why), Some(_)) => {
                wrong.push(format!(
                    "  {}: skipped, and is a known departure",
                    case.name
                ));
                ("SKIPPED", why.as_str())
            }
        };
        let told = told.lines().next().unwrap_or_default();
        let row: String = format!("  {:<21} {word:<8} {told}", case.name)
            .chars()
            .take(WIDTH)
            .collect();
        writeln!(rows, "{}", row.trim_end()).unwrap();
    }
    let failed = wrong.len();
    let sums =
        format!("{passed} passed, {departs} depart as known, {skipped} skipped, {failed} wrong");
    (format!("{sums}\n{rows}"), wrong)
}

macro_rules! pairs {
    ($( $name:ident: $server:literal, $provider:literal; )+) => {
        $(
            #[tokio::test]
            async fn $name() {
                suite($server, $provider).await;
            }
        )+

        #[test]
        fn every_pair_is_tested_and_every_departure_is_of_a_pair_and_a_case() {
            let tested = [$( ($server, $provider) ),+];
            let listed: Vec<_> = PAIRS.iter().map(|it| (it.server, it.provider)).collect();
            assert_eq!(tested.as_slice(), listed);
            for departure in departures::ALL {
                let (server, provider) = (departure.server, departure.provider);
                assert!(listed.contains(&(server, provider)), "{departure:?}");
                assert!(Conformance::cases().any(|case| case == departure.case), "{departure:?}");
                assert!(!departure.reason.is_empty(), "{departure:?}");
            }
        }
    };
}

pairs! {
    aimock_openai: "aimock", "openai";
    aimock_anthropic: "aimock", "anthropic";
    aimock_gemini: "aimock", "gemini";
    aimock_ollama: "aimock", "ollama";
    litellm_openai: "litellm", "openai";
    litellm_anthropic: "litellm", "anthropic";
    litellm_gemini: "litellm", "gemini";
    litellm_translating_anthropic: "litellm-translating", "anthropic";
    litellm_translating_gemini: "litellm-translating", "gemini";
    llama_server_openai: "llama-server", "openai";
    llama_server_anthropic: "llama-server", "anthropic";
}

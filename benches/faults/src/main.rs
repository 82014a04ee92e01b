//! Asks every client of the fault server, and writes the table of who was right:
//! `cargo run -p faults -- [--details] [--built] [--write] [--only CASE] [--kind NUMBER]
//! [--patience SECONDS] [CLIENT ...]`.
//!
//! Each case is a process of its own, with at most a gigabyte of memory, twenty
//! seconds of CPU time, and ten seconds more than the server's patience. Compared is what any library can
//! tell: whether it answered or failed, the text, and the tool calls; and where
//! it dropped what it asked for, whether the server saw it.

mod ask;
mod judge;
mod render;

use ask::Did;
use judge::{Row, Verdict};
use parlor_testkit::Pace;
use parlor_testkit::fault::{Expect, FAULTS, Fault, FaultServer, Mode, Outcome, Wire};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use table::{build, machine, write};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How much longer than the server a client may take.
const LONGER: Duration = Duration::from_secs(10);

/// How much longer where it has much to do.
const MUCH_LONGER: Duration = Duration::from_secs(120);

/// The kind of faults that are so large that clients work for a while.
const LARGE: u8 = 31;

/// How long the server may take to see that a client is gone.
const SEEN_WITHIN: Duration = Duration::from_secs(5);

/// A case in one mode.
#[derive(Clone)]
struct Case {
    fault: &'static Fault,
    mode: Mode,
    expect: Expect,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut after = |name: &str| {
        let at = arguments.iter().position(|it| it == name)?;
        arguments.drain(at..(at + 2).min(arguments.len())).nth(1)
    };
    let (only, kind, patience) = (after("--only"), after("--kind"), after("--patience"));
    let has = |name: &str| arguments.iter().any(|it| it == name);
    let (details, anew, writes) = (has("--details"), !has("--built"), has("--write"));
    arguments.retain(|it| !it.starts_with("--"));
    let named = |name: &str| arguments.is_empty() || arguments.iter().any(|it| it == name);
    let clients: Vec<_> = build::CLIENTS
        .iter()
        .filter(|name| !name.starts_with("floor") && named(name))
        .filter_map(|name| build::client(name, anew))
        .collect();
    let mut pace = Pace::default();
    if let Some(seconds) = patience.and_then(|it| it.parse().ok()) {
        pace.patience = Duration::from_secs(seconds);
    }
    let kind = kind.and_then(|it| it.parse::<u8>().ok());
    let wanted = |fault: &&Fault| {
        only.as_deref().is_none_or(|only| only == fault.name)
            && kind.is_none_or(|kind| kind == fault.number)
    };
    let cases = FAULTS.iter().filter(wanted).flat_map(|fault| {
        Mode::ALL.into_iter().filter_map(move |mode| {
            let expect = fault.expect(Wire::OpenAiChat, mode).ok()?;
            Some(Case {
                fault,
                mode,
                expect,
            })
        })
    });
    let cases: Vec<Case> = cases.collect();
    let programs: Vec<PathBuf> = clients.iter().map(|client| client.path.clone()).collect();
    let rows = play(&cases, &programs, pace).await?;
    let names: Vec<_> = clients.iter().map(|client| client.name).collect();
    let head = format!(
        "{}; load {} at the end; `cargo run -p faults -- --built --write`.\n\n",
        machine::described(),
        machine::load()
    );
    let table = head + &render::table(&names, &rows);
    print!("{table}");
    if details {
        print!("{}", render::details(&names, &rows));
    }
    if writes && only.is_none() && kind.is_none() && arguments.is_empty() {
        let short = render::short(&names, &rows);
        let written = write::region(&write::page(), "faults", &table);
        let written = written.and(write::lines(&write::front_page(), "short", &[short]));
        if let Err(why) = written {
            eprintln!("{why}");
        }
    }
    Ok(())
}

/// How many clients may be at such a case at a time: many where they only wait,
/// few where they work, so that a busy machine isn't taken for a hanging client.
fn together(case: &Case) -> usize {
    let passes = |outcome: &Outcome| match outcome {
        Outcome::Failure(failure) => {
            let kinds = failure.kinds.iter();
            let mut waits = kinds.map(|it| it.ends_with("_timeout") || *it == "rate_limited");
            waits.any(|waits| waits)
        }
        Outcome::Answer(_) => false,
    };
    match case.fault.number {
        LARGE => 2,
        _ if case.expect.drop_at.is_some() => 24,
        _ if case.expect.outcomes.iter().any(passes) => 48,
        _ => 4,
    }
}

/// Plays each case against each client.
async fn play(cases: &[Case], programs: &[PathBuf], pace: Pace) -> std::io::Result<Vec<Row>> {
    let mut verdicts: Vec<Vec<Option<Verdict>>> = Vec::new();
    verdicts.resize_with(cases.len(), || programs.iter().map(|_| None).collect());
    let mut sizes: Vec<usize> = cases.iter().map(together).collect();
    sizes.sort_unstable();
    sizes.dedup();
    for size in sizes.into_iter().rev() {
        let free = Arc::new(Semaphore::new(size));
        let mut running = JoinSet::new();
        let mine = cases
            .iter()
            .enumerate()
            .filter(|(_, it)| together(it) == size);
        for (row, case) in mine {
            for (column, program) in programs.iter().enumerate() {
                let (free, case, program) = (free.clone(), case.clone(), program.clone());
                running.spawn(async move {
                    let _held = free.acquire_owned().await;
                    let verdict = one(&case, program, pace).await;
                    (row, column, verdict)
                });
            }
        }
        while let Some(done) = running.join_next().await {
            let (row, column, verdict) = done?;
            let verdict = verdict.unwrap_or_else(|error| Verdict::Wrong(error.to_string()));
            if let Verdict::Wrong(why) = &verdict {
                let (name, program) = (cases[row].fault.name, programs[column].display());
                eprintln!("{name} {:?}, {program}: {why}", cases[row].mode);
            }
            verdicts[row][column] = Some(verdict);
        }
    }
    let unplayed = || Verdict::Wrong("it was not played".to_owned());
    let row = |(case, verdicts): (&Case, Vec<Option<Verdict>>)| Row {
        fault: case.fault,
        mode: case.mode,
        verdicts: verdicts
            .into_iter()
            .map(|it| it.unwrap_or_else(unplayed))
            .collect(),
    };
    Ok(cases.iter().zip(verdicts).map(row).collect())
}

/// Plays one case against one client.
async fn one(case: &Case, program: PathBuf, pace: Pace) -> std::io::Result<Verdict> {
    let server = FaultServer::start_at(pace).await?;
    let (url, mode, warm) = (server.url(case.fault.name), case.mode, case.expect.warm_up);
    if case.expect.drop_at.is_some() {
        let dropped = move || ask::drop_midway(&program, &url, mode);
        return Ok(match tokio::task::spawn_blocking(dropped).await? {
            Ok(_alive) => {
                let seen = server.wait_for_drop(case.fault.name, SEEN_WITHIN).await;
                judge::judge(&case.expect, &Did::Dropped(seen), &server, false)
            }
            Err(why) => Verdict::Wrong(why),
        });
    }
    let began = Instant::now();
    let longer = match case.fault.number {
        LARGE => MUCH_LONGER,
        _ => LONGER,
    };
    let bound = pace.patience + longer;
    let ask = move || ask::ask(&program, &url, mode, warm, bound);
    let did = tokio::task::spawn_blocking(ask).await?;
    let waited = began.elapsed() >= pace.patience;
    Ok(judge::judge(&case.expect, &did, &server, waited))
}

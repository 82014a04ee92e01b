//! Asks every client of the fault server, and writes the table of who was right:
//! `cargo run -p faults -- [--details] [--built] [--only CASE] [CLIENT ...]`.
//!
//! Each case is a process of its own, with at most a gigabyte of memory and
//! twenty seconds of time. Compared is what any library can tell: whether it
//! answered or failed, the text, and the tool calls.

mod ask;
mod judge;
mod render;

use judge::{Row, Verdict};
use parlor_testkit::fault::{FAULTS, Fault, FaultServer, Mode, Wire};
use table::build;

/// How many cases are played at a time.
const TOGETHER: usize = 12;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let details = arguments.iter().any(|it| it == "--details");
    let anew = !arguments.iter().any(|it| it == "--built");
    let only = arguments.iter().position(|it| it == "--only");
    let only = only.and_then(|at| arguments.drain(at..(at + 2).min(arguments.len())).nth(1));
    arguments.retain(|it| !it.starts_with("--"));
    let named = |name: &str| arguments.is_empty() || arguments.iter().any(|it| it == name);
    let clients: Vec<_> = build::CLIENTS
        .iter()
        .filter(|name| !name.starts_with("floor") && named(name))
        .filter_map(|name| build::client(name, anew))
        .collect();
    let wanted = |fault: &&Fault| only.as_deref().is_none_or(|only| only == fault.name);
    let cases = FAULTS.iter().filter(wanted).flat_map(|fault| {
        Mode::ALL.into_iter().filter_map(move |mode| {
            let expect = fault.expect(Wire::OpenAiChat, mode).ok()?;
            // Who hangs up when is seen from within a program only.
            expect.drop_at.is_none().then_some((fault, mode, expect))
        })
    });
    let cases: Vec<_> = cases.collect();
    let mut rows = Vec::new();
    // Side by side, since in many of them clients only wait.
    for cases in cases.chunks(TOGETHER) {
        let mut asked = Vec::new();
        for (fault, mode, expect) in cases {
            eprintln!("{} {mode:?}", fault.name);
            for client in &clients {
                let server = FaultServer::start().await?;
                let (program, url) = (client.path.clone(), server.url(fault.name));
                let (mode, warm) = (*mode, expect.warm_up);
                let ask = move || ask::ask(&program, &url, mode, warm);
                asked.push((server, tokio::task::spawn_blocking(ask)));
            }
        }
        let mut asked = asked.into_iter();
        for (fault, mode, expect) in cases {
            let mut verdicts: Vec<Verdict> = Vec::new();
            for (server, ask) in asked.by_ref().take(clients.len()) {
                verdicts.push(judge::judge(expect, &ask.await?, &server));
            }
            rows.push(Row {
                fault,
                mode: *mode,
                verdicts,
            });
        }
    }
    let names: Vec<_> = clients.iter().map(|client| client.name).collect();
    print!("{}", render::table(&names, &rows));
    if details {
        print!("{}", render::details(&names, &rows));
    }
    Ok(())
}

//! Asks every client of the fault server, and writes the table of who was right:
//! `cargo run -p faults -- [--details] [--only CASE] [CLIENT ...]`.
//!
//! Each case is a process of its own, with at most a gigabyte of memory and
//! twenty seconds of time. Compared is what any library can tell: whether it
//! answered or failed, the text, and the tool calls.

mod ask;
mod judge;
mod render;

use judge::{Row, Verdict};
use parlor_testkit::fault::{FAULTS, FaultServer, Mode, Wire};
use table::build;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let details = arguments.iter().any(|it| it == "--details");
    let only = arguments.iter().position(|it| it == "--only");
    let only = only.and_then(|at| arguments.drain(at..(at + 2).min(arguments.len())).nth(1));
    arguments.retain(|it| !it.starts_with("--"));
    let named = |name: &str| arguments.is_empty() || arguments.iter().any(|it| it == name);
    let clients: Vec<_> = build::CLIENTS
        .iter()
        .filter(|name| !name.starts_with("floor") && named(name))
        .filter_map(|name| build::client(name))
        .collect();
    let mut rows = Vec::new();
    for fault in FAULTS {
        if only.as_deref().is_some_and(|only| only != fault.name) {
            continue;
        }
        for mode in Mode::ALL {
            let Ok(expect) = fault.expect(Wire::OpenAiChat, mode) else {
                continue;
            };
            // Who hangs up when is seen from within a program only.
            if expect.drop_at.is_some() {
                continue;
            }
            eprintln!("{} {mode:?}", fault.name);
            let mut asked = Vec::new();
            for client in &clients {
                let server = FaultServer::start().await?;
                let program = client.path.clone();
                let url = server.url(fault.name);
                let warm = expect.warm_up;
                let ask = move || ask::ask(&program, &url, mode, warm);
                asked.push((server, tokio::task::spawn_blocking(ask)));
            }
            let mut verdicts: Vec<Verdict> = Vec::new();
            for (server, ask) in asked {
                verdicts.push(judge::judge(&expect, &ask.await?, &server));
            }
            rows.push(Row {
                fault,
                mode,
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

//! Measures gateways beside each other: `cargo run --release -p load -- [--built] [--rounds N] [--seconds N]
//! [--only NAME] [--soak [MINUTES]] [--write]`.
//!
//! The generator and the upstream have one core, the server that is measured the other. What is
//! measured goes in turns, so that what else the machine does weighs on all.

mod exchange;
mod generator;
#[path = "../../../xtask/src/counterparts/litellm.rs"]
mod litellm;
mod measure;
mod peers;
mod process;
mod render;
mod servers;
mod soak;

use measure::{FIRST, Memory, SCENARIOS, Seen};
use peers::Peers;
use process::Process;
use servers::{Place, SERVERS, Server};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use table::upstream::Upstream;
use table::{build, machine, write};

/// Streams that are open at once.
const STREAMS: f64 = 5000.0;

/// What was measured: by server, whether it crosses dialects, and scenario.
pub(crate) type Costs = BTreeMap<(&'static str, bool, &'static str), Vec<Result<Seen, String>>>;

/// One run.
#[derive(Default)]
pub(crate) struct Run {
    pub(crate) costs: Costs,
    /// Straight to the upstream, in milliseconds.
    pub(crate) direct: Vec<f64>,
    /// Resident megabytes before the first request.
    pub(crate) idle: BTreeMap<&'static str, f64>,
    pub(crate) memory: BTreeMap<(&'static str, bool), Result<Memory, String>>,
    /// Why a server isn't there.
    pub(crate) absent: BTreeMap<&'static str, String>,
    pub(crate) rounds: usize,
    pub(crate) soak: Option<String>,
}

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|it| it == name);
    let after = |name: &str| {
        let at = arguments.iter().position(|it| it == name)?;
        arguments.get(at + 1).filter(|it| !it.starts_with("--"))
    };
    let number = |name: &str| after(name).and_then(|it| it.parse::<u64>().ok());
    let built = || build::package("upstream") && build::package("pass") && build::service();
    if !(has("--built") || built()) {
        return Err("the programs don't build".to_owned());
    }
    machine::raise_file_limit();
    machine::stay_on(1);
    let folder = Folder::new()?;
    let upstream = Upstream::start()?;
    let place = Place {
        upstream: &upstream.address,
        folder: &folder.0,
        peers: &Peers::new(build::target().join("peers")),
    };
    let load = machine::load();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let rounds = number("--rounds").unwrap_or(5) as usize;
    let lasts = Duration::from_secs(number("--seconds").unwrap_or(3));
    let only = after("--only").map(String::as_str);
    let soaks = has("--soak").then(|| Duration::from_secs(60 * number("--soak").unwrap_or(4)));
    let run = runtime.block_on(async {
        if let Some(lasts) = soaks {
            return soak::soak(&place, lasts).await.map(|told| Run {
                soak: Some(told),
                ..Run::default()
            });
        }
        let mut run = Run {
            rounds,
            ..Run::default()
        };
        let mut started = started(&place, only, &mut run);
        for round in 1..=rounds {
            eprintln!("round {round} of {rounds}");
            costs(&place, &started, lasts, &mut run).await;
        }
        memory(&place, &mut started, &mut run).await;
        Ok(run)
    })?;
    if let Some(told) = &run.soak {
        println!("{told}");
        return match has("--write") {
            true => write::region(&write::page(), "soak", told),
            false => Ok(()),
        };
    }
    let text = render::page(&run, &load);
    println!("{text}");
    match has("--write") && only.is_none() {
        true => {
            write::region(&write::page(), "load", &text)?;
            let page = build::root().join("../crates/parlor-server/README.md");
            write::region(&page, "load", &render::short(&run))
        }
        false => Ok(()),
    }
}

/// Starts all servers, and tells what they take before anybody asked.
fn started<'a>(place: &Place<'_>, only: Option<&str>, run: &mut Run) -> Vec<(&'a Server, Process)> {
    let mut started = Vec::new();
    for server in SERVERS {
        if server.name != servers::FLOOR && only.is_some_and(|only| only != server.name) {
            continue;
        }
        eprintln!("{}: starting", server.name);
        match (server.start)(place) {
            Ok(process) => started.push((server, process)),
            Err(why) => {
                eprintln!("{}: {why}", server.name);
                run.absent.insert(server.name, why);
            }
        }
    }
    // What a start leaves to be done.
    std::thread::sleep(Duration::from_secs(3));
    for (server, process) in &started {
        run.idle.insert(server.name, process.resident());
    }
    started
}

async fn costs(
    place: &Place<'_>,
    started: &[(&'static Server, Process)],
    lasts: Duration,
    run: &mut Run,
) {
    let url = place.upstream;
    let straight = url.trim_start_matches("http://");
    for scenario in SCENARIOS {
        if scenario.name == FIRST {
            let way = &SERVERS[0].ways[0];
            let seen = measure::measured(scenario, way, straight, None, 1.0, lasts, url).await;
            run.direct.extend(seen.ok().map(|it| it.first));
        }
        for (server, process) in started {
            for way in server.ways {
                let address = &process.address;
                let (some, share) = (Some(process), server.share);
                let seen = measure::measured(scenario, way, address, some, share, lasts, url).await;
                if let Err(why) = &seen {
                    eprintln!("{}: {}: {why}", server.name, scenario.name);
                }
                let key = (server.name, way.crosses, scenario.name);
                run.costs.entry(key).or_default().push(seen);
            }
        }
    }
}

/// Each server anew, the others ended: five thousand streams need what they can get.
async fn memory(place: &Place<'_>, started: &mut Vec<(&'static Server, Process)>, run: &mut Run) {
    for (server, process) in started.drain(..) {
        drop(process);
        for way in server.ways {
            let count = (STREAMS * server.share) as usize;
            eprintln!("{}: {count} streams", server.name);
            let seen = match (server.start)(place) {
                Ok(process) => measure::slow_streams(way, &process, count, place.upstream).await,
                Err(why) => Err(why),
            };
            run.memory.insert((server.name, way.crosses), seen);
        }
    }
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("load-{}", std::process::id()));
        let told = |error: std::io::Error| format!("{}: {error}", path.display());
        std::fs::create_dir_all(&path).map_err(told)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all::<&Path>(&self.0);
    }
}

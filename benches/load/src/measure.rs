//! The scenarios, and what each costs a server.

use crate::generator::Pool;
use crate::process::Process;
use crate::servers::Way;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// What is asked, and how often.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    model: &'static str,
    /// Text deltas of each answer; without any it isn't streamed.
    deltas: usize,
    /// Bytes of the prompt.
    prompt: usize,
    /// Requests a second.
    pub(crate) rate: f64,
}

pub(crate) const SMALL: &str = "a small request";
pub(crate) const LARGE: &str = "a prompt of 200 KB";
pub(crate) const PACED: &str = "an event, ten milliseconds after the one before";
pub(crate) const BURST: &str = "an event, sixteen at once";
pub(crate) const FIRST: &str = "the first token";

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: SMALL,
        model: "whole-200",
        deltas: 0,
        prompt: 100,
        rate: 400.0,
    },
    Scenario {
        name: LARGE,
        model: "whole-200",
        deltas: 0,
        prompt: 200_000,
        rate: 100.0,
    },
    Scenario {
        name: PACED,
        model: "paced-200",
        deltas: 200,
        prompt: 100,
        rate: 20.0,
    },
    Scenario {
        name: BURST,
        model: "stream-2000",
        deltas: 2000,
        prompt: 100,
        rate: 20.0,
    },
    Scenario {
        name: FIRST,
        model: "single-20",
        deltas: 20,
        prompt: 100,
        rate: 100.0,
    },
];

/// What a server took for one scenario.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    /// Microseconds of CPU time, of each event or each request.
    pub(crate) cpu: f64,
    /// Milliseconds to the first token of an answer, at the median.
    pub(crate) first: f64,
}

/// Asks by a scenario for so long, and tells what that cost the server, if one is given.
pub(crate) async fn measured(
    scenario: &Scenario,
    way: &Way,
    address: &str,
    server: Option<&Process>,
    share: f64,
    lasts: Duration,
    url: &str,
) -> Result<Seen, String> {
    let streams = scenario.deltas > 0;
    let request = way.request(scenario.model, scenario.prompt, streams, url);
    let request: Arc<[u8]> = request.into();
    let pool = Pool::new(address);
    let rate = scenario.rate * share;
    let open_loop = |lasts| pool.open_loop(&request, rate, lasts, scenario.deltas);
    // Connections, code and caches.
    open_loop(lasts / 4).await;
    let before = server.map_or(0.0, Process::cpu);
    let mut outcome = open_loop(lasts).await;
    let took = server.map_or(0.0, Process::cpu) - before;
    if let Some(why) = outcome.failed {
        return Err(why);
    }
    let units = match streams {
        true => outcome.good * scenario.deltas,
        false => outcome.good,
    };
    Ok(Seen {
        cpu: took * 1e6 / units as f64,
        first: median(&mut outcome.first),
    })
}

/// Resident megabytes of a server around many open streams.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) streams: usize,
    /// Before the first of them.
    pub(crate) before: f64,
    /// The most while they were open.
    pub(crate) open: f64,
    /// So long after the last one was closed.
    pub(crate) after: f64,
    pub(crate) descriptors: (usize, usize),
}

/// How long streams may take to open, once all are asked for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long streams are held once all are open, and how long the memory has to return.
const HELD: Duration = Duration::from_secs(10);
const AFTER: Duration = Duration::from_secs(15);

/// Opens streams that give an event a second, holds them, and ends them all.
pub(crate) async fn slow_streams(
    way: &Way,
    server: &Process,
    count: usize,
    url: &str,
) -> Result<Memory, String> {
    let request: Arc<[u8]> = way.request("slow", 100, true, url).into();
    let before = server.resident();
    let descriptors = server.descriptors();
    let mut open = before;
    let mut streams = JoinSet::new();
    let began = Instant::now();
    // Over ten seconds.
    let each = Duration::from_secs(10) / count as u32;
    let (told, mut opened) = tokio::sync::mpsc::unbounded_channel::<io::Result<u16>>();
    for at in 0..count {
        sleep_until(began + each * at as u32).await;
        let (address, request, told) = (server.address.clone(), Arc::clone(&request), told.clone());
        streams.spawn(async move {
            let begun = async {
                let mut connection = crate::exchange::Connection::open(&address).await?;
                let answer = connection.begin(&request).await?;
                io::Result::Ok((connection, answer.status))
            };
            match begun.await {
                Ok((mut connection, status)) => {
                    // Nobody listens once it is over.
                    let _ = told.send(Ok(status));
                    let _ = connection.drain().await;
                }
                Err(error) => {
                    let _ = told.send(Err(error));
                }
            }
        });
        if at % 100 == 0 {
            open = open.max(server.resident());
        }
    }
    let (mut good, mut told, mut why) = (0, 0, None);
    let end = Instant::now() + PATIENCE;
    while told < count && Instant::now() < end {
        if told % 100 == 0 {
            open = open.max(server.resident());
        }
        let Ok(one) = timeout(Duration::from_secs(1), opened.recv()).await else {
            continue;
        };
        told += 1;
        match one {
            Some(Ok(200)) => good += 1,
            Some(Ok(status)) => why = Some(format!("status {status}")),
            Some(Err(error)) => why = Some(error.to_string()),
            None => break,
        }
    }
    let end = Instant::now() + HELD;
    while Instant::now() < end {
        sleep(Duration::from_secs(1)).await;
        open = open.max(server.resident());
    }
    streams.shutdown().await;
    sleep(AFTER).await;
    if good < count * 9 / 10 {
        let why = why.unwrap_or_else(|| "no answer in time".to_owned());
        return Err(format!("{good} of {count} streams were open: {why}"));
    }
    Ok(Memory {
        streams: good,
        before,
        open,
        after: server.resident(),
        descriptors: (descriptors, server.descriptors()),
    })
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

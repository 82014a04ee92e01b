//! An hour's mixed traffic in minutes, and what of it stays behind.

use crate::exchange::Connection;
use crate::generator::Pool;
use crate::process::Process;
use crate::servers::{Place, SERVERS, Way};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use table::machine;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

/// Requests a second.
const RATE: f64 = 250.0;

/// How long the service has to notice that all clients are gone, and how long it rests then.
const PATIENCE: Duration = Duration::from_secs(60);
const REST: Duration = Duration::from_secs(5);

/// How much a service may hold more at the end than after a part: pages that lie about.
const SLACK: f64 = 3.0;

/// Connections to the upstream that are kept may be some more or fewer.
const FEW: usize = 20;

/// What a request is, and what its answer is to be.
struct Kind {
    request: Arc<[u8]>,
    status: u16,
    events: usize,
    /// Whether its client leaves once the answer has begun.
    leaves: bool,
}

/// What the service holds while nobody asks.
struct Held {
    resident: f64,
    descriptors: usize,
    in_flight: String,
}

pub(crate) async fn soak(place: &Place<'_>, lasts: Duration) -> Result<String, String> {
    let server = SERVERS.iter().find(|it| it.name == "parlor");
    let server = server.ok_or("parlor is not among the servers")?;
    let process = (server.start)(place)?;
    let kinds = kinds(server.ways, place.upstream);
    let mut wrong = BTreeMap::new();
    let mut count = 0;
    // The first part fills caches and pools.
    let mut all = vec![];
    for _ in 0..4 {
        count += part(&kinds, &process, lasts / 4, &mut wrong).await;
        all.push(settled(&process).await?);
        if let Some(held) = all.last() {
            let (resident, descriptors) = (held.resident, held.descriptors);
            eprintln!("{resident:.1} MB, {descriptors} descriptors");
        }
    }
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        return Err("no part of it was done".to_owned());
    };
    let is_steady = last.resident <= first.resident + SLACK
        && last.descriptors <= first.descriptors + FEW
        && last.in_flight == "0";
    let wrong: Vec<String> = wrong
        .iter()
        .map(|(what, times)| format!("{times} times {what}"))
        .collect();
    let wrong = match wrong.is_empty() {
        true => "all answered as they should be".to_owned(),
        false => format!("**wrong: {}**", wrong.join(", ")),
    };
    Ok(format!(
        "{}; `cargo run --release -p load -- --soak --write`. {count} requests in {} minutes, {wrong}: small and \
         large ones, streams in both dialects, read and left, models that there aren't, and no JSON. Resident \
         after each quarter: {} MB. Descriptors: {} after the first, {} at the end; requests on \
         their way: {}. {}",
        machine::described(),
        lasts.as_secs() / 60,
        all.iter()
            .map(|it| format!("{:.1}", it.resident))
            .collect::<Vec<_>>()
            .join(", "),
        first.descriptors,
        last.descriptors,
        last.in_flight,
        match is_steady {
            true => "Nothing grew.",
            false => "**It grew.**",
        }
    ))
}

fn kinds(ways: &[Way], url: &str) -> Vec<Kind> {
    let kind = |request: Vec<u8>, status, events, leaves| Kind {
        request: request.into(),
        status,
        events,
        leaves,
    };
    let mut kinds = Vec::new();
    for way in ways {
        let ask = |model, prompt, streams| way.request(model, prompt, streams, url);
        kinds.extend([
            kind(ask("whole-200", 100, false), 200, 0, false),
            kind(ask("whole-20000", 100, false), 200, 0, false),
            kind(ask("whole-200", 200_000, false), 200, 0, false),
            kind(ask("stream-200", 100, true), 200, 200, false),
            kind(ask("paced-50", 5_000, true), 200, 50, false),
            kind(ask("paced-50", 100, true), 200, 0, true),
            kind(ask("slow", 100, true), 200, 0, true),
        ]);
    }
    let nobody = Way {
        crosses: false,
        prefix: "nobody/",
        headers: &[],
    };
    kinds.push(kind(
        nobody.request("whole-200", 100, false, url),
        404,
        0,
        false,
    ));
    let no_json = "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n\
                   content-type: application/json\r\ncontent-length: 9\r\n\r\n{\"model\":";
    kinds.push(kind(no_json.into(), 400, 0, false));
    kinds
}

/// Asks for so long, and tells how often; what was wrong is noted.
async fn part(
    kinds: &[Kind],
    process: &Process,
    lasts: Duration,
    wrong: &mut BTreeMap<String, usize>,
) -> usize {
    let pool = Pool::new(&process.address);
    let count = (RATE * lasts.as_secs_f64()) as usize;
    let began = Instant::now();
    let mut under_way = JoinSet::new();
    for at in 0..count {
        sleep_until(began + Duration::from_secs_f64(at as f64 / RATE)).await;
        let kind = &kinds[at % kinds.len()];
        let (request, leaves) = (Arc::clone(&kind.request), kind.leaves);
        let (status, events) = (kind.status, kind.events);
        let (pool, address) = (pool.clone(), process.address.clone());
        under_way.spawn(async move {
            let answer = match leaves {
                true => Connection::open(&address).await?.begin(&request).await?,
                false => pool.ask(&request).await?,
            };
            let is_right = answer.status == status && answer.events >= events;
            io::Result::Ok(match is_right {
                true => None,
                false => Some(format!("{} in place of {status}", answer.status)),
            })
        });
        // What is done is let go.
        while let Some(joined) = under_way.try_join_next() {
            note(joined, wrong);
        }
    }
    while let Some(joined) = under_way.join_next().await {
        note(joined, wrong);
    }
    pool.close();
    count
}

fn note(
    joined: Result<io::Result<Option<String>>, tokio::task::JoinError>,
    wrong: &mut BTreeMap<String, usize>,
) {
    let told = match joined {
        Ok(Ok(told)) => told,
        Ok(Err(error)) => Some(error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(told) = told {
        *wrong.entry(told).or_default() += 1;
    }
}

/// What it holds once nothing is on its way.
async fn settled(process: &Process) -> Result<Held, String> {
    let end = Instant::now() + PATIENCE;
    while held(process).await?.in_flight != "0" && Instant::now() < end {
        sleep(Duration::from_secs(1)).await;
    }
    sleep(REST).await;
    held(process).await
}

async fn held(process: &Process) -> Result<Held, String> {
    let told = |error: io::Error| format!("/metrics: {error}");
    let mut connection = Connection::open(&process.address).await.map_err(told)?;
    let head = "GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
    let text = connection.text(head.as_bytes()).await.map_err(told)?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("parlor_in_flight "));
    Ok(Held {
        resident: process.resident(),
        descriptors: process.descriptors(),
        in_flight: line.unwrap_or("not told").to_owned(),
    })
}

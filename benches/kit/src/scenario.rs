//! The scenarios, each one process.

use crate::count::{Taken, peak, reset_peak, resident};
use crate::{Client, Dialect, Prompt};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Runs the scenario of `CLIENT SCENARIO DIALECT BASE_URL [COUNT]`; tells of
/// `CLIENT cannot DIALECT SCENARIO` why the client can't, if it can't.
pub fn run<C: Client>() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().unwrap_or_default();
    let (scenario, dialect, base_url) = (next(), next(), next());
    let count = next().parse::<usize>().ok();
    let dialect = Dialect::ALL.into_iter().find(|it| it.name() == dialect);
    let dialect = dialect.expect("a dialect as the second argument");
    if scenario == "cannot" {
        return println!("{}", C::cannot(&base_url, dialect).unwrap_or_default());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let figures = runtime.block_on(async {
        let client = Arc::new(C::new(dialect, &base_url));
        match &*scenario {
            "first" => first(&*client).await,
            "stream" => stream(&*client, "stream", count.unwrap_or(100_000)).await,
            "varied" => stream(&*client, "varied", count.unwrap_or(20_000)).await,
            "single" => stream(&*client, "single", count.unwrap_or(20_000)).await,
            "open" => open(client, count.unwrap_or(1000)).await,
            "small" => calls(&*client, 200, count.unwrap_or(2000), Prompt::short()).await,
            "large" => calls(&*client, 1 << 20, count.unwrap_or(100), Prompt::short()).await,
            "history" => calls(&*client, 200, count.unwrap_or(300), history()).await,
            "images" => calls(&*client, 200, count.unwrap_or(10), images()).await,
            "huge" => huge(&*client).await,
            "ask" => asked(&*client, count.unwrap_or(1)).await,
            "drop" => dropped(&*client, count.unwrap_or(1)).await,
            "latency" => latency(&*client, count.unwrap_or(500)).await,
            other => panic!("there is no scenario {other}"),
        }
    });
    println!("{}", Value::Object(figures));
}

type Figures = Map<String, Value>;

fn figures(value: Value) -> Figures {
    match value {
        Value::Object(figures) => figures,
        _ => Figures::new(),
    }
}

/// Does the work once to warm up and once to measure, and gives what each of
/// `units` took.
async fn measured<F: Future<Output = ()>>(units: usize, work: impl Fn() -> F) -> Figures {
    work().await;
    reset_peak();
    let before = Taken::now();
    let began = Instant::now();
    work().await;
    let (after, wall) = (Taken::now(), began.elapsed());
    let each = |amount: f64| amount / units as f64;
    figures(json!({
        "units": units,
        "cpu_ns": each((after.cpu - before.cpu).as_nanos() as f64),
        "wall_ns": each(wall.as_nanos() as f64),
        "allocations": each((after.allocations - before.allocations) as f64),
        "allocated": each((after.allocated - before.allocated) as f64),
        "peak": peak() - before.live,
    }))
}

/// What comes of an answer that may be spoilt: with an odd number of a stream,
/// with two or more after a request before it.
async fn asked<C: Client>(client: &C, how: usize) -> Figures {
    let streamed = how % 2 == 1;
    if how >= 2 {
        client.ask(streamed).await;
    }
    figures(json!(client.ask(streamed).await))
}

/// Drops a stream or a call after a second, in which all has come that the
/// server sends, and lives on: the server must see it, which asks the end of
/// this process's input.
async fn dropped<C: Client>(client: &C, how: usize) -> Figures {
    const LONG_ENOUGH: Duration = Duration::from_secs(1);
    let ended = tokio::time::timeout(LONG_ENOUGH, client.ask(how % 2 == 1)).await;
    let (told, mut heard) = tokio::sync::mpsc::channel::<()>(1);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_line(&mut String::new());
        drop(told);
    });
    let figures = figures(json!({"ended": ended.is_ok()}));
    println!("{}", json!(figures));
    heard.recv().await;
    figures
}

/// One tiny call, to time the start of the process from outside.
async fn first<C: Client>(client: &C) -> Figures {
    client.call("whole-20", &Prompt::short()).await;
    figures(json!({"resident": resident()}))
}

/// Streams of 2,000 deltas, one after the other.
async fn stream<C: Client>(client: &C, kind: &str, deltas: usize) -> Figures {
    const LENGTH: usize = 2000;
    let model = format!("{kind}-{LENGTH}");
    let streams = deltas.div_ceil(LENGTH);
    measured(streams * LENGTH, || async {
        for _ in 0..streams {
            let mut seen = 0;
            let prompt = Prompt::short();
            client
                .stream(&model, &prompt, |text| {
                    seen += usize::from(!text.is_empty())
                })
                .await;
            assert_eq!(seen, LENGTH, "deltas");
        }
    })
    .await
}

/// Many slow streams at once: what each holds.
async fn open<C: Client>(client: Arc<C>, streams: usize) -> Figures {
    client.call("whole-20", &Prompt::short()).await;
    let (heap, held) = (Taken::now().live, resident());
    let begun = Arc::new(AtomicUsize::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..streams {
        let (client, begun) = (client.clone(), begun.clone());
        tasks.spawn(async move {
            let mut first = true;
            let prompt = Prompt::short();
            let each = |text: &str| {
                if first && !text.is_empty() {
                    first = false;
                    begun.fetch_add(1, Ordering::Relaxed);
                }
            };
            client.stream("slow", &prompt, each).await;
        });
        // As fast as a server accepts.
        tokio::task::yield_now().await;
    }
    let patience = Instant::now() + Duration::from_secs(45);
    while begun.load(Ordering::Relaxed) < streams && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // A few deltas each, so that buffers have the size they keep.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let opened = begun.load(Ordering::Relaxed);
    let each = |amount: u64| amount as f64 / opened.max(1) as f64;
    figures(json!({
        "units": streams,
        "opened": opened,
        "heap": each(Taken::now().live.saturating_sub(heap)),
        "resident": each(resident().saturating_sub(held)),
    }))
}

async fn calls<C: Client>(client: &C, bytes: usize, count: usize, prompt: Prompt) -> Figures {
    let model = format!("whole-{bytes}");
    measured(count, || async {
        for _ in 0..count {
            assert_eq!(client.call(&model, &prompt).await, bytes, "bytes");
        }
    })
    .await
}

/// One event of 8 MiB in reads of 1 KiB.
async fn huge<C: Client>(client: &C) -> Figures {
    const BYTES: usize = 8 << 20;
    let model = format!("huge-{BYTES}");
    measured(1, || async {
        let mut seen = 0;
        let prompt = Prompt::short();
        client
            .stream(&model, &prompt, |text| seen += text.len())
            .await;
        assert_eq!(seen, BYTES, "bytes");
    })
    .await
}

/// Time to the first delta over a connection that stands.
async fn latency<C: Client>(client: &C, count: usize) -> Figures {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count + 20 {
        let began = Instant::now();
        let mut first = None;
        let prompt = Prompt::short();
        let each = |_: &str| {
            first.get_or_insert_with(|| began.elapsed());
        };
        client.stream("stream-4", &prompt, each).await;
        times.push(first.expect("a delta"));
    }
    let mut times = times.split_off(20);
    times.sort_unstable();
    let at = |share: f64| times[(times.len() as f64 * share) as usize].as_nanos() as u64;
    figures(json!({"units": count, "median_ns": at(0.5), "p90_ns": at(0.9)}))
}

/// Two hundred messages of a few hundred bytes.
fn history() -> Prompt {
    let turn = |at: usize| format!("Turn {at}: {}", "it was said at some length. ".repeat(12));
    Prompt {
        turns: (0..199).map(turn).collect(),
        images: Vec::new(),
    }
}

/// Ten megabytes of pictures. What is in them nobody looks at.
fn images() -> Prompt {
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.extend((0..2_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8));
    Prompt {
        images: vec![picture; 5],
        ..Prompt::short()
    }
}

//! Readers who come, pause and leave at random, by seed.

use super::{SECOND, failure, shared};
use futures_util::FutureExt;
use futures_util::future::join_all;
use parlor_core::*;
use parlor_testkit::{Script, Scripted};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Longer than any wait of a script or a reader: who waits as long waits for ever.
const FOR_EVER: Duration = Duration::from_secs(100);

/// Longer than any flight that ends takes. A timeout looks once more when its time
/// is over, so that only the clock tells of a wake-up that was lost.
const SOON: Duration = Duration::from_secs(2);

/// How a flight ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Completes,
    Fails,
    Truncates,
    Hangs,
    Refuses,
}

/// What the model does at its nth call: the events, which tell the number, and
/// the end.
fn plan(seed: u64, number: usize) -> (Vec<Event>, End) {
    let mut rng = fastrand::Rng::with_seed(seed.wrapping_mul(1000) + number as u64);
    let mut events = vec![
        Event::started(Some(number.to_string()), None, None),
        Event::part_started(0, 0, PartKind::Text),
    ];
    for word in 0..rng.usize(..12) {
        events.push(Event::TextDelta {
            choice: 0,
            part: 0,
            text: format!("{number}.{word} ").into(),
        });
    }
    let end = match rng.u8(..10) {
        0 => End::Fails,
        1 => End::Truncates,
        2 => End::Hangs,
        3 => End::Refuses,
        _ => End::Completes,
    };
    if end == End::Completes {
        events.push(Event::part_finished(0, 0));
        events.push(Event::finished(0, FinishKind::Stop.into()));
        events.push(Event::completed(None));
    }
    (events, end)
}

fn script(seed: u64, number: usize) -> Script {
    let (events, end) = plan(seed, number);
    let mut rng = fastrand::Rng::with_seed(!seed ^ number as u64);
    let mut some_time = move |most: u64| match rng.bool() {
        true => Duration::ZERO,
        false => Duration::from_millis(rng.u64(..most)),
    };
    if end == End::Refuses {
        return Script::refuses(failure()).opens_after(some_time(30));
    }
    let mut script = Script::new().opens_after(some_time(30));
    for event in events {
        script = match some_time(20) {
            Duration::ZERO => script.event(event),
            wait => script.wait(wait).event(event),
        };
    }
    match end {
        End::Fails => script.fails(failure()),
        End::Hangs => script.hangs(),
        _ => script,
    }
}

/// One reader's visits. It checks every item against the plan of the flight it
/// is in.
async fn visit(model: Arc<dyn ChatModel>, scripted: Scripted, seed: u64, me: u64, at_most: usize) {
    let mut rng = fastrand::Rng::with_seed(seed ^ (me << 32));
    for _ in 0..rng.usize(1..4) {
        sleep(Duration::from_millis(rng.u64(..80))).await;
        let opening = model.ask_stream("Hi");
        let patience = match rng.u8(..8) {
            0 => Duration::from_millis(rng.u64(..20)),
            _ => FOR_EVER,
        };
        let began = Instant::now();
        let opened = timeout(patience, opening).await;
        assert!(
            opened.is_err() || began.elapsed() < SOON,
            "seed {seed}: opened late"
        );
        let mut stream = match opened {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                assert_eq!(error.code(), Some("x"), "seed {seed}");
                continue;
            }
            Err(_) => {
                assert!(patience < FOR_EVER, "seed {seed}: the opening hangs");
                continue;
            }
        };
        assert!(scripted.exchanges().open <= at_most, "seed {seed}");
        let leaves_at = match rng.u8(..3) {
            0 => rng.usize(..15),
            _ => usize::MAX,
        };
        let mut read = 0;
        let mut flight: Option<(Vec<Event>, End)> = None;
        while read < leaves_at {
            match rng.u8(..6) {
                0 => sleep(Duration::from_millis(rng.u64(..40))).await,
                // A look, and away: whoever is woken instead must take over.
                1 => {
                    let looked = stream.next().now_or_never();
                    if let Some(item) = looked {
                        if check(seed, &mut flight, &mut read, item) {
                            break;
                        }
                        continue;
                    }
                    sleep(Duration::from_millis(rng.u64(..200))).await;
                }
                _ => {}
            }
            let began = Instant::now();
            match timeout(FOR_EVER, stream.next()).await {
                Ok(item) => {
                    assert!(began.elapsed() < SOON, "seed {seed}: a wake-up was lost");
                    if check(seed, &mut flight, &mut read, item) {
                        break;
                    }
                }
                Err(_) => {
                    let hangs = flight
                        .as_ref()
                        .is_none_or(|(events, end)| *end == End::Hangs && read == events.len());
                    assert!(hangs, "seed {seed}: a wake-up was lost after {read} events");
                    break;
                }
            }
        }
    }
}

/// Whether the item is the one that must come, and whether it is the last.
fn check(
    seed: u64,
    flight: &mut Option<(Vec<Event>, End)>,
    read: &mut usize,
    item: Option<Result<Event>>,
) -> bool {
    let item = item.expect("a stream that has not ended");
    if let (None, Ok(Event::Started { id: Some(id), .. })) = (&flight, &item) {
        *flight = Some(plan(seed, id.parse().unwrap()));
    }
    let (events, end) = flight.as_ref().expect("Started comes first");
    match item {
        Ok(event) => {
            assert_eq!(Some(&event), events.get(*read), "seed {seed}");
            *read += 1;
            event.is_terminal()
        }
        Err(error) => {
            let expected = match end {
                End::Fails => ErrorKind::Server,
                _ => ErrorKind::Truncated,
            };
            assert!(
                matches!(end, End::Fails | End::Truncates),
                "seed {seed}: {error:?}"
            );
            assert_eq!(error.kind(), expected, "seed {seed}");
            assert_eq!(*read, events.len(), "seed {seed}");
            true
        }
    }
}

async fn call(model: Arc<dyn ChatModel>, seed: u64, me: u64) {
    let mut rng = fastrand::Rng::with_seed(seed ^ (me << 32));
    for _ in 0..rng.usize(1..4) {
        sleep(Duration::from_millis(rng.u64(..80))).await;
        let patience = match rng.u8(..4) {
            0 => Duration::from_millis(rng.u64(..40)),
            _ => FOR_EVER,
        };
        let began = Instant::now();
        let answered = timeout(patience, model.ask("Hi")).await;
        assert!(
            answered.is_err() || began.elapsed() < SOON,
            "seed {seed}: answered late"
        );
        match answered {
            Ok(Ok(answer)) => {
                let number = answer.id.as_ref().unwrap().parse().unwrap();
                let (events, end) = plan(seed, number);
                let text: String = events.iter().filter_map(Event::text).collect();
                assert_eq!((answer.text(), end), (text, End::Completes), "seed {seed}");
            }
            Ok(Err(error)) => assert!(
                matches!(error.kind(), ErrorKind::Server | ErrorKind::Truncated),
                "seed {seed}: {error:?}"
            ),
            // It may be in a flight that hangs, which the text can't tell.
            Err(_) => {}
        }
    }
}

async fn run(seed: u64, callers: u64) {
    let scripted = Scripted::with(move |number, _| Some(script(seed, number)));
    let model = shared(&scripted, |_| {});
    let readers = fastrand::Rng::with_seed(seed).u64(2..8);
    // Streams share one exchange at a time, and calls another.
    let at_most = if callers == 0 { 1 } else { 2 };
    let mut tasks = Vec::new();
    for me in 1..=readers {
        let visit = visit(model.clone(), scripted.clone(), seed, me, at_most);
        tasks.push(tokio::spawn(visit));
    }
    for me in 0..callers {
        tasks.push(tokio::spawn(call(model.clone(), seed, 100 + me)));
    }
    let done = timeout(SECOND * 36_000, join_all(tasks)).await;
    for task in done.unwrap_or_else(|_| panic!("seed {seed} hangs")) {
        task.unwrap();
    }
    assert_eq!(scripted.exchanges().open, 0, "seed {seed}");
}

#[tokio::test(start_paused = true)]
async fn streams_are_whole_for_all_who_stay() {
    for seed in 0..1000 {
        run(seed, 0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn calls_among_streams_are_whole_too() {
    for seed in 10_000..10_400 {
        run(seed, 4).await;
    }
}

//! Many at once: order, bounds, failures, stopping, and going on from a file cut anywhere.

#![allow(clippy::unwrap_used)]

use parlor_agent::{Batch, Conversation, Progress};
use parlor_core::*;
use parlor_testkit::{Script, Scripted};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A path of its own for a test, with nothing there.
fn path(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("batch-{name}.jsonl"));
    let _ = fs::remove_file(&path);
    path
}

fn questions(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("question {at}")).collect()
}

fn asked(model: &Scripted) -> Vec<String> {
    let requests = model.requests();
    requests.iter().map(|it| it.messages[0].text()).collect()
}

/// Answers each question by its own words, after a time.
fn answering(time: impl Fn(usize) -> u64 + Send + 'static) -> Scripted {
    Scripted::with(move |number, request| {
        let text = format!("answer to {}", request.messages[0].text());
        let script = Script::text(&text);
        Some(script.opens_after(Duration::from_millis(time(number))))
    })
}

fn texts(results: Vec<Result<ChatResponse>>) -> Vec<String> {
    results.into_iter().map(|it| it.unwrap().text()).collect()
}

fn expected(count: usize) -> Vec<String> {
    let all = questions(count).into_iter();
    all.map(|it| format!("answer to {it}")).collect()
}

#[tokio::test(start_paused = true)]
async fn keeps_the_order_and_the_bound() {
    // The first is the slowest.
    let model = answering(|number| 100 - number as u64);
    let run = Batch::new().with_concurrency(3);
    let mut run = run.ask(model.clone(), questions(20)).unwrap();
    assert_eq!(model.exchanges().begun, 0, "asked before it was polled");
    let (first, _) = run.next().await.unwrap();
    assert_ne!(first, 0, "the slowest came first");
    assert!(model.exchanges().open <= 3);
    drop(run);
    assert_eq!(model.exchanges().open, 0);

    let open = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let work = |at: usize| {
        let (open, most) = (open.clone(), most.clone());
        async move {
            most.fetch_max(open.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis((at * 7 % 13) as u64)).await;
            open.fetch_sub(1, Ordering::Relaxed);
            Ok(at)
        }
    };
    let batch = Batch::new().with_concurrency(5);
    let results = batch.run(0..100, work).unwrap().all().await;
    let results: Vec<usize> = results.into_iter().map(Result::unwrap).collect();
    assert_eq!(results, (0..100).collect::<Vec<_>>());
    assert_eq!(most.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn a_failure_is_one_items_own() {
    let model = Scripted::with(|number, _| {
        Some(match number {
            1 => Script::refuses(Error::new(ErrorKind::Overloaded, "no")),
            _ => Script::text("yes"),
        })
    });
    let seen = Arc::new(Mutex::new(Vec::<Progress>::new()));
    let told = seen.clone();
    let batch = Batch::new()
        .with_concurrency(1)
        .with_progress(move |progress| told.lock().unwrap().push(*progress));
    let results = batch.ask(model, questions(3)).unwrap().all().await;
    let kinds: Vec<_> = results
        .iter()
        .map(|it| it.as_ref().err().map(Error::kind))
        .collect();
    assert_eq!(kinds, [None, Some(ErrorKind::Overloaded), None]);
    let seen: Vec<_> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|it| (it.done, it.failed, it.left()))
        .collect();
    assert_eq!(seen, [(1, 0, 2), (1, 1, 1), (2, 1, 0)]);
}

#[tokio::test]
async fn nothing_is_everything_of_nothing() {
    let batch = Batch::new().with_concurrency(0);
    let run = batch.ask(answering(|_| 0), Vec::<String>::new()).unwrap();
    assert!(run.all().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn stopped_it_begins_nothing_and_finishes_what_goes_on() {
    let path = path("stopped");
    let model = answering(|_| 10);
    let batch = Batch::new().with_concurrency(2).with_file(&path);
    let stopper = batch.stopper();
    let mut run = batch.ask(model.clone(), questions(6)).unwrap();
    let mut results = Vec::new();
    while let Some((number, result)) = run.next().await {
        stopper.stop();
        results.push((number, result.map(|it| it.text()).map_err(|it| it.kind())));
    }
    results.sort_by_key(|(number, _)| *number);
    let stopped = || Err(ErrorKind::Cancelled);
    let expected = expected(2)
        .into_iter()
        .map(Ok)
        .chain((2..6).map(|_| stopped()));
    assert_eq!(results, expected.enumerate().collect::<Vec<_>>());
    assert_eq!(model.exchanges().begun, 2);
    assert_eq!(model.exchanges().abandoned, 0);

    let model = answering(|_| 10);
    let batch = Batch::new().with_file(&path);
    let run = batch.ask(model.clone(), questions(6)).unwrap();
    assert_eq!(texts(run.all().await), self::expected(6));
    assert_eq!(asked(&model), questions(6)[2..]);
}

#[tokio::test]
async fn goes_on_from_a_file_cut_anywhere() {
    let path = path("cut");
    let go_on = async |count| {
        let model = answering(|_| 0);
        let run = Batch::new()
            .with_file(&path)
            .ask(model.clone(), questions(count));
        let mut run = run.unwrap();
        let mut results = Vec::new();
        while let Some(result) = run.next().await {
            results.push(result);
        }
        results.sort_by_key(|(number, _)| *number);
        let reused = run.progress().reused;
        let results = results.into_iter().map(|(_, result)| result).collect();
        assert_eq!(texts(results), expected(count));
        assert_eq!(reused + asked(&model).len(), count);
        reused
    };
    assert_eq!(go_on(4).await, 0);
    let whole = fs::read(&path).unwrap();
    assert_eq!(go_on(4).await, 4);
    assert_eq!(fs::read(&path).unwrap(), whole, "written twice");
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let lines = whole[..cut].iter().filter(|it| **it == b'\n').count();
        assert_eq!(go_on(4).await, lines.saturating_sub(1), "cut at {cut}");
        let written = fs::read_to_string(&path).unwrap();
        let sorted = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
        assert_eq!(
            sorted(&written),
            sorted(std::str::from_utf8(&whole).unwrap()),
            "cut at {cut}"
        );
    }
}

#[tokio::test]
async fn items_are_known_by_what_they_ask() {
    let path = path("known");
    let ask = async |questions: &[&str], model: &Scripted| {
        let batch = Batch::new().with_concurrency(1).with_file(&path);
        let run = batch.ask(model.clone(), questions.iter().copied());
        run.unwrap().all().await.len()
    };
    let model = answering(|_| 0);
    ask(&["a", "b", "b"], &model).await;
    assert_eq!(asked(&model), ["a", "b", "b"]);
    // Elsewhere in the list, and one more of the same.
    let model = answering(|_| 0);
    ask(&["b", "c", "a", "b", "b"], &model).await;
    assert_eq!(asked(&model), ["c", "b"]);
    // Of another model, all over again.
    let model = answering(|_| 0).with_info(ModelInfo::new("scripted", "other"));
    ask(&["a"], &model).await;
    assert_eq!(asked(&model), ["a"]);
    // The same model by a name with parameters of its own is another one, too.
    let mut named = model.info().clone();
    named.variant = Some(7);
    let model = answering(|_| 0).with_info(named);
    ask(&["a"], &model).await;
    assert_eq!(asked(&model), ["a"]);
}

#[tokio::test]
async fn what_failed_is_written_and_asked_again() {
    let path = path("failed");
    let no = || Script::refuses(Error::new(ErrorKind::Server, "a bad day"));
    let batch = Batch::new().with_file(&path);
    let run = batch.ask(Scripted::new([no()]), ["a"]).unwrap();
    assert!(run.all().await[0].is_err());
    assert!(fs::read_to_string(&path).unwrap().contains("a bad day"));
    let run = Batch::new().with_file(&path).ask(answering(|_| 0), ["a"]);
    assert_eq!(texts(run.unwrap().all().await), ["answer to a"]);
}

#[tokio::test]
async fn passes_over_lines_that_say_nothing() {
    let path = path("strange");
    let ask = async || {
        let model = answering(|_| 0);
        let run = Batch::new()
            .with_file(&path)
            .ask(model.clone(), questions(1));
        assert_eq!(texts(run.unwrap().all().await), expected(1));
        asked(&model).len()
    };
    assert_eq!(ask().await, 1);
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, good.replace("\"choices\":[", "\"choices\":[7,")).unwrap();
    assert_eq!(ask().await, 1, "an answer of another shape was taken");
    fs::write(&path, good + "\n{}\nnot JSON\n[1]\n\u{fffd}\n").unwrap();
    assert_eq!(ask().await, 0);
}

#[test]
fn leaves_other_files_alone() {
    let path = path("other");
    for text in [
        "my notes",
        "my notes\nand more",
        "{\"parlor\":\"batch\",\"version\":2}\n",
    ] {
        fs::write(&path, text).unwrap();
        let run = Batch::new().with_file(&path).ask(Echo::new(), ["a"]);
        let error = run.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains("batch-other"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    // What never ends isn't read.
    #[cfg(unix)]
    assert!(
        Batch::new()
            .with_file("/dev/zero")
            .ask(Echo::new(), ["a"])
            .is_err()
    );
    let nowhere = path.with_extension("nowhere").join("answers");
    assert!(
        Batch::new()
            .with_file(nowhere)
            .ask(Echo::new(), ["a"])
            .is_err()
    );
}

#[tokio::test]
async fn conversations_go_on_where_they_stood() {
    let path = path("conversations");
    let turn = async |model: &Scripted| {
        let mut chats: Vec<_> = (0..3)
            .map(|at| Conversation::new(model.clone()).with_system(format!("You are {at}.")))
            .collect();
        let turns = chats.iter_mut().zip(["Hello", "", "Bye"]);
        let results = Batch::new()
            .with_file(&path)
            .send(turns)
            .unwrap()
            .all()
            .await;
        let replies: Vec<_> = results
            .into_iter()
            .map(|it| it.map(|it| it.text()).map_err(|it| it.kind()))
            .collect();
        let yes = || Ok("Yes".to_owned());
        assert_eq!(replies, [yes(), Err(ErrorKind::Validation), yes()]);
        let said: Vec<_> = chats.iter().map(|it| it.history().turns().len()).collect();
        assert_eq!(said, [1, 0, 1]);
        chats[2].history().messages()
    };
    let model = Scripted::answering("Yes");
    let first = turn(&model).await;
    assert_eq!(model.requests().len(), 2);
    let model = Scripted::answering("No");
    assert_eq!(turn(&model).await, first);
    assert_eq!(model.requests().len(), 0);
}

#[tokio::test]
async fn a_message_keeps_the_settings_that_it_brings() {
    let path = path("settings");
    let model = Scripted::answering("Yes");
    for temperature in [0.0, 0.5, 0.5] {
        let mut chat = Conversation::new(model.clone());
        let message = ChatRequest::from("Hello").with_temperature(temperature);
        let turns = [(&mut chat, message)];
        let run = Batch::new().with_file(&path).send(turns).unwrap();
        assert_eq!(run.all().await[0].as_ref().unwrap().text(), "Yes");
    }
    let asked = model.requests().into_iter().map(|it| it.temperature);
    assert_eq!(asked.collect::<Vec<_>>(), [Some(0.0), Some(0.5)]);
}

#[test]
fn progress_is_a_bar() {
    let mut progress = Progress::default();
    progress.total = 12;
    assert_eq!(progress.to_string(), format!("{} 0 of 12", "░".repeat(30)));
    progress.done = 5;
    progress.failed = 1;
    let bar = "█".repeat(15) + &"░".repeat(15);
    assert_eq!(progress.to_string(), format!("{bar} 6 of 12, 1 failed"));
    progress.done = 11;
    assert!(progress.to_string().starts_with(&"█".repeat(30)));
}

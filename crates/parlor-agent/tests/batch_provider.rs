//! A provider's batch under the same call: waiting, failures, stopping, and going on from the file.

#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use parlor_agent::{Batch, Progress};
use parlor_core::*;
use parlor_testkit::{Script, Scripted};
use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::Instant;

/// A path of its own for a test, with nothing there.
fn path(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("provider-{name}.jsonl"));
    let _ = fs::remove_file(&path);
    path
}

fn questions(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("question {at}")).collect()
}

/// A provider in memory.
#[derive(Debug, Clone)]
struct Desk {
    info: ModelInfo,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    taken: Vec<Taken>,
    /// How often a batch is asked for before it is over.
    patience: usize,
    keeps_names: bool,
    /// What the next calls fail with, by their names.
    failures: VecDeque<(&'static str, Error)>,
    /// Takes the next batch, and loses the answer to it.
    loses: bool,
    /// How many of the first batches are as if they had never been.
    forgets: usize,
    /// What batches end as.
    end: Option<BatchState>,
    /// After how many results they break off, once.
    breaks_after: Option<usize>,
    /// When which call came.
    calls: Vec<(&'static str, Instant)>,
}

#[derive(Debug)]
struct Taken {
    name: String,
    items: Vec<BatchItem>,
    asked: usize,
    cancelled: bool,
}

impl Desk {
    fn new() -> Self {
        Self {
            info: ModelInfo::new("desk", "one"),
            state: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn call(&self, name: &'static str) -> Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        state.calls.push((name, Instant::now()));
        let failure = state.failures.iter().position(|it| it.0 == name);
        match failure.and_then(|at| state.failures.remove(at)) {
            Some((_, error)) => Err(error),
            None => Ok(state),
        }
    }

    fn fail(&self, call: &'static str, error: Error) {
        self.state().failures.push_back((call, error));
    }

    /// How many items each batch had.
    fn taken(&self) -> Vec<usize> {
        self.state().taken.iter().map(|it| it.items.len()).collect()
    }

    fn called(&self, name: &str) -> usize {
        let state = self.state();
        state.calls.iter().filter(|it| it.0 == name).count()
    }
}

impl State {
    fn status(&self, id: &str) -> Result<BatchStatus> {
        let at: usize = id.strip_prefix("b-").unwrap().parse().unwrap();
        let Some(batch) = self.taken.get(at).filter(|_| at >= self.forgets) else {
            return Err(Error::new(ErrorKind::InvalidRequest, "no such batch").with_status(404));
        };
        let over = batch.asked > self.patience || batch.cancelled && batch.asked > 0;
        let state = match (over, batch.cancelled) {
            (true, true) => BatchState::Cancelled,
            (true, false) => self.end.clone().unwrap_or(BatchState::Ended),
            (false, true) => BatchState::Cancelling,
            (false, false) => BatchState::InProgress,
        };
        let mut status = BatchStatus::new(id, state);
        status.name = self.keeps_names.then(|| batch.name.clone());
        status.counts.total = batch.items.len() as u64;
        status.counts.succeeded = if over { status.counts.total } else { 0 };
        status.problem = self.end.as_ref().map(|_| "it is at fault".to_owned());
        Ok(status)
    }
}

/// What becomes of an item, by what it asks.
fn answer(item: &BatchItem) -> Option<Result<BatchResult>> {
    let question = item.request.messages[0].text();
    let result = match question.as_str() {
        "fail" => Err(Error::new(ErrorKind::ContentFiltered, "no")),
        "miss" => return None,
        "break" => return Some(Err(Error::decode("a broken line"))),
        question => {
            let mut choice = Choice::new(0);
            choice.message = Message::assistant(format!("answer to {question}"));
            let mut answer = ChatResponse::default();
            answer.choices.push(choice);
            Ok(answer)
        }
    };
    Some(Ok(BatchResult::new(&item.id, result)))
}

#[async_trait]
impl ChatBatches for Desk {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn limits(&self) -> BatchLimits {
        let mut limits = BatchLimits::default();
        limits.keeps_names = self.state().keeps_names;
        limits
    }

    async fn submit(&self, name: &str, items: &[BatchItem]) -> Result<BatchStatus> {
        let mut state = self.call("submit")?;
        state.taken.push(Taken {
            name: name.to_owned(),
            items: items.to_vec(),
            asked: 0,
            cancelled: false,
        });
        if std::mem::take(&mut state.loses) {
            let lost = Error::new(ErrorKind::Server, "bad gateway");
            return Err(Unconfirmed::because(lost, name));
        }
        let mut status = state.status(&format!("b-{}", state.taken.len() - 1))?;
        let warning = Warning::new(WarningKind::Notice, "all", "as it is");
        status.warnings = vec![(items[0].id.clone(), warning)];
        Ok(status)
    }

    async fn status(&self, id: &str) -> Result<BatchStatus> {
        let mut state = self.call("status")?;
        let at: usize = id[2..].parse().unwrap();
        state.taken[at].asked += 1;
        state.status(id)
    }

    async fn results(&self, id: &str) -> Result<BatchResults> {
        let mut state = self.call("results")?;
        assert!(state.status(id)?.state.is_over(), "fetched too early");
        let batch = &state.taken[id[2..].parse::<usize>().unwrap()];
        let done = match batch.cancelled {
            true => &batch.items[..batch.items.len() / 2],
            false => &batch.items[..],
        };
        let mut results: Vec<_> = done.iter().rev().filter_map(answer).collect();
        if state.end.is_some() {
            results.clear();
        }
        if let Some(count) = state.breaks_after.take() {
            results.truncate(count);
            results.push(Err(Error::truncated()));
        }
        Ok(BatchResults::new(futures_util::stream::iter(results)))
    }

    async fn cancel(&self, id: &str) -> Result<BatchStatus> {
        let mut state = self.call("cancel")?;
        let at: usize = id[2..].parse().unwrap();
        state.taken[at].cancelled = true;
        state.status(id)
    }

    async fn list(&self) -> Result<Vec<BatchStatus>> {
        let state = self.call("list")?;
        let ids = (0..state.taken.len()).rev().map(|at| format!("b-{at}"));
        ids.map(|id| state.status(&id)).collect()
    }
}

fn texts(results: Vec<Result<ChatResponse>>) -> Vec<String> {
    let text = |it: Result<ChatResponse>| match it {
        Ok(answer) => answer.text(),
        Err(error) => format!("{}: {}", error.kind(), error.message()),
    };
    results.into_iter().map(text).collect()
}

fn expected(count: usize) -> Vec<String> {
    let all = questions(count).into_iter();
    all.map(|it| format!("answer to {it}")).collect()
}

/// Runs until the provider was asked how far it is, and is killed then.
async fn killed_while_waiting(batch: Batch, desk: &Desk, questions: Vec<String>) {
    let mut run = batch.ask_provider(desk.clone(), questions).unwrap();
    let asked = async {
        while desk.called("status") == 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        ended = run.next() => panic!("{ended:?}"),
        () = asked => {}
    }
}

#[tokio::test(start_paused = true)]
async fn results_come_in_the_order_of_the_items_each_with_its_own() {
    let desk = Desk::new();
    desk.state().patience = 2;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    let batch = Batch::new().with_progress(move |it: &Progress| told.lock().unwrap().push(*it));
    let asked = ["a", "fail", "miss", "a", "break", "b"];
    let results = batch.ask_provider(desk.clone(), asked).unwrap().all().await;
    assert_eq!(results[0].as_ref().unwrap().warnings.len(), 1);
    let missing = results[2].as_ref().unwrap_err();
    assert!(
        std::error::Error::source(missing).is_some(),
        "the broken line"
    );
    assert_eq!(
        texts(results),
        [
            "answer to a",
            "content_filtered: no",
            "decode: the batch's results have none for this request",
            "answer to a",
            "decode: the batch's results have none for this request",
            "answer to b",
        ]
    );
    assert_eq!(desk.taken(), [6]);
    let seen = seen.lock().unwrap().clone();
    let last = seen.last().unwrap();
    assert_eq!(
        (last.total, last.done, last.failed, last.left()),
        (6, 3, 3, 0)
    );
    let counts: Vec<u64> = seen.iter().map(|it| it.provider.unwrap().done()).collect();
    assert_eq!(counts, [0, 0, 0, 6, 6, 6, 6, 6, 6, 6]);

    assert!(
        Batch::new()
            .ask_provider(desk, [""; 0])
            .unwrap()
            .all()
            .await
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_for_ever_more_seldom() {
    let desk = Desk::new();
    desk.state().patience = 6;
    let (first, most) = (Duration::from_secs(4), Duration::from_secs(12));
    let batch = Batch::new().with_polling(first, most);
    let begun = Instant::now();
    batch
        .ask_provider(desk.clone(), questions(1))
        .unwrap()
        .all()
        .await;
    let state = desk.state();
    let asked = state.calls.iter().filter(|it| it.0 == "status");
    let times: Vec<u64> = asked.map(|it| (it.1 - begun).as_secs()).collect();
    assert_eq!(times, [4, 10, 19, 31, 43, 55, 67]);
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_waited_out_and_the_rest_is_told() {
    let desk = Desk::new();
    let later = |kind, seconds: Option<u64>| {
        let error = Error::new(kind, "not now");
        error.with_retry(Retry::Later(seconds.map(Duration::from_secs)))
    };
    desk.fail("submit", later(ErrorKind::RateLimited, Some(500)));
    desk.fail("status", later(ErrorKind::RateLimited, Some(1000)));
    desk.fail("status", later(ErrorKind::Server, None));
    desk.fail("results", later(ErrorKind::Overloaded, None));
    desk.state().breaks_after = Some(1);
    let begun = Instant::now();
    let run = Batch::new()
        .ask_provider(desk.clone(), questions(3))
        .unwrap();
    assert_eq!(texts(run.all().await), expected(3));
    assert!(begun.elapsed() > Duration::from_secs(1500));
    assert_eq!(desk.taken(), [3]);
    assert_eq!(desk.called("results"), 3);

    for call in ["submit", "status", "results"] {
        let desk = Desk::new();
        desk.fail(call, Error::new(ErrorKind::Authentication, "no key"));
        let run = Batch::new()
            .ask_provider(desk.clone(), questions(2))
            .unwrap();
        assert_eq!(texts(run.all().await), ["authentication: no key"; 2]);
        assert_eq!(desk.called(call), 1);
        for _ in 0..99 {
            desk.fail(call, later(ErrorKind::Server, None));
        }
        let run = Batch::new()
            .ask_provider(desk.clone(), questions(2))
            .unwrap();
        assert_eq!(texts(run.all().await), ["server: not now"; 2]);
        assert!(desk.called(call) < 15, "it never gave up");
    }
}

#[tokio::test(start_paused = true)]
async fn another_run_goes_on_with_the_same_batch() {
    let file = path("goes-on");
    let desk = Desk::new();
    desk.state().patience = 3;
    let batch = || Batch::new().with_file(&file);
    killed_while_waiting(batch(), &desk, questions(3)).await;
    assert_eq!(desk.taken(), [3]);
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.contains("\"id\":\"b-0\""), "{kept}");

    // Another order, one that is new, and one fewer: what was handed in stays so.
    let asked = ["question 2", "new", "question 0"];
    let run = batch().ask_provider(desk.clone(), asked).unwrap();
    let results = texts(run.all().await);
    assert_eq!(
        results,
        [
            "answer to question 2",
            "answer to new",
            "answer to question 0"
        ]
    );
    assert_eq!(desk.taken(), [3, 1]);

    let calls = desk.state().calls.len();
    let run = batch().ask_provider(desk.clone(), asked).unwrap();
    assert_eq!(texts(run.all().await), results);
    assert_eq!(desk.state().calls.len(), calls, "all was in the file");

    // The file does for single calls too, and the other way round.
    let model = Scripted::new([Script::text("by itself")]).with_info(ModelInfo::new("desk", "one"));
    let run = batch().ask(model.clone(), ["question 2", "other"]).unwrap();
    assert_eq!(
        texts(run.all().await),
        ["answer to question 2", "by itself"]
    );
    let run = batch().ask_provider(desk.clone(), ["other"]).unwrap();
    assert_eq!(texts(run.all().await), ["by itself"]);
    assert_eq!(desk.taken(), [3, 1]);
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_handed_in_again_and_what_was_read_is_not_lost() {
    let file = path("again");
    let desk = Desk::new();
    let batch = || Batch::new().with_file(&file);
    let asked = ["a", "fail", "miss", "b"];
    let mut run = batch().ask_provider(desk.clone(), asked).unwrap();
    // Killed in the middle of the results, of which the last came first.
    assert_eq!(run.next().await.unwrap().0, 3);
    drop(run);
    let run = batch().ask_provider(desk.clone(), asked).unwrap();
    assert_eq!(run.all().await.iter().filter(|it| it.is_ok()).count(), 2);
    assert_eq!(desk.taken(), [4], "the same batch");
    let run = batch().ask_provider(desk.clone(), asked).unwrap();
    run.all().await;
    assert_eq!(desk.taken(), [4, 2], "what failed");
}

#[tokio::test(start_paused = true)]
async fn what_a_judge_rejects_failed_and_is_handed_in_again() {
    let file = path("judge");
    let desk = Desk::new();
    let batch = || Batch::new().with_file(&file);
    let judge = |answer: ChatResponse| match answer.text().as_str() {
        "answer to b" => Err(Error::new(ErrorKind::Validation, "not this")),
        _ => Ok(answer),
    };
    let asked = ["a", "b", "c"];
    let judged = ["answer to a", "validation: not this", "answer to c"];
    for taken in [&[3][..], &[3, 1]] {
        let run = batch().with_judge(judge);
        let run = run.ask_provider(desk.clone(), asked).unwrap();
        assert_eq!(texts(run.all().await), judged);
        assert_eq!(desk.taken(), taken);
    }
    // What was taken without a judge is judged when it is read again.
    let run = batch().ask_provider(desk.clone(), asked).unwrap();
    assert_eq!(texts(run.all().await)[1], "answer to b");
    let run = batch().with_judge(judge);
    let run = run.ask_provider(desk.clone(), asked).unwrap();
    assert_eq!(texts(run.all().await), judged);
    assert_eq!(desk.taken(), [3, 1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_whose_answer_was_lost_is_found_by_its_name() {
    for keeps_names in [true, false] {
        let file = path(&format!("lost-{keeps_names}"));
        let desk = Desk::new();
        (desk.state().keeps_names, desk.state().loses) = (keeps_names, true);
        let batch = || Batch::new().with_file(&file);
        let run = batch().ask_provider(desk.clone(), questions(2)).unwrap();
        let results = run.all().await;
        if keeps_names {
            assert_eq!(texts(results), expected(2));
            assert_eq!(desk.taken(), [2]);
            continue;
        }
        assert!(
            results
                .iter()
                .all(|it| Unconfirmed::is_in(it.as_ref().unwrap_err()))
        );
        let run = batch().ask_provider(desk.clone(), questions(2)).unwrap();
        let results = run.all().await;
        let error = results[0].as_ref().unwrap_err();
        assert!(error.help().contains("submitting_anew"), "{}", error.help());
        assert_eq!(desk.taken(), [2], "in silence");
        let anew = batch().submitting_anew();
        let run = anew.ask_provider(desk.clone(), questions(2)).unwrap();
        assert_eq!(texts(run.all().await), expected(2));
        assert_eq!(desk.taken(), [2, 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_killed_while_it_hands_in_leaves_no_doubt_where_names_are_kept() {
    let file = path("half");
    let desk = Desk::new();
    desk.state().keeps_names = true;
    // The first is refused for now, and the run ends before it tries again.
    let later = Error::new(ErrorKind::RateLimited, "not now");
    desk.fail("submit", later);
    let mut run = Batch::new().with_file(&file);
    run = run.with_polling(Duration::from_secs(60), Duration::from_secs(60));
    let mut run = run.ask_provider(desk.clone(), questions(2)).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), run.next()).await;
    assert!(ended.is_err());
    drop(run);
    let run = Batch::new()
        .with_file(&file)
        .ask_provider(desk.clone(), questions(2));
    assert_eq!(texts(run.unwrap().all().await), expected(2));
    assert_eq!(desk.taken(), [2]);
}

#[tokio::test(start_paused = true)]
async fn stopped_it_leaves_the_batch_or_cancels_it() {
    let file = path("stopped");
    let desk = Desk::new();
    desk.state().patience = 1000;
    let batch = || Batch::new().with_file(&file);
    let run = batch().ask_provider(desk.clone(), questions(4)).unwrap();
    let stopper = run.stopper();
    let stop = async {
        tokio::time::sleep(Duration::from_secs(100)).await;
        stopper.stop();
    };
    let begun = Instant::now();
    let (results, ()) = tokio::join!(run.all(), stop);
    assert_eq!(begun.elapsed().as_secs(), 100, "at once");
    let error = results[0].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(error.message().contains("b-0 goes on"), "{error}");
    assert_eq!(desk.called("cancel"), 0);

    desk.fail("cancel", Error::new(ErrorKind::Server, "not now"));
    let run = batch().cancelling_when_stopped();
    let run = run.ask_provider(desk.clone(), questions(4)).unwrap();
    run.stopper().stop();
    let results = texts(run.all().await);
    assert_eq!(results[..2], expected(2));
    assert!(results[2].starts_with("cancelled: "), "{}", results[2]);
    assert_eq!((desk.called("cancel"), desk.taken()), (2, vec![4]));

    let run = Batch::new()
        .ask_provider(desk.clone(), questions(1))
        .unwrap();
    run.stopper().stop();
    assert!(texts(run.all().await)[0].starts_with("cancelled: "));
    assert_eq!(desk.taken(), [4], "handed in after it was stopped");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_forgotten_or_at_fault_is_told() {
    let file = path("forgotten");
    let desk = Desk::new();
    desk.state().patience = 3;
    let batch = || Batch::new().with_file(&file);
    killed_while_waiting(batch(), &desk, questions(2)).await;
    desk.state().forgets = 1;
    let run = batch().ask_provider(desk.clone(), questions(2)).unwrap();
    assert_eq!(
        texts(run.all().await),
        ["invalid_request: no such batch"; 2]
    );
    assert_eq!(desk.taken(), [2]);
    let anew = batch().submitting_anew();
    let run = anew.ask_provider(desk.clone(), questions(2)).unwrap();
    assert_eq!(texts(run.all().await), expected(2));
    assert_eq!(desk.taken(), [2, 2]);

    let file = path("at-fault");
    let batch = || Batch::new().with_file(&file);
    let desk = Desk::new();
    desk.state().end = Some(BatchState::Failed);
    let run = batch().ask_provider(desk.clone(), questions(1)).unwrap();
    let why = "invalid_request: the provider refused the batch: it is at fault";
    assert_eq!(texts(run.all().await), [why]);
    desk.state().end = None;
    let run = batch().ask_provider(desk.clone(), questions(1)).unwrap();
    assert_eq!(texts(run.all().await), expected(1));
    desk.state().end = Some(BatchState::Expired);
    let run = Batch::new()
        .ask_provider(desk.clone(), questions(1))
        .unwrap();
    assert!(texts(run.all().await)[0].starts_with("total_timeout: "));
}

#[tokio::test]
async fn a_file_that_is_no_batchs_is_refused() {
    let file = path("not-ours");
    fs::write(&file, "shopping list\n").unwrap();
    let run = Batch::new()
        .with_file(&file)
        .ask_provider(Desk::new(), questions(1));
    assert_eq!(run.unwrap_err().kind(), ErrorKind::Configuration);
}

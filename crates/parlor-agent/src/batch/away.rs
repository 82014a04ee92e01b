//! A provider's batch on its way: handed in once, asked for until it is over, fetched.

use super::file::{Kept, Note};
use super::job::Done;
use super::provider::{Judge, Manner, left, untold, without_result};
use super::{Ended, Told, known_as};
use crate::run::Stopper;
use futures_util::future::{Either, select};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use parlor_core::{
    BatchItem, BatchResults, BatchStatus, ChatBatches, ChatRequest, ChatResponse, Error, Result,
    Retry, Unconfirmed,
};
use serde_json::value::to_raw_value;
use std::collections::{HashMap, HashSet, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::sleep;

/// How often in a row a question may fail that may be asked again.
const PATIENCE: u32 = 10;

/// Items that a provider answers.
pub(super) struct Away {
    batches: Arc<dyn ChatBatches>,
    manner: Manner,
    stopper: Stopper,
    kept: Option<Kept>,
    pub(super) judge: Option<Box<Judge>>,
    /// Not looked at yet.
    given: Vec<ChatRequest>,
    /// To be handed in.
    fresh: Vec<(usize, BatchItem)>,
    open: VecDeque<Open>,
    told: VecDeque<Told<ChatResponse>>,
}

/// A batch that isn't done with.
struct Open {
    name: String,
    /// None where it isn't known whether it was taken.
    status: Option<BatchStatus>,
    /// Why that isn't known, where this run handed it in.
    doubt: Option<Error>,
    awaited: HashMap<String, Awaited>,
    /// How long to wait before it is asked for again.
    pause: Duration,
    failures: u32,
    cancelled: bool,
    results: Option<BatchResults>,
    broken: Option<Error>,
}

/// An item that the provider has.
struct Awaited {
    number: usize,
    /// Kept where it may have to be handed in again.
    request: Option<ChatRequest>,
}

impl Away {
    pub(super) fn new(
        batches: Arc<dyn ChatBatches>,
        given: Vec<ChatRequest>,
        manner: Manner,
        stopper: Stopper,
        kept: Option<Kept>,
    ) -> Self {
        Self {
            batches,
            manner,
            stopper,
            kept,
            judge: None,
            given,
            fresh: Vec::new(),
            open: VecDeque::new(),
            told: VecDeque::new(),
        }
    }

    pub(super) fn into_stream(self) -> BoxStream<'static, Told<ChatResponse>> {
        let next = |mut away: Self| async move {
            loop {
                if let Some(told) = away.told.pop_front() {
                    return Some((told, away));
                }
                if !away.step().await {
                    return None;
                }
            }
        };
        stream::unfold(self, next).boxed()
    }

    /// Does what is next; false when there is nothing left.
    async fn step(&mut self) -> bool {
        if !self.given.is_empty() {
            self.sort();
        } else if !self.fresh.is_empty() {
            self.hand_in().await;
        } else if let Some(open) = self.open.pop_front() {
            self.attend(open).await;
        } else {
            return false;
        }
        true
    }

    /// Tells apart what is answered, what an earlier run handed in, and the rest.
    fn sort(&mut self) {
        let (model, known_as) = (self.batches.info().id(), known_as(self.batches.info()));
        for (number, request) in std::mem::take(&mut self.given).into_iter().enumerate() {
            let Some(kept) = &mut self.kept else {
                let item = BatchItem::new(format!("item-{number}"), request);
                self.fresh.push((number, item));
                continue;
            };
            let name = kept.name(|to| serde_json::to_writer(to, &(&known_as, &request)));
            let answer = kept.take(&name);
            let answer = answer.and_then(|it| serde_json::from_str(it.get()).ok());
            let answer = answer.and_then(|it| judged(self.judge.as_deref(), it).ok());
            match answer {
                Some(answer) => {
                    let done = Done {
                        result: Ok(answer),
                        kept: None,
                        from_file: true,
                    };
                    self.told.push_back(Told::Ended((number, None, done)));
                }
                None => self.fresh.push((number, BatchItem::new(name, request))),
            }
        }
        let notes = self.kept.as_mut().map(Kept::take_notes).unwrap_or_default();
        for note in notes.into_iter().filter(|it| it.model == model) {
            let keys: HashSet<_> = note.keys.iter().collect();
            let all = std::mem::take(&mut self.fresh).into_iter();
            let (theirs, fresh) = all.partition(|(_, item)| keys.contains(&item.id));
            self.fresh = fresh;
            let open = Open::new(note.name, note.status, theirs, self.manner);
            if !open.awaited.is_empty() {
                self.open.push_back(open);
            }
        }
    }

    /// Hands in what wasn't, as one batch.
    async fn hand_in(&mut self) {
        let (numbers, items): (Vec<_>, Vec<_>) = self.fresh.drain(..).unzip();
        let name = mark(&items);
        if self.stopper.is_stopped() {
            return self.fail(numbers, items, &super::stopped());
        }
        let mut note = Note::new(name.clone(), self.batches.info().id());
        note.keys = items.iter().map(|it| it.id.clone()).collect();
        // What isn't written down could be handed in twice.
        if let Some(Err(error)) = self.kept.as_mut().map(|kept| kept.note(&note)) {
            self.told.push_back(Told::Broken(error.clone()));
            return self.fail(numbers, items, &error);
        }
        note.keys.clear();
        let taken = self.submit(&name, &items).await;
        let pairs = |numbers: Vec<usize>, items| numbers.into_iter().zip(items).collect();
        match taken {
            Ok(status) => {
                self.told.push_back(Told::Counts(status.counts));
                note.status = Some(status.clone());
                self.write(&note);
                let mut open = Open::new(name, Some(status), pairs(numbers, items), self.manner);
                open.pause = self.manner.first;
                self.open.push_back(open);
            }
            Err(error) if Unconfirmed::is_in(&error) => {
                let mut open = Open::new(name, None, pairs(numbers, items), self.manner);
                open.doubt = Some(error);
                self.open.push_back(open);
            }
            Err(error) => {
                note.closed = true;
                self.write(&note);
                self.fail(numbers, items, &error);
            }
        }
    }

    /// Submits, again where it is sure that the provider took nothing.
    async fn submit(&mut self, name: &str, items: &[BatchItem]) -> Result<BatchStatus> {
        let mut pause = self.manner.first;
        for _ in 0..PATIENCE {
            let error = match self.batches.submit(name, items).await {
                Ok(status) => return Ok(status),
                Err(error) => error,
            };
            let Retry::Later(after) = error.retry() else {
                return Err(error);
            };
            if self.wait(pause.max(after.unwrap_or_default())).await {
                return Err(super::stopped());
            }
            pause = self.longer(pause);
        }
        self.batches.submit(name, items).await
    }

    /// Does what is next for a batch that isn't done with.
    async fn attend(&mut self, mut open: Open) {
        let stopped = self.stopper.is_stopped();
        let Some(status) = &open.status else {
            return self.find(open).await;
        };
        let id = status.id.clone();
        if open.results.is_some() {
            return self.read(open).await;
        }
        if stopped && !open.cancelled && !status.state.is_over() {
            if !self.manner.cancels {
                return self.leave(open, &left(&id, self.kept.is_some()));
            }
            if open.failures > 0 {
                self.wait(open.pause).await;
            }
            let outcome = self.batches.cancel(&id).await;
            open.cancelled = outcome.is_ok();
            open.pause = self.manner.first;
            return self.learn(open, outcome);
        }
        let pause = open.pause;
        if self.wait(pause).await && !stopped && !open.cancelled {
            // What follows from that is seen to at the next step.
            open.pause = Duration::ZERO;
            return self.open.push_front(open);
        }
        if status.state.is_over() {
            match self.batches.results(&id).await {
                Ok(results) => {
                    open.results = Some(results);
                    self.open.push_front(open);
                }
                Err(error) => self.learn(open, Err(error)),
            }
            return;
        }
        let outcome = self.batches.status(&id).await;
        self.learn(open, outcome);
    }

    /// Takes what the provider said of a batch, or why it said nothing.
    fn learn(&mut self, mut open: Open, said: Result<BatchStatus>) {
        match said {
            Ok(mut status) => {
                self.told.push_back(Told::Counts(status.counts));
                let before = open.status.take();
                status.warnings = before.map(|it| it.warnings).unwrap_or_default();
                open.failures = 0;
                open.pause = match status.state.is_over() {
                    true => Duration::ZERO,
                    false => self.longer(open.pause),
                };
                open.status = Some(status);
                self.open.push_front(open);
            }
            Err(error) => match error.retry() {
                Retry::Later(after) if open.failures < PATIENCE => {
                    open.failures += 1;
                    open.pause = self.longer(open.pause).max(after.unwrap_or_default());
                    self.open.push_front(open);
                }
                _ if error.status() == Some(404) && self.manner.anew => self.again(open),
                _ => self.leave(open, &error),
            },
        }
    }

    /// Looks for a batch of which it isn't known whether it was taken.
    async fn find(&mut self, mut open: Open) {
        let by_name = self.batches.limits().keeps_names;
        if by_name && open.doubt.is_some() {
            self.wait(self.manner.first).await;
        }
        let listed = match by_name {
            true => self.batches.list().await,
            false => Ok(Vec::new()),
        };
        let found = match listed {
            Ok(list) => {
                let mut list = list.into_iter();
                list.find(|it| it.name.as_ref() == Some(&open.name))
            }
            Err(error) => {
                let pause = self.longer(open.pause);
                if matches!(error.retry(), Retry::Later(_)) && open.failures < PATIENCE {
                    open.failures += 1;
                    open.pause = pause;
                    if !self.wait(pause).await {
                        return self.open.push_front(open);
                    }
                }
                return self.leave(open, &error);
            }
        };
        if let Some(status) = found {
            let mut note = Note::new(open.name.clone(), self.batches.info().id());
            note.status = Some(status.clone());
            self.write(&note);
            return self.learn(open, Ok(status));
        }
        match open.doubt.take() {
            // So soon after, the list may not have it yet.
            Some(doubt) => self.leave(open, &doubt),
            None if by_name || self.manner.anew => self.again(open),
            None => {
                let error = untold(&open.name);
                self.leave(open, &error);
            }
        }
    }

    /// Hands in the items of a batch again that isn't there.
    fn again(&mut self, open: Open) {
        self.close(&open.name);
        for (id, awaited) in open.awaited {
            if let Some(request) = awaited.request {
                let item = BatchItem::new(id, request);
                self.fresh.push((awaited.number, item));
            }
        }
        self.fresh.sort_by_key(|(number, _)| *number);
    }

    /// Reads the next result.
    async fn read(&mut self, mut open: Open) {
        let next = match &mut open.results {
            Some(results) => results.next().await,
            None => None,
        };
        match next {
            Some(Ok(it)) => {
                if let Some(awaited) = open.awaited.remove(&it.id) {
                    let mut result = it.result;
                    if let (Ok(answer), Some(status)) = (&mut result, &open.status) {
                        let mine = status.warnings.iter().filter(|(id, _)| *id == it.id);
                        let warnings = mine.map(|(_, warning)| warning.clone());
                        answer.warnings.splice(..0, warnings);
                    }
                    self.give(awaited.number, &it.id, result);
                    open.failures = 0;
                }
                self.open.push_front(open);
            }
            Some(Err(error)) => {
                open.broken = Some(error);
                self.open.push_front(open);
            }
            None => {
                open.results = None;
                let broken = open.broken.take();
                let again = broken
                    .as_ref()
                    .filter(|it| matches!(it.retry(), Retry::Later(_)));
                if let Some(error) = again.filter(|_| !open.awaited.is_empty()) {
                    return self.learn(open, Err(error.clone()));
                }
                self.close(&open.name);
                let error = without_result(open.status.as_ref(), broken);
                self.leave(open, &error);
            }
        }
    }

    /// Gives up the items of a batch that have no result.
    fn leave(&mut self, open: Open, error: &Error) {
        let mut rest: Vec<_> = open.awaited.into_iter().collect();
        rest.sort_by_key(|(_, awaited)| awaited.number);
        for (id, awaited) in rest {
            self.give(awaited.number, &id, Err(error.clone()));
        }
    }

    fn fail(&mut self, numbers: Vec<usize>, items: Vec<BatchItem>, error: &Error) {
        for (number, item) in numbers.into_iter().zip(items) {
            self.give(number, &item.id, Err(error.clone()));
        }
    }

    /// Writes down what became of an item, and tells it.
    fn give(&mut self, number: usize, id: &str, result: Result<ChatResponse>) {
        let result = result.and_then(|it| judged(self.judge.as_deref(), it));
        if let Some(file) = &mut self.kept {
            let answer = result.as_ref().ok().and_then(|it| to_raw_value(it).ok());
            if let Err(error) = file.write(id, number, answer, result.as_ref().err()) {
                self.told.push_back(Told::Broken(error));
            }
        }
        let done = Done {
            result,
            kept: None,
            from_file: false,
        };
        let ended: Ended<ChatResponse> = (number, None, done);
        self.told.push_back(Told::Ended(ended));
    }

    fn close(&mut self, name: &str) {
        let mut note = Note::new(name.to_owned(), self.batches.info().id());
        note.closed = true;
        self.write(&note);
    }

    fn write(&mut self, note: &Note) {
        if let Some(Err(error)) = self.kept.as_mut().map(|kept| kept.note(note)) {
            self.told.push_back(Told::Broken(error));
        }
    }

    /// Waits; true if it was stopped meanwhile.
    async fn wait(&mut self, time: Duration) -> bool {
        if self.stopper.is_stopped() {
            sleep(time).await;
            return true;
        }
        let stopper = self.stopper.clone();
        let stopped = pin!(stopper.stopped().fuse());
        matches!(select(stopped, pin!(sleep(time))).await, Either::Left(_))
    }

    /// The pause after one of this length.
    fn longer(&self, pause: Duration) -> Duration {
        let next = pause.saturating_add(pause / 2).max(self.manner.first);
        next.min(self.manner.most)
    }
}

impl Open {
    fn new(
        name: String,
        status: Option<BatchStatus>,
        items: Vec<(usize, BatchItem)>,
        manner: Manner,
    ) -> Self {
        let keeps = manner.anew || status.is_none();
        let awaited = items.into_iter().map(|(number, item)| {
            let request = keeps.then_some(item.request);
            (item.id, Awaited { number, request })
        });
        Self {
            name,
            awaited: awaited.collect(),
            status,
            doubt: None,
            pause: Duration::ZERO,
            failures: 0,
            cancelled: false,
            results: None,
            broken: None,
        }
    }
}

fn judged(judge: Option<&Judge>, answer: ChatResponse) -> Result<ChatResponse> {
    match judge {
        Some(judge) => judge(answer),
        None => Ok(answer),
    }
}

/// A name that no other batch has.
fn mark(items: &[BatchItem]) -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let first = items.first().map_or("", |it| &it.id);
    let first: String = first.chars().take(8).collect();
    format!("parlor-{first}-{}-{}", items.len(), now.as_nanos())
}

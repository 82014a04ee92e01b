//! Many requests or conversations: so many at once, in order, to be gone on with later.

mod away;
mod file;
mod job;
mod progress;
mod provider;

use crate::conversation::Conversation;
use crate::reply::Reply;
use crate::run::Stopper;
use file::Kept;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, FuturesUnordered};
use futures_util::{Stream, StreamExt};
use job::{AnyJob, Doing, Done, Sending};
use parlor_core::{
    BatchCounts, ChatModel, ChatRequest, ChatResponse, Error, ErrorKind, ModelInfo, Result,
};
use provider::{Judge, Manner};

pub use progress::Progress;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// How many of many are done at the same time, who is told, and where what is
/// finished is kept.
///
/// ```
/// use parlor_agent::Batch;
/// use parlor_core::Echo;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let questions = ["One?", "Two?", "Three?"];
/// let answers = Batch::new().with_concurrency(2).ask(Echo::new(), questions)?.all().await;
/// assert_eq!(answers.len(), 3);
/// for (question, answer) in questions.iter().zip(answers) {
///     assert_eq!(answer?.text(), *question);
/// }
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
///
/// Each item has a result of its own: one that fails leaves the others alone.
/// Nothing is tried again here; a retry or a rate limit is a layer around the
/// model. No task is spawned: what is on its way goes on while the
/// [`BatchRun`] is polled, and stops when it is dropped.
///
/// Or the provider does it all, later and for less money:
/// [`ask_provider`](Self::ask_provider).
///
/// # Going on
///
/// With a [file](Self::with_file) each answer is written down as it comes.
/// Given the same file, another run of the same program asks only for what isn't
/// there: what failed, what was stopped, and what is new. Items are known by what they ask, and by the
/// model that they ask, not by their place.
#[must_use = "a batch does nothing until it is given items"]
pub struct Batch {
    concurrency: usize,
    progress: Option<Box<Watch>>,
    file: Option<PathBuf>,
    stopper: Stopper,
    manner: Manner,
    judge: Option<Box<Judge>>,
}

type Watch = dyn FnMut(&Progress) + Send;

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl Batch {
    /// Eight at a time, and nothing kept.
    pub fn new() -> Self {
        Self {
            concurrency: 8,
            progress: None,
            file: None,
            stopper: Stopper::default(),
            manner: Manner::default(),
            judge: None,
        }
    }

    /// The same batch with at most this many items on their way at once; at
    /// least one.
    pub fn with_concurrency(mut self, most: usize) -> Self {
        self.concurrency = most.max(1);
        self
    }

    /// The same batch that tells how far it is: after each item that ends, and
    /// whenever a provider that answers the items was asked.
    pub fn with_progress(mut self, each: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.progress = Some(Box::new(each));
        self
    }

    /// The same batch with a bar on stderr, where that is a terminal; nothing is
    /// drawn elsewhere.
    pub fn with_bar(self) -> Self {
        self.with_progress(progress::bar())
    }

    /// The same batch that keeps finished items in this file, and takes those
    /// that are there from it. It is made where there is none.
    ///
    /// The file is text, a JSON object a line; a half line at its end, from a
    /// program that was killed, is dropped. Lines outlive the program, but are
    /// not forced to disk one by one. Two runs must not write to it at once.
    /// It is read and written with blocking calls: a line per answer.
    pub fn with_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Stops the batch from elsewhere: no further item is begun, those on their
    /// way are finished, and the rest fail with
    /// [`Cancelled`](ErrorKind::Cancelled).
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Asks a model for a whole answer to each request.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) if the file can't be read or
    /// isn't a batch's.
    pub fn ask<R: Into<ChatRequest>>(
        self,
        model: impl ChatModel + 'static,
        requests: impl IntoIterator<Item = R>,
    ) -> Result<BatchRun<'static, ChatResponse>> {
        let id = known_as(model.info());
        let model = Arc::new(model);
        let requests = requests.into_iter().map(|request| {
            let request: ChatRequest = request.into();
            (id.clone(), request)
        });
        self.run(requests, move |(_, request)| {
            let model = model.clone();
            async move { model.chat(&request).await }
        })
    }

    /// Says something in each conversation, tools and all. A conversation that
    /// was finished in the file gets the history that it had then.
    ///
    /// ```
    /// use parlor_agent::{Batch, Conversation};
    /// use parlor_core::Echo;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let mut chats = [Conversation::new(Echo::new()), Conversation::new(Echo::new())];
    /// let turns = chats.iter_mut().zip(["Hello", "Goodbye"]);
    /// let replies = Batch::new().send(turns)?.all().await;
    /// assert_eq!(replies[1].as_ref().unwrap().text(), "Goodbye");
    /// assert_eq!(chats[1].history().turns().len(), 1);
    /// # Ok::<(), parlor_core::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn send<'a, M: Into<ChatRequest>>(
        self,
        turns: impl IntoIterator<Item = (&'a mut Conversation, M)>,
    ) -> Result<BatchRun<'a, Reply>> {
        let jobs = turns.into_iter().map(|(conversation, message)| {
            Box::new(Sending::new(conversation, message.into())) as AnyJob<'a, Reply>
        });
        self.begin(jobs.collect())
    }

    /// Does anything else for each item: a chain of calls, an extraction, a
    /// choice among models. An item is known in the file by its JSON.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn run<'a, I, T, F>(
        self,
        items: impl IntoIterator<Item = I>,
        work: impl Fn(I) -> F + Send + Sync + 'a,
    ) -> Result<BatchRun<'a, T>>
    where
        I: Serialize + Send + 'a,
        T: Serialize + DeserializeOwned + Send + 'a,
        F: Future<Output = Result<T>> + Send + 'a,
    {
        let work = Arc::new(work);
        let jobs = items.into_iter().map(|item| {
            let work = work.clone();
            Box::new(Doing { item, work }) as AnyJob<'a, T>
        });
        self.begin(jobs.collect())
    }

    fn begin<'a, T>(self, jobs: VecDeque<AnyJob<'a, T>>) -> Result<BatchRun<'a, T>> {
        Ok(BatchRun {
            progress: Progress {
                total: jobs.len(),
                ..Progress::default()
            },
            kept: self.file.map(Kept::open).transpose()?,
            watch: self.progress,
            concurrency: self.concurrency,
            stopper: self.stopper,
            begun: 0,
            waiting: jobs,
            running: FuturesUnordered::new(),
            elsewhere: None,
            broken: None,
        })
    }
}

/// A batch on its way: a stream of items as they end, each with its number from
/// 0 and its own result.
///
/// [`all`](Self::all) gives them in order.
pub struct BatchRun<'a, T> {
    waiting: VecDeque<AnyJob<'a, T>>,
    running: FuturesUnordered<BoxFuture<'a, Ended<T>>>,
    /// What a provider does in place of all these.
    elsewhere: Option<BoxStream<'a, Told<T>>>,
    begun: usize,
    concurrency: usize,
    stopper: Stopper,
    kept: Option<Kept>,
    /// Why nothing can be written any more.
    broken: Option<Error>,
    progress: Progress,
    watch: Option<Box<Watch>>,
}

/// An item that ended: its number, the name it has in the file, and its result.
type Ended<T> = (usize, Option<String>, Done<T>);

/// What is told of items that a provider answers.
enum Told<T> {
    /// One ended, and is written down.
    Ended(Ended<T>),
    /// How far the provider says it is.
    Counts(BatchCounts),
    /// Something could not be written down.
    Broken(Error),
}

/// What a model is known by in a file: its id, and what else tells it from others of that.
fn known_as(model: &ModelInfo) -> String {
    match model.variant {
        None => model.id(),
        Some(variant) => format!("{} {variant:016x}", model.id()),
    }
}

/// That an item wasn't begun since the batch was stopped.
fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled, "the batch was stopped before this")
        .with_help("Run it again with the same file to go on.")
}

impl<'a, T: 'a> BatchRun<'a, T> {
    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Stops it from elsewhere, as [`Batch::stopper`].
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Why answers can't be written to the file any more, if they can't. No
    /// item is begun then; the rest fail with this.
    pub fn file_error(&self) -> Option<&Error> {
        self.broken.as_ref()
    }

    /// The next item that ends, with its number; `None` after the last one.
    pub async fn next(&mut self) -> Option<(usize, Result<T>)> {
        StreamExt::next(self).await
    }

    /// Goes on to the end, and gives the results in the order of the items.
    pub async fn all(mut self) -> Vec<Result<T>> {
        let mut results: Vec<Option<Result<T>>> = Vec::new();
        results.resize_with(self.progress.total, || None);
        while let Some((number, result)) = self.next().await {
            if let Some(place) = results.get_mut(number) {
                *place = Some(result);
            }
        }
        // Every item ends once, so that none is missing.
        results.into_iter().flatten().collect()
    }

    fn start(&mut self) -> bool {
        if self.running.len() >= self.concurrency || self.refusal().is_some() {
            return false;
        }
        let Some(job) = self.waiting.pop_front() else {
            return false;
        };
        let number = self.begun;
        self.begun += 1;
        let name = self.kept.as_mut();
        let name = name.map(|kept| kept.name(|to| job.describe(to)));
        let known = match (&mut self.kept, &name) {
            (Some(kept), Some(name)) => kept.take(name),
            _ => None,
        };
        let doing = job.start(known, name.is_some());
        self.running
            .push(Box::pin(async move { (number, name, doing.await) }));
        true
    }

    /// Why no further item may be begun.
    fn refusal(&self) -> Option<Error> {
        if let Some(error) = &self.broken {
            return Some(error.clone());
        }
        self.stopper.is_stopped().then(stopped)
    }

    /// What comes of items that a provider answers.
    fn poll_elsewhere(&mut self, cx: &mut Context<'_>) -> Poll<Option<<Self as Stream>::Item>> {
        loop {
            let told = match &mut self.elsewhere {
                Some(elsewhere) => ready!(elsewhere.poll_next_unpin(cx)),
                None => None,
            };
            match told {
                None => return Poll::Ready(None),
                Some(Told::Ended(ended)) => return Poll::Ready(Some(self.end(ended))),
                Some(Told::Broken(error)) => self.broken = Some(error),
                Some(Told::Counts(counts)) => {
                    self.progress.provider = Some(counts);
                    if let Some(watch) = &mut self.watch {
                        watch(&self.progress);
                    }
                }
            }
        }
    }

    fn end(&mut self, (number, name, done): Ended<T>) -> (usize, Result<T>) {
        let Done {
            result,
            kept,
            from_file,
        } = done;
        match &result {
            Ok(_) => self.progress.done += 1,
            Err(_) => self.progress.failed += 1,
        }
        if from_file {
            self.progress.reused += 1;
        } else if let (Some(file), Some(name)) = (&mut self.kept, name)
            && self.broken.is_none()
        {
            self.broken = file.write(&name, number, kept, result.as_ref().err()).err();
        }
        if let Some(watch) = &mut self.watch {
            watch(&self.progress);
        }
        (number, result)
    }
}

impl<'a, T: 'a> Stream for BatchRun<'a, T> {
    type Item = (usize, Result<T>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let run = &mut *self;
        if run.elsewhere.is_some() {
            return run.poll_elsewhere(cx);
        }
        while run.start() {}
        match run.running.poll_next_unpin(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(ended)) => Poll::Ready(Some(run.end(ended))),
            // Nothing is on its way: what still waits may not begin.
            Poll::Ready(None) => Poll::Ready(run.waiting.pop_front().and_then(|_| {
                let number = run.begun;
                run.begun += 1;
                Some((number, Err(run.refusal()?)))
            })),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.elsewhere {
            Some(_) => self.progress.left(),
            None => self.waiting.len() + self.running.len(),
        };
        (left, Some(left))
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("concurrency", &self.concurrency)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for BatchRun<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchRun")
            .field("progress", &self.progress)
            .field("running", &self.running.len())
            .finish_non_exhaustive()
    }
}

//! Items that a provider answers as one batch: how it is asked for, and what may go wrong.

use super::away::Away;
use super::file::Kept;
use super::{Batch, BatchRun};
use parlor_core::{
    BatchState, BatchStatus, ChatBatches, ChatRequest, ChatResponse, Error, ErrorKind, Result,
    Retry, TimeoutKind,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// How the batches of a provider are attended to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) first: Duration,
    pub(super) most: Duration,
    pub(super) cancels: bool,
    pub(super) anew: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(10),
            most: Duration::from_secs(300),
            cancels: false,
            anew: false,
        }
    }
}

/// What an answer amounts to.
pub(super) type Judge = dyn Fn(ChatResponse) -> Result<ChatResponse> + Send;

impl Batch {
    /// Has the provider answer all requests as one batch: within hours or a day,
    /// and often for half the money. What comes of it is as of
    /// [`ask`](Self::ask), and the same file does for both; how many at once is
    /// the provider's affair.
    ///
    /// The batch is handed in when the run is first polled, asked for from time
    /// to time ([`with_polling`](Self::with_polling)), and fetched when it is
    /// over. With a [file](Self::with_file) its id is written down before it is
    /// waited for: however this run ends, the next one with the same file goes
    /// on with the same batch, days later too. It hands in what is new, and what failed,
    /// as a batch of its own. Without a file, a run that is dropped leaves the
    /// batch to be found by [`ChatBatches::list`].
    ///
    /// Never is a batch handed in twice in silence. Where it isn't known whether
    /// the provider took it, it is looked for by its name if the provider keeps
    /// names; else its items fail, until [`submitting_anew`](Self::submitting_anew)
    /// says that they may be paid twice.
    ///
    /// ```no_run
    /// use parlor_agent::Batch;
    /// use parlor_core::ChatBatches;
    ///
    /// # async fn run(batches: std::sync::Arc<dyn ChatBatches>) -> parlor_core::Result<()> {
    /// let questions = ["One?", "Two?", "Three?"];
    /// let batch = Batch::new().with_file("answers.jsonl");
    /// for answer in batch.ask_provider(batches, questions)?.all().await {
    ///     println!("{}", answer?.text());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`ask`](Self::ask). What the provider finds wrong is each item's error.
    pub fn ask_provider<R: Into<ChatRequest>>(
        self,
        batches: impl ChatBatches + 'static,
        requests: impl IntoIterator<Item = R>,
    ) -> Result<BatchRun<'static, ChatResponse>> {
        let requests: Vec<ChatRequest> = requests.into_iter().map(Into::into).collect();
        let (manner, total) = (self.manner, requests.len());
        let kept = self.file.clone().map(Kept::open).transpose()?;
        let stopper = self.stopper.clone();
        let mut away = Away::new(Arc::new(batches), requests, manner, stopper, kept);
        away.judge = self.judge;
        let mut run = Self {
            file: None,
            judge: None,
            ..self
        }
        .begin(VecDeque::new())?;
        run.progress.total = total;
        run.elsewhere = Some(away.into_stream());
        Ok(run)
    }

    /// The same batch that has each answer of a provider judged before it is written
    /// down, and those in the file before they are taken from it. What the judge makes
    /// of an answer is the result; what it rejects failed, and the next run with the
    /// same file asks for it again. It may be given an answer that it accepted before.
    ///
    /// In [`run`](Self::run) the work is the place for it.
    pub fn with_judge(
        mut self,
        judge: impl Fn(ChatResponse) -> Result<ChatResponse> + Send + 'static,
    ) -> Self {
        self.judge = Some(Box::new(judge));
        self
    }

    /// The same batch that asks a provider how far it is after `first`, then
    /// after half as long again each time, up to `most`: 10 seconds and 5
    /// minutes, unless it is said.
    pub fn with_polling(mut self, first: Duration, most: Duration) -> Self {
        (self.manner.first, self.manner.most) = (first, most.max(first));
        self
    }

    /// The same batch that is cancelled at the provider when it is
    /// [stopped](Self::stopper). What was answered by then is waited for and
    /// fetched. Without this the batch goes on there, for another run to fetch.
    pub fn cancelling_when_stopped(mut self) -> Self {
        self.manner.cancels = true;
        self
    }

    /// The same batch that hands in items anew where it isn't known whether the
    /// provider took them, or where it has forgotten the batch that they were
    /// in. They may then be paid twice.
    pub fn submitting_anew(mut self) -> Self {
        self.manner.anew = true;
        self
    }
}

/// That nobody knows whether an earlier run's batch was taken.
pub(super) fn untold(name: &str) -> Error {
    let message = format!(
        "an earlier run ended while it handed in the batch `{name}`, and it isn't known whether \
         the provider took it"
    );
    Error::new(ErrorKind::Connection, message)
        .with_retry(Retry::Never)
        .with_help(
            "Look among the provider's batches. If it isn't there, or may be paid twice, run once \
             with `Batch::submitting_anew`.",
        )
}

/// That a batch isn't waited for any longer.
pub(super) fn left(id: &str, has_file: bool) -> Error {
    let message = format!("stopped; the batch {id} goes on at the provider");
    Error::new(ErrorKind::Cancelled, message).with_help(match has_file {
        true => "Run it again with the same file to fetch its answers.".to_owned(),
        false => format!("Fetch its results by its id, {id}, or cancel it."),
    })
}

/// Why an item has no result in a batch that is over.
pub(super) fn without_result(status: Option<&BatchStatus>, broken: Option<Error>) -> Error {
    let state = status.map_or(&BatchState::Ended, |it| &it.state);
    let problem = status.and_then(|it| it.problem.as_deref());
    let error = match state {
        BatchState::Cancelled => Error::new(
            ErrorKind::Cancelled,
            "the batch was cancelled before this request was answered",
        ),
        BatchState::Expired => Error::new(
            ErrorKind::Timeout(TimeoutKind::Total),
            "the batch's time was up before this request was answered",
        ),
        BatchState::Failed => {
            let why = problem.unwrap_or("it doesn't say why");
            let message = format!("the provider refused the batch: {why}");
            Error::new(ErrorKind::InvalidRequest, message)
        }
        _ => Error::decode("the batch's results have none for this request"),
    };
    match broken {
        Some(broken) => error.with_source(broken),
        None => error,
    }
}

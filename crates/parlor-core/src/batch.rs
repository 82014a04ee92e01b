//! Many requests that a provider takes at once and answers later.

use crate::error::{Error, Result, Retry};
use crate::model::ModelInfo;
use crate::request::ChatRequest;
use crate::response::{ChatResponse, Warning};
use crate::text_enum::text_enum;
use async_trait::async_trait;
use futures_core::Stream;
use serde::{Deserialize, Serialize};
use std::error::Error as StdError;
use std::fmt::{self, Debug};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A model whose provider takes many requests at once, answers them within
/// hours or a day, and asks less for it.
///
/// A batch is known by its id alone: a program can submit, end, and fetch the
/// results days later. Nothing here waits for a batch to end; whoever wants
/// that asks for its [`status`](Self::status) from time to time.
#[async_trait]
pub trait ChatBatches: Send + Sync + Debug {
    /// Facts about the model.
    ///
    /// # Behavior
    /// - Cheap, and the same at every call.
    /// - The price is that of a request in a batch, or unknown.
    fn info(&self) -> &ModelInfo;

    /// What a batch may hold.
    ///
    /// # Behavior
    /// - Cheap, and the same at every call.
    fn limits(&self) -> BatchLimits;

    /// Hands in requests as one batch. `name` is the program's own for it, by
    /// which it is found again in the [`list`](Self::list) of a provider that
    /// [keeps names](BatchLimits::keeps_names).
    ///
    /// # Behavior
    /// - What is beyond the limits, an id that can't be one or stands twice, and
    ///   a request that the model can't honour, are errors before anything is sent.
    /// - Never submitted twice: a failure after which the provider may have taken
    ///   the batch is told by [`Unconfirmed`], and isn't tried again.
    /// - What was changed or left out is in [`BatchStatus::warnings`].
    async fn submit(&self, name: &str, items: &[BatchItem]) -> Result<BatchStatus>;

    /// How far a batch is.
    ///
    /// # Behavior
    /// - One request, which changes nothing.
    /// - A batch that the provider doesn't know is an error with its status.
    async fn status(&self, id: &str) -> Result<BatchStatus>;

    /// The results of a batch that is over, in any order.
    ///
    /// # Behavior
    /// - One that isn't over yet is an error of the kind
    ///   [`Validation`](crate::ErrorKind::Validation).
    /// - Read as they come: the memory used doesn't grow with their number.
    /// - A request without a result is left out, as in a batch that expired.
    async fn results(&self, id: &str) -> Result<BatchResults>;

    /// Asks for a batch to be ended.
    ///
    /// # Behavior
    /// - It may go on for a while; what is done by then has a result.
    async fn cancel(&self, id: &str) -> Result<BatchStatus>;

    /// The batches there are, other programs' and other models' among them.
    ///
    /// # Behavior
    /// - The newest first, however many pages the provider cuts them into; the
    ///   oldest may be left out where there are thousands.
    async fn list(&self) -> Result<Vec<BatchStatus>>;
}

macro_rules! forward {
    ($($pointer:ident),+) => { $(
        #[async_trait]
        impl<B: ChatBatches + ?Sized> ChatBatches for $pointer<B> {
            fn info(&self) -> &ModelInfo {
                (**self).info()
            }
            fn limits(&self) -> BatchLimits {
                (**self).limits()
            }
            async fn submit(&self, name: &str, items: &[BatchItem]) -> Result<BatchStatus> {
                (**self).submit(name, items).await
            }
            async fn status(&self, id: &str) -> Result<BatchStatus> {
                (**self).status(id).await
            }
            async fn results(&self, id: &str) -> Result<BatchResults> {
                (**self).results(id).await
            }
            async fn cancel(&self, id: &str) -> Result<BatchStatus> {
                (**self).cancel(id).await
            }
            async fn list(&self) -> Result<Vec<BatchStatus>> {
                (**self).list().await
            }
        }
    )+ };
}

forward!(Arc, Box);

/// What a batch may hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct BatchLimits {
    /// The most requests; `None` if unknown.
    pub requests: Option<usize>,
    /// The most bytes of all requests as they are sent; `None` if unknown.
    pub bytes: Option<usize>,
    /// Whether the name that a batch was given comes back with its status.
    pub keeps_names: bool,
}

/// One of the requests of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchItem {
    /// By which its result is known: up to 64 ASCII letters, digits, `-` and
    /// `_`, which every provider takes, and once in a batch.
    pub id: String,
    /// What is asked.
    pub request: ChatRequest,
}

impl BatchItem {
    /// A request under an id.
    pub fn new(id: impl Into<String>, request: impl Into<ChatRequest>) -> Self {
        Self {
            id: id.into(),
            request: request.into(),
        }
    }
}

text_enum! {
    /// How far a batch is.
    pub enum BatchState {
        /// The provider checks it or works on it.
        InProgress = "in_progress",
        /// Every request is done, and the results are put together.
        Finalizing = "finalizing",
        /// It was cancelled, and what had begun is finished.
        Cancelling = "cancelling",
        /// Every request has a result, be it an error.
        Ended = "ended",
        /// It was cancelled; what was done by then has a result.
        Cancelled = "cancelled",
        /// Its time was up; what was done by then has a result.
        Expired = "expired",
        /// The provider found fault with it as a whole.
        Failed = "failed",
    }
}

impl BatchState {
    /// Whether nothing more happens to it. A state that isn't known isn't the
    /// last one.
    pub fn is_over(&self) -> bool {
        matches!(
            self,
            Self::Ended | Self::Cancelled | Self::Expired | Self::Failed
        )
    }
}

/// What became of a batch's requests so far. A figure that the provider
/// doesn't tell is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BatchCounts {
    /// All of them.
    pub total: u64,
    /// Answered.
    pub succeeded: u64,
    /// Failed, one by one.
    pub failed: u64,
    /// Not begun when the batch was cancelled.
    pub cancelled: u64,
    /// Not begun when its time was up.
    pub expired: u64,
}

impl BatchCounts {
    /// How many have a result.
    pub fn done(&self) -> u64 {
        [self.succeeded, self.failed, self.cancelled, self.expired]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

/// How far a batch is, and by what it is known. It can be written down, to go
/// on with the batch in another run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchStatus {
    /// The provider's id.
    pub id: String,
    /// The name it was submitted by, where the provider keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How far it is.
    pub state: BatchState,
    /// What became of its requests.
    #[serde(default)]
    pub counts: BatchCounts,
    /// When it was submitted, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<u64>,
    /// When its time is up: what isn't done by then isn't done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
    /// What the provider found wrong with it as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What was changed or left out, by the ids of the items; told by
    /// [`submit`](ChatBatches::submit) alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<(String, Warning)>,
}

impl BatchStatus {
    /// A batch of which nothing else is known.
    pub fn new(id: impl Into<String>, state: BatchState) -> Self {
        Self {
            id: id.into(),
            name: None,
            state,
            counts: BatchCounts::default(),
            created: None,
            expires: None,
            ended: None,
            problem: None,
            warnings: Vec::new(),
        }
    }
}

/// What became of one of a batch's requests.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BatchResult {
    /// The id of the item.
    pub id: String,
    /// The answer, or why there is none: the error that the same request would
    /// have failed with by itself; [`Cancelled`](crate::ErrorKind::Cancelled) or
    /// [`Timeout`](crate::ErrorKind::Timeout), where it wasn't begun.
    pub result: Result<ChatResponse>,
}

impl BatchResult {
    /// The result of an item.
    pub fn new(id: impl Into<String>, result: Result<ChatResponse>) -> Self {
        Self {
            id: id.into(),
            result,
        }
    }
}

/// The results of a batch, one after the other.
///
/// A result that can't be read is an error in its place, of the kind
/// [`Decode`](crate::ErrorKind::Decode), and the others follow. Where the
/// results break off, the error is the last thing that comes.
pub struct BatchResults(Pin<Box<dyn Stream<Item = Result<BatchResult>> + Send>>);

impl BatchResults {
    /// Results from wherever they come.
    pub fn new(results: impl Stream<Item = Result<BatchResult>> + Send + 'static) -> Self {
        Self(Box::pin(results))
    }

    /// The next result; `None` after the last one.
    ///
    /// # Errors
    /// What the next result can't be read for, or what broke them off.
    pub async fn next(&mut self) -> Option<Result<BatchResult>> {
        std::future::poll_fn(|cx| self.0.as_mut().poll_next(cx)).await
    }
}

impl Stream for BatchResults {
    type Item = Result<BatchResult>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl Debug for BatchResults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BatchResults")
    }
}

/// That nobody knows whether the provider took a batch: the answer to it was
/// lost. It is the [source](StdError::source) of the error of
/// [`submit`](ChatBatches::submit), which is never tried again by itself.
#[derive(Debug)]
pub struct Unconfirmed {
    cause: Error,
}

impl Unconfirmed {
    /// The error of a batch of this name that may have been taken all the same.
    pub fn because(cause: Error, name: &str) -> Error {
        let help = format!(
            "The provider may have taken the batch `{name}`. Look for it among its batches before \
             you submit it again: both would be paid."
        );
        let told = cause.clone().with_retry(Retry::Never).with_help(help);
        told.with_source(Self { cause })
    }

    /// Whether an error is of this sort.
    pub fn is_in(error: &Error) -> bool {
        error.source().is_some_and(|source| source.is::<Self>())
    }
}

impl fmt::Display for Unconfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer to a batch was lost")
    }
}

impl StdError for Unconfirmed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.cause)
    }
}

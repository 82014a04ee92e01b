//! Answers as values: asked for by a schema, checked, and put right once.
//!
//! ```
//! use parlor_agent::{ExtractExt, schemars::{self, JsonSchema}};
//! use parlor_core::Echo;
//! use serde::Deserialize;
//!
//! /// A city that somebody wrote of.
//! #[derive(Deserialize, JsonSchema)]
//! struct City {
//!     name: String,
//!     /// Millions of people.
//!     people: Option<f64>,
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! // Echo gives the smallest value that the schema allows.
//! let city: City = Echo::new().extract("Oslo has 0.7 million people.").await?;
//! assert_eq!(city.name, "text");
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```

mod ask;
mod call;
mod check;
mod find;
mod growing;
pub(crate) mod judge;
mod schema;
mod strategy;

pub use check::keeps_to;
pub use growing::{Partial, Partials};
pub use strategy::ExtractStrategy;

use crate::conversation::Conversation;
use ask::Job;
use parlor_core::{ChatModel, ChatRequest, ChatResponse, OutputSchema, Result, Usage};
use schema::Shape;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use strategy::Shaper;

/// What can be extracted: serde reads it and schemars has its schema. Every
/// type that can has it.
///
/// Enums, nested, optional and recursive types do, and so do lists, maps and
/// single values; what isn't an object with named properties goes to the model
/// within one. The documentation comments of a type and its fields are sent
/// with the schema.
pub trait Extractable: JsonSchema + DeserializeOwned + Send {}

impl<T: JsonSchema + DeserializeOwned + Send> Extractable for T {}

/// Extraction from a model by the defaults of [`Extractor`].
pub trait ExtractExt: ChatModel {
    /// Asks for a value.
    ///
    /// # Behavior
    /// - As [`Extractor::extract`].
    fn extract<T: Extractable>(
        &self,
        request: impl Into<ChatRequest> + Send,
    ) -> impl Future<Output = Result<T>> + Send {
        let request = request.into();
        async move { Ok(Extractor::new().extract(self, request).await?.value) }
    }

    /// Asks for a value and gives it as it grows.
    ///
    /// # Behavior
    /// - As [`Extractor::stream`].
    fn stream_partial<'a, T: Extractable + 'a>(
        &'a self,
        request: impl Into<ChatRequest>,
    ) -> Partials<'a, T> {
        Extractor::new().stream(self, request)
    }
}

impl<M: ChatModel + ?Sized> ExtractExt for M {}

impl Conversation {
    /// Says something and waits for a value: see [`Extractor::extract_in`].
    ///
    /// # Errors
    /// As [`Extractor::extract_in`].
    pub async fn extract<T: Extractable>(&mut self, message: impl Into<ChatRequest>) -> Result<T> {
        Ok(Extractor::new().extract_in(self, message).await?.value)
    }

    /// Says something and gives a value as it grows: see
    /// [`Extractor::stream_in`].
    pub fn stream_partial<'a, T: Extractable + 'a>(
        &'a mut self,
        message: impl Into<ChatRequest>,
    ) -> Partials<'a, T> {
        Extractor::new().stream_in(self, message)
    }
}

/// Asks for values of a type.
///
/// The check of an answer is that `T` can be read from it; it is as strict as
/// `T`. An answer that fails it is shown to the model with what is wrong, once
/// by default. Answers that a second try can't better are not asked for again:
/// a refusal, a filter, a limit of tokens.
///
/// Where JSON stands in other text, such as a code fence, it is found.
pub struct Extractor<T> {
    strategy: ExtractStrategy,
    retries: u32,
    name: Option<String>,
    schema: Option<OutputSchema>,
    of: PhantomData<fn() -> T>,
}

/// A value and the answer that it was read from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Extracted<T> {
    /// The value.
    pub value: T,
    /// The answer that holds it, as text whatever the strategy.
    pub response: ChatResponse,
    /// What all requests consumed together.
    pub usage: Usage,
    /// How many answers it took: one, and one for each correction.
    pub attempts: u32,
}

impl<T: Extractable> Extractor<T> {
    /// By the strategy that suits the model, with one correction.
    pub fn new() -> Self {
        Self {
            strategy: ExtractStrategy::Auto,
            retries: 1,
            name: None,
            schema: None,
            of: PhantomData,
        }
    }

    /// The same by another strategy.
    #[must_use]
    pub fn with_strategy(mut self, strategy: ExtractStrategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// The same with this many corrections; 0 for none.
    #[must_use]
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// The same under another name than the type's, as the provider sees it.
    /// What providers don't take in a name becomes `_`.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same by this schema in place of the type's, such as one that is only
    /// known when the program runs; `T` is then most often
    /// [`serde_json::Value`].
    ///
    /// The answer is held to it before it is read: types, constants,
    /// properties, items, sizes, bounds, combinations and references within the
    /// schema. `pattern` and `format` are told to the model and not checked.
    ///
    /// ```
    /// use parlor_agent::Extractor;
    /// use parlor_core::{Echo, OutputSchema};
    /// use serde_json::{Value, json};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let schema = json!({
    ///     "type": "object",
    ///     "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    ///     "required": ["name", "age"],
    /// });
    /// let dogs = Extractor::<Value>::new().with_schema(OutputSchema::new("dog", schema));
    /// let dog = dogs.extract(&Echo::new(), "Invent a dog.").await?;
    /// assert_eq!(dog.value["name"], "text");
    /// # Ok::<(), parlor_core::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn with_schema(mut self, schema: OutputSchema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// Asks a model for a value. The request's own output format is passed
    /// over.
    ///
    /// # Errors
    /// - [`Validation`](parlor_core::ErrorKind::Validation) where the answer
    ///   isn't a `T` after all corrections, or is a refusal, or a call of one
    ///   of the request's own tools, which nobody runs here. The
    ///   [partial](parlor_core::Error::partial) has the last answer's text and
    ///   the usage of all attempts.
    /// - [`ContentFiltered`](parlor_core::ErrorKind::ContentFiltered) where a
    ///   filter withheld it, and
    ///   [`Truncated`](parlor_core::ErrorKind::Truncated), not to be tried
    ///   again, where it reached the limit of tokens; with the same partial.
    /// - What the model failed with.
    pub async fn extract<M: ChatModel + ?Sized>(
        &self,
        model: &M,
        request: impl Into<ChatRequest>,
    ) -> Result<Extracted<T>> {
        let job = self.job();
        job.ask::<M, T>(model, request.into(), None).await
    }

    /// The value of an answer that was asked for by other means, such as in a
    /// provider's batch. Nothing is asked.
    ///
    /// # Errors
    /// As [`extract`](Self::extract), without a correction.
    pub fn read(&self, response: ChatResponse) -> Result<Extracted<T>> {
        self.job().read(response)
    }

    /// Asks in a conversation: its tools run first, and the turn is committed
    /// as usual. A correction leaves no trace in the history: there is what was
    /// asked, and the last answer.
    ///
    /// # Errors
    /// As [`extract`](Self::extract); and where the turn ended before there was
    /// an answer: [`Tool`](parlor_core::ErrorKind::Tool) where calls wait, and
    /// [`Cancelled`](parlor_core::ErrorKind::Cancelled) at a limit.
    pub async fn extract_in(
        &self,
        conversation: &mut Conversation,
        message: impl Into<ChatRequest>,
    ) -> Result<Extracted<T>> {
        let job = self.job();
        job.ask_in::<T>(conversation, message.into(), None).await
    }

    /// Asks a model and gives the value as it grows; see [`Partials`].
    pub fn stream<'a, M: ChatModel + ?Sized>(
        &self,
        model: &'a M,
        request: impl Into<ChatRequest>,
    ) -> Partials<'a, T>
    where
        T: 'a,
    {
        self.stream_as(model, request)
    }

    /// As [`stream`](Self::stream), with what has come read into another type:
    /// one whose fields are all optional, or [`serde_json::Value`].
    pub fn stream_as<'a, P, M>(
        &self,
        model: &'a M,
        request: impl Into<ChatRequest>,
    ) -> Partials<'a, T, P>
    where
        T: 'a,
        P: DeserializeOwned + Send + 'a,
        M: ChatModel + ?Sized,
    {
        let (job, request) = (self.job(), request.into());
        Partials::new(move |outlet| async move { job.ask(model, request, Some(outlet)).await })
    }

    /// Asks in a conversation, as [`extract_in`](Self::extract_in), and gives
    /// the value as it grows. Dropping it stops the turn.
    pub fn stream_in<'a>(
        &self,
        conversation: &'a mut Conversation,
        message: impl Into<ChatRequest>,
    ) -> Partials<'a, T>
    where
        T: 'a,
    {
        self.stream_in_as(conversation, message)
    }

    /// As [`stream_in`](Self::stream_in), with what has come read into another
    /// type.
    pub fn stream_in_as<'a, P>(
        &self,
        conversation: &'a mut Conversation,
        message: impl Into<ChatRequest>,
    ) -> Partials<'a, T, P>
    where
        T: 'a,
        P: DeserializeOwned + Send + 'a,
    {
        let (job, message) = (self.job(), message.into());
        Partials::new(
            move |outlet| async move { job.ask_in(conversation, message, Some(outlet)).await },
        )
    }

    fn job(&self) -> Job {
        let mut shape = match &self.schema {
            Some(schema) => Shape::of_schema(schema.clone()),
            None => Shape::of::<T>(),
        };
        if let Some(name) = &self.name {
            shape.output.name = schema::name_of(name);
        }
        Job {
            shaper: Arc::new(Shaper::new(shape, self.strategy)),
            retries: self.retries,
        }
    }
}

impl<T: Extractable> Default for Extractor<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Extractor<T> {
    fn clone(&self) -> Self {
        Self {
            strategy: self.strategy,
            retries: self.retries,
            name: self.name.clone(),
            schema: self.schema.clone(),
            of: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Extractor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extractor")
            .field("strategy", &self.strategy)
            .field("retries", &self.retries)
            .field("name", &self.name)
            .field("schema", &self.schema)
            .finish()
    }
}

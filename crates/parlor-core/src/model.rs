//! The contract with implementers, and the comfort for users.

use crate::alternatives::Alternatives;
use crate::capability::Capabilities;
use crate::error::Result;
use crate::layer::Layer;
use crate::media::MediaLimits;
use crate::price::Price;
use crate::request::ChatRequest;
use crate::response::ChatResponse;
use crate::stream::ChatStream;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

/// Facts about a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ModelInfo {
    /// The provider's id, such as `openai`, or the name of a configured instance.
    pub provider: String,
    /// The id of the provider that [`provider`](Self::provider) is an instance
    /// of, where the two differ. What a request's
    /// [`extra`](ChatRequest::extra) has under it is meant for the instance too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_of: Option<String>,
    /// Whether [`instance_of`](Self::instance_of) is asked at its own address,
    /// so that native items go between it and the instance: see
    /// [`native_provider`](Self::native_provider).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shares_natives: bool,
    /// The model's id in the provider's words.
    pub model: String,
    /// What it can do.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// Tokens of input and output together; `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
    /// The most tokens it can answer with; `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// What its tokens cost; `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// What media its provider takes, and how much of them.
    #[serde(default, skip_serializing_if = "MediaLimits::is_unknown")]
    pub media: MediaLimits,
    /// Whether the model keeps the time limits of its configuration itself, as
    /// every one over the transport does: then nobody needs to put a layer with
    /// the same limits around it. No fact about the model, so it isn't written.
    #[serde(skip)]
    pub keeps_time: bool,
    /// Which other models of the provider can do what this one can't. No fact
    /// about the model either.
    #[serde(skip)]
    pub alternatives: Alternatives,
    /// Tells it from others of the same [`id`](Self::id), where a name of the
    /// configuration brings parameters, an address or a key of its own: who keeps
    /// answers must not give those of one for the other's. No fact about the model
    /// either.
    #[serde(skip)]
    pub variant: Option<u64>,
}

impl ModelInfo {
    /// A model of which nothing else is known.
    pub fn new(provider: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            model: model.into(),
            ..Self::default()
        }
    }

    /// The provider that the model's native items come from and go back to, the
    /// first half of their [`Origin`](crate::Origin).
    pub fn native_provider(&self) -> &str {
        match &self.instance_of {
            Some(id) if self.shares_natives => id,
            _ => &self.provider,
        }
    }

    /// `provider/model`, the id that resolves to this model.
    pub fn id(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }
}

/// A chat model: the contract with those who implement one.
///
/// Everyday code holds an `Arc<dyn ChatModel>` and calls it through
/// [`ChatModelExt`]. Nothing here has a default, so that a decorator can't
/// forget to pass something on.
#[async_trait]
pub trait ChatModel: Send + Sync + Debug {
    /// Facts about the model.
    ///
    /// # Behavior
    /// - Cheap, and the same at every call.
    fn info(&self) -> &ModelInfo;

    /// Asks for a whole answer.
    ///
    /// # Behavior
    /// - Equal to collecting [`stream`](Self::stream), but for metadata and raw body.
    /// - An answer that was cut by the transport is an error that carries the
    ///   partial response, never a success.
    /// - A setting that can't be honoured is an error or a warning, as
    ///   [`ChatRequest::on_unsupported`] says.
    /// - Dropping the future cancels the request.
    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse>;

    /// Asks for an answer as a stream of events.
    ///
    /// # Behavior
    /// - Resolves only when the response's headers are in: a failure by status
    ///   is an error of this call, not of the stream.
    /// - The stream keeps the grammar stated at [`Event`](crate::Event).
    /// - The stream borrows nothing; dropping it cancels the request.
    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream>;
}

/// What the methods of a [`ChatModel`] give.
type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

// Written out, so that each pointer on the way to a model adds no future of its own.
macro_rules! forward {
    ($($pointer:ident),+) => { $(
        impl<M: ChatModel + ?Sized> ChatModel for $pointer<M> {
            fn info(&self) -> &ModelInfo {
                (**self).info()
            }
            fn chat<'s, 'r, 'a>(&'s self, request: &'r ChatRequest) -> Answering<'a, ChatResponse>
            where
                's: 'a,
                'r: 'a,
                Self: 'a,
            {
                (**self).chat(request)
            }
            fn stream<'s, 'r, 'a>(&'s self, request: &'r ChatRequest) -> Answering<'a, ChatStream>
            where
                's: 'a,
                'r: 'a,
                Self: 'a,
            {
                (**self).stream(request)
            }
        }
    )+ };
}

forward!(Arc, Box);

/// Comfort for those who call a model.
pub trait ChatModelExt: ChatModel {
    /// Asks for a whole answer to a text, a message, a list of messages or a
    /// request.
    ///
    /// # Behavior
    /// - As [`ChatModel::chat`].
    fn ask(
        &self,
        request: impl Into<ChatRequest> + Send,
    ) -> impl Future<Output = Result<ChatResponse>> + Send {
        let request = request.into();
        async move { self.chat(&request).await }
    }

    /// Asks for a stream, like [`ask`](Self::ask).
    ///
    /// # Behavior
    /// - As [`ChatModel::stream`].
    fn ask_stream(
        &self,
        request: impl Into<ChatRequest> + Send,
    ) -> impl Future<Output = Result<ChatStream>> + Send {
        let request = request.into();
        async move { self.stream(&request).await }
    }

    /// This model within a layer. The layer added last is the outermost.
    ///
    /// # Behavior
    /// - As the layer says.
    fn layer(self, layer: impl Layer) -> Arc<dyn ChatModel>
    where
        Self: Sized + 'static,
    {
        layer.layer(Arc::new(self))
    }
}

impl<M: ChatModel + ?Sized> ChatModelExt for M {}

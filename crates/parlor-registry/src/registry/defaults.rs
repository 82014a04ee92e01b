//! A name's default parameters, filled into requests.

use std::sync::Arc;

use async_trait::async_trait;
use parlor_core::{
    BatchItem, BatchLimits, BatchResults, BatchStatus, ChatBatches, ChatModel, ChatRequest,
    ChatResponse, ChatStream, Message, ModelInfo, Result, Role,
};

use crate::config::{Parameters, complete};

/// Fills in what a request leaves out, and passes it on.
#[derive(Debug)]
pub(super) struct Defaults<M: ?Sized> {
    inner: Arc<M>,
    /// The inner one's, of this variant.
    info: ModelInfo,
    parameters: Parameters,
}

impl Defaults<dyn ChatModel> {
    /// The model itself when there is nothing to fill in.
    pub(super) fn over(
        inner: Arc<dyn ChatModel>,
        parameters: Parameters,
        variant: Option<u64>,
    ) -> Arc<dyn ChatModel> {
        if parameters.is_empty() {
            return inner;
        }
        let info = inner.info().clone();
        Arc::new(Self::new(inner, info, parameters, variant))
    }
}

impl Defaults<dyn ChatBatches> {
    /// The same for batches.
    pub(super) fn over_batches(
        inner: Arc<dyn ChatBatches>,
        parameters: Parameters,
        variant: Option<u64>,
    ) -> Arc<dyn ChatBatches> {
        if parameters.is_empty() {
            return inner;
        }
        let info = inner.info().clone();
        Arc::new(Self::new(inner, info, parameters, variant))
    }
}

impl<M: ?Sized> Defaults<M> {
    fn new(
        inner: Arc<M>,
        mut info: ModelInfo,
        parameters: Parameters,
        variant: Option<u64>,
    ) -> Self {
        info.variant = variant;
        Self {
            inner,
            info,
            parameters,
        }
    }

    fn fill(&self, request: &ChatRequest) -> ChatRequest {
        let mut request = request.clone();
        let (mine, info) = (&self.parameters, &self.info);
        request.temperature = request.temperature.or(mine.temperature);
        request.top_p = request.top_p.or(mine.top_p);
        request.max_output_tokens = request.max_output_tokens.or(mine.max_output_tokens);
        request.seed = request.seed.or(mine.seed);
        if request.stop.is_empty() {
            request.stop.clone_from(&mine.stop);
        }
        if request.reasoning.is_none() {
            request.reasoning = mine.reasoning.clone().map(Into::into);
        }
        if let Some(system) = &mine.system
            && !request
                .messages
                .iter()
                .any(|message| message.role == Role::System)
        {
            request.messages.insert(0, Message::system(system));
        }
        if !mine.extra.is_empty() {
            let mut extra = request.extra.remove(&info.provider).unwrap_or_default();
            // Beneath all that the request says, under the provider's id too.
            let of_provider = info.instance_of.as_ref();
            if let Some(said) = of_provider.and_then(|id| request.extra.get(id)) {
                complete(&mut extra, said);
            }
            complete(&mut extra, &mine.extra);
            request.extra.insert(info.provider.clone(), extra);
        }
        request
    }
}

#[async_trait]
impl ChatModel for Defaults<dyn ChatModel> {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.inner.chat(&self.fill(request)).await
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        self.inner.stream(&self.fill(request)).await
    }
}

#[async_trait]
impl ChatBatches for Defaults<dyn ChatBatches> {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn limits(&self) -> BatchLimits {
        self.inner.limits()
    }

    async fn submit(&self, name: &str, items: &[BatchItem]) -> Result<BatchStatus> {
        let filled = |it: &BatchItem| BatchItem::new(&it.id, self.fill(&it.request));
        let items: Vec<BatchItem> = items.iter().map(filled).collect();
        self.inner.submit(name, &items).await
    }

    async fn status(&self, id: &str) -> Result<BatchStatus> {
        self.inner.status(id).await
    }

    async fn results(&self, id: &str) -> Result<BatchResults> {
        self.inner.results(id).await
    }

    async fn cancel(&self, id: &str) -> Result<BatchStatus> {
        self.inner.cancel(id).await
    }

    async fn list(&self) -> Result<Vec<BatchStatus>> {
        self.inner.list().await
    }
}

//! Whose answers a turn gets: behind a route it may be another model's than the first, and with a
//! cache one that was made before.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use parlor::{ChatModel, ChatRequest, ChatResponse, ChatStream, ModelInfo, Result};

use crate::account::Provenance;

/// A model that tells of each stream that opens.
#[derive(Debug)]
pub(super) struct Heard {
    inner: Arc<dyn ChatModel>,
    opened: Last,
}

/// The stream that opened last, until somebody asks for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Last(Arc<Mutex<Option<Provenance>>>);

impl Last {
    /// What there is to know of it, once.
    pub(super) fn take(&self) -> Option<Provenance> {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        opened.take()
    }
}

impl Heard {
    /// The same model, and where it tells.
    pub(super) fn around(inner: Arc<dyn ChatModel>) -> (Arc<dyn ChatModel>, Last) {
        let opened = Last::default();
        let heard = Self {
            inner,
            opened: opened.clone(),
        };
        (Arc::new(heard), opened)
    }
}

#[async_trait]
impl ChatModel for Heard {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.inner.chat(request).await
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let mut stream = self.inner.stream(request).await?;
        let opened = Provenance::of(&mut stream);
        let mut last = self.opened.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(opened);
        drop(last);
        Ok(stream)
    }
}

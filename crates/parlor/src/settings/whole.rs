//! A model that is asked for whole answers though a stream was wanted.

use std::sync::Arc;

use async_trait::async_trait;
use parlor_core::{ChatModel, ChatRequest, ChatResponse, ChatStream, ModelInfo, Result};

/// A model that asks another for whole answers, and plays them where a stream is wanted: for hosts
/// whose streams are worse than their answers, and for those who want to see nothing half done.
///
/// Its facts and its errors are the other's.
#[derive(Debug)]
pub struct Whole(pub Arc<dyn ChatModel>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for Whole {
    fn info(&self) -> &ModelInfo {
        self.0.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.0.chat(request).await
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let response = self.0.chat(request).await?;
        Ok(ChatStream::of_response(
            Arc::new(self.info().clone()),
            response,
        ))
    }
}

//! A model of one's own, as good as any other: it shouts what another says.
//! `cargo run -p examples --example custom_model -- [MODEL]`.

#![allow(clippy::print_stdout)]

use async_trait::async_trait;
use futures_util::StreamExt as _;
use parlor::{
    ChatModel, ChatModelExt, ChatRequest, ChatResponse, ChatStream, Event, ModelInfo, Result,
};
use std::sync::Arc;

/// Wraps a model and turns its text to capitals, as it streams.
#[derive(Debug)]
struct Shout(Arc<dyn ChatModel>);

#[async_trait]
impl ChatModel for Shout {
    fn info(&self) -> &ModelInfo {
        self.0.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.stream(request).await?.response().await
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let stream = self.0.stream(request).await?;
        Ok(stream.map_events(|events| events.map(|event| event.map(shout))))
    }
}

fn shout(event: Event) -> Event {
    match event {
        Event::TextDelta { choice, part, text } => Event::TextDelta {
            choice,
            part,
            text: text.to_uppercase(),
        },
        other => other,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let model = Shout(parlor::model(&examples::model_id())?);
    println!("{}", model.ask("can you hear me?").await?.text());
    Ok(())
}

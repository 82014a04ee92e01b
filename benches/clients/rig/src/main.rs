//! rig-core, by its providers' models on the shared reqwest client.

use base64::Engine as _;
use futures_util::StreamExt;
use kit::{Asked, Client, Counting, Dialect, Prompt};
use rig_core::completion::CompletionRequest;
use rig_core::message::{AssistantContent, ImageMediaType, Message, ToolFunction, UserContent};
use rig_core::providers::anthropic::{Anthropic, AnthropicConfig};
use rig_core::providers::gemini::{Gemini, GeminiConfig};
use rig_core::providers::ollama::{Ollama, OllamaConfig};
use rig_core::providers::openai::{OpenAI, OpenAIConfig};
use rig_core::streaming::{Item, StreamEvent};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

enum Rig {
    OpenAi(OpenAI),
    Anthropic(Anthropic),
    Gemini(Gemini),
    Ollama(Ollama),
}

fn request(prompt: &Prompt) -> CompletionRequest {
    let last = prompt.turns.len() - 1;
    let message = |(at, turn): (usize, &String)| {
        if at % 2 == 1 {
            return Message::assistant(turn);
        }
        if at < last || prompt.images.is_empty() {
            return Message::user(turn);
        }
        let mut content = vec![UserContent::text(turn)];
        for image in &prompt.images {
            let data = base64::engine::general_purpose::STANDARD.encode(image);
            let png = Some(ImageMediaType::PNG);
            content.push(UserContent::image_base64(data, png, None));
        }
        Message::User { content }
    };
    let messages: Vec<_> = prompt.turns.iter().enumerate().map(message).collect();
    CompletionRequest::from(messages).max_tokens(4096)
}

fn arguments(function: &ToolFunction) -> String {
    let invalid = function.invalid_arguments.clone();
    invalid.unwrap_or_else(|| function.arguments_value().to_string())
}

impl Client for Rig {
    fn cannot(_: &str, _: Dialect) -> Option<&'static str> {
        None
    }

    fn new(dialect: Dialect, base_url: &str) -> Self {
        match dialect {
            Dialect::OpenAi => Self::OpenAi(
                OpenAIConfig::new("none")
                    .with_base_url(format!("{base_url}/v1"))
                    .client(),
            ),
            Dialect::Anthropic => Self::Anthropic(
                AnthropicConfig::new("none")
                    .with_base_url(base_url)
                    .client(),
            ),
            Dialect::Gemini => {
                Self::Gemini(GeminiConfig::new("none").with_base_url(base_url).client())
            }
            Dialect::Ollama => Self::Ollama(OllamaConfig::new().with_base_url(base_url).client()),
        }
    }

    async fn stream(&self, model: &str, prompt: &Prompt, mut each: impl FnMut(&str) + Send) {
        let request = request(prompt);
        let stream = match self {
            Self::OpenAi(client) => client.chat(model).stream(request),
            Self::Anthropic(client) => client.completion(model).stream(request),
            Self::Gemini(client) => client.completion(model).stream(request),
            Self::Ollama(client) => client.native_completion(model).stream(request),
        };
        let mut stream = stream.expect("a stream");
        while let Some(item) = stream.next().await {
            if let Item::Event(StreamEvent::Text { text, .. }) = item.expect("an event") {
                each(&text);
            }
        }
    }

    async fn call(&self, model: &str, prompt: &Prompt) -> usize {
        let request = request(prompt);
        let response = match self {
            Self::OpenAi(client) => client.chat(model).call(request).await,
            Self::Anthropic(client) => client.completion(model).call(request).await,
            Self::Gemini(client) => client.completion(model).call(request).await,
            Self::Ollama(client) => client.native_completion(model).call(request).await,
        };
        response.expect("an answer").text().len()
    }

    async fn ask(&self, streamed: bool) -> Asked {
        let request = request(&Prompt::short());
        let mut asked = Asked::default();
        let Self::OpenAi(client) = self else {
            return asked.failed("only the chat dialect is asked");
        };
        let model = client.chat("test-model");
        if !streamed {
            let response = match model.call(request).await {
                Ok(response) => response,
                Err(error) => return asked.failed(error),
            };
            asked.text = response.text();
            for call in response.tool_calls() {
                asked.call(call.function.name.to_string(), arguments(&call.function));
            }
            return asked;
        }
        let mut stream = match model.stream(request) {
            Ok(stream) => stream,
            Err(error) => return asked.failed(error),
        };
        while let Some(item) = stream.next().await {
            match item {
                Ok(Item::Event(StreamEvent::Text { text, .. })) => asked.text.push_str(&text),
                Ok(Item::Event(StreamEvent::End {
                    content: AssistantContent::ToolCall(call),
                    ..
                })) => asked.call(call.function.name.to_string(), arguments(&call.function)),
                Ok(_) => {}
                Err(error) => return asked.failed(error),
            }
        }
        match stream.finish().await {
            Ok(_) => asked,
            Err(error) => asked.failed(error),
        }
    }
}

fn main() {
    kit::main::<Rig>();
}

//! liter-llm, by its default client with a provider's name as the hint.

use base64::Engine as _;
use futures_util::StreamExt;
use kit::{Asked, Client, Counting, Dialect, Prompt};
use liter_llm::client::ClientConfigBuilder;
use liter_llm::{
    AssistantContent, AssistantMessage, ChatCompletionRequest, ContentPart, DefaultClient,
    ImageUrl, LlmClient, Message, UserContent, UserMessage,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct LiterLlm(DefaultClient);

fn request(model: &str, prompt: &Prompt) -> ChatCompletionRequest {
    let last = prompt.turns.len() - 1;
    let message = |(at, turn): (usize, &String)| {
        if at % 2 == 1 {
            return Message::Assistant(AssistantMessage {
                content: Some(AssistantContent::Text(turn.clone())),
                ..Default::default()
            });
        }
        if at < last || prompt.images.is_empty() {
            return Message::User(UserMessage {
                content: UserContent::Text(turn.clone()),
                ..Default::default()
            });
        }
        let mut parts = vec![ContentPart::Text { text: turn.clone() }];
        for image in &prompt.images {
            let data = base64::engine::general_purpose::STANDARD.encode(image);
            let url = format!("data:image/png;base64,{data}");
            parts.push(ContentPart::ImageUrl {
                image_url: ImageUrl { url, detail: None },
            });
        }
        Message::User(UserMessage {
            content: UserContent::Parts(parts),
            ..Default::default()
        })
    };
    ChatCompletionRequest {
        model: model.to_owned(),
        messages: prompt.turns.iter().enumerate().map(message).collect(),
        ..Default::default()
    }
}

impl Client for LiterLlm {
    fn cannot(scenario: &str, _: Dialect) -> Option<&'static str> {
        let over = scenario == "huge";
        over.then_some("liter-llm gives up a stream with an event over 1 MiB, by a constant")
    }

    fn new(dialect: Dialect, base_url: &str) -> Self {
        let (hint, path) = match dialect {
            Dialect::OpenAi => ("openai", "/v1"),
            Dialect::Anthropic => ("anthropic", "/v1"),
            Dialect::Gemini => ("gemini", "/v1beta"),
            Dialect::Ollama => ("ollama", ""),
        };
        let config = ClientConfigBuilder::new("none").base_url(format!("{base_url}{path}"));
        Self(DefaultClient::new(config.build(), Some(hint)).expect("a client"))
    }

    async fn stream(&self, model: &str, prompt: &Prompt, mut each: impl FnMut(&str) + Send) {
        let request = request(model, prompt);
        let mut stream = self.0.chat_stream(request).await.expect("a stream");
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.expect("an event");
            if let Some(text) = chunk
                .choices
                .first()
                .and_then(|it| it.delta.content.as_deref())
            {
                each(text);
            }
        }
    }

    async fn call(&self, model: &str, prompt: &Prompt) -> usize {
        let request = request(model, prompt);
        let response = self.0.chat(request).await.expect("an answer");
        let content = response
            .choices
            .first()
            .and_then(|it| it.message.content.as_ref());
        content
            .and_then(AssistantContent::as_text)
            .map_or(0, |text| text.len())
    }

    async fn ask(&self, streamed: bool) -> Asked {
        let request = request("test-model", &Prompt::short());
        let mut asked = Asked::default();
        if !streamed {
            let response = match self.0.chat(request).await {
                Ok(response) => response,
                Err(error) => return asked.failed(error),
            };
            if let Some(choice) = response.choices.into_iter().next() {
                let content = choice.message.content.as_ref();
                asked.text = content
                    .and_then(AssistantContent::as_text)
                    .unwrap_or_default();
                for call in choice.message.tool_calls.unwrap_or_default() {
                    asked.call(call.function.name, call.function.arguments);
                }
            }
            return asked;
        }
        let mut stream = match self.0.chat_stream(request).await {
            Ok(stream) => stream,
            Err(error) => return asked.failed(error),
        };
        while let Some(chunk) = stream.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => return asked.failed(error),
            };
            let Some(choice) = chunk.choices.into_iter().find(|it| it.index == 0) else {
                continue;
            };
            asked
                .text
                .push_str(&choice.delta.content.unwrap_or_default());
            for call in choice.delta.tool_calls.unwrap_or_default() {
                let function = call.function.as_ref();
                let name = function.and_then(|it| it.name.as_deref());
                let arguments = function.and_then(|it| it.arguments.as_deref());
                asked.fragment(call.index.into(), call.id.as_deref(), name, arguments);
            }
        }
        asked
    }
}

fn main() {
    kit::main::<LiterLlm>();
}

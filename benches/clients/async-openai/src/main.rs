//! async-openai, by its typed chat API.

use async_openai::Client as OpenAi;
use async_openai::config::OpenAIConfig;
use async_openai::types::chat::{
    ChatCompletionMessageToolCalls, ChatCompletionRequestAssistantMessage,
    ChatCompletionRequestMessage, ChatCompletionRequestMessageContentPartImage,
    ChatCompletionRequestMessageContentPartText, ChatCompletionRequestUserMessage,
    ChatCompletionRequestUserMessageContent, ChatCompletionRequestUserMessageContentPart,
    CreateChatCompletionRequest, ImageUrl,
};
use base64::Engine as _;
use futures_util::StreamExt;
use kit::{Asked, Client, Counting, Dialect, Prompt};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct AsyncOpenAi(OpenAi<OpenAIConfig>);

fn request(model: &str, prompt: &Prompt) -> CreateChatCompletionRequest {
    let last = prompt.turns.len() - 1;
    let message = |(at, turn): (usize, &String)| -> ChatCompletionRequestMessage {
        if at % 2 == 1 {
            return ChatCompletionRequestAssistantMessage::from(&**turn).into();
        }
        if at < last || prompt.images.is_empty() {
            return ChatCompletionRequestUserMessage::from(&**turn).into();
        }
        let text = ChatCompletionRequestMessageContentPartText {
            text: turn.clone(),
            ..Default::default()
        };
        let mut parts: Vec<ChatCompletionRequestUserMessageContentPart> = vec![text.into()];
        for image in &prompt.images {
            let data = base64::engine::general_purpose::STANDARD.encode(image);
            let url = format!("data:image/png;base64,{data}");
            let image_url = ImageUrl { url, detail: None };
            parts.push(
                ChatCompletionRequestMessageContentPartImage {
                    image_url,
                    ..Default::default()
                }
                .into(),
            );
        }
        ChatCompletionRequestUserMessage::from(ChatCompletionRequestUserMessageContent::Array(
            parts,
        ))
        .into()
    };
    CreateChatCompletionRequest {
        model: model.to_owned(),
        messages: prompt.turns.iter().enumerate().map(message).collect(),
        ..Default::default()
    }
}

impl Client for AsyncOpenAi {
    fn cannot(_: &str, dialect: Dialect) -> Option<&'static str> {
        let speaks = dialect == Dialect::OpenAi;
        (!speaks).then_some("async-openai has OpenAI's APIs only")
    }

    fn new(_: Dialect, base_url: &str) -> Self {
        let config = OpenAIConfig::new().with_api_base(format!("{base_url}/v1"));
        Self(OpenAi::with_config(config.with_api_key("none")))
    }

    async fn stream(&self, model: &str, prompt: &Prompt, mut each: impl FnMut(&str) + Send) {
        let request = request(model, prompt);
        let mut stream = self
            .0
            .chat()
            .create_stream(request)
            .await
            .expect("a stream");
        while let Some(event) = stream.next().await {
            let event = event.expect("an event");
            if let Some(text) = event
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
        let response = self.0.chat().create(request).await.expect("an answer");
        let text = response
            .choices
            .first()
            .and_then(|it| it.message.content.as_deref());
        text.map_or(0, str::len)
    }

    async fn ask(&self, streamed: bool) -> Asked {
        let request = request("test-model", &Prompt::short());
        let mut asked = Asked::default();
        if !streamed {
            let response = match self.0.chat().create(request).await {
                Ok(response) => response,
                Err(error) => return asked.failed(error),
            };
            if let Some(choice) = response.choices.into_iter().next() {
                asked.text = choice.message.content.unwrap_or_default();
                for call in choice.message.tool_calls.unwrap_or_default() {
                    if let ChatCompletionMessageToolCalls::Function(call) = call {
                        asked.call(call.function.name, call.function.arguments);
                    }
                }
            }
            return asked;
        }
        let mut stream = match self.0.chat().create_stream(request).await {
            Ok(stream) => stream,
            Err(error) => return asked.failed(error),
        };
        while let Some(event) = stream.next().await {
            let event = match event {
                Ok(event) => event,
                Err(error) => return asked.failed(error),
            };
            let Some(choice) = event.choices.into_iter().find(|it| it.index == 0) else {
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
    kit::main::<AsyncOpenAi>();
}

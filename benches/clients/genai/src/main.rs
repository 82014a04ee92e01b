//! genai, by its client with a resolver for the address.

use base64::Engine as _;
use futures_util::StreamExt;
use genai::adapter::AdapterKind;
use genai::chat::{ChatMessage, ChatOptions, ChatRequest, ChatStreamEvent, ContentPart};
use genai::resolver::{AuthData, Endpoint, ServiceTargetResolver};
use genai::{ModelIden, ServiceTarget};
use kit::{Asked, Client, Counting, Dialect, Prompt};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct GenAi(genai::Client);

fn request(prompt: &Prompt) -> ChatRequest {
    let last = prompt.turns.len() - 1;
    let message = |(at, turn): (usize, &String)| {
        if at % 2 == 1 {
            return ChatMessage::assistant(turn.clone());
        }
        if at < last || prompt.images.is_empty() {
            return ChatMessage::user(turn.clone());
        }
        let mut parts = vec![ContentPart::from_text(turn.clone())];
        for image in &prompt.images {
            let data = base64::engine::general_purpose::STANDARD.encode(image);
            parts.push(ContentPart::from_binary_base64("image/png", data, None));
        }
        ChatMessage::user(parts)
    };
    ChatRequest::new(prompt.turns.iter().enumerate().map(message).collect())
}

impl Client for GenAi {
    fn cannot(_: &str, _: Dialect) -> Option<&'static str> {
        None
    }

    fn new(dialect: Dialect, base_url: &str) -> Self {
        let (adapter, path) = match dialect {
            Dialect::OpenAi => (AdapterKind::OpenAI, "/v1/"),
            Dialect::Anthropic => (AdapterKind::Anthropic, "/v1/"),
            Dialect::Gemini => (AdapterKind::Gemini, "/v1beta/"),
            Dialect::Ollama => (AdapterKind::Ollama, "/"),
        };
        let url = format!("{base_url}{path}");
        let resolve = move |target: ServiceTarget| -> Result<_, genai::resolver::Error> {
            Ok(ServiceTarget {
                endpoint: Endpoint::from_owned(url.clone()),
                auth: AuthData::from_single("none"),
                model: ModelIden::new(adapter, target.model.model_name),
            })
        };
        let resolver = ServiceTargetResolver::from_resolver_fn(resolve);
        let client = genai::Client::builder().with_service_target_resolver(resolver);
        Self(client.build().expect("a client"))
    }

    async fn stream(&self, model: &str, prompt: &Prompt, mut each: impl FnMut(&str) + Send) {
        let request = request(prompt);
        let response = self.0.exec_chat_stream(model, request, None).await;
        let mut stream = response.expect("a stream").stream;
        while let Some(event) = stream.next().await {
            if let ChatStreamEvent::Chunk(chunk) = event.expect("an event") {
                each(&chunk.content);
            }
        }
    }

    async fn call(&self, model: &str, prompt: &Prompt) -> usize {
        let request = request(prompt);
        let response = self
            .0
            .exec_chat(model, request, None)
            .await
            .expect("an answer");
        response.first_text().map_or(0, str::len)
    }

    async fn ask(&self, streamed: bool) -> Asked {
        let request = request(&Prompt::short());
        let mut asked = Asked::default();
        if !streamed {
            let response = match self.0.exec_chat("test-model", request, None).await {
                Ok(response) => response,
                Err(error) => return asked.failed(error),
            };
            asked.text = response.first_text().unwrap_or_default().to_owned();
            for call in response.into_tool_calls() {
                asked.call(call.fn_name, call.fn_arguments.to_string());
            }
            return asked;
        }
        let options = ChatOptions::default().with_capture_tool_calls(true);
        let response = self
            .0
            .exec_chat_stream("test-model", request, Some(&options))
            .await;
        let mut stream = match response {
            Ok(response) => response.stream,
            Err(error) => return asked.failed(error),
        };
        while let Some(event) = stream.next().await {
            match event {
                Ok(ChatStreamEvent::Chunk(chunk)) => asked.text.push_str(&chunk.content),
                Ok(ChatStreamEvent::End(end)) => {
                    for call in end.captured_into_tool_calls().unwrap_or_default() {
                        asked.call(call.fn_name, call.fn_arguments.to_string());
                    }
                }
                Ok(_) => {}
                Err(error) => return asked.failed(error),
            }
        }
        asked
    }
}

fn main() {
    kit::main::<GenAi>();
}

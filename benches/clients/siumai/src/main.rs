//! siumai, by its builder with an endpoint of its own for each provider. It
//! reaches Ollama by the chat dialect only, so that dialect is left out.

use futures_util::StreamExt;
use kit::{Asked, Client, Counting, Dialect, Prompt};
use siumai::providers::anthropic::AnthropicProvider;
use siumai::providers::google::GeminiProvider;
use siumai::providers::openai_compatible::{
    OpenAiCompatibleApiMode, OpenAiCompatibleProfile, OpenAiCompatibleProvider,
};
use siumai::transport::{EndpointConfig, ProviderHttpTransportSettings, TransportLimits};
use siumai::{
    ContentPart, GenerationConfig, LanguageRequest, LanguageStreamEvent, MediaData, MediaPart,
    Message, MessagePart, ProviderId, ReplayDomain, ReplayDomainId, StreamTerminal,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

enum Siumai {
    OpenAi(siumai::Siumai<OpenAiCompatibleProvider>),
    Anthropic(siumai::Siumai<AnthropicProvider>),
    Gemini(siumai::Siumai<GeminiProvider>),
}

/// Its usual settings, but for limits that the scenarios go beyond: 64
/// connections, and lines of 2 MiB.
fn settings() -> ProviderHttpTransportSettings {
    const STREAMS: usize = 10_000;
    const EVENT: usize = 16 << 20;
    let limits = TransportLimits {
        max_frame_bytes: EVENT,
        max_event_bytes: EVENT,
        max_connections: STREAMS,
        max_in_flight_requests: STREAMS,
        ..Default::default()
    };
    let settings = ProviderHttpTransportSettings::default();
    settings.with_limits(limits).expect("limits")
}

fn messages(prompt: &Prompt) -> Vec<Message> {
    let last = prompt.turns.len() - 1;
    let message = |(at, turn): (usize, &String)| {
        if at % 2 == 1 {
            return Message::assistant(turn);
        }
        if at < last || prompt.images.is_empty() {
            return Message::user(turn);
        }
        let mut parts = vec![MessagePart::text(turn)];
        for image in &prompt.images {
            parts.push(MessagePart::new(ContentPart::Media(MediaPart {
                media_type: "image/png".to_owned(),
                data: MediaData::Bytes(image.clone().into()),
                name: None,
            })));
        }
        Message::user_parts(parts).expect("a message")
    };
    prompt.turns.iter().enumerate().map(message).collect()
}

/// A request with a limit, without which Anthropic's format can't be written.
fn limited(messages: Vec<Message>) -> LanguageRequest {
    LanguageRequest::new(messages).with_generation(GenerationConfig {
        max_output_tokens: Some(4096),
        ..GenerationConfig::default()
    })
}

impl Client for Siumai {
    fn cannot(_: &str, dialect: Dialect) -> Option<&'static str> {
        let speaks = dialect != Dialect::Ollama;
        (!speaks).then_some("siumai reaches Ollama by OpenAI's format only")
    }

    fn new(dialect: Dialect, base_url: &str) -> Self {
        let local =
            |path: &str| EndpointConfig::local_explicit(format!("{base_url}{path}")).expect("URL");
        let domain = || ReplayDomain::custom(ReplayDomainId::new("bench").expect("an id"));
        let builder = siumai::Siumai::builder();
        match dialect {
            Dialect::Anthropic => {
                let stage = builder.anthropic().api_key("none");
                let stage = stage.configure_provider(|it| {
                    it.with_endpoint(local("/v1"))
                        .with_replay_domain(domain())
                        .with_http_transport_settings(settings())
                });
                Self::Anthropic(stage.build().expect("a provider"))
            }
            Dialect::Gemini => {
                let stage = builder.gemini().api_key("none");
                let stage = stage.configure_provider(|it| {
                    it.with_endpoint(local("/v1beta"))
                        .with_replay_domain(domain())
                        .with_http_transport_settings(settings())
                });
                Self::Gemini(stage.build().expect("a provider"))
            }
            _ => {
                let profile = OpenAiCompatibleProfile::custom(
                    ProviderId::new("bench").expect("an id"),
                    format!("{base_url}/v1"),
                    ReplayDomainId::new("bench").expect("an id"),
                    OpenAiCompatibleApiMode::ChatCompletions,
                );
                let stage = builder
                    .openai_compatible()
                    .profile(profile.expect("a profile"));
                let stage = stage.api_key("none");
                let stage =
                    stage.configure_provider(|it| it.with_http_transport_settings(settings()));
                Self::OpenAi(stage.build().expect("a provider"))
            }
        }
    }

    async fn stream(&self, model: &str, prompt: &Prompt, mut each: impl FnMut(&str) + Send) {
        let messages = messages(prompt);
        let stream = match self {
            Self::OpenAi(hub) => {
                let client = hub.language(model).expect("a model");
                client.stream(messages).await
            }
            Self::Anthropic(hub) => {
                let client = hub.language(model).expect("a model");
                client.stream(limited(messages)).await
            }
            Self::Gemini(hub) => {
                let client = hub.generate_content(model).expect("a model");
                client.stream(messages).await
            }
        };
        let mut stream = stream.expect("a stream");
        while let Some(event) = stream.next().await {
            match event {
                LanguageStreamEvent::TextDelta { delta, .. } => each(&delta),
                LanguageStreamEvent::Terminal(StreamTerminal::Failed { error, .. }) => {
                    panic!("{error}");
                }
                _ => {}
            }
        }
    }

    async fn call(&self, model: &str, prompt: &Prompt) -> usize {
        let messages = messages(prompt);
        let response = match self {
            Self::OpenAi(hub) => {
                let client = hub.language(model).expect("a model");
                client.generate(messages).await
            }
            Self::Anthropic(hub) => {
                let client = hub.language(model).expect("a model");
                client.generate(limited(messages)).await
            }
            Self::Gemini(hub) => {
                let client = hub.generate_content(model).expect("a model");
                client.generate(messages).await
            }
        };
        let text = response.expect("an answer").output_text();
        text.map_or(0, |text| text.len())
    }

    async fn ask(&self, streamed: bool) -> Asked {
        let messages = messages(&Prompt::short());
        let mut asked = Asked::default();
        let Self::OpenAi(hub) = self else {
            return asked.failed("only the chat dialect is asked");
        };
        let client = hub.language("test-model").expect("a model");
        if !streamed {
            let response = match client.generate(messages).await {
                Ok(response) => response,
                Err(error) => return asked.failed(error),
            };
            asked.text = response.output_text().unwrap_or_default();
            for part in response.content() {
                if let ContentPart::ToolCall(call) = part {
                    asked.call(call.name(), call.arguments().to_string());
                }
            }
            return asked;
        }
        let mut stream = match client.stream(messages).await {
            Ok(stream) => stream,
            Err(error) => return asked.failed(error),
        };
        while let Some(event) = stream.next().await {
            match event {
                LanguageStreamEvent::TextDelta { delta, .. } => asked.text.push_str(&delta),
                LanguageStreamEvent::ToolCall(call) => {
                    asked.call(call.name(), call.arguments().to_string());
                }
                LanguageStreamEvent::Terminal(StreamTerminal::Failed { error, .. }) => {
                    return asked.failed(error);
                }
                _ => {}
            }
        }
        asked
    }
}

fn main() {
    kit::main::<Siumai>();
}

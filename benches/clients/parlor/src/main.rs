//! parlor, by `parlor::Registry`, as an application has it: keys and addresses
//! from a configuration, retry and time limits around the model.

use kit::{Asked, Client, Counting, Dialect, Prompt};
use parlor::layers::ConfiguredLayers;
use parlor::{
    ChatModel, ChatRequest, Config, Env, Event, Media, Message, PROVIDERS, Part, Registry,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Parlor {
    registry: Registry,
    layers: ConfiguredLayers,
    provider: &'static str,
    models: Mutex<HashMap<String, Arc<dyn ChatModel>>>,
}

impl Parlor {
    fn model(&self, name: &str) -> Arc<dyn ChatModel> {
        let mut models = self.models.lock().expect("nobody panics here");
        if let Some(made) = models.get(name) {
            return made.clone();
        }
        let made = models.entry(name.to_owned()).or_insert_with(|| {
            let id = format!("{}/{name}", self.provider);
            let resolved = self.registry.resolve(&id).expect("an id");
            let model = self.registry.model(&id).expect("a model");
            self.layers.around(model, &resolved).expect("layers")
        });
        made.clone()
    }
}

fn request(prompt: &Prompt) -> ChatRequest {
    let mut messages: Vec<Message> = Vec::with_capacity(prompt.turns.len());
    for (at, turn) in prompt.turns.iter().enumerate() {
        messages.push(match at % 2 {
            0 => Message::user(turn),
            _ => Message::assistant(turn),
        });
    }
    if let Some(last) = messages.last_mut() {
        for image in &prompt.images {
            last.parts
                .push(Media::bytes("image/png", image.clone()).into());
        }
    }
    ChatRequest::new(messages)
}

impl Client for Parlor {
    fn cannot(_: &str, _: Dialect) -> Option<&'static str> {
        None
    }

    fn new(dialect: Dialect, base_url: &str) -> Self {
        let (provider, path) = match dialect {
            Dialect::OpenAi => ("openai-chat", "/v1"),
            Dialect::Anthropic => ("anthropic", ""),
            Dialect::Gemini => ("gemini", "/v1beta"),
            Dialect::Ollama => ("ollama", ""),
        };
        let toml = format!(
            "[providers.{provider}]\nbase_url = \"{base_url}{path}\"\napi_key = \"none\"\n"
        );
        let config = Config::from_toml(&toml).expect("a configuration");
        let layers = ConfiguredLayers::new(&config).expect("layers");
        let registry = Registry::global(PROVIDERS).expect("providers");
        Self {
            registry: registry
                .with_env(Env::empty())
                .with_config(config)
                .expect("a registry"),
            layers,
            provider,
            models: Mutex::default(),
        }
    }

    async fn stream(&self, model: &str, prompt: &Prompt, mut each: impl FnMut(&str) + Send) {
        // Nothing of the request is held while its answer streams.
        let stream = self.model(model).stream(&request(prompt)).await;
        let mut stream = stream.expect("a stream");
        while let Some(event) = stream.next().await {
            if let Event::TextDelta { text, .. } = event.expect("an event") {
                each(&text);
            }
        }
    }

    async fn call(&self, model: &str, prompt: &Prompt) -> usize {
        let request = request(prompt);
        let response = self.model(model).chat(&request).await.expect("an answer");
        let parts = response.message().map_or(&[][..], |it| &it.parts);
        parts.iter().filter_map(Part::as_text).map(str::len).sum()
    }

    async fn ask(&self, streamed: bool) -> Asked {
        let request = ChatRequest::from("Hello there");
        let mut asked = Asked::default();
        let answer = match streamed {
            false => self.model("test-model").chat(&request).await,
            true => match self.model("test-model").stream(&request).await {
                Ok(stream) => stream.response().await,
                Err(error) => Err(error),
            },
        };
        match answer {
            Ok(answer) => {
                asked.text = answer.text();
                for call in answer.tool_calls() {
                    asked.call(&*call.name, &*call.arguments.text);
                }
                asked
            }
            Err(error) => asked.failed(error),
        }
    }
}

fn main() {
    kit::main::<Parlor>();
}

//! The conversation itself: one step after the other, by the real crates of the providers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use parlor::agent::{Conversation, Reply, RunEvent, Tool, ToolContext, ToolOutput};
use parlor::layers::fallback::FallbackLayer;
use parlor::{
    ChatModel, ChatRequest, Config, Env, Error, ErrorKind, Layer as _, Media, Message,
    OutputFormat, OutputSchema, PROVIDERS, Part, Registry, Result, ToolDefinition,
};
use parlor_demo::{Exchange, KEY, KEY_VARIABLE, Manner, OVERLOADED, SCRIPTED, StandIns};
use serde_json::{Value, json};

use super::steps::{Does, Step};

/// One red dot, which is what the script says of it.
const PICTURE: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53,
    0xde, 0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0x00,
    0x00, 0x03, 0x01, 0x01, 0x00, 0xc9, 0xfe, 0x92, 0xef, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e,
    0x44, 0xae, 0x42, 0x60, 0x82,
];

/// What passes between two words on the page.
const PACE: Duration = Duration::from_millis(40);

/// The conversation and those who answer it.
pub(super) struct Talk {
    stand_ins: StandIns,
    registry: Registry,
    conversation: Conversation,
}

/// What a step came to.
pub(super) struct Told {
    pub(super) wire: Vec<Exchange>,
    /// What the program saw, a list for each exchange.
    pub(super) seen: Vec<Vec<Seen>>,
}

/// What the program sees.
pub(super) enum Seen {
    Event(RunEvent),
    /// A model failed, and another is asked.
    Turned {
        from: String,
        to: String,
        why: String,
    },
    /// The answer by the schema, checked.
    Value(Value),
    /// The run was stopped, with what had come.
    Stopped(Box<Reply>),
}

/// The registry of a program whose models are the stand-ins' alone: what is configured on this
/// machine, its keys and its proxies are not looked at.
pub(super) fn registry(config: &str) -> Result<Registry> {
    let env = Env::new(|name| (name == KEY_VARIABLE).then(|| KEY.to_owned()));
    Registry::global(PROVIDERS)?
        .with_env(env)
        .with_extension(parlor_http::direct_client()?)
        .with_config(Config::from_toml(config)?)
}

/// How the stand-ins answer on the page: as fast as a model may, and with a note.
pub(super) fn unhurried() -> Manner {
    let mut manner = Manner::default();
    manner.pace = PACE;
    manner.says_so = true;
    manner
}

impl Talk {
    pub(super) async fn begin(stand_ins: StandIns) -> Result<Self> {
        let registry = registry(&stand_ins.config(&[SCRIPTED, OVERLOADED]))?;
        let first = registry.model("echo")?;
        Ok(Self {
            stand_ins,
            conversation: Conversation::shared(first).with_tool(Weather),
            registry,
        })
    }

    /// How the stand-ins answer it.
    pub(super) fn manner() -> Manner {
        let mut manner = Manner::default();
        manner.records = true;
        manner
    }

    pub(super) fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// Asks what the step asks.
    pub(super) async fn step(&mut self, step: &Step) -> Result<Told> {
        let turns = Arc::new(Mutex::new(Vec::new()));
        let model = self.model(step, Arc::clone(&turns))?;
        self.conversation.set_model(model);
        let mut request = ChatRequest::from(step.question);
        match step.does {
            Does::Picture => {
                let mut message = Message::user(step.question);
                let picture = Media::bytes("image/png", PICTURE);
                message.parts.push(Part::Media(picture));
                request = ChatRequest::from(message);
            }
            Does::Value => request.output = Some(OutputFormat::JsonSchema(trip())),
            _ => {}
        }
        let mut seen: Vec<Vec<Seen>> = Vec::new();
        let mut current = Vec::new();
        let mut words = 0;
        let mut run = self.conversation.stream(request)?;
        while let Some(event) = run.next().await {
            let event = event?;
            let turned = std::mem::take(&mut *turns.lock().unwrap_or_else(PoisonError::into_inner));
            for turned in turned {
                current.push(turned);
                seen.push(std::mem::take(&mut current));
            }
            if matches!(event, RunEvent::StepStarted(2..)) {
                seen.push(std::mem::take(&mut current));
            }
            words += usize::from(event.text().is_some());
            current.push(Seen::Event(event));
            if step.does == Does::Stop(words) {
                break;
            }
        }
        let reply = run.stop();
        match step.does {
            Does::Value => current.push(Seen::Value(value(&reply)?)),
            Does::Stop(_) => current.push(Seen::Stopped(Box::new(reply))),
            _ => {}
        }
        seen.push(current);
        let wire = self.stand_ins.take(seen.len()).await;
        Ok(Told { wire, seen })
    }

    fn model(&self, step: &Step, turns: Arc<Mutex<Vec<Seen>>>) -> Result<Arc<dyn ChatModel>> {
        let model =
            |provider: &str, model: &str| self.registry.model(&format!("{provider}/{model}"));
        let Does::FallBack(spare) = step.does else {
            return model(step.provider, SCRIPTED);
        };
        let layer = FallbackLayer::new([model(spare, SCRIPTED)?]).on_turn(move |turn| {
            let turned = Seen::Turned {
                from: turn.from.id(),
                to: turn.to.id(),
                why: turn.error.kind().to_string(),
            };
            let mut turns = turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.push(turned);
        });
        Ok(layer.layer(model(step.provider, OVERLOADED)?))
    }
}

/// The value that an answer is.
fn value(reply: &Reply) -> Result<Value> {
    serde_json::from_str(&reply.text())
        .map_err(|error| Error::new(ErrorKind::Validation, error.to_string()))
}

/// What the value of a step is like.
fn trip() -> OutputSchema {
    let schema = json!({
        "type": "object",
        "properties": {
            "city": { "type": "string" },
            "days": { "type": "integer", "minimum": 3 },
            "coat": { "type": "boolean" },
        },
        "required": ["city", "days", "coat"],
        "additionalProperties": false,
    });
    OutputSchema::new("trip", schema)
}

/// The tool that a model asks for.
#[derive(Debug)]
struct Weather;

#[async_trait]
impl Tool for Weather {
    fn definition(&self) -> ToolDefinition {
        let schema = json!({
            "type": "object",
            "properties": { "city": { "type": "string" } },
            "required": ["city"],
            "additionalProperties": false,
        });
        ToolDefinition::function("weather", "The weather in a city, now.", schema)
    }

    async fn call(&self, arguments: Value, _: &ToolContext) -> Result<ToolOutput> {
        let city = arguments.get("city").and_then(Value::as_str);
        Ok(format!("4 degrees and light rain in {}", city.unwrap_or("nowhere")).into())
    }
}

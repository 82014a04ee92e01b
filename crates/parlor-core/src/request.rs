//! What to ask a model, and how.

use crate::message::{Message, Role};
use crate::part::CacheHint;
use crate::text_enum::text_enum;
use crate::tool::{ToolChoice, ToolDefinition};
use crate::verbatim::Verbatim;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One request to a chat model.
///
/// Everything but `messages` is optional and, where left out, is not sent, so
/// that the provider's default holds. The JSON form has the fields by their
/// names here; an unknown field is refused, since it is most likely a typing
/// error.
///
/// A setting that the model can't honour is never dropped in silence: see
/// [`on_unsupported`](Self::on_unsupported).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ChatRequest {
    /// The conversation so far, system messages included.
    pub messages: Vec<Message>,
    /// Tools that the model may call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolDefinition>,
    /// Which of them it must or may call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several in one answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// Text, JSON, or JSON by a schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputFormat>,
    /// The most tokens to answer with, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// Randomness, from 0; the upper end is the provider's (1 or 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Sample from the k likeliest tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Penalty on frequent tokens, -2 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// Penalty on tokens already used, -2 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// For answers that repeat, as far as the provider can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Texts that end the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// How many choices to answer with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// Whether to give the log probability of each token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// How many of the likeliest tokens to give beside each, 0 to 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u32>,
    /// Whether and how much to reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<ReasoningConfig>,
    /// The end user, for the provider's abuse checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Labels kept by the provider.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The provider's word for a class of service, such as `flex`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// A wish to cache the whole prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheHint>,
    /// What only one provider understands, by provider id: fields merged last
    /// into the body that goes to that provider. What is under a provider's id
    /// goes to its configured instances too, beneath what is under an instance's
    /// own name.
    ///
    /// One rule holds for every dialect: an object is merged into an object
    /// field by field, `null` takes out what stands in the field, and everything
    /// else, lists too, replaces it. `{"stream_options": null}` takes back what
    /// the dialect writes. Where nothing stands, `null` is sent, since some
    /// hosts mean something by it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Map<String, Value>>,
    /// What to do with a setting that the model can't honour. Left out, tuning
    /// knobs (temperature, penalties, seed, …) give a warning on the response,
    /// and features (tools, schema, media) fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_unsupported: Option<OnUnsupported>,
    /// What to do with a tool of another provider's own
    /// ([`ToolDefinition::Native`]), where that isn't to be decided as all else
    /// is: an agent with functions of its own may do without a provider's search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_foreign_tools: Option<OnUnsupported>,
    /// Whether to keep the provider's body in
    /// [`ChatResponse::raw`](crate::ChatResponse::raw). Calls only, not streams.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub include_raw: bool,
    /// The name of the dialect that a client asked in, in a gateway: what only its
    /// provider has words for, or knows the bounds of, is meant for that dialect.
    #[serde(skip)]
    pub client_dialect: Option<&'static str>,
    /// The client's own bytes, in a gateway that passes them on where it can. A clone has none.
    #[serde(skip)]
    pub verbatim: Verbatim,
}

impl ChatRequest {
    /// A request with these messages and the provider's defaults.
    pub fn new(messages: impl Into<Vec<Message>>) -> Self {
        Self {
            messages: messages.into(),
            ..Self::default()
        }
    }

    /// The same request with instructions: they go in front of the messages.
    #[must_use]
    pub fn with_system(mut self, text: impl Into<String>) -> Self {
        self.messages.insert(0, Message::system(text));
        self
    }

    /// The same request with one more message.
    #[must_use]
    pub fn with_message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// The same request with one more tool.
    #[must_use]
    pub fn with_tool(mut self, tool: ToolDefinition) -> Self {
        self.tools.push(tool);
        self
    }

    /// The same request with this temperature.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// The same request with at most so many tokens of answer.
    #[must_use]
    pub fn with_max_output_tokens(mut self, tokens: u64) -> Self {
        self.max_output_tokens = Some(tokens);
        self
    }

    /// The same request with this reasoning.
    #[must_use]
    pub fn with_reasoning(mut self, reasoning: impl Into<ReasoningConfig>) -> Self {
        self.reasoning = Some(reasoning.into());
        self
    }

    /// The same request with this output format.
    #[must_use]
    pub fn with_output(mut self, output: OutputFormat) -> Self {
        self.output = Some(output);
        self
    }

    /// The same request with an extra field for one provider.
    #[must_use]
    pub fn with_extra(
        mut self,
        provider: impl Into<String>,
        key: impl Into<String>,
        value: impl Into<Value>,
    ) -> Self {
        let fields = self.extra.entry(provider.into()).or_default();
        fields.insert(key.into(), value.into());
        self
    }

    /// The same request with a provider's own options, a struct whose fields
    /// are body fields of that provider. What isn't an object adds nothing.
    #[must_use]
    pub fn with_options(mut self, provider: impl Into<String>, options: &impl Serialize) -> Self {
        if let Ok(Value::Object(options)) = serde_json::to_value(options) {
            let fields = self.extra.entry(provider.into()).or_default();
            fields.extend(options.into_iter().filter(|(_, value)| !value.is_null()));
        }
        self
    }

    /// The text of all system messages, joined by blank lines; `None` if there
    /// is none.
    pub fn system_text(&self) -> Option<String> {
        let texts: Vec<String> = self
            .messages
            .iter()
            .filter(|message| message.role == Role::System)
            .map(Message::text)
            .collect();
        (!texts.is_empty()).then(|| texts.join("\n\n"))
    }
}

impl From<&str> for ChatRequest {
    fn from(prompt: &str) -> Self {
        Self::new([Message::user(prompt)])
    }
}

impl From<String> for ChatRequest {
    fn from(prompt: String) -> Self {
        Self::new([Message::user(prompt)])
    }
}

impl From<Message> for ChatRequest {
    fn from(message: Message) -> Self {
        Self::new([message])
    }
}

impl From<Vec<Message>> for ChatRequest {
    fn from(messages: Vec<Message>) -> Self {
        Self::new(messages)
    }
}

/// What to do with a setting that a model can't honour.
///
/// These are all there are: to leave a setting out without a word is no choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnUnsupported {
    /// Fail before anything is sent.
    Error,
    /// Leave it out and say so in the response's warnings.
    Warn,
}

/// The form of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutputFormat {
    /// Text, the default.
    Text,
    /// Any JSON. Some providers want the word JSON in the messages too.
    Json,
    /// JSON by a schema.
    JsonSchema(OutputSchema),
}

/// A named JSON Schema for the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct OutputSchema {
    /// Letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What the answer is, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON Schema.
    pub schema: Value,
    /// Whether the provider must hold the model to it; `None` is its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

impl OutputSchema {
    /// A schema under a name.
    pub fn new(name: impl Into<String>, schema: Value) -> Self {
        Self {
            name: name.into(),
            description: None,
            schema,
            strict: None,
        }
    }
}

text_enum! {
    /// How much to reason, in the words that providers share.
    pub enum Effort {
        /// Not at all.
        Off = "off",
        /// As little as the model can.
        Minimal = "minimal",
        /// Little.
        Low = "low",
        /// Some.
        Medium = "medium",
        /// Much.
        High = "high",
        /// More than much.
        XHigh = "xhigh",
        /// All it can.
        Max = "max",
        /// On, as much as the model finds fit.
        Auto = "auto",
    }
}

/// Whether and how much to reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ReasoningConfig {
    /// How much; a model that knows fewer steps takes the nearest, with a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<Effort>,
    /// The most tokens to reason with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_tokens: Option<u64>,
    /// The wish for a readable summary, in the provider's word: `auto`,
    /// `concise`, `detailed`, `summarized`, `omitted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

impl ReasoningConfig {
    /// No reasoning.
    pub fn off() -> Self {
        Effort::Off.into()
    }

    /// Reasoning with at most so many tokens.
    pub fn budget(tokens: u64) -> Self {
        Self {
            budget_tokens: Some(tokens),
            ..Self::default()
        }
    }
}

impl From<Effort> for ReasoningConfig {
    fn from(effort: Effort) -> Self {
        Self {
            effort: Some(effort),
            ..Self::default()
        }
    }
}

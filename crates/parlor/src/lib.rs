//! One program, every chat model: the facade over parlor's crates.
//!
//! Name a model, ask it:
//!
//! ```
//! use parlor::ChatModelExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> parlor::Result<()> {
//! let model = parlor::model("echo")?;
//! let answer = model.ask("Why is the sky blue?").await?;
//! assert_eq!(answer.text(), "Why is the sky blue?");
//! # Ok(())
//! # }
//! ```
//!
//! `echo` is built in and repeats the prompt; it needs no key and no network.
//! With the feature `openai` on and `OPENAI_API_KEY` set, the same lines with
//! `"openai/gpt-5.4-mini"` ask a language model. Every model is an
//! `Arc<dyn` [`ChatModel`]`>`, whoever provides it.
//!
//! Or read the answer as it comes:
//!
//! ```
//! use parlor::{ChatModelExt, Event};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> parlor::Result<()> {
//! let mut stream = parlor::model("echo")?.ask_stream("One two three").await?;
//! let mut said = String::new();
//! while let Some(event) = stream.next().await {
//!     if let Event::TextDelta { text, .. } = event? {
//!         said.push_str(&text);
//!     }
//! }
//! assert_eq!(said, "One two three");
//! # Ok(())
//! # }
//! ```
//!
//! [`model`] finds keys in the environment and reads the configuration file, if
//! there is one. A program that wants neither builds a [`Registry`] by hand:
//!
//! ```
//! use parlor::{Config, Env, Registry};
//!
//! let config = Config::from_toml(r#"models.house = "echo/echo""#)?;
//! let registry = Registry::with(&[])?.with_env(Env::empty()).with_config(config)?;
//! assert_eq!(registry.model("house")?.info().id(), "echo/echo");
//! # Ok::<(), parlor::Error>(())
//! ```
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `rustls` | yes | TLS by rustls with ring and the system's certificates |
//! | `openai`, `anthropic`, … | no | one provider each, as [`PROVIDERS`] lists them |
//! | `vertex` | no | Gemini, Claude and open models by Google Vertex AI |
//! | `bedrock-chain` | no | AWS credentials from SSO, roles, programs, containers and instances too |
//! | `compatible` | no | thirty hosts that speak OpenAI's chat dialect, and any other by its address |
//! | `all-providers` | no | all of the providers above |
//! | `layers` | no | `parlor::layers`: retry, time limits, and the other layers that need no feature; every provider turns it on |
//! | `cache` | no | `[layers.cache]` and `[layers.coalesce]`: answers kept for requests that are exactly the same, and shared by those that are going on |
//! | `all-layers` | no | all layers that are features: `cache`, `redact`, `replay`, `trace` |
//! | `agent` | no | `parlor::agent`: conversations that remember and run tools, `#[tool]` included; answers as values of a type; `parlor::Settings`: all of it from code, environment and file |
//! | `logging` | no | `Settings::init_logging`: what parlor logs, on stderr |
//! | `templates` | no | `parlor::agent::Template`: prompts with declared variables, from strings and TOML |
//! | `fetch` | no | [`Fetcher`], and the layer `fetch_media` around every model whose provider fetches no media: they are fetched here, within limits and never from a private network |
//! | `image` | no | `parlor::agent::Attachment::with_max_side`: pictures made smaller and converted before they are sent |
//! | `mcp` | no | `parlor::mcp`: tools of MCP servers in conversations, from programs and over HTTP; turns `agent` on |
//! | `redact` | no | the layer `redact`: what must not leave is taken out of requests and put back into answers |
//! | `replay` | no | the layer `replay`: what a model answers, recorded and replayed for tests |
//! | `trace` | no | the layer `trace`: spans by the names of OpenTelemetry |
//! | `http2` | no | HTTP/2 |
//! | `compression` | no | gzip, brotli, deflate and zstd of responses |
//! | `schema` | no | a JSON Schema of requests, responses and events |
//!
//! Features only ever add. Without any there are the core, the registry and
//! `echo`.
//!
//! # Where to look
//!
//! | for | see |
//! |---|---|
//! | calling a model | [`ChatModel`], [`ChatModelExt`] |
//! | many requests at once, answered later | [`batches`], [`ChatBatches`] |
//! | what to send | [`ChatRequest`], [`Message`], [`Part`], [`ToolDefinition`] |
//! | what comes back | [`ChatResponse`], [`ChatStream`], [`Event`], [`Usage`] |
//! | failures | [`Error`], [`ErrorKind`], [`Retry`] |
//! | an agent by its settings | `parlor::Settings`, `parlor::chat` |
//! | which models there are | [`Registry`], [`Catalogue`], [`Config`] |
//! | what only one provider has | `parlor::openai` and the others, by feature: [`PROVIDERS`] |
//! | writing a provider | [`Provider`], [`Descriptor`], [`register!`] |

#[cfg(feature = "agent")]
pub mod agent;
mod global;
#[cfg(feature = "layers")]
pub mod layers;
mod providers;
#[cfg(feature = "agent")]
pub mod settings;

#[cfg(feature = "agent")]
pub use global::chat;
pub use global::{PROGRAM_TABLES, batches, configuration, model, profiled, registry};
pub use parlor_core::*;
#[cfg(feature = "fetch")]
pub use parlor_http::{Fetcher, Lookup, is_public};
/// Tools of MCP servers in conversations.
#[cfg(feature = "mcp")]
pub use parlor_mcp as mcp;
pub use parlor_registry::{
    COMPATIBLE, Candidate, Catalogue, CatalogueEntry, Config, Cost, Descriptor, Env, Extensions,
    KNOWN, Key, KeyLookup, KeySource, Keys, KnownProvider, ModelEntry, PROGRAM_VARIABLES, Price,
    Problem, Problems, Provider, ProviderConfig, Registry, Resolved, Rule, UnknownModel,
    cache_folder, catalogue, config, config_path, data_folder, find_program, known_provider,
    program_command, register, suggest, today,
};
pub use providers::*;
#[cfg(feature = "agent")]
pub use settings::{Agent, Settings, Whole};

//! Ollama models for parlor, over its native API.
//!
//! The provider `ollama` needs no key. It looks for the server where
//! `OLLAMA_HOST` says, else at `http://127.0.0.1:11434`; `OLLAMA_API_KEY` is
//! for the cloud, `https://ollama.com`. With the facade:
//! `parlor::model("ollama/llama3.2")`. What only Ollama knows, such as the
//! context window to serve, is in [`OllamaOptions`]; a [`Server`] lists and
//! fetches models.
//!
//! By default the server may serve as little as 4,096 tokens, and cuts a longer
//! prompt without saying so. For one that may be longer the provider's models
//! ask the server what the model can take, and set `num_ctx` to enough, unless
//! the request or the configuration sets it.

mod config;
mod context;
mod model;
mod options;

pub use config::{PROVIDERS, base_url};
pub use model::{ModelDetails, OllamaModel, PullProgress, RunningModel, Server};
pub use options::OllamaOptions;

parlor_registry::register!(PROVIDERS);

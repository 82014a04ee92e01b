//! Chat models over HTTP: what one program can ask, every client can.
//!
//! A [`Service`] answers in the dialects that clients speak already, whatever the provider behind a
//! model is:
//!
//! | path | what is spoken there |
//! |---|---|
//! | `POST /v1/chat/completions` | the chat API that most hosts speak |
//! | `POST /v1/responses` | the Responses API |
//! | `GET`, `DELETE /v1/responses/{id}`, `…/input_items` | what was answered there, for a day |
//! | `POST /v1/messages` | the messages API |
//! | `POST /v1beta/models/{model}:generateContent`, `:streamGenerateContent` | `generateContent` |
//! | `POST /v1/messages/count_tokens`, `/v1/responses/input_tokens`, `/v1beta/models/{model}:countTokens` | what a prompt comes to |
//! | `POST /api/chat`, `/api/generate`, `/api/show`, `GET /api/version`, `/api/ps` | the API of local models |
//! | `POST /api/chat/stream` | lines of JSON, for the page at `/` and simple programs |
//! | `/api/conversations`, and under it | conversations and turns, which the service owns |
//! | `GET /api/usage`, `/api/usage/series`, `/api/requests`, `/api/status` | what was used, what ends now, how everything fares: the page at `/usage` |
//!
//! What is of no dialect is described by the document at `/api/openapi.json`. A turn
//! is answered whether anybody reads or not: any number of readers follow it, leave, and come back
//! to where they were; it is kept as it grows, so that a service that is killed loses a second of
//! it at most. A conversation belongs to the key that began it. Its models may call the service's own
//! [tools](ServiceTool); a person is asked about those that change something, by an event of the turn,
//! and answers at `…/turns/{turn}/approvals/{call}`.
//!
//! Models are listed at `GET /v1/models`, `/v1beta/models` and `/api/tags` in the same dialects, and
//! one of them at `/v1/models/{id}` and `/v1beta/models/{id}`.
//! `/livez` says that the process runs. The model of a request is an id or a name of the
//! registry: `provider/model`, or a name, alias or route of the configuration.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! use parlor_server::{Service, ServerConfig};
//!
//! let registry = parlor::Registry::global(parlor::PROVIDERS).map_err(std::io::Error::other)?;
//! let service = Service::new(registry, ServerConfig::default()).map_err(std::io::Error::other)?;
//! service.run(std::future::pending()).await
//! # }
//! ```
//!
//! # What holds
//!
//! - The head of an answer waits for the first event, so that a failure has its own status, and
//!   the shape that the client's dialect gives it.
//! - What a model can't honour is named in the head of the answer, `x-parlor-warnings`.
//! - Nothing stands between the model's stream and the connection: a slow reader slows the
//!   provider down, and one that leaves ends the call, unless
//!   [`on_disconnect`](ServerConfig::on_disconnect) says otherwise.
//! - Keys of providers come from the registry alone. Of a client's head nothing is passed on but the
//!   version and the features of the API that it asks for, where the provider speaks its dialect.
//! - Where it does, the provider's bytes reach the client as they came, and the client's the provider,
//!   but for the model's name.
//! - It binds to the loopback interface, and to another only with keys of its own or when told
//!   to do without.

mod access;
mod account;
mod answer;
mod body;
mod chat;
mod config;
mod count;
mod front;
mod gateway;
mod health;
mod layered;
mod list;
mod listen;
mod local;
mod models;
mod names;
mod openapi;
mod ops;
mod page;
mod patience;
mod responses;
mod routes;
mod seal;
mod service;
mod settings;
mod spans;
mod speak;
mod threads;
mod through;
mod tools;

pub use account::{UsageSink, UsageWriter};
pub use chat::{MemoryRelay, StoreAt};
pub use config::{OnDisconnect, OnStoreFailure, ServerConfig};
pub use openapi::openapi;
pub use parlor_store::{Ear, Heard, Mark, Outcome, ParentSpan, Relay, Told, UsageEvent};
pub use service::Service;
pub use settings::{ServeSettings, Size};
pub use spans::{SpanExporter, SpanSettings};
pub use tools::ServiceTool;

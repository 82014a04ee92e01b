//! The transport: one HTTP model over any dialect, framing, timeouts, error mapping.
//!
//! [`HttpModel`] is the one implementation of
//! [`ChatModel`](parlor_core::ChatModel) over HTTP. It takes a
//! [`Dialect`](parlor_dialect::Dialect), which knows the words, and an
//! [`Endpoint`], which knows the address, the key and the time limits.
//!
//! # What it logs
//!
//! Events of `tracing`, with keys and tokens taken out:
//!
//! | target | level | |
//! |---|---|---|
//! | `parlor_http::request` | debug | method, URL and headers of each request |
//! | `parlor_http::request` | trace | the first 16 KiB of its body: what users say |
//! | `parlor_http::response` | debug | status, headers, time; or why there was none |
//! | `parlor_http::response` | trace | the first 16 KiB of its body, when it is over |
//! | `parlor_http` | warn | that an endpoint takes any certificate |
//!
//! The field `exchange` pairs them. Nothing is told where no subscriber asks.
//!
//! # Connections
//!
//! Models that agree on time limit, trust and proxies share them; a thread can have
//! [its own](own_connections). One answer on its way takes a connection to itself, so that there are
//! as many as answers; 256 to a host wait for their next request, for 90 seconds each.
//!
//! With the feature `http2`, and a host that speaks it, all answers from it come over one. What goes
//! beyond the number that the host allows at once, a hundred with most, waits for its turn, within the
//! time limit for the first event; and a reader that stops holds the others up, once its part of the
//! connection's window is full. For many answers at once HTTP/1.1 is the better choice, and the one of
//! the program `parlor`.
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `rustls` | yes | TLS by rustls with ring and the system's certificates |
//! | `http2` | no | HTTP/2, over [one connection to a host](#connections) |
//! | `aws` | no | AWS credentials and signatures |
//! | `aws-chain` | no | the whole chain of AWS credentials |
//! | `gcp` | no | Google Cloud credentials and access tokens |
//! | `compression` | no | gzip, brotli, deflate and zstd of responses |
//! | `fetch` | no | [`Fetcher`]: media from addresses, for providers that fetch none |
//! | `signing` | no | `signing`: HMAC-SHA256, for hosts that want signatures |

mod anew;
mod auth;
#[cfg(feature = "aws")]
pub mod aws;
mod batches;
mod body;
mod client;
mod endpoint;
mod events;
mod exchange;
mod exchanged;
mod failure;
#[cfg(feature = "fetch")]
mod fetch;
mod files;
pub mod framing;
#[cfg(feature = "gcp")]
pub mod gcp;
mod headers;
mod host;
mod lines;
mod model;
mod multipart;
mod provider;
mod renewed;
#[cfg(feature = "signing")]
pub mod signing;
mod tokens;
mod traffic;
mod upload;
mod wire;

pub use async_trait::async_trait;
pub use auth::{Auth, Authorize, Outgoing, Refusal};
pub use batches::{BatchApi, HttpBatches};
pub use client::{direct_client, own_connections};
pub use endpoint::{Endpoint, Timeouts};
pub use exchanged::ExchangedToken;
#[cfg(feature = "fetch")]
pub use fetch::{Fetcher, Lookup, is_public};
pub use files::{Files, UploadedFile};
pub use host::ChatHost;
pub use lines::Lines;
pub use model::HttpModel;
pub use multipart::Multipart;
pub use provider::{configured_quirks, list_models, query_value, read_models};
pub use renewed::RenewedKey;
pub use reqwest::{Client, Method};
pub use tokens::{Token, TokenSource, Tokens};
pub use upload::Upload;

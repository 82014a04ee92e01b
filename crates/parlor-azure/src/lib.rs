//! Azure OpenAI models for parlor.
//!
//! | | |
//! |---|---|
//! | id | `azure-openai`, alias `azure`; `azure-responses` by the Responses API |
//! | key | `AZURE_OPENAI_API_KEY`, `AZURE_API_KEY`; or a token of Entra ID, see [`Credential`] |
//! | address | `AZURE_OPENAI_ENDPOINT`, `AZURE_API_BASE`: that of the resource, such as `https://acme.openai.azure.com` |
//! | version | `OPENAI_API_VERSION` |
//! | default model | `AZURE_OPENAI_DEPLOYMENT` |
//!
//! A model is asked by the name of its deployment: `azure-openai/my-gpt`.
//!
//! A resource has several APIs. The path of the address says which one is
//! meant: `/openai/v1` is the present one, `/openai/deployments` the one by
//! versions, and `/models` that for models of other makers. An address without
//! such a path, the usual one, means the present API, unless a version by date
//! is said: by `OPENAI_API_VERSION`, by `query.api-version` in the
//! configuration, or by the address itself, which may be the one that the
//! portal shows for a deployment.
//!
//! `azure-openai` asks by Chat Completions; `azure-responses` by Responses,
//! which alone keeps thoughts over calls of tools and takes documents. Which
//! model a deployment has isn't known, so the id says it.
//!
//! What only this provider understands is in [`AzureOptions`], what the
//! Responses API does in its [`ResponsesOptions`] and [`built_in`]. What its
//! content filters found is native to the answer; a prompt that they withheld
//! is an error of the kind `ContentFiltered` that names the categories.

mod address;
mod config;
mod credential;
mod model;
mod options;

pub use config::PROVIDERS;
pub use credential::Credential;
pub use model::{model, responses_model};
pub use options::{AzureOptions, built_in};
pub use parlor_dialect::openai_responses::ResponsesOptions;

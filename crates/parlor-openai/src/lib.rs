//! OpenAI models for parlor.
//!
//! | | |
//! |---|---|
//! | id | `openai`; `openai-chat` and `openai-responses` by one API alone |
//! | key | `OPENAI_API_KEY` |
//! | address | `OPENAI_BASE_URL`, else `https://api.openai.com/v1` |
//! | organisation, project | `OPENAI_ORG_ID`, `OPENAI_PROJECT_ID` |
//! | default model | `OPENAI_MODEL`, `OPENAI_MODEL_NAME` |
//!
//! The provider has two APIs for chat models. Under `openai` the model decides:
//! what one API alone serves goes there; what both serve goes by Responses if
//! the model reasons, since it alone keeps thoughts over calls of tools, else by
//! Chat Completions, which knows more settings. At another address than the
//! provider's own, all goes by Chat Completions that can, since that is what
//! other hosts speak. `openai-chat` and `openai-responses` ask by one API
//! whatever the model and the address. By Responses nothing is kept at the
//! provider unless a request says so.
//!
//! What only this provider understands is in [`OpenAiOptions`], what only its
//! Responses API does in [`ResponsesOptions`] and [`built_in`]. All go under
//! `openai`, whichever id is asked. A setting that the other API has no place
//! for is a warning or an error, as settings are that a model can't honour.
//!
//! Many requests at once, answered within a day for less money, go by
//! [`batches`].

mod batches;
mod choose;
mod config;
mod model;
mod options;
mod responses;

pub use batches::batches;
pub use config::PROVIDERS;
pub use model::{chat_model, model, responses_model};
pub use options::{OpenAiOptions, Verbosity};
pub use parlor_dialect::openai_responses::ResponsesOptions;
pub use responses::built_in;

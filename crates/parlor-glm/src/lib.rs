//! GLM models of Zhipu AI and Z.ai for parlor.
//!
//! | | |
//! |---|---|
//! | id | `zhipu`, aliases `glm`, `zai` |
//! | key | `ZHIPUAI_API_KEY`, `ZAI_API_KEY`, `ZHIPU_API_KEY`, `GLM_API_KEY` |
//! | address | `ZAI_BASE_URL`, else `https://open.bigmodel.cn/api/paas/v4` |
//! | default model | `glm-5.3` |
//! | form of the key | `GLM_AUTH`: `key` (the default) or `token` |
//!
//! Zhipu's host is in China, Z.ai's for the world is
//! `https://api.z.ai/api/paas/v4`. They have accounts of their own, so a key
//! that was found in `ZAI_API_KEY` goes to Z.ai's host. The plans for coding
//! have addresses of their own too: the same with `/api/coding/paas/v4`.
//!
//! What only this provider understands is in [`GlmOptions`]; the tools that it
//! runs itself are [`WebSearch`] and [`retrieval`]; files are in [`files`], and
//! [`count_tokens`] tells what a request takes, and [`web_search`] searches
//! without a chat. With `GLM_AUTH=token` the key's
//! secret stays here, and requests carry tokens made from it: see
//! [`AuthForm`].

mod auth;
mod config;
mod model;
mod options;
mod search;
mod tokens;
mod tools;

pub use auth::AuthForm;
pub use config::PROVIDERS;
pub use model::{files, model};
pub use options::GlmOptions;
pub use search::{FoundPage, web_search};
pub use tokens::count_tokens;
pub use tools::{WebSearch, retrieval};

//! ERNIE models of Baidu Qianfan for parlor.
//!
//! | | |
//! |---|---|
//! | id | `qianfan`, alias `ernie`; `qianfan-v1` by the first generation of the API |
//! | key of `qianfan` | `QIANFAN_API_KEY`, `QIANFAN_BEARER_TOKEN`; or `QIANFAN_ACCESS_KEY` with `QIANFAN_SECRET_KEY` |
//! | key of `qianfan-v1` | `QIANFAN_AK` with `QIANFAN_SK`; or `QIANFAN_ACCESS_TOKEN` |
//! | address of `qianfan` | `QIANFAN_BASE_URL`, else `https://qianfan.baidubce.com/v2` |
//! | address of its token service | `QIANFAN_IAM_BASE_URL`, else `https://iam.bj.baidubce.com` |
//! | address of `qianfan-v1` | `https://aip.baidubce.com`, its tokens too |
//! | default model | `ernie-4.5-turbo-128k`; `ernie-4.0-8k` of `qianfan-v1` |
//!
//! An access key and its secret are no key for models: bearer tokens are made
//! of them by the token service, kept for as long as they live, and made anew
//! when one is refused. Outside of the two variables the pair is written as one
//! key, `ALTAK…:secret`.
//!
//! The first generation of the API, which applications with an API key and a
//! secret key use, is a provider of its own. It does the same with that pair,
//! and its tokens go in the address.
//!
//! What only this provider understands is in [`ErnieOptions`] and
//! [`V1Options`]; of a video the pictures a second can be said:
//! [`video_at`](parlor_dialect::openai_chat::video_at).

mod auth;
mod config;
mod model;
mod options;
mod v1;

pub use config::PROVIDERS;
pub use model::model;
pub use options::{ErnieOptions, V1Options, WebSearch};
pub use v1::v1_model;

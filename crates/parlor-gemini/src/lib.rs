//! Google Gemini models for parlor, by the Gemini API of AI Studio.
//!
//! | | |
//! |---|---|
//! | id | `gemini`, alias `google` |
//! | key | `GOOGLE_API_KEY`, `GEMINI_API_KEY`, `GOOGLE_GENERATIVE_AI_API_KEY` |
//! | address | `GOOGLE_GEMINI_BASE_URL`, else `https://generativelanguage.googleapis.com/v1beta` |
//!
//! An address may come without the `/v1beta`, see [`base_url`].
//!
//! What only this provider understands is in [`GeminiOptions`].

mod config;
mod model;
mod options;

pub use config::{Gemini, PROVIDERS, base_url};
pub use model::model;
pub use options::{GeminiOptions, SafetySetting};

//! The same models in a Google Cloud project, and those of others there: Vertex AI.
//!
//! | | |
//! |---|---|
//! | id | `vertex`, aliases `vertex-ai`, `google-vertex` |
//! | project | `project` in the quirks, `GOOGLE_VERTEX_PROJECT`, `GOOGLE_CLOUD_PROJECT`, `ANTHROPIC_VERTEX_PROJECT_ID`, else the credentials' own |
//! | location | `location` in the quirks, `GOOGLE_VERTEX_LOCATION`, `GOOGLE_CLOUD_LOCATION`, `CLOUD_ML_REGION`, else `global` |
//! | address | `GOOGLE_VERTEX_BASE_URL`, else the location's; one with `/projects/…/locations/…` in it says all three |
//!
//! ```toml
//! [providers.vertex]
//! quirks = { project = "my-project", location = "us-east5" }
//! key_command = ["gcloud", "auth", "print-access-token"]
//! ```
//!
//! # Models
//! `vertex/gemini-…` speaks the `gemini` dialect. `vertex/claude-…` speaks the
//! `anthropic-messages` one. An open model is named with its maker, as in
//! `vertex/meta/llama-…-maas`, and speaks `openai-chat`. A tuned model is named
//! by its endpoint, `vertex/endpoints/123`.
//!
//! # Credentials
//! The first of these that there is:
//!
//! 1. [`Credentials`](parlor_http::gcp::Credentials) among the configuration's
//!    extensions: the program's own.
//! 2. The key that is configured, or in `GOOGLE_VERTEX_API_KEY`: an API key,
//!    which means express mode, without a project and for Gemini models alone;
//!    the JSON of a credentials file; or else an access token, used until it
//!    ends. A `key_command` is run again when its token is refused.
//! 3. The file that `GOOGLE_APPLICATION_CREDENTIALS` names: a service account's
//!    key, or the credentials of a user.
//! 4. The file that `gcloud auth application-default login` writes.
//! 5. The metadata server, as machines of Google Cloud have it.

mod config;
mod model;
mod tokens;

pub use config::Vertex;
pub use model::{messages, model, open};
pub use tokens::count_message_tokens;

/// Variables that may name the project.
static PROJECT: &[&str] = &[
    "GOOGLE_VERTEX_PROJECT",
    "GOOGLE_CLOUD_PROJECT",
    "ANTHROPIC_VERTEX_PROJECT_ID",
];

/// Variables that may name the location.
static LOCATION: &[&str] = &[
    "GOOGLE_VERTEX_LOCATION",
    "GOOGLE_CLOUD_LOCATION",
    "CLOUD_ML_REGION",
];

/// What the names of models that speak the Messages dialect begin with, and the
/// provider whose options they understand.
static MESSAGES: (&[&str], &str) = (&["claude-"], "anthropic");

//! What the answer must be like.

use clap::Args;

/// How the answer is shaped.
#[derive(Debug, Args)]
pub(crate) struct AnswerArgs {
    /// Ask for JSON: fields as `name, age int, note: what is odd` (types str, int, float,
    /// bool), a file with a JSON Schema, or a JSON Schema itself; of a conversation, the
    /// first answer
    #[arg(long, value_name = "FIELDS|FILE|JSON")]
    pub(crate) schema: Option<String>,
}

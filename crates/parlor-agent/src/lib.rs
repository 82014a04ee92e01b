//! Conversations with a chat model: memory, tools that run by themselves, and their limits.
//!
//! ```
//! use parlor_agent::Conversation;
//! use parlor_core::Echo;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let mut chat = Conversation::new(Echo::new()).with_system("Be brief.");
//! let reply = chat.send("Why is the sky blue?").await?;
//! assert_eq!(reply.text(), "Why is the sky blue?");
//! assert_eq!(chat.history().turns().len(), 1);
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! All that there is, on one page:
//!
//! | for | see |
//! |---|---|
//! | talking to a model that remembers | [`Conversation`]: [`send`](Conversation::send), [`stream`](Conversation::stream), [`stream_with`](Conversation::stream_with) |
//! | an answer as it comes, and its end | [`Run`], [`RunEvent`], [`Stopper`], [`Reply`], [`Outcome`], [`Conversation::on_event`] |
//! | another answer, another way, going on | [`regenerate`](Conversation::regenerate), [`fork`](Conversation::fork), [`resume`](Conversation::resume), [`answer`](Conversation::answer) |
//! | what was said: add, undo, clear, store | [`History`], [`Turn`], [`TurnState`] |
//! | where it is kept | [`ConversationStore`]: [`Kept`], [`KeptTurn`], [`KeptInfo`], [`TurnId`], [`Found`], [`UsageBy`], [`UsageRow`], [`searchable`], [`title_of`] |
//! | how much of it is sent | [`Window`], [`Summary`] |
//! | how it is answered | [`Mode`], [`Modes`] |
//! | what a model may call | [`tool`](macro@tool), [`tool_fn`] and [`FnTool`], [`Tool`], [`ToolBox`] |
//! | what tools get and give, and their schemas | [`ToolContext`], [`ToolOutput`], [`IntoToolOutput`], [`Json`], [`schema_of`], [`schemars`] |
//! | who may say no | [`Effect`], [`Approver`], [`ApprovalRequest`], [`Approval`]; [`approve_with`], [`approve_all`], [`approve_none`] |
//! | when to stop | [`Limits`], [`Session`], [`SessionGuard`] |
//! | what it came to | [`Statistics`], [`Stats`], [`Figures`] |
//! | answers as values of a type, whole or growing | [`ExtractExt`], [`Extractable`], [`Extractor`], [`ExtractStrategy`], [`Extracted`], [`Partials`], [`Partial`] |
//! | JSON that is still being written, or must keep to a schema | [`PartialJson`], [`keeps_to`] |
//! | a task thought through, reasoning and solution apart | [`ThinkExt`], [`Think`], [`Thought`], [`Apart`] |
//! | pictures, sounds, films, documents | [`Attachment`], [`Attachments`] |
//! | prompts with variables, by the feature `templates` | `Template`, `TemplateBuilder`, `Variable`, `VariableKind` |
//! | many at once, by oneself or by the provider, to be gone on with later | [`Batch`], [`BatchRun`], [`Progress`] |
//! | an answer by lines or sentences, or by a handler of one's own | [`lines()`], [`sentences`], [`Pieces`]; [`process_stream`], [`Handler`], [`Handlers`], [`Processed`] |
//! | one answer for two readers, several answers for one | [`tee`]; [`Merged`], [`Said`] |
//!
//! A program that uses it is tested offline by `Scripted` of `parlor-testkit`.

mod approval;
mod batch;
mod conversation;
mod execute;
mod extract;
mod history;
mod limits;
mod media;
mod modes;
mod output;
mod partial_json;
mod reply;
mod run;
mod schema;
mod session;
mod stats;
mod store;
mod surroundings;
#[cfg(feature = "templates")]
mod template;
mod thought;
mod tool;
mod tool_fn;
mod views;
mod window;

pub use approval::{Approval, ApprovalRequest, Approver, approve_all, approve_none, approve_with};
pub use batch::{Batch, BatchRun, Progress};
pub use conversation::Conversation;
pub use extract::{
    ExtractExt, ExtractStrategy, Extractable, Extracted, Extractor, Partial, Partials, keeps_to,
};
pub use history::{History, Turn, TurnFailure, TurnState};
pub use limits::Limits;
pub use media::{Attachment, Attachments};
pub use modes::{Mode, Modes};
pub use output::{IntoToolOutput, Json};
pub use partial_json::PartialJson;
pub use reply::{Outcome, Reply};
pub use run::{Run, RunEvent, Stopper};
pub use schema::schema_of;
/// For structs and enums that are arguments of tools or extracted:
/// `#[derive(schemars::JsonSchema)]`, with
/// `#[schemars(crate = "parlor_agent::schemars")]` where a program has no
/// dependency of that name.
pub use schemars;
pub use session::{Session, SessionGuard};
pub use stats::{Figures, Statistics, Stats};
pub use store::{
    ConversationStore, Found, Kept, KeptInfo, KeptTurn, TurnId, UsageBy, UsageRow, searchable,
    title_of,
};
#[cfg(feature = "templates")]
pub use template::{Template, TemplateBuilder, Variable, VariableKind};
pub use thought::{Apart, Think, ThinkExt, Thought};
pub use tool::{Effect, Tool, ToolBox, ToolContext, ToolOutput};
pub use tool_fn::{FnTool, tool_fn};
pub use window::{Summary, Window};

/// ```
/// use parlor_agent::{Conversation, tool};
/// use parlor_core::Echo;
///
/// struct Stations(Vec<&'static str>);
///
/// /// The weather in a city, now.
/// #[tool]
/// async fn weather(
///     /// The city, without the country.
///     city: String,
///     /// How many days ahead; none for today.
///     days: Option<u32>,
///     #[context] stations: &Stations,
/// ) -> Result<String, String> {
///     let station = stations.0.first().ok_or("no station answers")?;
///     Ok(format!("{station}: 4 degrees in {city} in {} days", days.unwrap_or(0)))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let mut chat = Conversation::new(Echo::new())
///     .with_tool(weather)
///     .with_value(Stations(vec!["Blindern"]));
/// let reply = chat.send("What does weather say?").await?;
/// assert!(reply.text().starts_with("Blindern: 4 degrees"));
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
///
/// A function that can't be a tool says why where it stands:
///
/// ```compile_fail
/// # use parlor_agent::tool;
/// /// The weather in a city, now.
/// #[tool]
/// async fn weather(city: &str) -> String {
///     format!("4 degrees in {city}")
/// }
/// ```
#[cfg(feature = "macros")]
pub use parlor_macros::tool;

/// What [`tool`](macro@tool) writes against.
#[doc(hidden)]
pub mod __private {
    pub use crate::tool_fn::{LazyDefinition, arguments, definition};
    pub use async_trait::async_trait;
    pub use parlor_core::{Result, ToolDefinition};
    #[cfg(feature = "macros")]
    pub use parlor_macros::tool_of_facade;
    pub use schemars;
    pub use serde;
    pub use serde_json::Value;
}
pub use views::{
    Handler, Handlers, Merged, Pieces, Processed, Said, lines, process_stream, sentences, tee,
};

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
//! | for | see |
//! |---|---|
//! | talking to a model that remembers | [`Conversation`], [`History`] |
//! | an answer as it comes | [`Run`], [`RunEvent`] |
//! | what a model may call | [`Tool`], [`ToolBox`] |
//! | who may say no | [`Approver`], [`Approval`] |
//! | many at once, to be gone on with later | [`Batch`], [`BatchRun`] |
//! | when to stop | [`Limits`], [`Outcome`] |

mod approval;
mod batch;
mod conversation;
mod execute;
mod history;
mod limits;
mod reply;
mod run;
mod tool;

pub use approval::{Approval, ApprovalRequest, Approver, approve_all, approve_none, approve_with};
pub use batch::{Batch, BatchRun, Progress};
pub use conversation::Conversation;
pub use history::{History, Turn, TurnState};
pub use limits::Limits;
pub use reply::{Outcome, Reply};
pub use run::{Run, RunEvent, Stopper};
pub use tool::{Effect, Tool, ToolBox, ToolContext, ToolOutput};

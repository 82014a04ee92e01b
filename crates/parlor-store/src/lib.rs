//! Conversations and what they used, kept in SQLite or PostgreSQL.
//!
//! ```
//! use parlor_agent::{Conversation, ConversationStore};
//! use parlor_core::{Echo, Message};
//! use parlor_store::Store;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let store = Store::memory().await?;
//! let mut chat = Conversation::new(Echo::new());
//! chat.send("my name is Ann").await?;
//!
//! let id = store.create("Names", None).await?;
//! let mut last = None;
//! for turn in chat.history().turns() {
//!     last = Some(store.append(&id, last, &turn.clone().into()).await?);
//! }
//! let found = store.search("ann", 10).await?;
//! assert_eq!(found[0].info.id, id);
//! assert_eq!(&store.load(&id).await?.history, chat.history());
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! | feature | for |
//! |---|---|
//! | `sqlite` (default) | [`Store::sqlite`]: a file, which several programs may use at once |
//! | `postgres` | `Store::postgres`: a server that several machines share |
//! | `redis` | `SharedStore`: limits, cached answers and turns that several instances share |
//! | `redis-tls` | the same over TLS |

mod conversations;
mod counted;
mod database;
mod failure;
#[cfg(feature = "sqlite")]
mod foreign;
mod id;
mod imported;
mod info;
mod named;
mod relay;
mod responses;
mod schema;
mod search;
mod served;
mod service_keys;
#[cfg(feature = "redis")]
mod shared;
mod store;
mod summary;
mod texts;
mod tree;

#[cfg(feature = "sqlite")]
pub use foreign::Foreign;
pub use imported::{Import, Imported};
pub use relay::{Ear, Heard, Mark, Relay, Told};
pub use responses::KeptResponse;
pub use served::{
    Outcome, ParentSpan, Quantiles, ServedBy, ServedPart, ServedRow, ServedTimes, ServedWhich,
    UsageEvent,
};
pub use service_keys::{Allowed, KeyTerms, ServiceKey, Span};
#[cfg(feature = "redis")]
pub use shared::SharedStore;
pub use store::Store;
pub use tree::{Branched, Since};

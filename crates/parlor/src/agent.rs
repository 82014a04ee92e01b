//! Conversations that remember, and run the tools that a model calls.
//!
//! ```
//! use parlor::agent::{Conversation, tool};
//!
//! /// The weather in a city, now.
//! #[tool]
//! async fn weather(
//!     /// The city, without the country.
//!     city: String,
//! ) -> String {
//!     format!("4 degrees and light rain in {city}")
//! }
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> parlor::Result<()> {
//!     let mut chat = Conversation::shared(parlor::model("echo")?)
//!         .with_system("Be brief.")
//!         .with_tool(weather);
//!     let reply = chat.send("What does weather say of Oslo?").await?;
//!     assert!(reply.text().starts_with("4 degrees"));
//!     Ok(())
//! }
//! ```

pub use parlor_agent::__private::tool_of_facade as tool;
pub use parlor_agent::*;

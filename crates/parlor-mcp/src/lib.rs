//! Tools of MCP servers for conversations: programs beside, or over HTTP.
//!
//! A server of the [Model Context Protocol](https://modelcontextprotocol.io) has
//! tools. Connected, they are tools like any others of a conversation: somebody
//! is asked before they run, they have a time limit, what they answer is bounded,
//! pictures stay pictures, and what fails is told to the model.
//!
//! ```no_run
//! use parlor_agent::Conversation;
//! use parlor_core::Echo;
//! use parlor_mcp::{McpServer, Program};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let program = Program::new("npx")
//!     .with_args(["-y", "@modelcontextprotocol/server-filesystem", "."]);
//! let files = McpServer::stdio("files", program).connect().await?;
//!
//! let mut chat = Conversation::new(Echo::new()).with_tools(files.tools().await?);
//! // The model knows it as `files__read_file`, people as `files.read_file`.
//! chat.remember("files__read_file", Some(true));
//! let reply = chat.send("What does README.md say?").await?;
//! println!("{}", reply.text());
//! files.close().await;
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! | for | see |
//! |---|---|
//! | a server that is a program here | [`McpServer::stdio`], [`Program`] |
//! | one at an address | [`McpServer::http`], [`Address`] |
//! | its tools | [`McpClient::tools`], [`McpTool`], [`McpClient::register`] |
//! | which of them run without asking | [`Trust`], [`McpServer::with_read_only`] |
//! | servers in a configuration file | [`McpSettings`] |
//! | names for the model and for people | [`tool_name`], [`shown_name`] |
//!
//! # What a server may do
//!
//! What a server says of itself proves nothing: by default somebody is asked
//! before any of its tools runs, whatever hints it gives. A program gets a small
//! environment and what is configured, no keys of providers. It may not ask the
//! model or a person through this connection: requests for sampling are refused,
//! questions to the person are declined. Text of a server that reaches a terminal
//! through errors has no control characters.

mod address;
mod client;
mod config;
mod connection;
mod content;
mod error;
mod handler;
mod listing;
mod name;
mod process;
mod program;
mod server;
mod tail;
mod tool;

pub use address::Address;
pub use client::McpClient;
pub use config::{McpSettings, SecretValue};
pub use listing::LeftOut;
pub use name::{shown_name, tool_name};
pub use program::Program;
pub use server::{McpServer, Trust};
pub use tool::McpTool;

//! A server for each of five dialects, with a model behind it that needs no key of anyone.
//!
//! ```sh
//! cargo run -p parlor-testkit --example stand_in -- KEY
//! ```
//!
//! It prints a line for each, its dialect and its base URL, and an empty one when all listen, and ends
//! when its standard input does. The model is [`Sage`], which refuses or breaks off where that is asked.

#![allow(clippy::print_stdout, reason = "an example speaks to the terminal")]

use std::error::Error as StdError;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, Event, ModelInfo, Result,
};
use parlor_dialect::ServerDialect;
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_testkit::{DialectServer, Sage};

/// How many events of a stream come before it breaks off.
const BEGUN: usize = 4;

/// How many answers were given so far, by all servers.
static GIVEN: AtomicU64 = AtomicU64::new(0);

/// The model with a will of its own.
#[derive(Debug)]
struct Wilful(Sage);

impl Wilful {
    /// An id that no other answer has, since clients go on from answers by their ids.
    fn id() -> String {
        format!("sage-{}", GIVEN.fetch_add(1, Ordering::Relaxed))
    }

    fn refusal(request: &ChatRequest) -> Option<Error> {
        let prompt = request.messages.last()?.text();
        let refusals = [
            (
                "too many requests",
                ErrorKind::RateLimited,
                "Rate limit reached",
            ),
            (
                "please fall over",
                ErrorKind::Server,
                "The server had an error",
            ),
        ];
        let found = refusals.into_iter().find(|it| prompt.contains(it.0));
        found.map(|(_, kind, message)| Error::new(kind, message))
    }

    fn breaks_off(request: &ChatRequest) -> bool {
        let last = request.messages.last();
        last.is_some_and(|it| it.text().contains("please break off"))
    }
}

#[async_trait]
impl ChatModel for Wilful {
    fn info(&self) -> &ModelInfo {
        self.0.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        if let Some(refusal) = Self::refusal(request) {
            return Err(refusal);
        }
        let mut response = self.0.chat(request).await?;
        response.id = Some(Self::id());
        Ok(response)
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        if let Some(refusal) = Self::refusal(request) {
            return Err(refusal);
        }
        let own = Self::id();
        let events = self.0.stream(request).await?.map(move |mut event| {
            if let Ok(Event::Started { id, .. }) = &mut event {
                *id = Some(own.clone());
            }
            event
        });
        let info = Arc::new(self.info().clone());
        if !Self::breaks_off(request) {
            return Ok(ChatStream::new(info, events));
        }
        let broken = Error::new(ErrorKind::Server, "the answer broke off");
        let broken = futures_util::stream::iter([Err(broken)]);
        Ok(ChatStream::new(info, events.take(BEGUN).chain(broken)))
    }
}

async fn start(dialect: impl ServerDialect, key: &str) -> std::io::Result<DialectServer> {
    let name = dialect.name();
    let model = Arc::new(Wilful(Sage::new("sage-1")));
    let site = DialectServer::new(dialect, model).with_key(key);
    let server = site.start().await?;
    println!("{name} {}", server.url());
    Ok(server)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn StdError>> {
    let key = std::env::args().nth(1).ok_or("the key is missing")?;
    let _servers = [
        start(OpenAiChat::default(), &key).await?,
        start(OpenAiResponses::default(), &key).await?,
        start(AnthropicMessages::default(), &key).await?,
        start(Gemini::default(), &key).await?,
        start(Ollama::default(), &key).await?,
    ];
    println!();
    let ended = || std::io::stdin().read_to_end(&mut Vec::new());
    tokio::task::spawn_blocking(ended).await??;
    Ok(())
}

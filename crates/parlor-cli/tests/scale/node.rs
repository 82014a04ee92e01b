//! Processes of the service, what stands behind them, and the stores that they share.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use parlor::{ChatResponse, Choice, FinishKind, ModelInfo, Part, Usage};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_testkit::{DialectServer, Script, Scripted};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::client::{Client, LONG};
use crate::common::{Home, signal};
use crate::fed::{Fed, FedCall};
use crate::servers::{Postgres, Redis};

/// Two services over one set of stores.
pub(crate) struct Site {
    pub(crate) nodes: [Node; 2],
    pub(crate) postgres: Postgres,
    pub(crate) redis: Redis,
    calls: tokio::sync::Mutex<UnboundedReceiver<FedCall>>,
    home: Home,
    _behind: [DialectServer; 2],
}

impl Site {
    /// Starts all of it, where the servers are there.
    pub(crate) async fn start(more: &str) -> Option<Self> {
        Self::serving("", more).await
    }

    /// The same with these settings of the service, too.
    pub(crate) async fn serving(serve: &str, more: &str) -> Option<Self> {
        let redis = Redis::start().await?;
        let postgres = Postgres::start()?;
        let (fed, calls) = Fed::new();
        let talks = DialectServer::start(OpenAiChat::default(), Arc::new(fed)).await;
        let quick = Scripted::with(|_, _| Some(fine()));
        let quick = quick.with_info(ModelInfo::new("scripted", "behind"));
        let answers = DialectServer::start(AnthropicMessages::default(), Arc::new(quick)).await;
        let behind = [talks.unwrap(), answers.unwrap()];
        let home = Home::new();
        let [talks, answers] = behind.each_ref().map(|it| it.url().to_string());
        home.config(&format!(
            "{more}\n[serve]\nstore = \"{}\"\nredis = \"{}\"\ndrain = \"20s\"\n\
             {serve}\n[layers.retry]\nattempts = 1\n\
             [providers.openai-chat]\nbase_url = \"{talks}\"\napi_key_env = \"KEY\"\n\
             models = [{{ id = \"behind\" }}]\n\
             [providers.anthropic]\nbase_url = \"{answers}\"\napi_key_env = \"KEY\"\n\
             models = [{{ id = \"behind\" }}]\n",
            postgres.url(),
            redis.url(),
        ));
        let nodes = [Node::start(&home), Node::start(&home)];
        Some(Self {
            nodes,
            postgres,
            redis,
            calls: tokio::sync::Mutex::new(calls),
            home,
            _behind: behind,
        })
    }

    /// Ends a node as it is meant to end, and starts it anew.
    pub(crate) async fn restart(&mut self, node: usize) {
        self.nodes[node].signal("TERM");
        self.nodes[node].ended().await;
        self.nodes[node] = Node::start(&self.home);
    }

    /// A key of these terms, as it is shown once.
    pub(crate) fn key(&self, name: &str, terms: &[&str]) -> &'static str {
        let ran = self
            .home
            .run(&[&["serve", "keys", "add", name], terms].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        // Clients hold it as long as the test runs.
        String::leak(ran.stdout.trim().to_owned())
    }

    /// A client of each node, with a key.
    pub(crate) fn clients(&self, key: &'static str) -> [Client; 2] {
        self.nodes.each_ref().map(|it| it.client.with_key(key))
    }

    /// The next call of the model that says what it is fed.
    pub(crate) async fn call(&self) -> FedCall {
        let mut calls = self.calls.lock().await;
        let call = tokio::time::timeout(LONG, calls.recv()).await;
        call.unwrap().unwrap()
    }
}

/// One process of the service.
pub(crate) struct Node {
    pub(crate) client: Client,
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Node {
    fn start(home: &Home) -> Self {
        let mut command = home.parlor(&["serve", "--bind", "127.0.0.1:0"]);
        let mut child = command.env("KEY", "upstream-key").spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut first = String::new();
        let host = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {first}"));
            let line = line.unwrap();
            if let Some(host) = line.strip_prefix("Serving at http://") {
                break host.to_owned();
            }
            first.push_str(&line);
        };
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        Self {
            client: Client { host, key: None },
            child,
            said,
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits until it has ended, and gives its code and what it said.
    pub(crate) async fn ended(&mut self) -> (Option<i32>, String) {
        let ended = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    break status.code();
                }
                pause().await;
            }
        };
        let code = tokio::time::timeout(LONG, ended).await.unwrap();
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        (code, said.clone())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Between two looks at something that takes its time.
pub(crate) async fn pause() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

/// Looks until it is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut look: impl FnMut() -> F) {
    let seen = async {
        while !look().await {
            pause().await;
        }
    };
    let seen = tokio::time::timeout(LONG, seen).await;
    assert!(seen.is_ok(), "never: {what}");
}

/// An answer of fifty tokens, its question with it.
fn fine() -> Script {
    let mut whole = ChatResponse::default();
    let mut choice = Choice::new(0);
    choice.message.parts.push(Part::text("Fine, thank you."));
    choice.finish_reason = Some(FinishKind::Stop.into());
    whole.choices.push(choice);
    let mut usage = Usage::default();
    usage.input_tokens = Some(20);
    usage.output_tokens = Some(30);
    whole.usage = Some(usage);
    Script::response(whole)
}

/// A question to the model that answers at once.
pub(crate) fn question() -> Value {
    json!({
        "model": "anthropic/behind", "max_tokens": 100,
        "messages": [{ "role": "user", "content": "How are you?" }],
    })
}

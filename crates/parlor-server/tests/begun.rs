//! A turn whose client leaves while it begins.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod talk;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use async_trait::async_trait;
use parlor::Result;
use parlor::layers::limits::{Claim, LimitStore, MemoryStore, Receipt, Reserved, Window};
use parlor_server::{ServerConfig, StoreAt};
use parlor_store::{KeptResponse, KeyTerms, Store};
use serde_json::json;
use talk::{LONG, MODEL, Talk};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// Says when a request is counted, which is the last thing before its question is kept.
#[derive(Debug, Default)]
struct Told {
    limits: MemoryStore,
    reserved: Notify,
}

#[async_trait]
impl LimitStore for Told {
    async fn reserve(&self, claims: &[Claim]) -> Result<Reserved> {
        self.reserved.notify_one();
        self.limits.reserve(claims).await
    }

    fn settle(&self, receipt: Receipt, used: u64) {
        self.limits.settle(receipt, used);
    }

    fn hold(&self, account: &str, window: Window, at_least: u64, until: Duration) {
        self.limits.hold(account, window, at_least, until);
    }

    async fn used(&self, account: &str, window: Window) -> Result<(u64, Option<Duration>)> {
        self.limits.used(account, window).await
    }
}

/// A store that nobody else can write into until this is let go.
struct Locked {
    _free: mpsc::Sender<()>,
}

impl Locked {
    async fn of(store: Store) -> Self {
        let (free, freed) = mpsc::channel();
        let (lock, locked) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            let mut lock = Some(lock);
            // What is to be kept is asked for within the transaction.
            let nothing = std::iter::from_fn(|| -> Option<&KeptResponse> {
                lock.take().unwrap().send(()).unwrap();
                let _ = freed.recv();
                None
            });
            runtime.block_on(store.keep_responses(nothing)).unwrap();
        });
        locked.await.unwrap();
        Self { _free: free }
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_its_question_is_kept_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let store = Store::sqlite(&file).await.unwrap();
    let limits = Arc::new(Told::default());
    let mut config = ServerConfig::default();
    config.store = StoreAt::File(file.clone());
    config.given_keys = Some(store.clone());
    config.limits = Arc::clone(&limits) as Arc<dyn LimitStore>;
    let talk = Talk::start(config).await;
    let mut terms = KeyTerms::default();
    terms.requests_per_minute = Some(10);
    let (_, key) = store.add_service_key("team", terms).await.unwrap();
    let key: &'static str = Box::leak(key.expose().to_owned().into_boxed_str());
    let client = talk.client.with_key(key);
    let new = json!({ "model": MODEL, "title": "Nobody there" });
    let (_, made) = client.post("/api/conversations", &new).await;
    let id = made["id"].as_str().unwrap();

    let locked = Locked::of(store).await;
    let path = format!("/api/conversations/{id}");
    let body = json!({ "text": "Anybody?" }).to_string();
    let head = format!(
        "POST {path}/turns HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {key}\r\n\
         content-length: {}\r\n\r\n",
        client.host,
        body.len()
    );
    let mut leaving = TcpStream::connect(&client.host).await.unwrap();
    leaving.write_all((head + &body).as_bytes()).await.unwrap();
    let reserved = limits.reserved.notified();
    tokio::time::timeout(LONG, reserved).await.unwrap();
    drop(leaving);
    // The service hears of it before it hears these.
    for _ in 0..3 {
        let whole = client.get(&path).await;
        assert_eq!(whole["branch"], json!([]));
    }
    drop(locked);

    talk.call().await.end("Me.");
    let whole = client.get(&path).await;
    let turn = whole["branch"][0]["id"].as_str().unwrap();
    let (text, end) = client.read(id, turn).await;
    assert_eq!((&*text, &end["state"]), ("Me.", &json!("complete")));
}

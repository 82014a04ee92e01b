//! Two instances of a service over one store: each follows and stops the other's turns.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod talk;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parlor::agent::{ConversationStore, TurnId, tool_fn};
use parlor::{Error, ErrorKind, Result};
use parlor_server::{MemoryRelay, ServerConfig, ServiceTool, StoreAt};
use parlor_store::{Ear, Heard, Mark, Relay, Store, Told};
use serde_json::{Value, json};
use talk::{LONG, Talk};
use tokio::sync::watch;

/// Two instances, over a store and a relay.
async fn two() -> [Talk; 2] {
    let mut config = ServerConfig::default();
    config.store = StoreAt::Open(Store::memory().await.unwrap());
    config.relay = Some(Arc::new(MemoryRelay::new()));
    let one = Talk::start(config.clone()).await;
    [one, Talk::start(config).await]
}

#[tokio::test]
async fn a_turn_is_followed_and_resumed_at_another_instance() {
    let [one, other] = two().await;
    let id = one.client.begin().await;
    let turn = one.client.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = one.call().await;
    let mut first = one.client.follow(&id, &turn, "").await;
    call.say("One ");
    let last = first.until("One ").await;
    drop(first);
    let shown = other.client.get(&format!("/api/conversations/{id}")).await;
    assert_eq!(
        (&shown["going"], &shown["branch"][0]["state"]),
        (&json!(turn), &json!("going"))
    );
    let mut whole = other.client.follow(&id, &turn, "").await;
    whole.until("One ").await;
    let mut rest = other.client.follow(&id, &turn, &last).await;
    call.say("two ");
    rest.until("two ").await;
    let meanwhile = json!({ "text": "Meanwhile" });
    let path = format!("/api/conversations/{id}/turns");
    let (status, refused) = other.client.post(&path, &meanwhile).await;
    assert_eq!(status, 409, "{refused}");
    let shown = format!("/api/conversations/{id}");
    let back = json!({ "head": turn });
    let (status, refused) = other.client.ask("PATCH", &shown, &back).await;
    assert_eq!(status, 409, "{refused}");
    let named = json!({ "title": "Counting" });
    let (status, named) = other.client.ask("PATCH", &shown, &named).await;
    assert_eq!(status, 200, "{named}");
    call.end("three");
    let (text, end) = whole.read_on(String::new()).await;
    assert_eq!((&*text, &end["state"]), ("two three", &json!("complete")));
    assert_eq!(rest.read_on(String::new()).await.0, "three");
    // Its end is told everywhere, and the conversation is free everywhere.
    assert_eq!(other.client.read(&id, &turn).await.0, "One two three");
    let next = loop {
        let (status, begun) = other.client.post(&path, &json!({ "text": "And?" })).await;
        if status == 202 {
            break begun["id"].as_str().unwrap().to_owned();
        }
        assert_eq!(status, 409, "{begun}");
    };
    let call = other.call().await;
    assert_eq!(call.sent()[1], "assistant: One two three");
    call.end("So.");
    assert_eq!(one.client.read(&id, &next).await.0, "So.");
}

#[tokio::test]
async fn a_turn_is_stopped_from_another_instance() {
    let [one, other] = two().await;
    let id = one.client.begin().await;
    let turn = one.client.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = one.call().await;
    call.say("Half");
    let mut reader = one.client.follow(&id, &turn, "").await;
    reader.until("Half").await;
    let path = format!("/api/conversations/{id}/turns/{turn}/stop");
    let (status, stopped) = other.client.post(&path, &Value::Null).await;
    assert_eq!((status, &stopped["state"]), (200, &json!("interrupted")));
    assert_eq!(stopped["messages"][1]["parts"][0]["text"], "Half");
    call.left().await;
    let (_, end) = reader.read_on(String::new()).await;
    assert_eq!(end["state"], "interrupted");
}

#[tokio::test]
async fn a_call_that_waits_is_answered_at_another_instance() {
    let sums = tool_fn("sum", "Adds.", |_: Value, _| async { "3" });
    let mut config = ServerConfig::default();
    config.store = StoreAt::Open(Store::memory().await.unwrap());
    config.relay = Some(Arc::new(MemoryRelay::new()));
    config.tools = vec![ServiceTool::new(sums).with_approval(true)];
    let one = Talk::start(config.clone()).await;
    let other = Talk::start(config).await;
    let id = one.client.begin().await;
    let turn = one.client.turn(&id, &json!({ "text": "1 + 2?" })).await;
    let calls = [("a", "sum", "{}"), ("b", "sum", "{}")];
    one.call().await.calls(&calls);
    let mut events = other.client.follow(&id, &turn, "").await;
    for call in ["a", "b"] {
        assert_eq!(events.named("approval").await.data["id"], call);
    }
    let path = format!("/api/conversations/{id}/turns/{turn}");
    let shown = other.client.get(&path).await;
    let waiting = shown["waiting"].as_array().unwrap().len();
    assert_eq!((&shown["state"], waiting), (&json!("going"), 2));
    let (allow, deny) = (json!({ "allow": true }), json!({ "allow": false }));
    let approve = |call, answer| other.client.approve(&id, &turn, call, answer);
    let (status, decided) = approve("b", &deny).await;
    assert_eq!((status, &decided["by"]), (200, &json!("person")));
    assert_eq!(approve("b", &deny).await.0, 200);
    let (status, refused) = approve("b", &allow).await;
    assert_eq!(status, 409, "{refused}");
    // Both at once: one of them counts.
    let (here, there) = tokio::join!(
        one.client.approve(&id, &turn, "a", &allow),
        approve("a", &deny)
    );
    let (counts, other_one) = match here.0 {
        200 => (here.1, there.0),
        _ => (there.1, here.0),
    };
    assert_eq!(other_one, 409);
    assert_eq!(counts["allow"], events.until_decided("a").await["allow"]);
    let call = one.call().await;
    assert_eq!(call.results().len(), 2);
    call.end("So.");
    assert_eq!(events.named("text").await.data["text"], "So.");
    let (status, refused) = approve("c", &allow).await;
    assert_eq!(status, 404, "{refused}");
}

#[tokio::test]
async fn a_turn_ends_whose_conversation_is_deleted_at_another_instance() {
    let [one, other] = two().await;
    let id = one.client.begin().await;
    one.client.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = one.call().await;
    call.say("Half");
    let path = format!("/api/conversations/{id}");
    let deleted = other.client.ask("DELETE", &path, &Value::Null).await;
    assert_eq!(deleted.0, 204, "{deleted:?}");
    call.left().await;
}

#[tokio::test]
async fn a_turn_whose_instance_ends_is_told_to_its_end() {
    let mut config = ServerConfig::default();
    config.store = StoreAt::Open(Store::memory().await.unwrap());
    config.relay = Some(Arc::new(MemoryRelay::new()));
    config.drain = Duration::ZERO;
    let mut one = Talk::start(config.clone()).await;
    let other = Talk::start(config).await;
    let id = one.client.begin().await;
    let turn = one.client.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = one.call().await;
    call.say("Half");
    let mut reader = other.client.follow(&id, &turn, "").await;
    reader.until("Half").await;
    one.end();
    let (text, end) = reader.read_on(String::new()).await;
    assert_eq!((&*text, &end["state"]), ("", &json!("interrupted")));
    assert_eq!(end["error"]["kind"], "cancelled");
    one.ended().await;
}

/// A relay that can be told nothing while it is away.
#[derive(Debug)]
struct Away {
    relay: MemoryRelay,
    is_away: watch::Sender<bool>,
    refused: watch::Sender<u32>,
}

#[async_trait]
impl Relay for Away {
    async fn take(&self, conversation: &str, holder: &str, time: Duration) -> Result<bool> {
        self.relay.take(conversation, holder, time).await
    }

    async fn give_back(&self, conversation: &str, holder: &str) -> Result<()> {
        // It is elsewhere, and others go on meanwhile.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.relay.give_back(conversation, holder).await
    }

    async fn is_taken(&self, conversation: &str) -> Result<bool> {
        self.relay.is_taken(conversation).await
    }

    async fn tell(&self, turn: &str, after: Mark, told: &[Told]) -> Result<Heard> {
        if *self.is_away.borrow() {
            self.refused.send_modify(|count| *count += 1);
            return Err(Error::new(ErrorKind::Connection, "it is away"));
        }
        self.relay.tell(turn, after, told).await
    }

    fn follow(&self, turn: &str) -> Box<dyn Ear> {
        self.relay.follow(turn)
    }

    async fn stop(&self, turn: &str) -> Result<()> {
        self.relay.stop(turn).await
    }

    async fn stopped(&self, turn: &str) -> Result<()> {
        self.relay.stopped(turn).await
    }
}

#[tokio::test]
async fn a_service_that_has_ended_holds_no_conversation() {
    let relay = Arc::new(Away {
        relay: MemoryRelay::new(),
        is_away: watch::Sender::new(false),
        refused: watch::Sender::new(0),
    });
    let mut config = ServerConfig::default();
    config.relay = Some(relay.clone());
    config.drain = Duration::ZERO;
    let mut one = Talk::start(config).await;
    let id = one.client.begin().await;
    one.client.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = one.call().await;
    assert!(relay.is_taken(&id).await.unwrap());
    one.end();
    call.left().await;
    one.ended().await;
    assert!(!relay.is_taken(&id).await.unwrap());
}

#[tokio::test]
async fn an_end_is_told_however_often_the_relay_was_away_before() {
    let relay = Arc::new(Away {
        relay: MemoryRelay::new(),
        is_away: watch::Sender::new(true),
        refused: watch::Sender::new(0),
    });
    let mut config = ServerConfig::default();
    config.store = StoreAt::Open(Store::memory().await.unwrap());
    config.relay = Some(relay.clone());
    let one = Talk::start(config).await;
    let id = one.client.begin().await;
    let turn = one.client.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = one.call().await;
    let mut refused = relay.refused.subscribe();
    // As often as it is told after the end, and once more.
    refused.wait_for(|count| *count >= 7).await.unwrap();
    call.end("So.");
    one.client.read(&id, &turn).await;
    let before = *refused.borrow_and_update();
    refused.wait_for(|count| *count > before).await.unwrap();
    relay.is_away.send_replace(false);
    let mut ear = relay.follow(&turn);
    let mut until = Mark::default();
    loop {
        let told = ear.hear(until, LONG).await.unwrap();
        let last = told.last().expect("what it said is told to its end");
        if last.name == "end" {
            break;
        }
        until = last.mark;
    }
}

/// A conversation whose turn was cut off: its instance was killed.
async fn cut_off(store: &Store) -> (String, String) {
    let mut config = ServerConfig::default();
    config.store = StoreAt::Open(store.clone());
    config.relay = Some(Arc::new(MemoryRelay::new()));
    let killed = Talk::start(config).await;
    let id = killed.client.begin().await;
    let asked = json!({ "text": "Tell me" });
    let turn = killed.client.turn(&id, &asked).await;
    let call = killed.call().await;
    let at = TurnId(turn.parse().unwrap());
    let begun = store.turn(&id, at).await.unwrap();
    call.end("So.");
    killed.client.read(&id, &turn).await;
    // As it was kept when it was killed.
    store.update(at, &begun.into()).await.unwrap();
    (id, turn)
}

#[tokio::test]
async fn a_turn_that_was_cut_off_is_over_though_another_is_on_its_way() {
    let store = Store::memory().await.unwrap();
    let (id, cut) = cut_off(&store).await;
    let mut config = ServerConfig::default();
    config.store = StoreAt::Open(store);
    config.relay = Some(Arc::new(MemoryRelay::new()));
    let one = Talk::start(config.clone()).await;
    let other = Talk::start(config).await;
    // From before anything else is on its way, and from after.
    let mut early = other.client.follow(&id, &cut, "").await;
    let turn = one.client.turn(&id, &json!({ "text": "And?" })).await;
    let call = one.call().await;
    call.say("Half");
    let path = format!("/api/conversations/{id}/turns");
    let shown = other.client.get(&format!("{path}/{cut}")).await;
    assert_eq!(shown["state"], "failed");
    let shown = other.client.get(&format!("{path}/{turn}")).await;
    assert_eq!(shown["state"], "going");
    let stop = format!("{path}/{cut}/stop");
    let (status, stopped) = other.client.post(&stop, &Value::Null).await;
    assert_eq!((status, &stopped["state"]), (200, &json!("failed")));
    let (_, end) = other.client.read(&id, &cut).await;
    assert_eq!(end["state"], "failed");
    let (_, end) = early.read_on(String::new()).await;
    assert_eq!(end["state"], "failed");
    call.end(" of it.");
    assert_eq!(other.client.read(&id, &turn).await.0, "Half of it.");
}

#[tokio::test]
async fn a_turn_ends_whose_conversation_is_gone_from_the_store() {
    let store = Store::memory().await.unwrap();
    let mut config = ServerConfig::default();
    config.store = StoreAt::Open(store.clone());
    let one = Talk::start(config).await;
    let id = one.client.begin().await;
    let turn = one.client.turn(&id, &json!({ "text": "Tell me" })).await;
    let call = one.call().await;
    store.delete(&id).await.unwrap();
    call.say("Half");
    call.left().await;
    let gone = format!("/api/conversations/{id}/turns/{turn}");
    assert_eq!(one.client.ask("GET", &gone, &Value::Null).await.0, 404);
}

//! What only a server has: several who write at once, and values that it refuses.
#![cfg(all(unix, feature = "postgres"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod servers;

use parlor_agent::{ConversationStore, History, KeptTurn};
use parlor_core::{ErrorKind, Message};
use parlor_store::{ServedBy, Store, UsageEvent};
use servers::Postgres;
use sqlx::{AnyConnection, Connection, Executor, Row};

fn turn(question: &str) -> KeptTurn {
    let mut history = History::new();
    history.add(Message::user(question));
    history.turns()[0].clone().into()
}

#[tokio::test]
async fn all_who_open_an_empty_database_at_once_find_its_tables() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let opened = (0..12).map(|_| {
        let url = server.url();
        tokio::spawn(async move { Store::postgres(&url).await })
    });
    for opened in opened.collect::<Vec<_>>() {
        let store = opened.await.unwrap().unwrap();
        assert_eq!(store.list(1, 0).await.unwrap(), []);
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_is_written_while_its_conversation_is_deleted() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let store = Store::postgres(&server.url()).await.unwrap();
    for _ in 0..100 {
        let id = store.create("", None).await.unwrap();
        let at = store.append(&id, None, &turn("Why?")).await.unwrap();
        let writes = (0..4).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.update(at, &turn("Why not?")).await })
        });
        let writes: Vec<_> = writes.collect();
        store.delete(&id).await.unwrap();
        for written in writes {
            if let Err(error) = written.await.unwrap() {
                assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
            }
        }
    }
}

#[tokio::test]
async fn an_event_that_is_refused_costs_no_other() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let store = Store::postgres(&server.url()).await.unwrap();
    let mut other = AnyConnection::connect(&server.url()).await.unwrap();
    let check = "ALTER TABLE requests ADD CHECK (asked <> 'refused')";
    other.execute(check).await.unwrap();
    let event = |asked: &str| {
        let mut event = UsageEvent::new("req", "openai_chat", 5);
        event.asked = asked.into();
        event
    };
    let mut events: Vec<_> = (0..70).map(|_| event("model")).collect();
    events.insert(3, event("refused"));
    events.push(event("refused"));
    assert_eq!(store.record(&events).await.unwrap(), 2);
    assert_eq!(store.record(&events[3..4]).await.unwrap(), 1);
    let rows = store.served(0, ServedBy::default(), None).await.unwrap();
    assert_eq!(rows[0].requests, 70);
    // Where it is away, all of it is to be written again.
    server.kill();
    assert!(store.record(&events).await.is_err());
}

#[tokio::test]
async fn what_was_kept_before_is_found_without_accents() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let store = Store::postgres(&server.url()).await.unwrap();
    let id = store.create("", None).await.unwrap();
    let said = turn("Où est le Café ?");
    store.append(&id, None, &said).await.unwrap();
    store.close().await;
    // As the version before left it.
    let mut other = AnyConnection::connect(&server.url()).await.unwrap();
    for statement in [
        "DROP INDEX turns_text",
        "DROP FUNCTION parlor_folded",
        "CREATE INDEX turns_text ON turns USING gin (to_tsvector('simple', text))",
        "UPDATE parlor_schema SET version = 5",
    ] {
        other.execute(statement).await.unwrap();
    }
    let store = Store::postgres(&server.url()).await.unwrap();
    assert_eq!(store.search("cafe", 9).await.unwrap().len(), 1);
    other.execute("SET enable_seqscan = off").await.unwrap();
    let plan = "EXPLAIN SELECT id FROM turns WHERE to_tsvector('simple', translate(\
        parlor_folded(text), E'!\"#$%&''()*+,-./:;<=>?@[\\\\]^_`{|}~', repeat(' ', 32))) \
        @@ to_tsquery('simple', 'cafe')";
    let rows = other.fetch_all(plan).await.unwrap();
    let plan: String = rows.iter().map(|it| it.get::<String, _>(0)).collect();
    assert!(plan.contains("turns_text"), "{plan}");
}

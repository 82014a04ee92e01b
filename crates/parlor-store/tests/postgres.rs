//! What only a server has: several who write at once, and values that it refuses.
#![cfg(all(unix, feature = "postgres"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod servers;

use parlor_agent::{ConversationStore, History, KeptTurn};
use parlor_core::{ErrorKind, Message};
use parlor_store::Store;
use servers::Postgres;

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

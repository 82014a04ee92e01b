//! What only a server has: several who write at once, and values that it refuses.
#![cfg(all(unix, feature = "postgres"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod servers;

use parlor_agent::ConversationStore;
use parlor_store::Store;
use servers::Postgres;

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

//! Limits and answers that several instances share, by a Redis that is killed and started again.
#![cfg(all(unix, feature = "redis"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod servers;

use async_trait::async_trait;
use parlor_core::{
    ChatModel, ChatModelExt, ChatRequest, ChatResponse, ChatStream, Echo, ErrorKind, ModelInfo,
    RateLimit, Result, Retry,
};
use parlor_layers::cache::CacheStore;
use parlor_layers::key::KeyPolicy;
use parlor_layers::limits::{Claim, LimitStore, Receipt, Reserved, Window};
use parlor_layers::rate_limit::{OnLimit, RateLimitLayer, RateLimitPolicy};
use parlor_store::SharedStore;
use servers::Redis;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

const MINUTE: Window = Window::Rolling(Duration::from_secs(60));

fn store(server: &Redis) -> SharedStore {
    SharedStore::redis(&server.url()).unwrap()
}

async fn granted(store: &SharedStore, claims: &[Claim]) -> Vec<Receipt> {
    match store.reserve(claims).await.unwrap() {
        Reserved::Granted(receipts) => receipts,
        full => panic!("{full:?}"),
    }
}

/// What is in an account, when it is so much; settlements take their time.
async fn used_is(store: &SharedStore, account: &str, window: Window, expected: u64) {
    let settled = async {
        while store.used(account, window).await.unwrap().0 != expected {
            tokio::task::yield_now().await;
        }
    };
    let settled = tokio::time::timeout(Duration::from_secs(20), settled).await;
    if settled.is_err() {
        let used = store.used(account, window).await.unwrap();
        panic!("{account}: {used:?}, not {expected}");
    }
}

#[tokio::test]
async fn all_claims_are_granted_or_none() {
    let Some(server) = Redis::start().await else {
        return;
    };
    let store = store(&server);
    let windows = [MINUTE, Window::Day, Window::Month, Window::Life];
    for window in windows {
        let name = format!("{window:?}");
        let one = Claim::new(&name, window, 10, 6);
        let receipts = granted(&store, std::slice::from_ref(&one)).await;
        let other = Claim::new(format!("{name}/other"), window, 100, 5);
        let refused = store.reserve(&[other.clone(), one.clone()]).await.unwrap();
        let Reserved::Full { claim, used, after } = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((claim, used), (1, 6));
        assert_eq!(after.is_none(), window == Window::Life);
        let most = match window {
            Window::Rolling(_) => 62,
            Window::Day => 86_400,
            _ => 31 * 86_400,
        };
        assert!(after.unwrap_or_default() <= Duration::from_secs(most));
        assert_eq!(store.used(&other.account, window).await.unwrap().0, 0);
        // What was reserved too much is given back, what was used beyond it is added.
        store.settle(receipts[0].clone(), 4);
        used_is(&store, &name, window, 4).await;
        let again = granted(&store, &[one]).await;
        store.settle(again[0].clone(), 60);
        used_is(&store, &name, window, 64).await;
        let nothing = Claim::new(&name, window, 10, 0);
        granted(&store, &[nothing]).await;
    }
    store.hold("held", MINUTE, 9, Duration::from_secs(30));
    used_is(&store, "held", MINUTE, 9).await;
    let refused = store.reserve(&[Claim::new("held", MINUTE, 10, 2)]).await;
    let Reserved::Full { after, .. } = refused.unwrap() else {
        panic!("it is held");
    };
    assert!(after.unwrap() <= Duration::from_secs(30));
}

/// A model whose answers say that nothing is left for a while.
#[derive(Debug)]
struct UsedUp(ModelInfo);

#[async_trait]
impl ChatModel for UsedUp {
    fn info(&self) -> &ModelInfo {
        &self.0
    }

    async fn chat(&self, _: &ChatRequest) -> Result<ChatResponse> {
        let mut limit = RateLimit::default();
        (limit.remaining, limit.reset_ms) = (Some(0), Some(30_000));
        let mut response = ChatResponse::default();
        let limits = &mut response.metadata.rate_limits;
        limits.insert("requests".to_owned(), limit);
        Ok(response)
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        Echo::new().stream(request).await
    }
}

#[tokio::test]
async fn what_a_provider_says_is_left_is_kept_to_together() {
    let Some(server) = Redis::start().await else {
        return;
    };
    let mut policy = RateLimitPolicy::default();
    policy.learn = true;
    policy.on_limit = OnLimit::Refuse;
    let [one, other] = [(); 2].map(|()| {
        let layer = RateLimitLayer::new(policy.clone());
        let layer = layer.with_store(Arc::new(store(&server)));
        UsedUp(ModelInfo::new("acme", "quick")).layer(layer)
    });
    let request = ChatRequest::from("Hi");
    one.chat(&request).await.unwrap();
    let refused = async {
        loop {
            match other.chat(&request).await {
                Err(error) => break error,
                Ok(_) => tokio::task::yield_now().await,
            }
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(20), refused).await;
    let refused = refused.unwrap();
    assert_eq!(refused.kind(), ErrorKind::RateLimited, "{refused}");
    let Retry::Later(Some(after)) = refused.retry() else {
        panic!("{refused:?}");
    };
    assert!(after <= Duration::from_secs(30));
}

#[tokio::test]
async fn what_is_reserved_for_one_who_leaves_is_given_back() {
    let Some(server) = Redis::start().await else {
        return;
    };
    let (store, other) = (store(&server), store(&server));
    used_is(&store, "left", MINUTE, 0).await;
    let claims = [
        Claim::new("left", MINUTE, 10, 6),
        Claim::new("money", Window::Month, 100, 40),
    ];
    {
        let mut asked = store.reserve(&claims);
        let first = std::future::poll_fn(|cx| Poll::Ready(asked.as_mut().poll(cx).is_pending()));
        assert!(first.await);
        // It is reserved there, and nobody has heard of it here.
        used_is(&other, "left", MINUTE, 6).await;
    }
    used_is(&other, "left", MINUTE, 0).await;
    used_is(&other, "money", Window::Month, 0).await;
}

#[tokio::test]
async fn two_instances_keep_one_limit_exactly() {
    let Some(server) = Redis::start().await else {
        return;
    };
    let stores = [store(&server), store(&server)];
    let mut tasks = Vec::new();
    for at in 0..200 {
        let store = stores[at % 2].clone();
        tasks.push(tokio::spawn(async move {
            let claims = [
                Claim::new("requests", MINUTE, 70, 1),
                Claim::new("money", Window::Month, 5_000_000_000, 50_000_000),
            ];
            match store.reserve(&claims).await.unwrap() {
                Reserved::Granted(_) => 1,
                Reserved::Full { .. } => 0,
            }
        }));
    }
    let mut granted = 0;
    for task in tasks {
        granted += task.await.unwrap();
    }
    assert_eq!(granted, 70);
    let used = stores[0].used("money", Window::Month).await.unwrap();
    assert_eq!(used.0, 70 * 50_000_000);
}

#[tokio::test]
async fn a_server_that_was_away_is_used_again() {
    let Some(mut server) = Redis::start().await else {
        return;
    };
    let store = store(&server);
    let claim = [Claim::new("account", MINUTE, 10, 5)];
    let receipts = granted(&store, &claim).await;
    server.kill().await;
    let error = store.reserve(&claim).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    // Nobody waits for this; it is told when the server is back.
    store.settle(receipts[0].clone(), 7);
    server.restart().await;
    let back = async {
        while store.reserve(&claim).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), back)
        .await
        .unwrap();
    // It kept nothing; what came after counts, and what was used beyond what was reserved.
    used_is(&store, "account", MINUTE, 7).await;
}

#[tokio::test]
async fn what_is_reserved_too_late_for_anybody_is_given_back() {
    let Some(server) = Redis::start().await else {
        return;
    };
    let store = store(&server);
    let windows = [MINUTE, Window::Life];
    let claims = windows.map(|it| Claim::new(format!("{it:?}"), it, 20, 5));
    granted(&store, &claims).await;
    server.stand_still(true);
    let error = store.reserve(&claims).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    // It finds the question when it goes on, and then what was asked last.
    server.stand_still(false);
    let back = async {
        while store.reserve(&claims[..1]).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), back)
        .await
        .unwrap();
    used_is(&store, &claims[1].account, Window::Life, 5).await;
    used_is(&store, &claims[0].account, MINUTE, 10).await;
}

#[tokio::test]
async fn a_settlement_is_known_for_longer_than_it_is_told_again() {
    let Some(server) = Redis::start().await else {
        return;
    };
    let store = store(&server);
    let receipts = granted(&store, &[Claim::new("account", MINUTE, 10, 5)]).await;
    // The account itself isn't kept for much longer than its window.
    assert!(server.longest().await <= Duration::from_secs(65));
    store.settle(receipts[0].clone(), 7);
    used_is(&store, "account", MINUTE, 7).await;
    // 600 times, with a second for the answer and a rest of 200 ms.
    assert!(server.longest().await > Duration::from_secs(12 * 60));
}

#[tokio::test]
async fn answers_are_kept_for_their_time() {
    let Some(server) = Redis::start().await else {
        return;
    };
    let (one, other) = (store(&server), store(&server));
    let info = parlor_core::ModelInfo::new("acme", "quick");
    let request = parlor_core::ChatRequest::from("Hi");
    let key = KeyPolicy::default().key(&info, &request).unwrap();
    assert_eq!(one.get(&key).await.unwrap(), None);
    one.put(&key, "answer".into(), None).await.unwrap();
    assert_eq!(other.get(&key).await.unwrap().unwrap(), "answer");
    let short = Some(Duration::from_millis(1));
    one.put(&key, "later".into(), short).await.unwrap();
    let gone = async { while other.get(&key).await.unwrap().is_some() {} };
    tokio::time::timeout(Duration::from_secs(20), gone)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_wrong_address_isnt_repeated() {
    let error = SharedStore::redis("redis:/canary@host").unwrap_err();
    assert!(
        !format!("{error} {error:?}").contains("canary"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_that_was_started_anew_is_asked_without_a_failure() {
    let Some(mut server) = Redis::start().await else {
        return;
    };
    let store = store(&server);
    let claim = [Claim::new("account", MINUTE, 10, 5)];
    granted(&store, &claim).await;
    for _ in 0..3 {
        server.kill().await;
        server.restart().await;
        granted(&store, &claim).await;
        assert_eq!(store.used("account", MINUTE).await.unwrap().0, 5);
    }
}

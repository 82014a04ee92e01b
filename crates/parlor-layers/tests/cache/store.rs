//! Stores: memory within its bounds, those of others, and those that fail.

use super::{SECOND, cached, policy};
use async_trait::async_trait;
use bytes::Bytes;
use parlor_core::*;
use parlor_layers::cache::*;
use parlor_layers::key::{CacheKey, KeyPolicy};
use parlor_testkit::Scripted;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

fn key(number: usize) -> CacheKey {
    let info = ModelInfo::new("house", "model-1");
    let request = ChatRequest::from(number.to_string());
    KeyPolicy::default().key(&info, &request).unwrap()
}

#[tokio::test(start_paused = true)]
async fn those_asked_for_last_stay() {
    let model = Scripted::answering("Hello");
    let cached = cached(&model, |it| it.max_entries = 2);
    for (text, asked) in [("a", 1), ("b", 2), ("a", 2), ("c", 3), ("a", 3), ("b", 4)] {
        cached.ask(text).await.unwrap();
        assert_eq!(model.requests().len(), asked, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn memory_keeps_within_its_bounds_whatever_comes() {
    for seed in 0..50 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (max_entries, max_bytes) = (rng.usize(1..20), rng.usize(1000..20_000));
        let store = MemoryStore::new(max_entries, max_bytes);
        let mut last = HashMap::new();
        let keys: Vec<_> = (0..30).map(key).collect();
        for _ in 0..400 {
            let key = keys[rng.usize(..keys.len())];
            if rng.bool() {
                let answer = vec![rng.u8(..); rng.usize(..max_bytes)];
                let ttl = rng.bool().then(|| SECOND * rng.u32(1..100));
                // A view of a larger buffer counts, and keeps, only itself.
                let wide = Bytes::from([answer.clone(), vec![0; 10_000]].concat());
                let put = store.put(&key, wide.slice(..answer.len()), ttl);
                put.await.unwrap();
                let until = ttl.map(|ttl| Instant::now() + ttl);
                last.insert(key, (answer, until));
            } else if let Some(found) = store.get(&key).await.unwrap() {
                let (answer, until) = &last[&key];
                assert_eq!(found, *answer);
                assert!(until.is_none_or(|until| Instant::now() < until));
            }
            assert!(store.len() <= max_entries && store.bytes() <= max_bytes);
            tokio::time::sleep(SECOND * rng.u32(..10)).await;
        }
        store.clear();
        assert!(store.is_empty() && store.bytes() == 0);
    }
}

/// A store of the test's, which several layers share.
#[derive(Debug, Default)]
struct Shelf {
    kept: Mutex<HashMap<String, Bytes>>,
    ttl: Mutex<Option<Duration>>,
}

#[async_trait]
impl CacheStore for Shelf {
    async fn get(&self, key: &CacheKey) -> Result<Option<Bytes>> {
        Ok(self.kept.lock().unwrap().get(&key.to_string()).cloned())
    }
    async fn put(&self, key: &CacheKey, answer: Bytes, ttl: Option<Duration>) -> Result<()> {
        self.kept.lock().unwrap().insert(key.to_string(), answer);
        *self.ttl.lock().unwrap() = ttl;
        Ok(())
    }
}

impl Shelf {
    fn change(&self, change: impl Fn(&mut Value)) {
        for answer in self.kept.lock().unwrap().values_mut() {
            let mut value = serde_json::from_slice(answer).unwrap();
            change(&mut value);
            *answer = value.to_string().into();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn layers_share_a_store_and_judge_the_age_themselves() {
    let shelf = Arc::new(Shelf::default());
    let layer =
        |ttl| CacheLayer::with_store(policy(|it| it.ttl = Some(SECOND * ttl)), shelf.clone());
    let (here, there) = (Scripted::answering("Hello"), Scripted::new([]));
    here.clone().layer(layer(3600)).ask("Hi").await.unwrap();
    assert_eq!(*shelf.ttl.lock().unwrap(), Some(SECOND * 3600));

    shelf.change(|it| it["made_ms"] = json!(it["made_ms"].as_u64().unwrap() - 100_000));
    let patient = there.clone().layer(layer(200));
    for answer in [
        patient.ask("Hi").await.unwrap(),
        patient
            .ask_stream("Hi")
            .await
            .unwrap()
            .response()
            .await
            .unwrap(),
    ] {
        let Some(Reused::Cache { age_ms }) = answer.metadata.reused else {
            panic!("{:?}", answer.metadata);
        };
        assert!((100_000..150_000).contains(&age_ms), "{age_ms}");
    }
    here.clone().layer(layer(50)).ask("Hi").await.unwrap();
    assert_eq!(here.requests().len(), 2, "too old for this one");
}

/// Fails in one way or another.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bad {
    Fails,
    Hangs,
    HasOther(&'static str),
}

#[async_trait]
impl CacheStore for Bad {
    async fn get(&self, _: &CacheKey) -> Result<Option<Bytes>> {
        match self {
            Bad::Fails => Err(Error::new(ErrorKind::Connection, "the store is away")),
            Bad::Hangs => std::future::pending().await,
            Bad::HasOther(what) => Ok(Some(Bytes::from_static(what.as_bytes()))),
        }
    }
    async fn put(&self, _: &CacheKey, _: Bytes, _: Option<Duration>) -> Result<()> {
        self.get(&key(0)).await.map(|_| ())
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_costs_a_bounded_time_and_no_answer() {
    for (store, reading, writing) in [
        (
            Bad::Fails,
            Some(ErrorKind::Connection),
            Some(ErrorKind::Connection),
        ),
        (
            Bad::Hangs,
            Some(ErrorKind::Timeout(TimeoutKind::Total)),
            Some(ErrorKind::Timeout(TimeoutKind::Total)),
        ),
        (
            Bad::HasOther("{\"made_ms\": 1}"),
            Some(ErrorKind::Decode),
            None,
        ),
        (Bad::HasOther("\u{1}"), Some(ErrorKind::Decode), None),
    ] {
        let told = Arc::new(Mutex::new(Vec::new()));
        let hook = told.clone();
        let layer = CacheLayer::with_store(CachePolicy::default(), Arc::new(store));
        let layer = layer.on_notice(move |notice| {
            if let CacheNotice::Failed { error, .. } = notice {
                hook.lock().unwrap().push(error.kind());
            }
        });
        let model = Scripted::answering("Hello");
        let cached = model.clone().layer(layer);
        let began = Instant::now();
        assert_eq!(cached.ask("Hi").await.unwrap().text(), "Hello");
        let stream = cached.ask_stream("Hi").await.unwrap();
        assert_eq!(stream.response().await.unwrap().text(), "Hello");
        assert_eq!(model.requests().len(), 2);
        assert!(began.elapsed() <= SECOND * 4);
        let expected: Vec<_> = [reading, writing, reading, writing]
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(*told.lock().unwrap(), expected, "{store:?}");
    }
}

//! Turns that instances tell each other of, by a Redis that is killed and started again.
#![cfg(all(unix, feature = "redis"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod servers;

use futures_util::future::join_all;
use parlor_store::{Mark, Relay, SharedStore, Told};
use servers::Redis;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

fn store(server: &Redis) -> SharedStore {
    SharedStore::redis(&server.url()).unwrap()
}

fn told(piece: u64, at: u64, text: &str) -> Told {
    Told {
        mark: Mark::new(piece, at),
        name: "text".into(),
        data: text.into(),
    }
}

#[tokio::test]
async fn what_is_told_is_heard_once_and_in_order() {
    let Some(server) = Redis::start().await else {
        return;
    };
    let (one, other) = (store(&server), store(&server));
    let begin = Mark::default();
    let first = [told(1, 0, "start"), told(1, 4, "Four")];
    let heard = one.tell("7", begin, &first).await.unwrap();
    assert_eq!((heard.until, heard.is_followed), (Mark::new(1, 4), false));
    // Told again, it is there already.
    let again = one.tell("7", begin, &first).await.unwrap();
    assert_eq!(again.until, Mark::new(1, 4));
    let mut ear = other.follow("7");
    assert_eq!(ear.hear(begin, Duration::ZERO).await.unwrap(), first);
    assert_eq!(ear.hear(Mark::new(1, 0), LONG).await.unwrap(), first[1..]);
    let after = Mark::new(1, 4);
    let next = [told(1, 8, "more")];
    let (heard, said) = tokio::join!(ear.hear(after, LONG), async {
        let said = one.tell("7", after, &next).await.unwrap();
        // Whoever comes to listen now has it all the same.
        said.until
    });
    assert_eq!((heard.unwrap(), said), (next.to_vec(), Mark::new(1, 8)));
    let followed = async {
        let mark = |at| Mark::new(1, at);
        let mut at = 8;
        while !one
            .tell("7", mark(at), &[told(1, at + 1, "!")])
            .await
            .unwrap()
            .is_followed
        {
            at += 1;
        }
    };
    tokio::time::timeout(LONG, followed).await.unwrap();
    let mut nobody = other.follow("8");
    let nothing = nobody.hear(begin, Duration::from_millis(1));
    assert_eq!(nothing.await.unwrap(), []);
}

async fn channels_are(server: &Redis, expected: u64) {
    let there = async { while server.channels().await != expected {} };
    let there = tokio::time::timeout(LONG, there).await;
    assert!(there.is_ok(), "not {expected} channels");
}

#[tokio::test]
async fn whoever_leaves_while_an_ear_waits_leaves_nothing_at_the_server() {
    let Some(server) = Redis::start().await else {
        return;
    };
    let (one, other) = (store(&server), store(&server));
    let begin = Mark::default();
    let mut ear = one.follow("7");
    tokio::select! {
        heard = ear.hear(begin, LONG) => panic!("{heard:?}"),
        () = channels_are(&server, 1) => {}
    }
    drop(ear);
    channels_are(&server, 0).await;
    // The server is told of this one at once, as it is connected to, and nobody waits for its
    // answer.
    let mut ear = other.follow("8");
    assert_eq!(ear.hear(begin, Duration::ZERO).await.unwrap(), []);
    let once = tokio::time::timeout(Duration::ZERO, ear.hear(begin, LONG));
    assert!(once.await.is_err());
    channels_are(&server, 1).await;
    drop(ear);
    channels_are(&server, 0).await;
    // Who comes again hears all the same.
    let mut ear = one.follow("9");
    let once = tokio::time::timeout(Duration::ZERO, ear.hear(begin, LONG));
    assert!(once.await.is_err());
    let news = [told(1, 4, "Four")];
    let (heard, said) = tokio::join!(ear.hear(begin, LONG), async {
        channels_are(&server, 1).await;
        other.tell("9", begin, &news).await.unwrap()
    });
    assert_eq!((heard.unwrap(), said.is_followed), (news.to_vec(), true));
}

#[tokio::test]
async fn who_listens_to_a_server_that_stands_still_waits_for_no_others() {
    let Some(server) = Redis::start().await else {
        return;
    };
    let store = store(&server);
    assert!(!store.is_taken("anything").await.unwrap());
    server.stand_still(true);
    let mut ears: Vec<_> = (0..40).map(|it| store.follow(&it.to_string())).collect();
    let heard = ears.iter_mut().map(|it| it.hear(Mark::default(), LONG));
    // Each has a second for an answer.
    let heard = tokio::time::timeout(LONG, join_all(heard)).await.unwrap();
    assert!(heard.iter().all(|it| it.is_err()));
    server.stand_still(false);
}

#[tokio::test]
async fn a_conversation_has_one_holder() {
    let Some(server) = Redis::start().await else {
        return;
    };
    let (one, other) = (store(&server), store(&server));
    assert!(one.take("a", "one", LONG).await.unwrap());
    assert!(one.take("a", "one", LONG).await.unwrap());
    assert!(!other.take("a", "other", LONG).await.unwrap());
    other.give_back("a", "other").await.unwrap();
    assert!(other.is_taken("a").await.unwrap());
    one.give_back("a", "one").await.unwrap();
    assert!(!other.is_taken("a").await.unwrap());
    let short = Duration::from_millis(1);
    assert!(one.take("a", "one", short).await.unwrap());
    let free = async { while !other.take("a", "other", LONG).await.unwrap() {} };
    tokio::time::timeout(LONG, free).await.unwrap();
}

#[tokio::test]
async fn a_stop_reaches_whoever_waits_for_it_and_whoever_comes_later() {
    let Some(server) = Redis::start().await else {
        return;
    };
    let (one, other) = (store(&server), store(&server));
    let waiting = {
        let one = one.clone();
        tokio::spawn(async move { one.stopped("7").await })
    };
    // Another turn's stop isn't this one's.
    other.stop("8").await.unwrap();
    one.stopped("8").await.unwrap();
    assert!(!waiting.is_finished());
    other.stop("7").await.unwrap();
    let stopped = tokio::time::timeout(LONG, waiting).await.unwrap();
    stopped.unwrap().unwrap();
}

#[tokio::test]
async fn a_relay_that_forgot_is_told_again_and_its_ears_go_on() {
    let Some(mut server) = Redis::start().await else {
        return;
    };
    let (one, other) = (store(&server), store(&server));
    let begin = Mark::default();
    one.tell("7", begin, &[told(1, 4, "Four")]).await.unwrap();
    let mut ear = other.follow("7");
    assert_eq!(ear.hear(begin, LONG).await.unwrap().len(), 1);
    let stopped = {
        let other = other.clone();
        tokio::spawn(async move { while other.stopped("7").await.is_err() {} })
    };
    server.kill().await;
    assert!(one.tell("7", Mark::new(1, 4), &[]).await.is_err());
    server.restart().await;
    let more = [told(1, 8, "more")];
    let heard = async {
        loop {
            match one.tell("7", Mark::new(1, 4), &more).await {
                Ok(heard) => break heard,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let heard = tokio::time::timeout(LONG, heard).await.unwrap();
    assert_eq!(heard.until, begin);
    // In one piece this time; who heard half of it is given all.
    let again = [told(1, 8, "Fourmore")];
    let hearing = tokio::spawn(async move {
        loop {
            match ear.hear(Mark::new(1, 4), LONG).await {
                Ok(told) if !told.is_empty() => break told,
                _ => tokio::task::yield_now().await,
            }
        }
    });
    let until = one.tell("7", begin, &again).await.unwrap().until;
    assert_eq!(until, Mark::new(1, 8));
    let heard = tokio::time::timeout(LONG, hearing).await.unwrap();
    assert_eq!(heard.unwrap(), again);
    // Messages come on the new connection, too.
    one.stop("7").await.unwrap();
    let stopped = tokio::time::timeout(LONG, stopped).await.unwrap();
    stopped.unwrap();
}

//! The store in memory: all or nothing, bounded, and exact at random.

use crate::{MS, SECOND};
use parlor_layers::limits::{Claim, LimitStore, MemoryStore, Reserved, Window};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

const ROLLING: Window = Window::Rolling(SECOND);

async fn take(store: &MemoryStore, account: &str, limit: u64, amount: u64) -> Reserved {
    let claim = Claim::new(account, ROLLING, limit, amount);
    store.reserve(&[claim]).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn several_claims_are_granted_together_or_not_at_all() {
    let store = MemoryStore::new();
    let claims = |amount| {
        [
            Claim::new("one", ROLLING, 10, amount),
            Claim::new("other", Window::Life, 5, amount),
        ]
    };
    let Reserved::Granted(receipts) = store.reserve(&claims(4)).await.unwrap() else {
        panic!("both fit")
    };
    assert_eq!(receipts.len(), 2);
    let full = store.reserve(&claims(4)).await.unwrap();
    let expected = Reserved::Full {
        claim: 1,
        used: 4,
        after: None,
    };
    assert_eq!(full, expected);
    assert_eq!(store.used("one", ROLLING).await.unwrap().0, 4);
    // Both are full: the longer wait is told.
    let full = store.reserve(&claims(7)).await.unwrap();
    assert!(matches!(full, Reserved::Full { claim: 1, .. }));
}

#[tokio::test(start_paused = true)]
async fn the_number_of_accounts_is_bounded() {
    let store = MemoryStore::new().with_max_accounts(2000);
    for user in 0..5000 {
        let name = format!("user {user}");
        let granted = matches!(take(&store, &name, 1, 1).await, Reserved::Granted(_));
        // The others have one account together, which holds one.
        assert_eq!(granted, user <= 2000, "{name}");
        assert!(store.accounts_held() <= 2001);
    }
    sleep(SECOND * 2).await;
    for user in 5000..7000 {
        let taken = take(&store, &format!("user {user}"), 1, 1).await;
        assert!(
            matches!(taken, Reserved::Granted(_)),
            "old ones are forgotten"
        );
    }
    assert!(store.accounts_held() <= 2001);
}

#[tokio::test(start_paused = true)]
async fn a_hold_lasts_as_long_as_it_says() {
    let store = MemoryStore::new();
    take(&store, "a", 10, 3).await;
    store.hold("a", ROLLING, 8, SECOND / 2);
    assert_eq!(store.used("a", ROLLING).await.unwrap().0, 8);
    let Reserved::Full { after, .. } = take(&store, "a", 10, 3).await else {
        panic!("8 + 3")
    };
    assert_eq!(after, Some(SECOND / 2));
    sleep(SECOND / 2).await;
    assert!(matches!(
        take(&store, "a", 10, 3).await,
        Reserved::Granted(_)
    ));
    store.hold("a", ROLLING, 1, SECOND);
    assert_eq!(
        store.used("a", ROLLING).await.unwrap().0,
        6,
        "it never makes room"
    );
}

#[tokio::test(start_paused = true)]
async fn the_wait_that_is_told_is_the_wait_that_it_takes() {
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let store = MemoryStore::new();
        let per = MS * rng.u32(1..5000);
        let window = Window::Rolling(per);
        let limit = rng.u64(1..20);
        let mut taken: Vec<(Instant, u64)> = Vec::new();
        let mut open = Vec::new();
        for _ in 0..60 {
            sleep(Duration::from_micros(rng.u64(0..300_000))).await;
            let amount = rng.u64(1..=limit);
            let claim = [Claim::new("a", window, limit, amount)];
            match store.reserve(&claim).await.unwrap() {
                Reserved::Granted(receipts) => {
                    taken.push((Instant::now(), amount));
                    open.extend(receipts.into_iter().map(|it| (taken.len() - 1, it)));
                }
                Reserved::Full { after, used, .. } => {
                    assert!(used <= limit && used + amount > limit, "seed {seed}");
                    let after = after.unwrap();
                    assert!(
                        after <= per + per / 64 + MS,
                        "seed {seed}: {after:?} of {per:?}"
                    );
                    let room = Instant::now() + after;
                    if after > MS * 2 {
                        sleep(after - MS * 2).await;
                        let early = store.reserve(&claim).await.unwrap();
                        assert!(matches!(early, Reserved::Full { .. }), "seed {seed}");
                    }
                    sleep_until(room).await;
                    let then = store.reserve(&claim).await.unwrap();
                    assert!(matches!(then, Reserved::Granted(_)), "seed {seed}");
                    taken.push((Instant::now(), amount));
                }
            }
            if rng.bool() && !open.is_empty() {
                let (index, receipt) = open.swap_remove(rng.usize(..open.len()));
                let used = rng.u64(0..=receipt.amount);
                taken[index].1 = used;
                store.settle(receipt, used);
            }
            for (start, _) in &taken {
                let within = taken
                    .iter()
                    .filter(|it| it.0 >= *start && it.0 < *start + per);
                let sum: u64 = within.map(|it| it.1).sum();
                assert!(sum <= limit, "seed {seed}: {sum} of {limit} in {per:?}");
            }
        }
        sleep(per * 2 + MS * 2).await;
        assert_eq!(
            store.used("a", window).await.unwrap(),
            (0, None),
            "seed {seed}"
        );
    }
}

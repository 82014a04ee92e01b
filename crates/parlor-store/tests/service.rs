//! Keys of a service and what its requests used, in each kind of database that is here.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[cfg(all(unix, feature = "postgres"))]
mod servers;

use parlor_core::{Cost, ErrorKind, Usage};
use parlor_store::{
    Allowed, KeyTerms, Outcome, ServedBy, ServedRow, ServedWhich, Span, Store, UsageEvent,
};

const DAY: u64 = 86_400_000;

#[tokio::test]
async fn on_sqlite() {
    all(&Store::memory().await.unwrap()).await;
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test]
async fn on_postgres() {
    let Some(server) = servers::Postgres::start() else {
        return;
    };
    all(&Store::postgres(&server.url()).await.unwrap()).await;
}

async fn all(store: &Store) {
    keys_are_kept_as_digests(store).await;
    what_requests_used_is_added_up(store).await;
    what_requests_used_over_time(store).await;
}

async fn keys_are_kept_as_digests(store: &Store) {
    let name = format!("team-{}", fastrand::u64(..));
    let mut terms = KeyTerms::default();
    terms.models = vec!["gpt-*".into()];
    terms.requests_per_minute = Some(60);
    terms.budgets = vec![Allowed::new(5.0, Some("USD".into()), Span::Month)];
    let (made, secret) = store.add_service_key(&name, terms.clone()).await.unwrap();
    assert_eq!(made.terms, terms);
    assert!(secret.expose().starts_with(&made.shown));
    assert!(secret.expose().len() > made.shown.len() + 32);

    let found = store.service_key_of(secret.expose()).await.unwrap();
    assert_eq!(found, Some(made.clone()));
    let other = format!("{}0", secret.expose());
    assert_eq!(store.service_key_of(&other).await.unwrap(), None);
    let error = store.add_service_key(&name, terms).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
    let listed = store.service_keys().await.unwrap();
    assert!(listed.contains(&made));
    let shown = serde_json::to_string(&listed).unwrap();
    assert!(!shown.contains(secret.expose()));

    let revoked = store.revoke_service_key(&name).await.unwrap();
    assert!(revoked.revoked_ms.is_some());
    let again = store.revoke_service_key(&made.id).await.unwrap();
    assert_eq!(again.revoked_ms, revoked.revoked_ms);
    let found = store.service_key_of(secret.expose()).await.unwrap();
    assert_eq!(found, Some(revoked));
    let error = store.revoke_service_key("nobody's").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
}

async fn what_requests_used_is_added_up(store: &Store) {
    // Far from what other tests count.
    let at = 4_000 * 365 * DAY / 4 + fastrand::u64(..1000) * DAY;
    let (made, _) = store
        .add_service_key(
            &format!("counted-{}", fastrand::u64(..)),
            KeyTerms::default(),
        )
        .await
        .unwrap();
    let event = |day: u64, outcome: Outcome, model: &str| {
        let mut event = UsageEvent::new("req", "openai_chat", at + day * DAY);
        event.key = Some(made.id.clone());
        event.provider = Some("acme".into());
        event.model = Some(model.into());
        event.outcome = outcome;
        let mut usage = Usage::default();
        usage.input_tokens = Some(100);
        usage.output_tokens = Some(10);
        event.usage = usage;
        event.cost = Some(Cost::new(0.25, "USD", "2026-11-01"));
        event
    };
    let mut unpriced = event(1, Outcome::Left, "quick");
    unpriced.cost = None;
    let mut failed = event(1, Outcome::Failed(ErrorKind::RateLimited), "quick");
    (failed.cost, failed.usage) = (None, Usage::default());
    let events = [
        event(0, Outcome::Completed, "quick"),
        event(1, Outcome::Completed, "quick"),
        event(1, Outcome::Completed, "large"),
        unpriced,
        failed,
    ];
    store.record(&events).await.unwrap();
    let since = i64::try_from(at).unwrap();
    let all = store
        .served(since, ServedBy::default(), None)
        .await
        .unwrap();
    let [row] = &all[..] else { panic!("{all:?}") };
    assert_eq!(
        (row.requests, row.failed, row.left, row.unpriced),
        (5, 1, 1, 1)
    );
    assert_eq!(row.usage.input_tokens, Some(400));
    assert_eq!(row.costs, [Cost::new(0.75, "USD", "2026-11-01")]);

    let mut by = ServedBy::default();
    (by.day, by.key, by.model) = (true, true, true);
    let rows = store.served(since, by, Some(&made.id)).await.unwrap();
    let told = |row: &ServedRow| (row.model.clone().unwrap(), row.requests);
    let told: Vec<_> = rows.iter().map(told).collect();
    let want = [("quick", 1), ("large", 1), ("quick", 3)];
    assert_eq!(told, want.map(|(model, n)| (model.to_owned(), n)));
    assert!(rows.iter().all(|it| it.key.as_ref() == Some(&made.name)));
    assert!(rows[0].day < rows[1].day);
    let of_nobody = store.served(since, by, Some("key_nobody")).await.unwrap();
    assert_eq!(of_nobody, []);

    // Statements of all sizes write, and what is there already stays as it is.
    let many: Vec<_> = (0..109)
        .map(|_| event(5, Outcome::Completed, "many"))
        .collect();
    for events in [&many[..1], &many, &many] {
        store.record(events).await.unwrap();
    }
    let since_then = since + 5 * i64::try_from(DAY).unwrap();
    let all = store.served(since_then, ServedBy::default(), Some(&made.id));
    let [row] = &all.await.unwrap()[..] else {
        panic!("not one row")
    };
    assert_eq!((row.requests, row.usage.input_tokens), (109, Some(10_900)));
}

async fn what_requests_used_over_time(store: &Store) {
    const SPAN: u64 = 60_000;
    // Far from what other tests count, at the beginning of a span.
    let at = 3_000 * 365 * DAY / 4 + fastrand::u64(..1000) * DAY;
    let event = |after_ms: u64, model: &str, outcome: Outcome, took_ms: u64| {
        let mut event = UsageEvent::new("req", "openai_chat", at + after_ms);
        event.key = Some("key_of_nobody".into());
        event.provider = Some("acme".into());
        event.model = Some(model.into());
        event.outcome = outcome;
        event.usage.input_tokens = Some(10);
        event.cost = Some(Cost::new(0.5, "USD", "2026-11-01"));
        event.first_event_us = Some(took_ms * 100);
        event.total_us = took_ms * 1000;
        event
    };
    // A hundred answers of 1 to 100 ms, out of order, in the first span.
    let mut events: Vec<_> = (0..100)
        .map(|at| event(at, "quick", Outcome::Completed, (at * 37) % 100 + 1))
        .collect();
    // None of these is timed.
    let failed = Outcome::Failed(ErrorKind::Overloaded);
    events.push(event(5, "quick", failed, 1_000_000));
    events.push(event(6, "quick", Outcome::Left, 1_000_000));
    let mut reused = event(7, "quick", Outcome::Completed, 1_000_000);
    reused.is_reused = true;
    events.push(reused);
    let mut estimated = event(2 * SPAN, "large", Outcome::Completed, 7);
    estimated.is_estimated = true;
    events.push(estimated);
    events.push(event(3 * SPAN, "late", Outcome::Completed, 7));
    store.record(&events).await.unwrap();

    let begin = i64::try_from(at).unwrap();
    let span = i64::try_from(SPAN).unwrap();
    let mut which = ServedWhich::new(begin, begin + 3 * span);
    which.every_ms = u32::try_from(SPAN).unwrap();
    which.by.model = true;
    let parts = store.served_over(&which).await.unwrap();
    let told: Vec<_> = parts
        .iter()
        .map(|it| {
            let model = it.row.model.as_deref().unwrap();
            let outcome = it.outcome.as_str();
            (it.at_ms - begin, model, outcome, it.row.requests)
        })
        .collect();
    let want = [
        (0, "quick", "completed", 101),
        (0, "quick", "left", 1),
        (0, "quick", "overloaded", 1),
        (2 * span, "large", "completed", 1),
    ];
    assert_eq!(told, want);
    assert_eq!((parts[2].row.failed, parts[3].row.estimated), (1, 1));
    // The spans add up to what is told without them.
    let mut sum = ServedRow::default();
    parts.iter().for_each(|part| sum.add(&part.row));
    let mut together = ServedWhich::new(begin, begin + 3 * span);
    let mut all = ServedRow::default();
    for part in store.served_over(&together).await.unwrap() {
        assert_eq!(part.at_ms, begin);
        all.add(&part.row);
    }
    assert_eq!((sum.requests, sum), (104, all));

    let times = store.served_times(&which).await.unwrap();
    let [quick, large] = &times[..] else {
        panic!("{times:?}")
    };
    assert_eq!(
        (quick.answers(), quick.model.as_deref()),
        (100, Some("quick"))
    );
    let (first, total) = (quick.first_event_us(), quick.total_us());
    assert_eq!((total.median, total.p95), (50_000, 95_000));
    assert_eq!((first.median, first.p95), (5_000, 9_500));
    let last = large.total_us();
    assert_eq!((large.at_ms - begin, last.p95), (2 * span, 7_000));
    let mut sum = quick.clone();
    sum.add(large);
    let times = store.served_times(&together).await.unwrap();
    assert_eq!((times.len(), times[0].answers()), (1, 101));
    assert_eq!(
        (times[0].first_event_us(), times[0].total_us()),
        (sum.first_event_us(), sum.total_us())
    );
    assert_eq!((times[0].model.as_ref(), times[0].at_ms), (None, begin));

    together.key = Some("key_of_another".into());
    assert_eq!(store.served_over(&together).await.unwrap(), []);
    assert_eq!(store.served_times(&together).await.unwrap(), []);
    // A key that nobody knows any more has its id for a name.
    which.key = Some("key_of_nobody".into());
    which.by = ServedBy::default();
    which.by.key = true;
    let parts = store.served_over(&which).await.unwrap();
    assert_eq!(parts[0].row.key.as_deref(), Some("key_of_nobody"));
}

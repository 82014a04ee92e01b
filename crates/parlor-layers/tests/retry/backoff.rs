//! How long the retry layer waits, and when it would wait too long.

use super::*;

/// The waits that a policy makes before a call is given up.
async fn waits(policy: RetryPolicy, error: fn() -> Error) -> Vec<Duration> {
    let begun: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let seen = begun.clone();
    let model = Scripted::with(move |_, _| {
        seen.lock().unwrap().push(Instant::now());
        Some(Script::refuses(error()))
    });
    retrying(&model, policy).ask("Hi").await.unwrap_err();
    let begun = begun.lock().unwrap();
    begun.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn backoff_doubles_to_its_cap_with_full_jitter() {
    let ceilings = [500, 1000, 2000, 4000, 8000, 8000].map(|ms| MS * ms);
    let mut longest = [Duration::ZERO; 6];
    let mut shortest = [Duration::MAX; 6];
    for seed in 0..200 {
        let policy = policy(|it| {
            it.max_retries = 6;
            it.seed = Some(seed);
        });
        let waits = waits(policy.clone(), overloaded).await;
        assert_eq!(waits.len(), 6);
        for (n, wait) in waits.iter().enumerate() {
            longest[n] = longest[n].max(*wait);
            shortest[n] = shortest[n].min(*wait);
        }
        if seed < 3 {
            assert_eq!(
                waits,
                self::waits(policy, overloaded).await,
                "repeats by seed"
            );
        }
    }
    for n in 0..6 {
        // The clock rounds up to whole milliseconds.
        assert!(longest[n] <= ceilings[n] + MS, "{n}: {longest:?}");
        assert!(longest[n] > ceilings[n] * 9 / 10, "{n}: {longest:?}");
        assert!(shortest[n] < ceilings[n] / 10, "{n}: {shortest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_provider_names_is_kept() {
    let waits = waits(policy(|_| ()), || named(SECOND * 90)).await;
    assert_eq!(waits.len(), 2);
    for (n, wait) in (0..).zip(waits) {
        assert!(wait >= SECOND * 90, "{wait:?}");
        assert!(wait <= SECOND * 90 + MS * 501 * 2_u32.pow(n), "{wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_is_not_waited() {
    let model = Scripted::new([Script::refuses(named(SECOND * 121))]);
    let began = Instant::now();
    let error = retrying(&model, RetryPolicy::default()).ask("Hi").await;
    let error = error.unwrap_err();
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(error.retry(), Retry::Exhausted);
    let help = error.help();
    assert!(
        help.ends_with("It was tried once and the provider asks to wait 121s."),
        "{help}"
    );
}

#[tokio::test(start_paused = true)]
async fn no_retry_begins_after_the_time_for_them() {
    let policy = policy(|it| {
        it.max_retries = 100;
        it.max_elapsed = Some(SECOND * 10);
    });
    let model = Scripted::with(|_, _| Some(Script::refuses(named(SECOND * 3))));
    let began = Instant::now();
    let error = retrying(&model, policy).ask("Hi").await.unwrap_err();
    assert!(
        error.help().contains("the time for retries is over"),
        "{}",
        error.help()
    );
    let begun = model.exchanges().begun;
    assert!((2..=4).contains(&begun), "{begun}");
    assert!(began.elapsed() <= SECOND * 10);

    // An attempt that is on its way isn't cut short.
    let slow = Scripted::new([Script::text("Hello").opens_after(SECOND * 60)]);
    let policy = RetryPolicy::default();
    let response = retrying(&slow, policy).ask("Hi").await;
    assert_eq!(response.unwrap().text(), "Hello");
}

#[tokio::test(start_paused = true)]
async fn odd_policies_do_no_harm() {
    let extreme = policy(|it| {
        it.max_retries = 40;
        it.base_delay = Duration::MAX;
        it.max_delay = SECOND;
        it.max_delay_from_server = Duration::MAX;
        it.earned_per_success = f64::NAN;
    });
    assert_eq!(waits(extreme, overloaded).await.len(), 40);

    let none = policy(|it| it.max_retries = 0);
    let model = Scripted::new([Script::refuses(overloaded())]);
    let error = retrying(&model, none).ask("Hi").await.unwrap_err();
    assert_eq!(error.retry(), Retry::Exhausted);
    assert!(error.help().ends_with("It was tried once."));
}

//! Money and tokens: what is reserved, what is settled, what is refused.

use crate::crowd::{Outcome, crowd, model, run};
use crate::{MINUTE, SECOND};
use futures_util::FutureExt;
use parlor_core::*;
use parlor_layers::budget::{Allowance, BudgetLayer, BudgetLimit, BudgetPolicy, UnknownPrice};
use parlor_layers::limits::{MemoryStore, Scope, Window};
use parlor_layers::{ConfiguredLayer, configured};
use parlor_testkit::{Script, Scripted};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::{Instant, sleep};

const HOUR: Duration = Duration::from_secs(3600);

fn usage(input: u64, output: u64) -> Usage {
    let mut usage = Usage::default();
    usage.input_tokens = Some(input);
    usage.output_tokens = Some(output);
    usage
}

fn answer(usage: Usage) -> Script {
    let mut choice = Choice::new(0);
    choice.message.parts.push(Part::text("four words of text"));
    choice.finish_reason = Some(FinishKind::Stop.into());
    let mut response = ChatResponse::default();
    response.choices.push(choice);
    response.usage = Some(usage);
    Script::response(response)
}

/// A model whose million tokens cost a million dollars, so that one costs one.
fn priced(scripts: impl FnMut(usize, &ChatRequest) -> Option<Script> + Send + 'static) -> Scripted {
    let mut info = ModelInfo::new("scripted", "script");
    info.price = Some(Price::usd(1e6, 1e6));
    Scripted::with(scripts).with_info(info)
}

/// A request for which 10 + 90 tokens are reserved.
fn request() -> ChatRequest {
    ChatRequest::from("Hi").with_max_output_tokens(90)
}

fn layer(policy: BudgetPolicy) -> BudgetLayer {
    BudgetLayer::new(policy).with_estimate(|_| 10)
}

async fn spent(layer: &BudgetLayer) -> Vec<Allowance> {
    let spent = layer.spent(None).await.unwrap();
    spent.into_iter().map(|it| it.used).collect()
}

#[tokio::test(start_paused = true)]
async fn money_and_tokens_are_reserved_and_then_settled() {
    let script = |_: usize, _: &ChatRequest| Some(answer(usage(8, 12)).opens_after(SECOND));
    let policy = BudgetPolicy::usd(500.0, Window::Life)
        .with(BudgetLimit::tokens(1000, Window::Day))
        .with(BudgetLimit::money(600.0, Window::Life));
    let layer = layer(policy);
    let model = priced(script).layer(layer.clone());
    let mut call = model.ask(request()).boxed();
    assert!(call.as_mut().now_or_never().is_none());
    let both = |amount: u64| vec![Allowance::Money(amount as f64), Allowance::Tokens(amount)];
    assert_eq!(spent(&layer).await, both(100));
    call.await.unwrap();
    let stream = model.ask_stream(request()).await.unwrap();
    stream.response().await.unwrap();
    assert_eq!(spent(&layer).await, both(40));
}

#[tokio::test(start_paused = true)]
async fn what_the_budget_can_not_hold_is_refused_unsent() {
    let scripted = priced(|_, _| Some(answer(usage(8, 12))));
    let layer = layer(BudgetPolicy::usd(130.0, Window::Life));
    let model = scripted.clone().layer(layer);
    model.ask(request()).await.unwrap();
    model.ask(request()).await.unwrap();
    let error = model.ask(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::QuotaExhausted);
    assert_eq!(error.retry(), Retry::Never);
    assert_eq!(error.provider(), Some("scripted"));
    assert_eq!(
        error.message(),
        "of the budget `budget` of 130.00 USD in all 40.00 USD are spent or reserved, and the \
         call may take 100.00 USD"
    );
    assert!(
        error.help().contains("It doesn't renew."),
        "{}",
        error.help()
    );
    let small = ChatRequest::from("Hi").with_max_output_tokens(80);
    model.stream(&small).await.unwrap();

    let huge = ChatRequest::from("Hi").with_max_output_tokens(500);
    let error = model.stream(&huge).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Never);
    assert!(error.message().contains("more than the whole budget"));
    assert_eq!(scripted.exchanges().begun, 3);
}

/// A store whose calendar stands at this second and goes on by tokio's clock.
fn calendar(second: u64) -> Arc<MemoryStore> {
    let began = Instant::now();
    let now = move || UNIX_EPOCH + Duration::from_secs(second) + began.elapsed();
    Arc::new(MemoryStore::new().with_wall_clock(now))
}

#[tokio::test(start_paused = true)]
async fn days_and_months_renew_by_the_calendar() {
    // 2026-02-27 at 20:00 UTC.
    let friday_evening = 1_772_222_400;
    let cases = [
        (Window::Day, HOUR * 4, "It renews at midnight UTC, in 4 h."),
        (
            Window::Month,
            HOUR * 28,
            "It renews on the first of the month at midnight UTC, in 1 d 4 h.",
        ),
    ];
    for (window, renews, says) in cases {
        let layer = layer(BudgetPolicy::usd(100.0, window)).with_store(calendar(friday_evening));
        let model = priced(|_, _| Some(answer(usage(8, 12)))).layer(layer.clone());
        model.ask(request()).await.unwrap();
        assert_eq!(layer.spent(None).await.unwrap()[0].renews, Some(renews));
        let error = model.ask(request()).await.unwrap_err();
        assert_eq!(error.retry(), Retry::Later(Some(renews)));
        assert!(error.help().contains(says), "{}", error.help());
        sleep(renews - SECOND).await;
        model.ask(request()).await.unwrap_err();
        sleep(SECOND).await;
        assert_eq!(spent(&layer).await, [Allowance::Money(0.0)]);
        model.ask(request()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_used_beyond_midnight_counts_where_it_ends() {
    // A minute before the end of a day.
    let layer = layer(BudgetPolicy::usd(200.0, Window::Day)).with_store(calendar(86_400 - 60));
    let slow = |number: usize, _: &ChatRequest| {
        let used = [usage(8, 12), usage(80, 120)];
        Some(answer(used[number].clone()).opens_after(MINUTE * 2))
    };
    let model = priced(slow).layer(layer.clone());
    model.ask(request()).await.unwrap();
    assert_eq!(
        spent(&layer).await,
        [Allowance::Money(0.0)],
        "it was yesterday's"
    );
    sleep(HOUR * 24 - MINUTE * 2).await;
    model.ask(request()).await.unwrap();
    assert_eq!(
        spent(&layer).await,
        [Allowance::Money(100.0)],
        "the half of it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_price_is_refused_or_noted() {
    let unpriced = || Scripted::with(|_, _| Some(answer(usage(8, 12))));
    let policy = |unknown_price| {
        let mut policy =
            BudgetPolicy::usd(1.0, Window::Day).with(BudgetLimit::tokens(500, Window::Day));
        policy.unknown_price = unknown_price;
        policy
    };
    let model = unpriced().layer(layer(policy(UnknownPrice::Refuse)));
    let error = model.ask(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::QuotaExhausted);
    assert_eq!(error.message(), "the price of this call isn't known in USD");
    assert!(error.help().contains("unknown_price"));

    let budget = layer(policy(UnknownPrice::Free));
    let model = unpriced().layer(budget.clone());
    let called = model.ask(request()).await.unwrap();
    let mut grammar = Grammar::new();
    let mut stream = model.ask_stream(request()).await.unwrap();
    while let Some(item) = stream.next().await {
        grammar.check(&item).unwrap();
    }
    grammar.finish().unwrap();
    for response in [called, stream.stop()] {
        assert_eq!(response.warnings.len(), 1);
        assert!(response.warnings[0].message.contains("scripted/script"));
    }
    assert!(spent(&budget).await.contains(&Allowance::Tokens(40)));

    // A price in another currency is none, and tokens need no price.
    let mut yuan = ModelInfo::new("scripted", "script");
    let mut price = Price::usd(1.0, 1.0);
    price.currency = "CNY".into();
    yuan.price = Some(price);
    let model = unpriced().with_info(yuan.clone());
    let by_money = model.clone().layer(layer(policy(UnknownPrice::Refuse)));
    by_money.ask(request()).await.unwrap_err();
    let by_tokens = model.layer(layer(BudgetPolicy::tokens(500, Window::Day)));
    assert!(by_tokens.ask(request()).await.unwrap().warnings.is_empty());
}

#[tokio::test(start_paused = true)]
async fn users_have_budgets_of_their_own() {
    let mut policy = BudgetPolicy::usd(100.0, Window::Life);
    policy.scope = Scope::User;
    let layer = layer(policy);
    let model = priced(|_, _| Some(answer(usage(8, 12)))).layer(layer.clone());
    for user in ["ann", "bob"] {
        let mut request = request();
        request.user = Some(user.to_owned());
        model.chat(&request).await.unwrap();
        model.chat(&request).await.unwrap_err();
        let spent = layer.spent(Some(user)).await.unwrap();
        assert_eq!(spent[0].used, Allowance::Money(20.0));
    }
    assert_eq!(spent(&layer).await, [Allowance::Money(0.0)]);
}

#[test]
fn a_configuration_asks_for_it() {
    fn layer(settings: Value) -> Result<ConfiguredLayer> {
        configured("budget", &settings)
    }
    layer(json!({"usd_per_day": 5.0, "tokens_per_month": "50M", "scope": "user"})).unwrap();
    layer(json!({"usd_in_all": 1, "usd_per_hour": 0.5, "rolling": true})).unwrap();
    layer(json!({"tokens_in_all": 100, "unknown_price": "free", "output": "mean"})).unwrap();
    for (settings, says) in [
        (json!({}), "there is no limit"),
        (json!({"usd_per_year": 5}), "`usd_per_year`"),
        (json!({"eur_per_day": 5}), "`eur_per_day`"),
        (json!({"usd_per_day": -5}), "`usd_per_day`"),
        (json!({"usd_per_day": 5, "unknown_price": "guess"}), "guess"),
    ] {
        let error = layer(settings).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(says), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_crowd_spends_more_than_there_is() {
    for seed in 0..1000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let limit = rng.u64(100..800);
        let budget =
            BudgetLayer::new(BudgetPolicy::usd(limit as f64, Window::Life)).with_estimate(|_| 50);
        let mut callers = crowd(&mut rng, 20, 0..1500);
        for caller in &mut callers {
            caller.max_output_tokens = Some(50);
        }
        let most = Arc::new(Mutex::new(0.0_f64));
        let scripted = {
            let (most, budget) = (most.clone(), budget.clone());
            model(&callers, move |_| {
                let spent = budget.spent(None).now_or_never().unwrap().unwrap();
                let Allowance::Money(amount) = spent[0].used else {
                    panic!("{spent:?}")
                };
                let mut most = most.lock().unwrap();
                *most = most.max(amount);
            })
        };
        let mut info = ModelInfo::new("scripted", "script");
        info.price = Some(Price::usd(1e6, 1e6));
        let model = scripted.with_info(info).layer(budget.clone());
        let outcomes = run(&model, &callers).await;
        let answered: u64 = outcomes
            .iter()
            .filter_map(|outcome| match outcome {
                Outcome::Answered(response) => response.usage.as_ref()?.total_tokens(),
                _ => None,
            })
            .sum();
        let most = *most.lock().unwrap();
        let [Allowance::Money(spent)] = spent(&budget).await[..] else {
            panic!("one limit")
        };
        assert!(most <= limit as f64, "seed {seed}: {most} of {limit}");
        assert!(
            answered as f64 <= spent && spent <= limit as f64,
            "seed {seed}"
        );
        // Whoever was refused found too little left for what a call may take.
        let refused = outcomes.iter().any(|outcome| {
            matches!(outcome, Outcome::Failed(error) if error.kind() == ErrorKind::QuotaExhausted)
        });
        assert!(
            !refused || most + 100.0 > limit as f64,
            "seed {seed}: {most} of {limit}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_sum_of_what_is_settled_is_the_sum_of_the_prices() {
    let price = {
        let mut price = Price::usd(0.15, 0.6);
        price.cached_input = Some(0.075);
        price
    };
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let budget = BudgetLayer::new(BudgetPolicy::usd(1000.0, Window::Life));
        let mut callers = crowd(&mut rng, 20, 0..1500);
        for caller in &mut callers {
            caller.leaves = None;
            let mut used = usage(rng.u64(20..5000), rng.u64(0..5000));
            used.cached_input_tokens = rng.bool().then(|| rng.u64(0..20));
            caller.usage = Some(used);
            caller.words = rng.u64(0..3);
        }
        // Those that break have no usage, and are another test's.
        callers.retain(|it| it.end != crate::crowd::End::Breaks);
        let mut info = ModelInfo::new("scripted", "script");
        info.price = Some(price.clone());
        let scripted = model(&callers, |_| ()).with_info(info);
        let outcomes = run(&scripted.layer(budget.clone()), &callers).await;
        let costs = outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Answered(response) => price.cost(response.usage.as_ref()?),
            _ => None,
        });
        let sum: f64 = costs.map(|cost| cost.amount).sum();
        let [Allowance::Money(spent)] = spent(&budget).await[..] else {
            panic!("one limit")
        };
        assert!((sum - spent).abs() < 1e-7, "seed {seed}: {sum} and {spent}");
    }
}

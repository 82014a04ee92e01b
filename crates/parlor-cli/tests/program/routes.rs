//! Routes from the command line: which model answers when another breaks.

use std::sync::Arc;

use crate::common::{Home, Ran, closed_port};
use parlor_testkit::fault::{FAULTS, FaultServer, Mode, Outcome, Partial, Wire};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// 8 MiB in small pieces: it takes as long as a stalled server may.
const BIG: u8 = 31;

/// One attempt at each model, and clocks above the pauses of a drip.
const ONCE: &str = "[layers.retry]\nattempts = 1\n\
    [layers.timeout]\nfirst_event = \"2s\"\nidle = \"2s\"\n";

/// How many run at once: most of what takes time is waiting.
const ROOM: usize = 12;

const HELLO: &str = "Hello, wörld 🌍!";

/// A route over two hosts, of which the first may be broken.
fn route(first: &str, second: &str, more: &str) -> String {
    format!(
        "{ONCE}[providers.first]\nbase_url = \"{first}\"\n\
        [providers.second]\nbase_url = \"{second}\"\n\
        [routes.safe]\nmodels = [\"first/a\", \"second/b\"]\n{more}"
    )
}

async fn run(home: &Arc<Home>, arguments: &[&str]) -> Ran {
    let mut command = home.parlor(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    Ran::of(output.await.unwrap())
}

#[tokio::test]
async fn the_second_answers_where_the_first_does_not() {
    let server = FaultServer::start().await.unwrap();
    let broken = [
        (server.url("bad-gateway"), "server 502"),
        (server.url("unauthorized"), "authentication 401"),
        (server.url("retry-after-date"), "rate_limited 429"),
        (server.url("no-events"), "truncated"),
        (server.url("stall-before-first"), "first_event_timeout"),
        (closed_port(), "connection"),
    ];
    for (first, cause) in broken {
        let home = Arc::new(Home::new());
        home.config(&route(&first, &server.url("plain"), ""));
        let ran = run(&home, &["-m", "safe", "Hi"]).await;
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(0), &*format!("{HELLO}\n"))
        );
        let notice = format!("first/a failed, asking second/b: {cause}\n");
        assert_eq!(ran.stderr, notice);
    }
}

#[tokio::test]
async fn a_question_is_kept_under_the_model_that_answered() {
    let server = FaultServer::start().await.unwrap();
    let home = Arc::new(Home::new());
    let price = "models = [{ id = \"b\", price = { input = 1.0, output = 1.0 } }]\n";
    let config = route(&closed_port(), &server.url("plain"), "");
    home.config(&config.replace("[routes.safe]", &format!("{price}[routes.safe]")));
    for more in [&[][..], &["--no-stream"], &["--tool", "time"]] {
        run(&home, &[&["-m", "safe", "Hi"], more].concat()).await;
        let listed = run(&home, &["history", "--json", "--limit", "1"])
            .await
            .json();
        assert_eq!(listed[0]["model"], "second/b", "{more:?}");
        assert!(listed[0]["cost"]["amount"].is_number(), "{listed}");
    }
    let talk = tokio::task::spawn_blocking(move || home.pipe(&["-m", "safe", "-i"], "Hi\n"));
    let ran = talk.await.unwrap();
    ran.says(&["\nsecond/b · "]);
}

#[tokio::test]
async fn after_the_first_words_nobody_else_is_asked() {
    let server = FaultServer::start().await.unwrap();
    let home = Arc::new(Home::new());
    home.config(&route(&server.url("error-event"), &server.url("plain"), ""));
    let ran = run(&home, &["-m", "safe", "Hi"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        !ran.stdout.is_empty() && HELLO.starts_with(ran.stdout.trim_end()),
        "{ran:?}"
    );
    assert!(server.requests_of("plain").is_empty());
    let ran = run(&home, &["-m", "safe", "--output", "json", "Hi"]).await;
    let partial = &ran.error()["partial"]["choices"][0]["message"]["parts"][0]["text"];
    assert!(HELLO.starts_with(partial.as_str().unwrap()), "{ran:?}");
}

#[tokio::test]
async fn a_failure_tells_what_was_tried() {
    let server = FaultServer::start().await.unwrap();
    let home = Arc::new(Home::new());
    home.config(&route(&server.url("unauthorized"), &closed_port(), ""));
    let ran = run(&home, &["-m", "safe", "Hi"]).await;
    assert!(
        ran.stderr.starts_with("first/a failed, asking second/b"),
        "{ran:?}"
    );
    assert_eq!(ran.code, Some(6), "{ran:?}");
    ran.says(&[
        "error[unreachable]: ",
        "(second)",
        "Tried before: first/a: authentication: ",
    ]);

    home.config(&route(&closed_port(), &server.url("unauthorized"), ""));
    let ran = run(&home, &["-m", "safe", "Hi"]).await;
    assert_eq!(ran.code, Some(4), "{ran:?}");
    ran.says(&[
        "error[auth]: second ",
        "Tried before: first/a: connection: ",
    ]);

    let ran = run(&home, &["-m", "safe", "--output", "json", "Hi"]).await;
    assert_eq!(ran.error()["provider"], "second");
    assert_eq!(ran.error()["retry"]["advice"], "exhausted");
}

#[tokio::test]
async fn a_model_without_a_key_leaves_it_to_the_next() {
    let server = FaultServer::start().await.unwrap();
    let home = Arc::new(Home::new());
    let plain = server.url("plain");
    let keyed = route(&plain, &plain, "").replace(
        "[providers.second]",
        "api_key_env = \"FIRST_KEY\"\n[providers.second]",
    );
    home.config(&keyed);
    let ran = run(&home, &["-m", "safe", "Hi"]).await;
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), &*format!("{HELLO}\n"))
    );
    assert_eq!(
        ran.stderr,
        "first/a failed, asking second/b: authentication\n"
    );

    let neither = keyed.replace("[routes", "api_key_env = \"SECOND_KEY\"\n[routes");
    home.config(&neither);
    run(&home, &["-m", "safe", "Hi"])
        .await
        .failed(4, "no-key")
        .says(&["first needs an API key", "looked in: FIRST_KEY, "]);
}

#[tokio::test]
async fn a_balance_goes_on_to_another_target_once() {
    let server = FaultServer::start().await.unwrap();
    for strategy in ["least-busy", "least-latency", "weighted"] {
        let home = Arc::new(Home::new());
        let more = format!("strategy = \"{strategy}\"\n");
        home.config(&route(&closed_port(), &server.url("plain"), &more));
        for _ in 0..4 {
            let ran = run(&home, &["-m", "safe", "Hi"]).await;
            assert_eq!(
                (ran.code, ran.stdout.as_str()),
                (Some(0), &*format!("{HELLO}\n"))
            );
        }
    }
    assert_eq!(server.requests_of("plain").len(), 12);
}

#[tokio::test]
async fn lists_show_routes() {
    let home = Arc::new(Home::new());
    let own = "default_model = \"safe\"\n";
    let config = route("http://127.0.0.1:9/v1", "http://127.0.0.1:9/v1", "");
    home.config(&format!("{own}{config}"));
    let ran = run(&home, &["models"]).await;
    let row = ran.stdout.lines().find(|row| row.starts_with("safe "));
    assert!(
        row.is_some_and(|row| row.contains("→ first/a, second/b")),
        "{ran:?}"
    );
    let ran = run(&home, &["doctor"]).await;
    assert!(ran.stdout.contains("✓ model: safe ("), "{ran:?}");
    let ran = run(&home, &["-m", "saef", "Hi"]).await;
    ran.failed(5, "model-not-found")
        .says(&["did you mean safe?"]);
}

/// The kinds after which a route turns.
fn turns(kind: &str) -> bool {
    let own = [
        "invalid_request",
        "content_filtered",
        "context_too_long",
        "unsupported",
    ];
    !own.contains(&kind) && kind != "unexpected" && kind != "configuration"
}

/// Whether the second model must answer: yes, no, or as it comes.
fn expected(outcomes: &[Outcome], mode: Mode) -> Option<bool> {
    let mut answers = outcomes.iter().map(|outcome| match outcome {
        Outcome::Answer(_) => Some(false),
        Outcome::Failure(failure) => {
            let all = failure.kinds.iter().all(|kind| turns(kind));
            let none = !failure.kinds.iter().any(|kind| turns(kind));
            match (&failure.partial, mode) {
                (Partial::Exactly(text), Mode::Stream) if !text.is_empty() => Some(false),
                (Partial::Within(_), Mode::Stream) => None,
                _ if all => Some(true),
                _ if none => Some(false),
                _ => None,
            }
        }
    });
    let first = answers.next()??;
    answers.all(|other| other == Some(first)).then_some(first)
}

/// What is wrong with how a route over a broken host and a sound one went.
fn judge(ran: &Ran, wanted: Option<bool>, asked: usize) -> Result<(), String> {
    let mut wanted = wanted;
    let by_second = match ran.stdout.is_empty() {
        false => {
            let answer = ran.json();
            let by_second = answer["provider"] == "second";
            if by_second && answer["text"] != HELLO {
                return Err("the second's answer isn't its own".to_owned());
            }
            by_second
        }
        true => {
            let error = ran.error();
            let part = &error["partial"]["choices"][0]["message"]["parts"][0];
            let kind = error["kind"].as_str().unwrap_or_default();
            if turns(kind) && part.is_null() && asked == 0 {
                return Err("nothing had come, and the second wasn't asked".to_owned());
            }
            // Calls that had begun aren't compared by the case, but did come.
            if !part.is_null() {
                wanted = Some(false);
            }
            false
        }
    };
    match (by_second, asked, wanted) {
        (true, 1, Some(true) | None) | (false, 0, Some(false) | None) => Ok(()),
        _ => Err(format!(
            "by the second {by_second}, asked {asked}, wanted {wanted:?}"
        )),
    }
}

#[tokio::test]
async fn whatever_breaks_one_model_answers_or_none() {
    let home = Arc::new(Home::new());
    let server = Arc::new(FaultServer::start().await.unwrap());
    let spare = Arc::new(FaultServer::start().await.unwrap());
    let room = Arc::new(Semaphore::new(ROOM));
    let mut running = JoinSet::new();
    for fault in FAULTS.iter().filter(|fault| fault.number != BIG) {
        for mode in Mode::ALL {
            let Ok(expect) = fault.expect(Wire::OpenAiChat, mode) else {
                continue;
            };
            if expect.drop_at.is_some() || expect.warm_up || expect.hangs_up {
                continue;
            }
            let (home, room, spare) = (home.clone(), room.clone(), spare.clone());
            let name = format!("{}-{mode:?}", fault.name);
            let config = route(&server.url(fault.name), &spare.url("plain"), "");
            let config = config.replace("second/b", &format!("second/{name}"));
            running.spawn(async move {
                let _place = room.acquire().await.unwrap();
                let path = home.file(&format!("{name}.toml"), config);
                let mut arguments = vec!["--config", &path, "-m", "safe", "--output", "json"];
                arguments.push("--no-save");
                arguments.extend((mode == Mode::Whole).then_some("--no-stream"));
                arguments.push("Hi");
                let ran = run(&home, &arguments).await;
                let asked = spare.requests_of("plain").into_iter().filter(|request| {
                    let body: Value = serde_json::from_slice(&request.body).unwrap();
                    body["model"] == name.as_str()
                });
                let wanted = expected(&expect.outcomes, mode);
                let wrong = judge(&ran, wanted, asked.count()).err()?;
                Some(format!("{name}: {wrong}\n    {ran:?}"))
            });
        }
    }
    let cases = running.len();
    let wrong: Vec<String> = running.join_all().await.into_iter().flatten().collect();
    assert!(cases > 150, "only {cases} cases");
    assert!(
        wrong.is_empty(),
        "{} of {cases}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

//! Settings of an agent: from code, environment and file, and what they do.
#![cfg(feature = "agent")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use parlor::agent::{Mode, Outcome, RunEvent};
use parlor::settings::{LogLevel, VARIABLES};
use parlor::{Config, Effort, Env, ErrorKind, Registry, Settings};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const WHOLE: &str = r#"
[model]
model = "echo/echo"
base_url = "http://127.0.0.1:9/v1"
api_key_env = "HOUSE_KEY"
mode = "poet"
system = "Be brief."
temperature = 0.3
top_p = 0.9
max_tokens = 100
max_completion_tokens = 100
frequency_penalty = 0.1
presence_penalty = -0.1
n = 1
stop = "END"
stream = false
logprobs = true
top_logprobs = 2
seed = 7
user = "u-1"
reasoning_effort = "low"
context_length = 4096

[run]
logging = true
log_level = "debug"
log_requests = true
log_responses = false
debug = false
progress = true
capture_usage = true
capture_latency = false
run_time = "5m"
session_time = "1h"
tool_time = "10s"
max_steps = 4
max_retries = 1
retry_delay = "250ms"
verify_tls = true
strict_parsing = true
error_length = 80

[run.timeouts]
connect = "5s"
first_event = "1m"
idle = "off"
total = "10m"

[run.layers]
validate = { trim = true }

[modes.poet]
temperature = 1.0
"#;

fn problems(text: &str) -> String {
    Settings::from_toml(text).unwrap_err().to_string()
}

fn registry() -> Registry {
    let registry = Registry::with(&[]).unwrap();
    registry
        .with_env(Env::empty())
        .with_config(Config::default())
        .unwrap()
}

#[test]
fn every_key_is_read_written_and_read_again() {
    let settings = Settings::from_toml(WHOLE).unwrap();
    let model = &settings.model;
    assert_eq!(model.stop, ["END"]);
    assert_eq!(model.reasoning_effort, Some(Effort::Low));
    assert_eq!(model.max_output_tokens(), Some(100));
    assert_eq!(settings.run.log_level, Some(LogLevel::Debug));
    assert_eq!(settings.run.retry_delay, Some(Duration::from_millis(250)));
    settings.validate().unwrap();

    let written = serde_json::to_value(&settings).unwrap();
    let again: Settings = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(again.model, settings.model);
    assert_eq!(again.run, settings.run);
    assert_eq!(again.modes, settings.modes);

    // No key is left out here, and each but the layers has its variable.
    let mut keys = Vec::new();
    for half in ["model", "run"] {
        for (key, value) in written[half].as_object().unwrap() {
            match value.as_object() {
                Some(_) if key == "layers" => {}
                Some(inner) => keys.extend(inner.keys().map(|it| format!("{half}.{key}.{it}"))),
                None => keys.push(format!("{half}.{key}")),
            }
        }
    }
    keys.push("model.api_key".to_owned());
    keys.sort();
    let mut known: Vec<_> = VARIABLES.iter().map(|it| it.key.to_owned()).collect();
    known.sort();
    assert_eq!(keys, known);
}

#[test]
fn the_docs_have_every_variable_with_its_key() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/settings.rs");
    let source = std::fs::read_to_string(source).unwrap();
    for variable in VARIABLES {
        let key = variable.key.split_once('.').unwrap().1;
        let row = format!("//! | `{key}` | `{}` |", variable.name);
        assert!(source.contains(&row), "{row}");
    }
}

#[test]
fn code_wins_over_the_environment_and_that_over_the_file() {
    let env = Env::from([
        ("PARLOR_TEMPERATURE", "0.5"),
        ("PARLOR_SEED", "11"),
        ("PARLOR_STOP", r#"["A", "B"]"#),
        ("PARLOR_USER", "123"),
        ("PARLOR_LOGGING", "false"),
        ("PARLOR_IDLE_TIMEOUT", "90s"),
        ("PARLOR_LOG_LEVEL", "trace"),
    ]);
    let code = Settings::new("echo")
        .with_temperature(0.1)
        .with_mode("dull", Mode::temperature(0.0));
    let file = Settings::from_toml(WHOLE).unwrap();
    let all = code.or(Settings::of_env(&env).unwrap()).or(file);
    assert_eq!(all.model.model.as_deref(), Some("echo"));
    assert_eq!(all.model.temperature, Some(0.1));
    assert_eq!(all.model.seed, Some(11));
    assert_eq!(all.model.stop, ["A", "B"]);
    assert_eq!(all.model.user.as_deref(), Some("123"));
    assert_eq!(all.model.top_p, Some(0.9));
    assert_eq!(all.run.logging, Some(false));
    assert_eq!(all.run.log_level, Some(LogLevel::Trace));
    let timeouts = serde_json::to_value(all.run.timeouts).unwrap();
    assert_eq!(timeouts["idle"], "90s");
    assert_eq!(timeouts["connect"], "5s");
    let modes: Vec<_> = all.modes.names().collect();
    assert_eq!(
        modes,
        ["balanced", "code", "creative", "dull", "poet", "precise"]
    );
}

#[test]
fn a_mode_of_a_file_stands_in_place_of_a_known_one() {
    let file = Settings::from_toml("[modes.code]\ntemperature = 0.4\n").unwrap();
    let both = Settings::new("echo").or(file).in_mode("code");
    assert_eq!(both.modes.get("code").unwrap(), &Mode::temperature(0.4));
}

#[test]
fn a_mode_wins_over_the_sampling_of_what_comes_after_it() {
    let file = || Settings::from_toml("[model]\ntemperature = 0.9\nseed = 3\n").unwrap();
    let request = |settings: Settings| {
        let agent = settings.agent_in(&registry()).unwrap();
        agent.request().clone()
    };
    let chosen = request(Settings::new("echo").in_mode("precise").or(file()));
    assert_eq!((chosen.temperature, chosen.seed), (Some(0.2), Some(3)));
    let beneath = Settings::from_toml("[model]\nmode = \"precise\"\n").unwrap();
    let chosen = request(Settings::new("echo").or(file()).or(beneath));
    assert_eq!(chosen.temperature, Some(0.9));
}

#[test]
fn an_unknown_key_is_told_with_the_one_that_was_meant() {
    let told = problems("[model]\nmodel = \"echo\"\ntemprature = 1\n");
    assert!(
        told.starts_with("3:1: unknown field `temprature`"),
        "{told}"
    );
    assert!(told.ends_with("; did you mean `temperature`?"), "{told}");
    let told = problems("[run.timeouts]\nfirst_evnt = \"1s\"\n");
    assert!(told.ends_with("; did you mean `first_event`?"), "{told}");
    assert!(problems("[modle]\n").ends_with("did you mean `model`?"));
}

#[test]
fn all_that_is_wrong_is_told_at_once_at_its_place() {
    let told = problems(
        "[model]\ntemperature = 3\nbase_url = \"host\"\nn = 0\ntop_logprobs = 30\n\
         max_tokens = 5\nmax_completion_tokens = 6\napi_key_env = \"sk-1234\"\n\
         [run]\nrun_time = \"0s\"\nmax_steps = 0\n\
         [run.layers]\nretry = { attempts = 3 }\ncahce = true\nvalidate = { trim = 3 }\n",
    );
    let expected = [
        "2:1: `model.temperature`: expected a number from 0 to 2, not 3",
        "3:1: `model.base_url`: expected an address that begins with http:// or https://",
        "4:1: `model.n`: must be at least 1",
        "5:1: `model.top_logprobs`: must be at most 20, not 30",
        "7:1: `model.max_completion_tokens`: is 6, and `max_tokens`, which means the same, is 5",
        "8:1: `model.api_key_env`: expected the name of an environment variable, not the key itself",
        "10:1: `run.run_time`: a limit of zero ends everything; leave it out for none",
        "11:1: `run.max_steps`: must be at least 1, which is the first",
        "13:1: `run.layers.retry`: set `run.max_retries` and `run.retry_delay`",
        "14:1: `run.layers.cahce`: there is no such layer to configure. There are ",
        "15:1: `run.layers.validate`: ",
    ];
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{told}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
    }
    assert!(!told.contains("sk-1234"));
}

#[test]
fn wrong_variables_are_told_by_name_and_without_their_values() {
    let env = Env::from([
        ("PARLOR_TEMPERATURE", "sk-abcdefghijklmnop"),
        ("PARLOR_TOP_P", "7"),
        ("PARLOR_N", "1.5"),
        ("PARLOR_LOG_LEVEL", "loud"),
        ("PARLOR_IDLE_TIMEOUT", "5"),
        ("PARLOR_SEED", "3"),
    ]);
    let told = Settings::of_env(&env).unwrap_err().to_string();
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 5, "{told}");
    for name in ["TEMPERATURE", "TOP_P", "N", "LOG_LEVEL", "IDLE_TIMEOUT"] {
        let name = format!("`PARLOR_{name}`: ");
        assert!(
            lines.iter().any(|line| line.starts_with(&name)),
            "{name}{told}"
        );
    }
    assert!(told.contains("from 0 to 1, not 7"), "{told}");
    assert!(told.contains("expected one of `error`, `warn`"), "{told}");
    assert!(!told.contains("sk-abc"), "{told}");
}

#[test]
fn a_key_is_never_shown() {
    const KEY: &str = "sk-abcdefghijklmnop9876";
    let settings = Settings::from_toml(&format!("[model]\napi_key = \"{KEY}\"\n")).unwrap();
    assert_eq!(settings.model.api_key.as_ref().unwrap().expose(), KEY);
    let shown = format!("{settings:?} {}", serde_json::to_string(&settings).unwrap());
    assert!(!shown.contains("abcdefgh"), "{shown}");
    let told = problems(&format!("[model]\ntemperature = \"{KEY}\"\n"));
    assert!(!told.contains("abcdefgh"), "{told}");
}

#[test]
fn a_file_that_is_not_there_or_wrong_is_named() {
    let error = Settings::load("no-such-folder/agent.toml").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("no-such-folder"), "{error}");
}

#[test]
fn a_mode_that_is_not_there_is_told_with_those_that_are() {
    let settings = Settings::new("echo").in_mode("quiet");
    let error = settings.agent_in(&registry()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(
        error
            .message()
            .starts_with("`model.mode`: there is no mode `quiet`"),
        "{error}"
    );
    assert!(error.message().contains("balanced, code"), "{error}");
}

#[test]
fn what_is_set_goes_into_every_request() {
    let settings = Settings::new("echo")
        .in_mode("creative")
        .with_max_tokens(50)
        .with(|it| {
            it.model.top_p = Some(0.5);
            it.model.reasoning_effort = Some(Effort::High);
            it.model.context_length = Some(1000);
        });
    let agent = settings.agent_in(&registry()).unwrap();
    let request = agent.request();
    assert_eq!(request.temperature, Some(1.0), "the mode's");
    assert_eq!(request.top_p, Some(0.5), "beside the mode");
    assert_eq!(request.max_output_tokens, Some(50));
    assert_eq!(
        request.reasoning.as_ref().unwrap().effort,
        Some(Effort::High)
    );
}

#[tokio::test]
async fn a_conversation_runs_as_the_settings_say() {
    let said = Arc::new(Mutex::new((String::new(), 0)));
    let (text, events) = (said.clone(), said.clone());
    let settings = Settings::new("echo")
        .with_system("Be brief.")
        .with_layer("validate", json!({"trim": true, "max_chars": 40}))
        .on_text(move |piece| text.lock().unwrap().0.push_str(piece))
        .on_event(move |event| {
            let ended = matches!(event, RunEvent::Finished(_));
            events.lock().unwrap().1 += usize::from(ended);
        })
        .with(|it| {
            it.run.capture_latency = Some(false);
            it.run.error_length = Some(10);
        });
    let agent = settings.agent_in(&registry()).unwrap();
    let mut chat = agent.conversation();
    assert_eq!(chat.send("  One two  ").await.unwrap().text(), "One two");
    assert_eq!(*said.lock().unwrap(), ("One two".to_owned(), 1));

    let error = chat.send("x".repeat(100)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert!(error.to_string().contains(" more characters)"), "{error}");
    assert!(error.message().len() > 10);

    let total = agent.statistics().stats().total;
    assert_eq!((total.completed, total.failed), (1, 1));
    assert!(total.usage.output_tokens.is_some());
    assert_eq!(total.total_ms.count, 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_over_when_its_time_is() {
    let settings =
        Settings::new("echo").with(|it| it.run.session_time = Some(Duration::from_secs(60)));
    let mut session = settings.agent_in(&registry()).unwrap().session();
    let reply = session.send("Hi").await.unwrap();
    assert_eq!(reply.outcome, Outcome::Finished);
    tokio::time::advance(Duration::from_secs(61)).await;
    let error = session.send("Hi").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout(_)), "{error}");
}

#[test]
fn a_route_has_no_address_of_its_own() {
    let config = Config::from_toml("[routes.both]\nmodels = [\"echo\", \"echo/echo\"]\n").unwrap();
    let registry = Registry::with(&[]).unwrap().with_config(config).unwrap();
    Settings::new("both").agent_in(&registry).unwrap();
    let settings = Settings::new("both").with_base_url("http://127.0.0.1:9");
    let error = settings.agent_in(&registry).unwrap_err();
    assert!(error.message().contains("`model.base_url`"), "{error}");
}

#[cfg(feature = "logging")]
#[test]
fn logs_are_shown_as_asked_and_contents_only_at_trace() {
    use tracing_subscriber::filter::LevelFilter;

    let level = |settings: &Settings, target: &str| {
        let filter = settings.log_filter()?;
        let levels = [
            (LevelFilter::TRACE, tracing::Level::TRACE),
            (LevelFilter::DEBUG, tracing::Level::DEBUG),
            (LevelFilter::INFO, tracing::Level::INFO),
        ];
        let most = levels
            .into_iter()
            .find(|(_, it)| filter.would_enable(target, it));
        Some(most.map_or(LevelFilter::OFF, |it| it.0))
    };
    let quiet = Settings::new("echo");
    assert!(quiet.log_filter().is_none());
    quiet.init_logging().unwrap();

    let on = quiet.clone().with(|it| it.run.logging = Some(true));
    assert_eq!(level(&on, "parlor_http"), Some(LevelFilter::INFO));
    assert_eq!(level(&on, "parlor_http::request"), Some(LevelFilter::OFF));
    assert_eq!(level(&on, "hyper"), Some(LevelFilter::OFF));

    let heads = on.clone().with(|it| it.run.log_requests = Some(true));
    assert_eq!(
        level(&heads, "parlor_http::request"),
        Some(LevelFilter::DEBUG)
    );
    assert_eq!(
        level(&heads, "parlor_http::response"),
        Some(LevelFilter::OFF)
    );
    let bodies = heads.with(|it| it.run.log_level = Some(LogLevel::Trace));
    assert_eq!(
        level(&bodies, "parlor_http::request"),
        Some(LevelFilter::TRACE)
    );

    let debug = quiet.with(|it| it.run.debug = Some(true));
    assert_eq!(level(&debug, "parlor::progress"), Some(LevelFilter::DEBUG));
    assert_eq!(
        level(&debug, "parlor_http::response"),
        Some(LevelFilter::DEBUG)
    );
}

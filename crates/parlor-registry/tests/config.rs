//! Reading configuration: forms, defaults, and errors with their place.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use parlor_core::Effort;
use parlor_registry::config::{Limit, Strategy};
use parlor_registry::{Config, KeySource};

fn error_of(text: &str) -> String {
    Config::from_toml(text).unwrap_err().to_string()
}

#[test]
fn nothing_is_a_configuration() {
    let config = Config::from_toml("").unwrap();
    assert!(config.providers.is_empty() && config.models.is_empty());
    assert_eq!(config.default_model, None);
}

#[test]
fn a_whole_configuration_is_read() {
    let config = Config::from_toml(
        r#"
        default_model = "fast"
        catalogue = "prices.toml"

        [providers.mine]
        type = "openai-compatible"
        base_url = "https://models.example.com/v1"
        key_command = ["pass", "show", "mine"]
        headers = { "X-Team" = "blue" }
        query = { "api-version" = "2026-01-01" }
        timeouts = { connect = "5s", first_event = "1m30s", idle = "500ms", total = "off" }
        verify_tls = false
        quirks = { max_tokens_field = "max_tokens" }
        models = ["house-7b", { id = "house-70b", context_window = 8192 }]
        extra = { safe = true }
        default_model = "house-7b"

        [providers.other]
        dialect = "anthropic"
        api_key_env = ["A_KEY", "B_KEY"]

        [models]
        fast = "openai/gpt-4o-mini"

        [models.careful]
        model = "mine/house-70b"
        label = "Careful"
        temperature = 0.2
        max_output_tokens = 2000
        stop = "END"
        reasoning = "high"
        system = "Be exact."

        [routes.safe]
        models = ["fast", { model = "mine/house-7b", weight = 3.0 }]
        [routes.spread]
        strategy = "least-latency"
        models = ["fast"]

        [layers.retry]
        attempts = 4
        base_delay = "250ms"
        max_elapsed = "2m"
        [layers.timeout]
        idle = "30s"
        "#,
    )
    .unwrap();
    assert_eq!(config.default_model.as_deref(), Some("fast"));
    let mine = &config.providers["mine"];
    assert_eq!(mine.provider.as_deref(), Some("openai-compatible"));
    assert_eq!(mine.headers["X-Team"].expose(), "blue");
    assert_eq!(mine.query["api-version"].expose(), "2026-01-01");
    assert_eq!(
        mine.timeouts.connect,
        Some(Limit::After(Duration::from_secs(5)))
    );
    assert_eq!(
        mine.timeouts.first_event,
        Some(Limit::After(Duration::from_secs(90)))
    );
    assert_eq!(
        mine.timeouts.idle,
        Some(Limit::After(Duration::from_millis(500)))
    );
    assert_eq!(mine.timeouts.total, Some(Limit::Off));
    assert_eq!(mine.verify_tls, Some(false));
    assert_eq!(
        mine.quirks.as_ref().unwrap()["max_tokens_field"],
        "max_tokens"
    );
    let ids: Vec<&str> = mine.models.iter().map(|model| model.id()).collect();
    assert_eq!(ids, ["house-7b", "house-70b"]);
    assert_eq!(mine.extra["safe"], true);
    assert!(matches!(mine.key_source(), Some(KeySource::Command(command)) if command[0] == "pass"));
    let other = &config.providers["other"];
    assert_eq!(other.provider.as_deref(), Some("anthropic"));
    assert_eq!(other.api_key_env, ["A_KEY", "B_KEY"]);
    assert_eq!(config.models["fast"].model, "openai/gpt-4o-mini");
    assert!(config.models["fast"].parameters.is_empty());
    let careful = &config.models["careful"];
    assert_eq!(careful.label.as_deref(), Some("Careful"));
    assert_eq!(careful.parameters.temperature, Some(0.2));
    assert_eq!(careful.parameters.stop, ["END"]);
    assert_eq!(careful.parameters.reasoning, Some(Effort::High));
    assert_eq!(careful.parameters.system.as_deref(), Some("Be exact."));
    let safe = &config.routes["safe"];
    assert_eq!(safe.strategy, Strategy::Fallback);
    assert_eq!((safe.models[0].weight, safe.models[1].weight), (1.0, 3.0));
    assert_eq!(config.routes["spread"].strategy, Strategy::LeastLatency);
    assert_eq!(config.layers.retry.attempts, Some(4));
    assert_eq!(
        config.layers.retry.base_delay,
        Some(Duration::from_millis(250))
    );
    assert_eq!(
        config.layers.timeout.idle,
        Some(Limit::After(Duration::from_secs(30)))
    );
}

#[test]
fn any_compatible_host_is_three_lines() {
    let config = Config::from_toml(
        "[providers.mine]\nbase_url = \"http://localhost:8000/v1\"\napi_key_env = \"MINE_KEY\"\n",
    )
    .unwrap();
    let mine = &config.providers["mine"];
    assert_eq!(mine.base_url.as_deref(), Some("http://localhost:8000/v1"));
    assert!(matches!(mine.key_source(), Some(KeySource::Env(names)) if names == ["MINE_KEY"]));
}

#[test]
fn an_unknown_key_is_an_error_at_its_place() {
    let error = error_of("[providers.mine]\nbase_url = \"http://x\"\napikey_env = \"K\"\n");
    assert!(
        error.starts_with("3:1: unknown field `apikey_env`, expected one of "),
        "{error}"
    );
    assert!(error.contains("`api_key_env`"), "{error}");
    let error = error_of("[layers.retry]\n\nattempt = 3\n");
    assert!(error.starts_with("3:1: unknown field `attempt`"), "{error}");
    let error = error_of("[models.x]\nmodel = \"a/b\"\ntemprature = 1\n");
    assert!(
        error.starts_with("3:1: unknown field `temprature`"),
        "{error}"
    );
    let error = error_of("[provider.mine]\n");
    assert!(error.contains("unknown field `provider`"), "{error}");
}

#[test]
fn columns_count_characters() {
    let error = error_of("[routes.\"é\"]\nmodels = [\"ü/ö\", { model = \"a/b\", wieght = 2 }]\n");
    assert!(error.starts_with("2:35: unknown field `wieght`"), "{error}");
}

#[test]
fn broken_toml_says_where() {
    let error = error_of("[providers.mine\nbase_url = 1\n");
    assert!(error.starts_with("1:"), "{error}");
}

#[test]
fn wrong_values_say_what_was_expected() {
    let cases = [
        (
            "[layers.timeout]\nidle = \"10\"\n",
            "2:8: ",
            "a duration such as \"500ms\", \"10s\"",
        ),
        (
            "[layers.timeout]\nidle = 10\n",
            "2:8: ",
            "expected a duration such as",
        ),
        (
            "[layers.timeout]\nidle = \"0s\"\n",
            "2:8: ",
            "write \"off\" for none",
        ),
        (
            "[layers.retry]\nmax_delay = \"soon\"\n",
            "2:13: ",
            "expected a duration",
        ),
        ("[layers.retry]\nattempts = 0\n", "2:1: ", "at least 1"),
        (
            "[providers.m]\nbase_url = \"localhost:8000\"\n",
            "2:1: ",
            "begins with http://",
        ),
        (
            "[providers.m]\nbase_url = \"ftp://x\"\n",
            "2:1: ",
            "not `ftp://`",
        ),
        (
            "[providers.m]\nbase_url = \"http:///v1\"\n",
            "2:1: ",
            "no host",
        ),
        (
            "[providers.m]\nbase_url = \"http://u:p@x/\"\n",
            "2:1: ",
            "user or a password",
        ),
        (
            "[providers.m]\nbase_url = \"http://x/?k=1\"\n",
            "2:1: ",
            "use `query`",
        ),
        ("[providers.m]\nquirks = 3\n", "2:1: ", "expected a table"),
        (
            "[providers.m]\nverify_tls = \"no\"\n",
            "2:14: ",
            "expected a boolean",
        ),
        (
            "[providers.m]\nheaders = { \"a b\" = \"c\" }\n",
            "2:13: ",
            "isn't a header name",
        ),
        (
            "[providers.m]\nheaders = { a = \"b\\nc\" }\n",
            "2:13: ",
            "a line break",
        ),
        (
            "[providers.m]\nkey_command = [\"\"]\n",
            "2:1: ",
            "a program and its arguments",
        ),
        (
            "[providers.\"a/b\"]\n",
            "1:12: ",
            "can't be empty or hold `/`",
        ),
        ("[models]\nx = \"\"\n", "2:1: ", "expected `provider/model`"),
        (
            "[models]\nx = 3\n",
            "2:5: ",
            "expected `provider/model` or a table with `model`",
        ),
        (
            "[models.x]\ntemperature = 1.0\n",
            "1:",
            "missing field `model`",
        ),
        (
            "[models.x]\nmodel = \"a/b\"\ntop_p = 3.0\n",
            "3:1: ",
            "from 0 to 1",
        ),
        ("[routes.r]\nmodels = []\n", "2:1: ", "at least one model"),
        (
            "[routes.r]\nstrategy = \"best\"\nmodels = [\"a/b\"]\n",
            "2:12: ",
            "`fallback`, `weighted`",
        ),
        ("default_model = \" \"\n", "1:1: ", "must name a model"),
    ];
    for (text, place, expected) in cases {
        let error = error_of(text);
        assert!(error.starts_with(place), "{text}{error}");
        assert!(error.contains(expected), "{text}{error}");
    }
}

#[test]
fn all_problems_are_told_in_order() {
    let problems = Config::from_toml(
        "default_model = \"\"\n[providers.b]\nbase_url = \"x\"\n[providers.a]\nbase_url = \"y\"\n",
    )
    .unwrap_err();
    let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 3, 5]);
    assert_eq!(problems.to_string().lines().count(), 3);
}

#[test]
fn one_source_of_a_key_is_enough() {
    let error = error_of("[providers.m]\napi_key_env = \"A\"\nkey_file = \"b\"\n");
    assert!(error.starts_with("3:1: "), "{error}");
    assert!(
        error.contains("already comes from `api_key_env`"),
        "{error}"
    );
}

#[test]
fn a_variable_is_no_key() {
    let error = error_of("[providers.m]\napi_key = \"env:A\"\n");
    assert!(error.starts_with("2:1: "), "{error}");
    assert!(error.contains("`api_key_env`"), "{error}");
}

#[test]
fn a_wrong_name_is_told_with_the_tables_of_others_at_the_top_alone() {
    let error = |text: &str| {
        let error = Config::from_toml_beside(text, &["tools", "terminal"]).unwrap_err();
        error.to_string()
    };
    let top = error("[toolz]\non = []\n");
    assert!(
        top.starts_with("1:2: unknown field `toolz`, expected one of ")
            && top.ends_with("`tools`, `terminal`; did you mean `tools`?"),
        "{top}"
    );
    let within = error("[profiles.work.toolz]\non = []\n");
    assert!(!within.contains("`tools`"), "{within}");
}

#[test]
fn names_can_lead_to_names_but_not_in_a_circle() {
    assert!(Config::from_toml("[models]\na = \"b\"\nb = \"openai/x\"\n").is_ok());
    assert!(Config::from_toml("[models]\n\"openai/x\" = \"mine/x\"\n").is_ok());
    let error = error_of("[models]\na = \"b\"\nb = \"c\"\nc = \"a\"\n");
    assert_eq!(error.matches("leads back to itself").count(), 3, "{error}");
    // A name before a circle is no part of it; the circle is told by its members.
    let error = error_of("[models]\na = \"b\"\nb = \"c\"\nc = \"b\"\n");
    assert_eq!(error.matches("leads back to itself").count(), 2, "{error}");
    // A name that stands for itself gives a model its parameters.
    assert!(Config::from_toml("[models.gpt-4o]\nmodel = \"gpt-4o\"\nseed = 1\n").is_ok());
}

#[test]
fn secrets_are_never_shown() {
    let secret = "sk-very-secret-value";
    let config = Config::from_toml(&format!(
        "[providers.m]\napi_key = \"{secret}\"\nheaders = {{ Authorization = \"Bearer {secret}\" }}\n"
    ))
    .unwrap();
    let shown = format!("{config:?} {:?}", config.providers["m"].key_source());
    assert!(!shown.contains("secret-value"), "{shown}");
    for text in [
        format!("[providers.m]\napi_key = [\"{secret}\"]\n"),
        format!("[providers.m]\napi_key_env = \"{secret}\"\n"),
        format!("[providers.m]\nheaders = \"{secret}\"\n"),
        format!("[providers.m]\nheaders = {{ a = [\"{secret}\"] }}\n"),
        format!("[providers]\nm = \"{secret}\"\n"),
        format!("[providers.m]\napi_key = \"{secret}\nbase_url = \"http://x\"\n"),
        format!("[layers.timeout]\nidle = \"{secret}\"\n"),
        format!("[providers.m]\nverify_tls = \"{secret}\"\n"),
    ] {
        let error = Config::from_toml(&text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
}

//! The commands that look around: models, providers, doctor.

use crate::common::{Home, Ran, closed_port};
use serde_json::{Value, json};

fn find<'a>(list: &'a Value, id: &str) -> &'a Value {
    let mut all = list.as_array().unwrap().iter();
    all.find(|it| it["id"] == id)
        .unwrap_or_else(|| panic!("no {id} in {list}"))
}

#[test]
fn models_lists_what_can_be_used() {
    let home = Home::new();
    home.config("[models]\nhouse = \"echo/echo\"\n");
    let ran = home.run(&["models", "--output", "json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let list = ran.json();
    assert_eq!(find(&list, "house")["source"], "config");
    assert_eq!(find(&list, "echo/echo")["provider"], "echo");
    let table = home.run(&["models", "house"]);
    assert_eq!(table.stdout.lines().count(), 1);
    assert!(table.stdout.starts_with("house"), "{table:?}");
    let none = home.run(&["models", "no-such-word"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), ""));
    none.says(&["No model here has these words."]);
}

#[test]
fn models_are_found_by_provider_ability_and_word() {
    let home = Home::new();
    let ids = |arguments: &[&str]| -> Vec<String> {
        let list = home
            .run(&[&["models", "--json"], arguments].concat())
            .json();
        let ids = list.as_array().unwrap().iter();
        ids.map(|it| it["id"].as_str().unwrap().to_owned())
            .collect()
    };
    // Without a key nothing is at hand, so that the search goes on among all.
    let found = ids(&["claude-opus"]);
    assert!(
        found.contains(&"anthropic/claude-opus-5-5".to_owned()),
        "{found:?}"
    );
    assert!(
        !found.contains(&"anthropic/claude-opus-4-0".to_owned()),
        "{found:?}"
    );
    let all = ids(&["--provider", "anthropic"]);
    assert!(all.iter().all(|id| id.starts_with("anthropic/")), "{all:?}");
    let hearing = ids(&[
        "--provider",
        "openai",
        "--ability",
        "hears",
        "--ability=tools",
    ]);
    assert!(
        hearing.contains(&"openai/gpt-audio".to_owned()),
        "{hearing:?}"
    );
    assert!(
        !hearing.contains(&"openai/gpt-5.4".to_owned()),
        "{hearing:?}"
    );
    assert!(ids(&["--provider", "openai", "no-such-word"]).is_empty());
}

#[test]
fn a_model_is_told_with_price_day_source_and_end() {
    let home = Home::new();
    let list = home.run(&["models", "--json", "claude-3-opus"]).json();
    let old = find(&list, "anthropic/claude-3-opus-20240229");
    assert_eq!(old["retired"], true);
    assert_eq!(old["retires_on"], "2026-01-05");
    let next = old["successor"].as_str().unwrap();
    assert!(next.starts_with("anthropic/claude-opus-"), "{old}");
    assert_eq!(old["source"], "catalogue");
    assert_eq!(old["price"]["as_of"].as_str().unwrap().len(), 10);
    let table = home.run(&["models", "claude-3-opus"]);
    for word in [
        "200k",
        "$15 / $75",
        "catalogue",
        "retired on 2026-01-05; use anthropic/",
    ] {
        assert!(table.stdout.contains(word), "{word} in {table:?}");
    }
}

#[test]
fn whoever_asks_a_retired_model_is_told_of_its_successor() {
    let home = Home::new();
    for (model, next) in [
        ("claude-3-opus-20240229", "anthropic/claude-opus-"),
        ("gpt-3.5-turbo", "openai/gpt-"),
        ("glm-3-turbo", "zhipu/glm-"),
    ] {
        let ran = home.run(&["-m", model, "Hi"]);
        assert_eq!(ran.code, Some(4), "{ran:?}");
        ran.says(&[
            "warning: ",
            "retired",
            &format!("; {next}"),
            "takes its place",
        ]);
    }
}

#[test]
fn a_command_may_follow_the_options_that_all_have() {
    let home = Home::new();
    let path = home.config("[models]\nhouse = \"echo/echo\"\n");
    let ran = home.run(&["--config", &path, "--quiet", "models", "house"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout.starts_with("house"), "{ran:?}");
    assert_eq!(
        home.run(&["--config", &path, "-m", "echo", "--", "doctor"])
            .stdout,
        "doctor\n"
    );
    assert_eq!(
        home.run(&["--json", "providers"]).json()[0]["compiled_in"],
        true
    );
}

#[test]
fn a_live_list_is_asked_for_by_provider() {
    let list = Home::new()
        .run(&["models", "--provider", "embedded", "--output", "json"])
        .json();
    assert_eq!(find(&list, "embedded/rules")["source"], "live");
    let home = Home::new();
    let ran = home.run(&["models", "--live", "--provider", "openai"]);
    ran.failed(4, "no-key").says(&["OPENAI_API_KEY"]);
}

#[test]
fn providers_tell_where_the_key_is_and_never_the_key() {
    let home = Home::new();
    let list = home.run(&["providers", "--output", "json"]).json();
    assert_eq!(
        find(&list, "echo")["key"],
        json!({"needed": false, "source": null, "places": []})
    );
    let table = home.run(&["providers"]);
    assert!(table.stdout.contains("\nembedded  "), "{table:?}");
    assert!(
        table.stdout.contains("no key (set OPENAI_API_KEY)"),
        "{table:?}"
    );
    let absent = list.as_array().unwrap().iter();
    let absent: Vec<_> = absent.filter(|it| it["compiled_in"] != true).collect();
    assert!(absent.is_empty(), "{absent:?}");
    assert_eq!(find(&list, "azure-openai")["feature"], "azure");
    let mut command = home.parlor(&["providers"]);
    command.env("OPENAI_API_KEY", "sk-secretsecretsecret9876");
    let ran = crate::common::Ran::of(command.output().unwrap());
    assert!(ran.stdout.contains("key in OPENAI_API_KEY"), "{ran:?}");
    assert!(!ran.stdout.contains("secretsecret"), "{ran:?}");
}

#[test]
fn doctor_tells_what_is_set_up() {
    let home = Home::new();
    let path = home.config("[models]\nhouse = \"echo/echo\"\nlost = \"nobody/x\"\n");
    let mut command = home.parlor(&["doctor", "--output", "json"]);
    command.env("PARLOR_MODEL", "house");
    let ran = crate::common::Ran::of(command.output().unwrap());
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let report = ran.json();
    assert_eq!(report["config"]["path"], path);
    assert_eq!(report["config"]["found"], true);
    let problems = report["config"]["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{report}");
    assert!(problems[0].as_str().unwrap().contains("lost"), "{report}");
    assert_eq!(report["default_model"]["id"], "house");
    assert_eq!(report["default_model"]["rule"], "PARLOR_MODEL");
    assert_eq!(report["terminal"]["stdout"], false);
    let text = home.run(&["doctor"]);
    assert!(text.stdout.starts_with("parlor "), "{text:?}");
    assert!(text.stdout.contains("✗ config: "), "{text:?}");
    let fresh = Home::new();
    let told = fresh.run(&["doctor"]).stdout;
    for line in [
        "\n✓ config: none needed (",
        "\n✓ data dir: nothing kept yet (",
        "\n– terminal: no colours · ",
        "\n– openai: no key\n",
        "\n– ollama: not running (http://127.0.0.1:11434)\n",
    ] {
        assert!(told.contains(line), "{line:?} in {told}");
    }
}

#[test]
fn doctor_tells_which_layers_are_turned_on() {
    let home = Home::new();
    home.config(
        "[layers]\ncache = true\nconcurrency = { max = 2 }\n\
         [providers.openai.layers]\ncache = false\n",
    );
    let report = home.run(&["doctor", "--output", "json"]).json();
    let expected = json!([
        {"provider": null, "layers": ["cache", "concurrency"]},
        {"provider": "openai", "layers": ["concurrency"]},
    ]);
    assert_eq!(report["layers"], expected);
    let text = home.run(&["doctor"]).stdout;
    assert!(text.contains("✓ layers: cache, concurrency\n"), "{text}");

    home.config("[layers.concurrency]\nmax = 0\n");
    let text = home.run(&["doctor"]).stdout;
    assert!(text.contains("✗ config: `layers.concurrency`"), "{text}");
}

#[test]
fn a_default_that_cannot_be_asked_is_told_with_who_names_it() {
    let home = Home::new();
    home.config("default_model = \"nobody/x\"\n");
    let ran = home.run(&["Hi"]);
    ran.failed(5, "model-not-found").says(&[
        "`nobody` is no provider",
        "`default_model` in the configuration",
    ]);
    let text = home.run(&["doctor"]).stdout;
    assert!(text.contains("✗ model: nobody/x"), "{text}");
    let doctor = |model: &str| {
        let mut command = home.parlor(&["doctor", "--json"]);
        command.env("PARLOR_MODEL", model);
        crate::common::Ran::of(command.output().unwrap()).json()["default_model"].take()
    };
    assert_eq!(
        doctor("openai/gpt-5.4-mini")["problem"],
        "openai has no key"
    );
    assert_eq!(doctor("echo")["problem"], json!(null));
    assert!(
        doctor("llama2")["problem"]
            .as_str()
            .unwrap()
            .contains("retired")
    );
}

#[test]
fn without_a_key_the_built_in_model_answers_and_says_what_it_is() {
    let home = Home::new();
    // Whatever model server runs on this machine, none is found.
    let nowhere = closed_port();
    let local = [
        "ollama", "litellm", "lmstudio", "llamacpp", "vllm", "sglang",
    ];
    let toml: String = local
        .iter()
        .map(|name| format!("[providers.{name}]\nbase_url = \"{nowhere}\"\n"))
        .collect();
    home.config(&toml);
    let ran = home.run(&["say hi"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.starts_with("Hi! I am embedded/rules"), "{ran:?}");
    assert_eq!(
        ran.stderr,
        "No provider is configured, so this answer is from the built-in model embedded/rules \
         (offline, a few rules, not a language model; for trying parlor out).\n"
    );
    assert_eq!(
        home.run(&["-c", "-q", "and in French?"]).stdout,
        "Bonjour !\n"
    );
    assert_eq!(
        home.run(&["-q", "-m", "embedded/tiny", "6 * 7"]).stdout,
        "42\n"
    );
    assert_eq!(home.run(&["--quiet", "Hi"]).stderr, "");
    assert_eq!(home.run(&["--output", "json", "Hi"]).stderr, "");
}

#[test]
fn the_model_that_is_asked_where_none_is_named_is_told_and_changed() {
    let home = Home::new();
    let told = home.run(&["models", "default"]);
    assert_eq!(told.stdout, "embedded/rules\n", "{told:?}");
    told.says(&["No provider is configured"]);
    let taken = home.run(&["models", "default", "ollama/m"]);
    assert_eq!((taken.code, taken.stdout.as_str()), (Some(0), ""));
    taken.says(&["ollama/m", "default_model", "config.toml"]);
    assert_eq!(home.run(&["models", "default"]).stdout, "ollama/m\n");
    assert_eq!(
        home.run(&["config", "get", "default_model"]).stdout,
        "ollama/m\n"
    );
    let mut command = home.parlor(&["models", "default", "ollama/other"]);
    let other = Ran::of(command.env("PARLOR_MODEL", "echo").output().unwrap());
    other.says(&["PARLOR_MODEL wins over it, and is echo."]);
    home.run(&["models", "default", "openai/gpt-4oo"])
        .failed(5, "model-not-found");
    assert_eq!(home.run(&["models", "default"]).stdout, "ollama/other\n");
}

#[test]
fn the_doctor_says_what_is_kept_where() {
    let home = Home::new();
    let store = |home: &Home| home.run(&["doctor", "--json"]).json()["store"].take();
    let before = store(&home);
    assert_eq!(before["found"], false, "{before}");
    assert_eq!(before["problem"], serde_json::Value::Null, "{before}");
    home.run(&["-m", "echo", "Hi"]);
    assert_eq!(store(&home)["found"], true);
    let file = home.file("file", "");
    let mut command = home.parlor(&["doctor", "--json"]);
    let nowhere = command.env("PARLOR_STORE", format!("{file}/parlor.db"));
    let told = Ran::of(nowhere.output().unwrap()).json();
    let problem = told["store"]["problem"].as_str().unwrap_or_default();
    assert!(problem.contains("written"), "{told}");
    let text = home.run(&["doctor"]).stdout;
    assert!(text.contains("✓ data dir: /"), "{text}");
}

#[cfg(unix)]
#[test]
fn the_page_is_opened_in_the_browser() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let pipe = home.path().join("opened");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let browser = home.file(
        "browser",
        "#!/bin/sh\nprintf %s \"$1\" > \"$HOME/opened\"\n",
    );
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = home.parlor(&["serve", "--bind", "127.0.0.1:0", "--open"]);
    let mut child = command.env("BROWSER", &browser).spawn().unwrap();
    let mut told = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut told, &mut line).unwrap();
    let address = line.trim().strip_prefix("Serving at ").unwrap().to_owned();
    let (sender, opened) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(std::fs::read_to_string(pipe)));
    let opened = opened.recv_timeout(std::time::Duration::from_secs(60));
    crate::common::signal(&child, "TERM");
    child.wait().unwrap();
    assert_eq!(opened.unwrap().unwrap(), format!("{address}/"));
}

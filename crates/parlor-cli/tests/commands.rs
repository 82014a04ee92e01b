//! The commands that look around: models, providers, doctor.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{Home, closed_port};
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
fn a_live_list_is_asked_for_by_provider() {
    let list = Home::new()
        .run(&["models", "--provider", "embedded", "--output", "json"])
        .json();
    assert_eq!(find(&list, "echo/echo")["source"], "live");
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
    assert!(table.stdout.contains("echo (embedded)"), "{table:?}");
}

#[test]
fn doctor_tells_what_is_set_up() {
    let home = Home::new();
    let path = home.config("[models]\nhouse = \"echo/echo\"\nlost = \"nobody/x\"\n");
    let mut command = home.parlor(&["doctor", "--output", "json"]);
    command.env("PARLOR_MODEL", "house");
    let ran = common::Ran::of(command.output().unwrap());
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
    assert!(text.stdout.contains("✗ config"), "{text:?}");
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
    let ran = home.run(&["Hi"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "Hi\n"));
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    ran.says(&["echo", "not a language model"]);
    assert_eq!(home.run(&["--quiet", "Hi"]).stderr, "");
    assert_eq!(home.run(&["--output", "json", "Hi"]).stderr, "");
}

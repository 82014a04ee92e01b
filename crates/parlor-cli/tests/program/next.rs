//! What a failure tells to do next, and that it works.

use std::process::Command;

use crate::common::server::{Answer, Server};
use crate::common::{Home, Ran, closed_port};
use serde_json::json;

const JSON: &str = "content-type: application/json\r\n";

/// A home where nothing is tried twice unless that is asked for.
fn home() -> Home {
    let home = Home::new();
    home.config("[layers.retry]\nattempts = 1\nbase_delay = \"1ms\"\n");
    home
}

fn ask(home: &Home, server: &Server, arguments: &[&str]) -> Command {
    let mut command = home.parlor(&[&["-m", "ollama/m"], arguments].concat());
    command.env("OLLAMA_HOST", &server.url);
    command
}

fn run(home: &Home, server: &Server, arguments: &[&str]) -> Ran {
    Ran::of(ask(home, server, arguments).output().unwrap())
}

fn answer(text: &str, read: u64) -> Answer {
    let line = json!({
        "model": "m",
        "message": {"role": "assistant", "content": text},
        "done": true,
        "done_reason": "stop",
        "prompt_eval_count": read,
        "eval_count": 3,
    });
    Answer(
        200,
        "content-type: application/x-ndjson\r\n",
        format!("{line}\n"),
    )
}

fn failing(status: u16, message: &str) -> Answer {
    Answer(status, JSON, json!({"error": message}).to_string())
}

#[test]
fn what_was_refused_for_now_is_asked_again_by_a_word() {
    let home = home();
    let server = Server::start(vec![failing(429, "too many"), answer("Because.", 9)]);
    let ran = run(&home, &server, &["Why is it so?"]);
    ran.failed(7, "rate-limit")
        .says(&["--retry-for 2m  ·  the prompt is saved: parlor -c --retry\n"]);
    server.request();
    let again = run(&home, &server, &["-c", "--retry"]);
    assert_eq!(again.stdout, "Because.\n", "{again:?}");
    assert!(server.request().body.contains("Why is it so?"));
    let kept = home.run(&["history", "--json"]).json();
    assert_eq!((&kept[0]["turns"], &kept[1]), (&json!(1), &json!(null)));
    // What isn't kept can't be asked again.
    let server = Server::start(vec![failing(429, "too many")]);
    let ran = run(&home, &server, &["--no-save", "Why?"]);
    assert!(!ran.stderr.contains("--retry\n"), "{ran:?}");
    Home::new()
        .run(&["-m", "echo", "-c", "--retry"])
        .failed(1, "invalid");
}

#[test]
fn for_a_time_it_is_tried_again_whatever_is_configured() {
    let home = home();
    let busy = || failing(503, "busy");
    let server = Server::start(vec![busy(), busy(), busy(), busy(), answer("At last.", 9)]);
    let ran = run(&home, &server, &["--retry-for", "1h", "Now?"]);
    assert_eq!(ran.stdout, "At last.\n", "{ran:?}");
    ran.says(&["(4): overloaded 503\n"]);
    home.run(&["--retry-for", "soon", "hi"])
        .failed(2, "usage")
        .says(&["90s, 2m or 1h"]);
    let closed = closed_port();
    let mut command = home.parlor(&["-m", "ollama/m", "hi"]);
    let ran = Ran::of(command.env("OLLAMA_HOST", closed).output().unwrap());
    ran.failed(6, "unreachable").says(&["parlor -c --retry"]);
}

#[test]
fn what_is_too_long_is_told_by_its_parts() {
    let home = home();
    let told = "the input exceeds the context length of the model";
    let server = Server::start(vec![
        answer("Fine.", 9),
        Answer(400, JSON, json!({"error": told}).to_string()),
        answer("Short.", 9),
    ]);
    run(&home, &server, &[&"history ".repeat(50)]);
    let ran = run(&home, &server, &["-c", "-s", "Be brief.", "And now?"]);
    ran.failed(8, "context").says(&[
        "Largest parts: history ~",
        "instructions ",
        "prompt ",
        "--trim oldest",
    ]);
    // Here is none that would hold more.
    assert!(ran.stderr.contains("parlor models"), "{ran:?}");
    let trimmed = run(&home, &server, &["-c", "--retry", "--trim", "oldest"]);
    assert_eq!(trimmed.stdout, "Short.\n", "{trimmed:?}");
}

#[test]
fn a_word_behind_c_that_is_a_conversation_is_not_asked_in_another() {
    let home = home();
    home.run(&["-m", "echo", "first"]);
    let id = |home: &Home| home.run(&["history", "--json"]).json()[0]["id"].clone();
    let first = id(&home);
    let first = first.as_str().unwrap();
    home.run(&["-m", "echo", "second"]);
    let joined = format!("-c={first}");
    home.run(&["-m", "echo", "-c", first, "And?"])
        .failed(2, "usage")
        .says(&[&joined]);
    let listed = home.run(&["history", "--json"]).json();
    assert_eq!(
        (&listed[0]["turns"], &listed[1]["turns"]),
        (&1.into(), &1.into())
    );
    assert_eq!(home.run(&["-m", "echo", &joined, "And?"]).stdout, "And?\n");
    let begins = format!("{first} is what?");
    let ran = home.run(&["-m", "echo", "-c", &begins]);
    assert_eq!(ran.stdout, format!("{begins}\n"), "{ran:?}");
}

#[test]
fn a_model_that_holds_more_is_named() {
    let home = home();
    let ids = [("m", 200), ("big", 100_000), ("bigger", 200_000)];
    let ids = ids.map(|(id, window)| format!("{{ id = \"{id}\", context_window = {window} }}"));
    home.config(&format!(
        "[providers.ollama]\nmodels = [{}]\n",
        ids.join(", ")
    ));
    let told = "the input exceeds the context length of the model";
    let error = || Answer(400, JSON, json!({"error": told}).to_string());
    let server = Server::start(vec![error()]);
    let ran = run(&home, &server, &["And now?"]);
    ran.failed(8, "context").says(&["-m ollama/big (100k)\n"]);
}

#[test]
fn only_what_fits_is_sent_where_that_is_asked_for() {
    let home = home();
    home.config("[providers.ollama]\nmodels = [{ id = \"m\", context_window = 200 }]\n");
    let server = Server::start(["one", "two", "three"].map(|it| answer(it, 9)).into());
    let long = "first ".repeat(400);
    let small = |arguments: &[&str]| {
        let mut command = home.parlor(&[&["-m", "ollama/m"], arguments].concat());
        let output = command.env("OLLAMA_HOST", &server.url).output();
        (Ran::of(output.unwrap()), server.request().body)
    };
    small(&[&long]);
    assert!(
        small(&["-c", "--trim", "oldest", "second"])
            .1
            .contains("second")
    );
    let (_, sent) = small(&["-c", "--trim", "oldest", "third"]);
    assert!(sent.contains("second") && !sent.contains("first"), "{sent}");
}

#[test]
fn what_fits_nowhere_takes_nothing_away() {
    let home = home();
    home.config("[providers.ollama]\nmodels = [{ id = \"m\", context_window = 200 }]\n");
    let server = Server::start(vec![answer("One.", 9)]);
    run(&home, &server, &[&"first ".repeat(400)]);
    for again in ["--retry", "--continue"] {
        let ran = run(&home, &server, &["-c", again, "--trim", "oldest"]);
        assert_ne!(ran.code, Some(0), "{ran:?}");
        let kept = home.run(&["history", "--json"]).json();
        assert_eq!(kept[0]["turns"], 1, "{again}: {ran:?}");
    }
}

#[test]
fn a_prompt_that_was_cut_is_told_of() {
    let home = home();
    let long = "word ".repeat(2_000);
    let server = Server::start(vec![answer("Fine.", 1_051), answer("Fine.", 2_100)]);
    run(&home, &server, &[&long]).says(&["the server read 1\u{202f}051 of ~"]);
    let ran = run(&home, &server, &[&long]);
    assert!(!ran.stderr.contains("the server read"), "{ran:?}");
    let echoed = home.pipe(&["-m", "echo"], &long);
    assert_eq!(echoed.stderr, "", "{echoed:?}");
}

#[test]
fn a_missing_key_and_a_refused_one_name_what_helps() {
    let home = home();
    let ran = home.run(&["-m", "openai/gpt-4o", "hi"]);
    ran.failed(4, "no-key").says(&[
        "(looked in: OPENAI_API_KEY, ",
        "keys.toml).",
        "key_command, ",
        "~/.config/parlor/keys.toml).",
        "help: parlor keys set openai          get one: https://",
        "without a key: parlor -m embedded/rules",
    ]);
    let refused = json!({"error": {"message": "Incorrect key", "code": "invalid_api_key"}});
    let server = Server::start(vec![Answer(401, JSON, refused.to_string())]);
    let url = format!("{}/v1", server.url);
    let mut command = home.parlor(&["-m", "openai/gpt-4o", "--base-url", &url, "hi"]);
    command.env("OPENAI_API_KEY", "sk-0123456789a1b2");
    let ran = Ran::of(command.output().unwrap());
    ran.failed(4, "auth").says(&[
        "openai rejected the key from OPENAI_API_KEY (…a1b2): 401 invalid_api_key",
        "help: parlor keys set openai          note: the environment variable wins over saved keys\n",
    ]);
}

#[test]
fn a_conversation_goes_on_with_the_model_that_it_was_held_with() {
    let home = Home::new();
    home.config("default_model = \"echo\"\n[layers.retry]\nattempts = 1\n");
    let server = Server::start(vec![
        failing(500, "broken"),
        answer("Because.", 9),
        answer("So.", 9),
    ]);
    run(&home, &server, &["Why is it so?"])
        .failed(1, "server")
        .says(&["parlor -c --retry"]);
    let go_on = |arguments: &[&str]| {
        let mut command = home.parlor(arguments);
        Ran::of(command.env("OLLAMA_HOST", &server.url).output().unwrap())
    };
    assert_eq!(go_on(&["-c", "--retry"]).stdout, "Because.\n");
    assert_eq!(go_on(&["-c", "And now?"]).stdout, "So.\n");
    assert_eq!(go_on(&["-c", "-m", "echo", "Hey"]).stdout, "Hey\n");
    // It is the one that was asked last.
    assert_eq!(go_on(&["-c", "Once more"]).stdout, "Once more\n");
}

#[test]
fn a_conversation_whose_model_cant_be_asked_goes_on_with_the_usual_one() {
    let home = Home::new();
    home.config("default_model = \"echo\"\n");
    // What answered before anything was set up is nobody's choice.
    home.run(&["-m", "embedded", "My name is Ann"]);
    assert_eq!(home.run(&["-c", "Hey"]).stdout, "Hey\n");
    let hello = json!({
        "choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    });
    let server = Server::start(vec![Answer(200, JSON, hello.to_string())]);
    let url = format!("{}/v1", server.url);
    let mut command = home.parlor(&["-m", "groq/llama", "--no-stream", "--base-url", &url, "Hi"]);
    let ran = Ran::of(
        command
            .env("GROQ_API_KEY", "gsk-0123456789")
            .output()
            .unwrap(),
    );
    assert_eq!(ran.stdout, "Hi\n", "{ran:?}");
    assert_eq!(home.run(&["-c", "Hey"]).stdout, "Hey\n");
}

#[test]
fn what_came_before_a_servers_failure_is_gone_on_with() {
    let home = home();
    let began =
        json!({"message": {"role": "assistant", "content": "One two three"}, "done": false});
    let lines = format!("{began}\n{}\n", json!({"error": "broken"}));
    let cut = Answer(200, "content-type: application/x-ndjson\r\n", lines);
    let server = Server::start(vec![cut, answer(" four.", 9)]);
    run(&home, &server, &["Count"]).failed(1, "server").says(&[
        "the partial answer is saved: parlor -c --continue\n",
        "the prompt is saved: parlor -c --retry\n",
    ]);
    let whole = run(&home, &server, &["-c", "--continue"]);
    assert_eq!(whole.stdout, "One two three four.\n", "{whole:?}");
}

#[test]
fn a_models_refusal_is_no_filters() {
    let home = home();
    let refusal = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-6",
        "content": [], "stop_reason": "refusal", "usage": {"input_tokens": 1, "output_tokens": 1},
    });
    let server = Server::start(vec![Answer(200, JSON, refusal.to_string())]);
    let mut command = home.parlor(&["-m", "anthropic/claude-sonnet-4-6", "--no-stream", "hi"]);
    command.env("ANTHROPIC_API_KEY", "sk-ant-0123456789");
    let ran = Ran::of(
        command
            .env("ANTHROPIC_BASE_URL", &server.url)
            .output()
            .unwrap(),
    );
    ran.failed(9, "filtered").says(&["ask another model"]);
    assert!(!ran.stderr.contains("filter withheld"), "{ran:?}");
}

#[test]
fn a_program_is_told_what_a_person_is() {
    let home = home();
    let gone = || failing(404, "model 'm' not found");
    let tags = json!({"models": [{"name": "qwen3:4b", "model": "qwen3:4b"}]});
    let server = Server::start(vec![gone(), Answer(200, JSON, tags.to_string())]);
    let error = run(&home, &server, &["--json", "hi"]).error();
    assert_eq!(
        error["message"],
        "Ollama has no model \"m\". Installed: qwen3:4b."
    );
}

#[test]
fn a_name_that_isnt_listed_wants_its_provider() {
    let ran = Home::new().run(&["-m", "qwen3:4b", "hi"]);
    ran.failed(5, "model-not-found")
        .says(&["has its provider in front: -m PROVIDER/qwen3:4b\n"]);
}

#[test]
fn a_store_that_is_none_is_named_and_is_no_bug() {
    let home = Home::new();
    let file = home.file(".local/share/parlor/parlor.db", "no database at all");
    let ran = home.run(&["history", "--list"]);
    ran.failed(1, "failed").says(&[&file, "move it away"]);
}

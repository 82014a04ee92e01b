//! Keys, addresses and servers: what is sent where, and what is said when it fails.

use crate::common::server::{Answer, Server};
use crate::common::{Home, Ran, closed_port};
use serde_json::Value;

const KEY: &str = "sk-ant-secretsecretsecret9876";
const MODEL: &str = "anthropic/claude-sonnet-4-6";

fn run(home: &Home, url: &str, arguments: &[&str]) -> Ran {
    let mut command = home.parlor(&[&["-m", MODEL], arguments, &["Hi"]].concat());
    command.env("ANTHROPIC_API_KEY", KEY);
    command.env("ANTHROPIC_BASE_URL", url);
    let ran = Ran::of(command.output().unwrap());
    assert!(!ran.stderr.contains("secretsecret"), "{ran:?}");
    assert!(!ran.stdout.contains("secretsecret"), "{ran:?}");
    ran
}

fn answer(text: &str) -> Answer {
    let body = format!(
        r#"{{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-6",
        "content":[{{"type":"text","text":"{text}"}}],"stop_reason":"end_turn",
        "usage":{{"input_tokens":1000,"output_tokens":100}}}}"#
    );
    Answer(200, "content-type: application/json\r\n", body)
}

#[test]
fn a_key_that_is_missing() {
    let home = Home::new();
    let ran = home.run(&["-m", MODEL, "Hi"]);
    ran.failed(4, "no-key").says(&[
        "anthropic needs an API key and none was found (looked in: ANTHROPIC_API_KEY",
        "key_command, ",
        "help: parlor keys set anthropic          get one: https://",
        "parlor -m embedded/rules",
    ]);
    let error = home.run(&["-m", MODEL, "--json", "Hi"]).error();
    assert_eq!(error["kind"], "authentication");
    assert_eq!(error["model"], "claude-sonnet-4-6");
}

#[test]
fn a_key_that_is_refused_is_named_and_not_shown() {
    let body = format!(
        r#"{{"type":"error","error":{{"type":"authentication_error","message":"invalid x-api-key {KEY}"}}}}"#
    );
    let refused = || Answer(401, "", body.clone());
    let home = Home::new();
    let ran = run(&home, &Server::start(vec![refused()]).url, &[]);
    ran.failed(4, "auth")
        .says(&["the key from ANTHROPIC_API_KEY (…9876): 401"]);
    let ran = run(
        &home,
        &Server::start(vec![refused()]).url,
        &["--output", "json"],
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(4), ""));
    let error = ran.error();
    assert_eq!(
        (&error["kind"], &error["status"]),
        (&"authentication".into(), &401.into())
    );
}

#[test]
fn a_server_that_is_not_there() {
    let home = Home::new();
    home.config("[layers.retry]\nbase_delay = \"1ms\"\n");
    let url = closed_port();
    let ran = run(&home, &url, &["--quiet"]);
    ran.failed(6, "unreachable").says(&[
        &format!("cannot connect to {url} (anthropic): connection refused."),
        "     tried 3 times in ",
        "ANTHROPIC_BASE_URL",
    ]);
    let ran = run(&home, &url, &[]);
    assert_eq!(ran.code, Some(6));
    ran.says(&["retrying in ", "(1/2): connection", "(2/2): connection"]);
}

#[test]
fn an_address_that_is_another_s() {
    let home = Home::new();
    let page = || {
        Answer(
            404,
            "content-type: text/html\r\n",
            "<html>Not here</html>".to_owned(),
        )
    };
    let ran = run(&home, &Server::start(vec![page()]).url, &[]);
    assert!([1, 5].contains(&ran.code.unwrap()), "{ran:?}");
    ran.says(&["404"]);
    let ran = run(&home, "not a URL", &[]);
    ran.failed(3, "config").says(&["base URL"]);
    let redirect = Answer(
        302,
        "location: https://elsewhere.example/\r\n",
        String::new(),
    );
    let ran = run(&home, &Server::start(vec![redirect]).url, &[]);
    ran.failed(3, "config")
        .says(&["redirects to https://elsewhere.example"]);
}

#[test]
fn what_fails_by_chance_is_tried_again_and_told() {
    let home = Home::new();
    home.config("[layers.retry]\nbase_delay = \"1ms\"\n");
    let busy = || {
        Answer(
            529,
            "",
            r#"{"error":{"type":"overloaded_error","message":"busy"}}"#.to_owned(),
        )
    };
    let server = Server::start(vec![busy(), answer("There you are")]);
    let ran = run(&home, &server.url, &["--no-stream"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "There you are\n"),
        "{ran:?}"
    );
    let waits = ["0 ms", "1 ms"].map(|it| format!("retrying in {it} (1/2): overloaded 529\n"));
    assert!(waits.iter().any(|it| ran.stderr.starts_with(it)), "{ran:?}");

    let server = Server::start(vec![busy(), busy(), busy()]);
    let ran = run(&home, &server.url, &["--quiet"]);
    ran.failed(7, "overloaded").says(&["Tried 3 times in "]);
}

#[test]
fn a_failure_without_a_word_is_told_once_and_asks_for_no_id_that_is_not_there() {
    let home = Home::new();
    home.config("[layers.retry]\nattempts = 1\n");
    let server = Server::start(vec![Answer(502, "", String::new())]);
    let ran = run(&home, &server.url, &[]);
    ran.failed(1, "server").says(&["status 502"]);
    assert_eq!(ran.stderr.matches("502").count(), 1, "{ran:?}");
    assert!(!ran.stderr.contains("request id"), "{ran:?}");
    let server = Server::start(vec![Answer(502, "request-id: req_7\r\n", String::new())]);
    let ran = run(&home, &server.url, &[]);
    ran.failed(1, "server").says(&["req_7", "request id"]);
}

#[test]
fn a_retired_model_that_is_gone_has_a_successor_in_the_help() {
    let home = Home::new();
    let body = r#"{"type":"error","error":{"type":"not_found_error","message":"model: gone"}}"#;
    let server = Server::start(vec![Answer(404, "", body.to_owned())]);
    let mut command = home.parlor(&["-m", "claude-3-opus-20240229", "--json", "Hi"]);
    command.env("ANTHROPIC_API_KEY", KEY);
    command.env("ANTHROPIC_BASE_URL", &server.url);
    let ran = Ran::of(command.output().unwrap());
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let help = ran.error()["help"].to_string();
    assert!(
        help.contains("retired on 2026-01-05; anthropic/claude-opus-"),
        "{help}"
    );
}

#[test]
fn a_program_reads_in_the_answer_that_the_model_is_retired() {
    let home = Home::new();
    let server = Server::start(vec![answer("Hi"), answer("Hi")]);
    let ask = |form: &str| {
        let model = "claude-3-opus-20240229";
        let mut command = home.parlor(&["-m", model, "--no-stream", "--output", form, "Hi"]);
        command.env("ANTHROPIC_API_KEY", KEY);
        command.env("ANTHROPIC_BASE_URL", &server.url);
        let ran = Ran::of(command.output().unwrap());
        assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
        ran
    };
    let check = |warning: &Value| {
        assert_eq!(warning["setting"], "model", "{warning}");
        let message = warning["message"].as_str().unwrap();
        assert!(message.contains("retired on 2026-01-05"), "{message}");
    };
    let warnings = &ask("json").json()["warnings"];
    assert_eq!(warnings.as_array().unwrap().len(), 1, "{warnings}");
    check(&warnings[0]);

    let events = ask("events").stdout;
    let events: Vec<Value> = events
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[0]["type"], "started");
    assert_eq!(events[1]["type"], "warning");
    check(&events[1]["warning"]);
    let told = events.iter().filter(|it| it["type"] == "warning");
    assert_eq!(told.count(), 1, "{events:?}");
}

#[test]
fn the_cost_is_told_with_the_day_of_the_price() {
    let home = Home::new();
    let server = Server::start(vec![answer("Hi")]);
    let ran = run(&home, &server.url, &["--no-stream", "--output", "json"]);
    let object = ran.json();
    assert_eq!(object["usage"]["total_tokens"], 1100);
    assert_eq!(object["cost"]["currency"], "USD");
    // 1000 tokens in at $3 a million, 100 out at $15.
    let amount = object["cost"]["amount"].as_f64().unwrap();
    assert!((amount - 0.0045).abs() < 1e-9, "{object}");
    assert_eq!(
        object["cost"]["as_of"].as_str().unwrap().len(),
        "2026-01-01".len()
    );
}

#[test]
fn what_costs_nothing_here_has_no_day_of_a_price() {
    let home = Home::new();
    let line = "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},\
        \"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":9,\"eval_count\":3}\n";
    let headers = "content-type: application/x-ndjson\r\n";
    let server = Server::start(vec![Answer(200, headers, line.to_owned())]);
    let mut command = home.parlor(&["-m", "ollama/m", "--json", "Hi"]);
    let ran = Ran::of(command.env("OLLAMA_HOST", &server.url).output().unwrap());
    let cost = &ran.json()["cost"];
    assert_eq!(cost["amount"], 0.0, "{cost}");
    assert!(cost["as_of"].is_null(), "{cost}");
    let usage = home.run(&["usage", "--json"]).json();
    let cost = &usage["total"]["costs"][0];
    assert_eq!(cost["amount"], 0.0, "{usage}");
    assert_eq!(cost.get("as_of"), None, "{usage}");
}

#[test]
fn options_reach_the_wire() {
    let home = Home::new();
    let server = Server::start(vec![answer("Hi")]);
    let options = [
        "--no-stream",
        "-s",
        "Be brief",
        "--max-tokens",
        "77",
        "--temperature",
        "0.5",
    ];
    assert_eq!(run(&home, &server.url, &options).code, Some(0));
    let seen = server.request();
    assert!(
        seen.head
            .contains(&format!("x-api-key: {KEY}").to_lowercase()),
        "{seen:?}"
    );
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body["max_tokens"], 77);
    assert!(body["system"].to_string().contains("Be brief"));
    assert!(server.is_done());
}

#[test]
fn a_name_that_looks_misspelt_is_sent_only_by_force() {
    let home = Home::new();
    let server = Server::start(vec![answer("Hi")]);
    let with = |more: &[&str]| {
        let mut command =
            home.parlor(&[more, &["-m", "anthropic/claude-sonet-4-6", "Hi"]].concat());
        command.env("ANTHROPIC_API_KEY", KEY);
        Ran::of(command.output().unwrap())
    };
    with(&[]).failed(5, "model-not-found").says(&[
        "no model \"anthropic/claude-sonet-4-6\".   did you mean anthropic/claude-sonnet-4-6?",
        "parlor models claude",
        "send it anyway: --force-model",
    ]);
    // To a host of the user's own it goes as it is.
    let ran = with(&["--base-url", &server.url, "--no-stream"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "Hi\n"),
        "{ran:?}"
    );
}

#[test]
fn the_only_key_and_a_local_server_choose_the_model() {
    let home = Home::new();
    let nowhere = closed_port();
    let local = ["litellm", "lmstudio", "llamacpp", "vllm", "sglang"];
    let toml: String = local
        .iter()
        .map(|name| format!("[providers.{name}]\nbase_url = \"{nowhere}\"\n"))
        .collect();
    home.config(&toml);
    let list = r#"{"models":[{"name":"nomic-embed-text:latest"},{"name":"tiny:1b"}]}"#;
    let said = "{\"model\":\"tiny:1b\",\"message\":{\"role\":\"assistant\",\"content\":\"Hello\"},\"done\":true,\"done_reason\":\"stop\"}\n";
    let answers = || {
        vec![
            Answer(200, "", list.to_owned()),
            Answer(200, "", said.to_owned()),
        ]
    };
    let ask = |url: &str, more: &[&str]| {
        let mut command = home.parlor(&[more, &["Hi"]].concat());
        command.env("OLLAMA_HOST", url);
        Ran::of(command.output().unwrap())
    };
    let server = Server::start(answers());
    let ran = ask(&server.url, &[]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "Hello\n"),
        "{ran:?}"
    );
    let told = format!("ollama/tiny:1b chosen because it answers at {}", server.url);
    assert!(ran.stderr.starts_with(&told), "{ran:?}");
    assert_eq!(ask(&Server::start(answers()).url, &["-q"]).stderr, "");
}

#[test]
fn the_provider_with_the_only_key_is_chosen_and_told() {
    let home = Home::new();
    let said = r#"{"id":"c1","object":"chat.completion","model":"m","choices":[{"index":0,
        "message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}"#;
    let server = Server::start(vec![Answer(200, "", said.to_owned())]);
    let mut command = home.parlor(&["--no-stream", "Hi"]);
    command.env("OPENAI_API_KEY", KEY);
    command.env("OPENAI_BASE_URL", &server.url);
    command.env("OPENAI_MODEL", "house-model");
    let ran = Ran::of(command.output().unwrap());
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "Hello\n"),
        "{ran:?}"
    );
    let told = "openai/house-model chosen because OPENAI_API_KEY is set";
    assert!(ran.stderr.starts_with(told), "{ran:?}");
    let body: serde_json::Value = serde_json::from_str(&server.request().body).unwrap();
    assert_eq!(body["model"], "house-model");
}

#[test]
fn a_host_that_is_not_known_gets_no_key_of_another() {
    let home = Home::new();
    let said = || {
        let body = r#"{"choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}"#;
        Answer(200, "", body.to_owned())
    };
    let list = Answer(200, "", r#"{"data":[{"id":"only-model"}]}"#.to_owned());
    let server = Server::start(vec![said(), list, said()]);
    let ask = |more: &[&str]| {
        let base = ["--base-url", &server.url, "--no-stream", "Hi"];
        let mut command = home.parlor(&[more, &base].concat());
        command.env("OPENAI_API_KEY", KEY);
        let ran = Ran::of(command.output().unwrap());
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(0), "Hello\n"),
            "{ran:?}"
        );
        ran
    };
    ask(&["-m", "bare-model"]);
    let seen = server.request();
    assert!(!seen.head.contains("secretsecret"), "{seen:?}");
    assert!(seen.body.contains("bare-model"), "{seen:?}");
    let ran = ask(&[]);
    ran.says(&[
        "openai-compatible/only-model chosen because",
        "lists it first",
    ]);
    assert!(server.request().head.starts_with("GET /models"));
    assert!(server.request().body.contains("only-model"));
}

#[test]
fn thoughts_go_to_stderr_and_only_when_asked_for() {
    let home = Home::new();
    let thought = || {
        let body = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[
            {"type":"thinking","thinking":"Hmm, well.","signature":"s"},{"type":"text","text":"Hi"}],
            "stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;
        Answer(200, "", body.to_owned())
    };
    let ask = |more: &[&str]| run(&home, &Server::start(vec![thought()]).url, more);
    let ran = ask(&["--no-stream"]);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("Hi\n", ""));
    let ran = ask(&["--no-stream", "--reasoning"]);
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("Hi\n", "Hmm, well.\n")
    );
    let ran = ask(&["--no-stream", "--output", "json"]);
    assert_eq!(ran.json()["reasoning"], "Hmm, well.");
}

#[test]
fn a_refusal_and_a_cut_answer_are_told_apart_from_a_whole_one() {
    let home = Home::new();
    let ended = |reason: &str| {
        let Answer(status, headers, body) = answer("Some words");
        Answer(status, headers, body.replace("end_turn", reason))
    };
    let ask = |reason: &str, more: &[&str]| {
        let server = Server::start(vec![ended(reason)]);
        run(&home, &server.url, &[&["--no-stream"], more].concat())
    };
    let ran = ask("max_tokens", &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "Some words\n"));
    assert_eq!(
        ran.stderr,
        "warning: the answer was cut at the token limit\n"
    );
    ask("refusal", &[]).failed(9, "filtered").says(&["refused"]);
    let ran = ask("refusal", &["--output", "json"]);
    assert_eq!(ran.code, Some(9));
    assert_eq!(ran.json()["finish_reason"]["kind"], "refusal");
    assert_eq!(ran.error()["kind"], "content_filtered");
}

#[test]
fn a_server_of_ones_own_that_lacks_a_model_is_asked_what_it_has() {
    let home = Home::new();
    let json = "content-type: application/json\r\n";
    let lacks = || {
        let body = r#"{"error":"model 'qwen3:4' not found"}"#;
        Answer(404, json, body.to_owned())
    };
    let has = r#"{"models":[{"name":"llama3.2","model":"llama3.2"},{"name":"qwen3:4b","model":"qwen3:4b"}]}"#;
    let server = Server::start(vec![lacks(), Answer(200, json, has.to_owned()), lacks()]);
    let ask = || {
        let mut command = home.parlor(&["-m", "ollama/qwen3:4", "Hi"]);
        Ran::of(command.env("OLLAMA_HOST", &server.url).output().unwrap())
    };
    ask().failed(5, "model-not-found").says(&[
        "Ollama has no model \"qwen3:4\". Installed: llama3.2, qwen3:4b.",
        "help: ollama pull qwen3:4   or   -m ollama/qwen3:4b\n",
    ]);
    // Where it doesn't say, that is all.
    let ran = ask();
    ran.failed(5, "model-not-found")
        .says(&["ollama pull qwen3:4"]);
    assert!(!ran.stderr.contains("Installed"), "{ran:?}");
}

#[test]
fn a_stream_that_breaks_tells_how_much_had_come() {
    let home = Home::new();
    let piece = r#"{"model":"m","message":{"role":"assistant","content":"One two three four five six."},"done":false}"#;
    let kind = "content-type: application/x-ndjson\r\n";
    let server = Server::start(vec![Answer(200, kind, format!("{piece}\n"))]);
    let mut command = home.parlor(&["-m", "ollama/m", "Hi"]);
    let ran = Ran::of(command.env("OLLAMA_HOST", &server.url).output().unwrap());
    let told = ran
        .stderr
        .split_once("error[interrupted-stream]: ")
        .unwrap()
        .1;
    assert!(told.starts_with("connection dropped after ~"), "{ran:?}");
    assert!(told.contains("; the partial answer is saved.\n"), "{ran:?}");
    assert!(told.contains("help: parlor -c --continue\n"), "{ran:?}");
}

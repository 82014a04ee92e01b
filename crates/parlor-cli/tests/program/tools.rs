//! Tools of one question: which are given, which run, what is told of them.

use std::io::{BufRead as _, BufReader};

use crate::common::calling::{calls, in_one_piece, last_result, says, tools_of};
use crate::common::server::{Answer, Server};
use crate::common::{Home, Ran, signal};
use serde_json::{Value, json};

fn ask(home: &Home, server: &Server, more: &[&str]) -> Ran {
    let words = [&["-m", "ollama/m"][..], more, &["Hi"]].concat();
    let mut command = home.parlor(&words);
    Ran::of(command.env("OLLAMA_HOST", &server.url).output().unwrap())
}

/// Asks where the model calls a tool once, and then answers; what it was told too.
fn call(home: &Home, more: &[&str], name: &str, arguments: Value) -> (Ran, String) {
    let server = Server::start(vec![calls(&[(name, arguments)]), says("Done.")]);
    let ran = ask(home, &server, more);
    server.request();
    (ran, last_result(&server))
}

/// Waits until a process has ended; whether anybody has asked how doesn't matter.
fn is_gone(pid: &str) {
    loop {
        let told = std::process::Command::new("ps")
            .args(["-o", "stat=", "-p", pid])
            .output();
        let state = String::from_utf8(told.unwrap().stdout).unwrap();
        if state.trim().is_empty() || state.starts_with('Z') {
            return;
        }
    }
}

/// A configuration with this program as the tool `tool`.
fn program(home: &Home, script: &str, more: &str) {
    let file = home.file("tool.sh", format!("#!/bin/sh\n{script}\n"));
    std::process::Command::new("chmod")
        .args(["+x", &file])
        .status()
        .unwrap();
    home.config(&format!(
        "[tools.tool]\ncommand = [\"{file}\", \"word\"]\ndescription = \"A tool.\"\n\
         parameters = {{ type = \"object\", properties = {{ text = {{ type = \"string\" }} }} }}\n{more}\n"
    ));
}

#[test]
fn what_touches_nothing_runs_and_is_told_of() {
    let home = Home::new();
    let sum = json!({"expression": "6 * 7"});
    let (ran, told) = call(&home, &["--tool", "calculator"], "calculator", sum);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "Done.\n"),
        "{ran:?}"
    );
    assert_eq!(told, "42");
    ran.says(&["→ calculator(expression: \"6 * 7\")\n", "✓ calculator: 2 B"]);
    let sum = json!({"expression": "6 * 7"});
    let (ran, _) = call(
        &home,
        &["--tool", "calculator", "--quiet"],
        "calculator",
        sum,
    );
    assert_eq!(ran.stderr, "");
    // The turn is kept with its calls.
    let id = home.run(&["history", "--json"]).json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let shown = home.run(&["history", "--show", &id]).stdout;
    assert!(shown.contains("calculator(expression"), "{shown}");
}

#[test]
fn nothing_is_on_unless_it_is_named() {
    let home = Home::new();
    let server = Server::start(vec![says("a"), says("b"), says("c"), says("d"), says("e")]);
    let given = |more: &[&str]| {
        let ran = ask(&home, &server, more);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        tools_of(&server.request().body)
    };
    assert_eq!(given(&[]), [""; 0]);
    let all = ["calculator", "fetch_url", "read_file", "time"];
    assert_eq!(given(&["--tool", "all"]), all);
    assert_eq!(
        given(&["--tool", "time", "--allow", "read_file"]),
        ["read_file", "time"]
    );
    home.config("[tools]\non = [\"time\"]");
    assert_eq!(given(&[]), ["time"]);
    assert_eq!(given(&["--no-tools"]), [""; 0]);
}

#[test]
fn names_that_are_not_known_are_told_before_anything_is_sent() {
    let home = Home::new();
    let ran = home.run(&["-m", "echo", "--tool", "calculater", "Hi"]);
    ran.failed(2, "usage")
        .says(&["did you mean calculator?", "read_file"]);
    let ran = home.run(&["-m", "echo", "--tool", "time", "--no-tools", "Hi"]);
    ran.failed(2, "usage");
    let ran = home.run(&["-m", "echo", "--tool", "time", "--max-steps", "0", "Hi"]);
    ran.failed(2, "usage");
}

#[test]
fn nobody_to_ask_means_no_and_says_which_option_allows_it() {
    let home = Home::new();
    home.file("notes.txt", "inside");
    let path = || json!({"path": "notes.txt"});
    let (ran, told) = call(&home, &["--tool", "read_file"], "read_file", path());
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(11), "Done.\n"),
        "{ran:?}"
    );
    ran.says(&[
        "✗ read_file: nobody is there to be asked",
        "error[tool]",
        "--allow read_file",
    ]);
    assert!(told.contains("denied"), "{told}");
    let (ran, told) = call(&home, &["--allow", "read_file"], "read_file", path());
    assert_eq!((ran.code, told.as_str()), (Some(0), "inside"), "{ran:?}");
    home.config("[tools.read_file]\npolicy = \"allow\"");
    let (ran, told) = call(&home, &["--tool", "read_file"], "read_file", path());
    assert_eq!((ran.code, told.as_str()), (Some(0), "inside"), "{ran:?}");
    home.config("[tools.read_file]\npolicy = \"deny\"");
    // The model isn't told of what a person's own no keeps from running.
    let server = Server::start(vec![
        calls(&[("calculator", json!({"expression": "1"}))]),
        says("Done."),
    ]);
    let ran = ask(&home, &server, &["--tool", "read_file", "--allow", "all"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let told = tools_of(&server.request().body);
    assert!(told.contains(&"calculator".to_owned()), "{told:?}");
    assert!(!told.contains(&"read_file".to_owned()), "{told:?}");
    let server = Server::start(vec![says("Done.")]);
    let ran = ask(&home, &server, &["--tool", "read_file"]);
    assert_eq!(ran.stdout, "Done.\n", "{ran:?}");
    assert!(tools_of(&server.request().body).is_empty());
    // With a program on the other end it is the same.
    let (ran, _) = call(
        &home,
        &["--tool", "fetch_url", "--json"],
        "fetch_url",
        json!({"url": "x"}),
    );
    assert_eq!(ran.code, Some(11));
    assert_eq!(ran.error()["kind"], "tool");
    assert_eq!(ran.json()["tool_calls"][0]["result"]["is_error"], true);
}

#[test]
fn a_tool_reaches_nothing_outside_its_bounds() {
    let home = Home::new();
    let inside = home.path().join("inside");
    std::fs::create_dir_all(&inside).unwrap();
    home.file("outside.txt", "secret");
    std::os::unix::fs::symlink(home.path().join("outside.txt"), inside.join("link.txt")).unwrap();
    let paths = ["../outside.txt", "link.txt", "/etc/passwd"];
    let mut answers: Vec<Answer> = paths
        .iter()
        .map(|path| calls(&[("read_file", json!({"path": path}))]))
        .collect();
    for url in [
        "http://127.0.0.1:80/",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
    ] {
        answers.push(calls(&[("fetch_url", json!({"url": url}))]));
    }
    answers.push(says("Done."));
    let server = Server::start(answers);
    let words = [
        "-m",
        "ollama/m",
        "--allow",
        "read_file",
        "--allow",
        "fetch_url",
        "Hi",
    ];
    let mut command = home.parlor(&words);
    command.env("OLLAMA_HOST", &server.url).current_dir(&inside);
    let ran = Ran::of(command.output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    server.request();
    for _ in paths {
        let told = last_result(&server);
        assert!(told.contains("isn't within the current folder"), "{told}");
    }
    let told: Vec<String> = (0..3).map(|_| last_result(&server)).collect();
    assert!(told[0].contains("no public address"), "{told:?}");
    assert!(told[1].contains("no public address"), "{told:?}");
    assert!(told[2].contains("isn't fetched"), "{told:?}");
}

#[test]
fn a_page_is_fetched_as_text_where_the_address_is_allowed() {
    let home = Home::new();
    home.config("[tools.fetch_url]\naddresses = [\"127.0.0.1\"]\nany_port = true");
    let kind = "content-type: text/html\r\n";
    let page = "<html><head><title>T</title></head><body><p>One <b>two</b></p></body></html>";
    let site = Server::start(vec![Answer(200, kind, page.to_owned())]);
    let url = json!({"url": format!("{}/page", site.url)});
    let (ran, told) = call(&home, &["--allow", "fetch_url"], "fetch_url", url);
    assert_eq!(
        (ran.code, told.as_str()),
        (Some(0), "T\n\nOne two"),
        "{ran:?}"
    );
}

#[test]
fn a_program_gets_its_arguments_and_a_small_environment() {
    let home = Home::new();
    program(
        &home,
        "cat; echo; echo \"$1 $PARLOR_TOOL $NAMED\"; env",
        "effect = \"read\"\nenv = [\"NAMED\"]",
    );
    let server = Server::start(vec![
        calls(&[("tool", json!({"text": "é\n"}))]),
        says("Done."),
    ]);
    let mut command = home.parlor(&["-m", "ollama/m", "--tool", "tool", "Hi"]);
    command.env("OLLAMA_HOST", &server.url);
    command
        .env("NAMED", "given")
        .env("OPENAI_API_KEY", "sk-secret");
    let ran = Ran::of(command.output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    server.request();
    let told = last_result(&server);
    assert!(
        told.starts_with("{\"text\":\"é\\n\"}\nword tool given\n"),
        "{told}"
    );
    assert!(
        !told.contains("sk-secret") && !told.contains("OLLAMA_HOST"),
        "{told}"
    );
}

#[test]
fn a_program_that_fails_is_told_to_the_model() {
    let home = Home::new();
    for (script, more, wanted) in [
        ("echo no such city >&2; exit 3", "", "no such city"),
        ("sleep 600", "timeout = \"200ms\"", "it was stopped after"),
        (
            "sleep 600 & echo $! > child; sleep 600",
            "timeout = \"500ms\"",
            "it was stopped after",
        ),
        ("yes", "", "it writes without end"),
        ("kill -9 $$", "", "signal: 9"),
        ("exit 1", "cwd = \"nowhere\"", "can't be run"),
    ] {
        program(&home, script, &format!("effect = \"read\"\n{more}"));
        let (ran, told) = call(&home, &["--tool", "tool"], "tool", json!({}));
        // The model answered all the same.
        assert_eq!(ran.code, Some(0), "{script}: {ran:?}");
        assert!(told.contains(wanted), "{script}: {told}");
        ran.says(&["✗ tool: "]);
    }
    // What it had started is gone too.
    let child = std::fs::read_to_string(home.path().join("child")).unwrap();
    is_gone(child.trim());
    // Without an answer it is the question's failure.
    program(&home, "echo why >&2; exit 3", "effect = \"read\"");
    let server = Server::start(vec![calls(&[("tool", json!({}))]), says("")]);
    let ran = ask(&home, &server, &["--tool", "tool"]);
    assert_eq!(ran.code, Some(11), "{ran:?}");
    ran.says(&["error[tool]", "why"]);
}

#[test]
fn what_a_program_prints_steers_no_terminal_and_is_bounded() {
    let home = Home::new();
    program(
        &home,
        "printf '\\033[2J\\033]0;t\\007'; echo bad; printf '\\033[31mred' >&2; exit 1",
        "effect = \"read\"",
    );
    let (ran, _) = call(&home, &["--tool", "tool"], "tool", json!({}));
    assert!(
        !ran.stderr.contains('\u{1b}') && ran.stderr.contains("red"),
        "{ran:?}"
    );
    program(
        &home,
        "head -c 300000 /dev/zero | tr '\\0' x",
        "effect = \"read\"",
    );
    let (ran, told) = call(&home, &["--tool", "tool"], "tool", json!({}));
    assert!(
        told.len() < 140_000 && told.contains("bytes more were left out"),
        "{}",
        told.len()
    );
    assert_eq!(ran.code, Some(0));
}

#[test]
fn a_model_that_calls_without_end_is_stopped() {
    let home = Home::new();
    let server = Server::start((0..3).map(|_| calls(&[("time", json!({}))])).collect());
    let ran = ask(&home, &server, &["--tool", "time", "--max-steps", "3"]);
    assert_eq!(ran.code, Some(11), "{ran:?}");
    ran.says(&["still called tools after 3 steps", "--max-steps"]);
}

#[test]
fn programs_see_the_calls_in_json_and_events() {
    let home = Home::new();
    let server = || Server::start(vec![calls(&[("time", json!({}))]), says("Done.")]);
    let object = ask(&home, &server(), &["--tool", "time", "--json"]).json();
    assert_eq!(object["text"], "Done.");
    assert_eq!(object["tool_calls"][0]["name"], "time");
    assert!(
        object["tool_calls"][0]["result"]["text"]
            .as_str()
            .unwrap()
            .contains("UTC")
    );
    // Of both requests.
    assert_eq!(object["usage"]["output_tokens"], 8);
    let ran = ask(&home, &server(), &["--tool", "time", "--output", "events"]);
    let events: Vec<Value> = ran
        .stdout
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let at = |kind: &str| events.iter().position(|it| it["type"] == kind).unwrap();
    assert!(at("tool_started") < at("tool_finished"), "{ran:?}");
    assert_eq!(events[at("tool_finished")]["result"]["name"], "time");
    assert_eq!(events.last().unwrap()["type"], "completed");
}

#[test]
fn an_interruption_stops_the_program_and_keeps_the_turn() {
    let home = Home::new();
    program(
        &home,
        "echo $$ > pid; echo begun >&2; sleep 600",
        "effect = \"read\"",
    );
    let server = Server::start(vec![calls(&[("tool", json!({}))])]);
    let mut command = home.parlor(&["-m", "ollama/m", "--tool", "tool", "Hi"]);
    let mut child = command.env("OLLAMA_HOST", &server.url).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert_eq!(line, "→ tool()\n");
    let pid = loop {
        match std::fs::read_to_string(home.path().join("pid")) {
            Ok(pid) if pid.ends_with('\n') => break pid,
            _ => std::thread::yield_now(),
        }
    };
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    is_gone(pid.trim());
    // The conversation can be gone on with.
    let server = Server::start(vec![says("Yes.")]);
    let ran = ask(&home, &server, &["-c"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let body = server.request().body;
    assert!(body.contains("was interrupted and has no result"), "{body}");
}

#[test]
fn an_answer_by_a_schema_or_in_one_piece_may_need_tools_too() {
    let home = Home::new();
    let server = Server::start(vec![
        calls(&[("time", json!({}))]),
        says("{\"day\": \"Monday\"}"),
    ]);
    let ran = ask(&home, &server, &["--tool", "time", "--schema", "day"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "{\"day\":\"Monday\"}\n"),
        "{ran:?}"
    );
    ran.says(&["✓ time"]);
    let answers = vec![calls(&[("time", json!({}))]), says("Done.")];
    let server = Server::start(answers.into_iter().map(in_one_piece).collect());
    let ran = ask(&home, &server, &["--tool", "time", "--no-stream"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "Done.\n"),
        "{ran:?}"
    );
    assert!(server.request().body.contains("\"stream\":false"));
}

#[test]
fn arguments_that_break_the_schema_go_back_and_nobody_is_asked() {
    let home = Home::new();
    program(&home, "cat", "");
    // Where nobody could be asked, a call that had to be would be the failure.
    let wrong = json!({"text": 7});
    let (ran, told) = call(&home, &["--tool", "tool"], "tool", wrong);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(told.contains("`text` must be of the type string"), "{told}");
    assert!(told.contains("The arguments must match {"), "{told}");
    ran.says(&["✗ tool: "]);
    let (ran, _) = call(&home, &["--tool", "tool"], "tool", json!({"text": "x"}));
    assert_eq!(ran.code, Some(11), "{ran:?}");
    ran.says(&["--allow tool"]);
    let (ran, told) = call(&home, &["--allow", "tool"], "tool", json!({"text": "x"}));
    assert_eq!(
        (ran.code, told.as_str()),
        (Some(0), "{\"text\":\"x\"}"),
        "{ran:?}"
    );
}

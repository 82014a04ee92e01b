//! Many questions, and what a later run makes of what an earlier one left.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::common::server::read_request;
use crate::common::{Home, Ran};
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_testkit::{BatchAnswer, BatchServer};
use serde_json::{Value, json};

/// A server that answers each question by itself: by a status and a text, or not at all.
struct Upstream {
    url: String,
    asked: Receiver<String>,
}

impl Upstream {
    fn start(answer: fn(&str) -> Option<(u16, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, asked) = channel();
        std::thread::spawn(move || {
            let mut held: Vec<TcpStream> = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read_request(&stream) else {
                    continue;
                };
                let body: Value = serde_json::from_str(&request.body).unwrap();
                let said = body["messages"].as_array().unwrap();
                let said: Vec<&str> = said
                    .iter()
                    .map(|it| it["content"].as_str().unwrap())
                    .collect();
                let said = said.join("/");
                let answered = answer(&said);
                let _ = sender.send(said);
                let Some((status, text)) = answered else {
                    held.push(stream);
                    continue;
                };
                let body = match status {
                    200 => json!({
                        "model": "m", "message": {"role": "assistant", "content": text},
                        "done": true, "done_reason": "stop",
                        "prompt_eval_count": 3, "eval_count": 4,
                    }),
                    _ => json!({"error": text}),
                };
                let body = body.to_string();
                let head = format!(
                    "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\n\
                     content-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all((head + &body).as_bytes());
            }
        });
        Self { url, asked }
    }

    /// The next question that came.
    fn asked(&self) -> String {
        self.asked.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    /// All that came by now.
    fn all(&self) -> Vec<String> {
        let mut all: Vec<String> = self.asked.try_iter().collect();
        all.sort();
        all
    }
}

fn back(said: &str) -> Option<(u16, String)> {
    Some((200, said.to_uppercase()))
}

fn batch(home: &Home, url: &str, arguments: &[&str]) -> std::process::Command {
    let mut command = home.parlor(&[&["batch", "-m", "ollama/m"], arguments].concat());
    command.env("OLLAMA_HOST", url);
    command
}

fn run(home: &Home, upstream: &Upstream, arguments: &[&str]) -> Ran {
    Ran::of(batch(home, &upstream.url, arguments).output().unwrap())
}

fn lines(text: &str) -> Vec<Value> {
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect(line));
    lines.collect()
}

/// Holds a batch that wasn't wholly answered to its end: the sum, then the failure.
#[track_caller]
fn ended<'a>(ran: &'a Ran, exit: i32, code: &str) -> &'a Ran {
    assert_eq!(ran.code, Some(exit), "{ran:?}");
    ran.says(&[&format!("\nerror[{code}]: "), "\n  help: "])
}

/// The lines of a file, each whole.
fn kept(home: &Home, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(home.path().join(name)).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    lines(&text)
}

fn texts(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|it| it["text"].as_str().unwrap_or("-"))
        .collect()
}

#[test]
fn every_form_of_a_line_is_a_question_and_the_answers_are_in_order() {
    let home = Home::new();
    let upstream = Upstream::start(back);
    let questions = home.file(
        "q.jsonl",
        "{\"prompt\": \"one\", \"id\": \"a\", \"note\": 1}\r\n\n\"two\"\n\
         {\"messages\": [{\"role\": \"user\", \"parts\": \"three\"}], \"id\": 3}\n\
         {\"prompt\": \"four\", \"system\": \"own\", \"temperature\": 0.5}",
    );
    let ran = run(
        &home,
        &upstream,
        &[&questions, "-s", "all", "--max-tokens", "9"],
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines = lines(&ran.stdout);
    assert_eq!(
        texts(&lines),
        ["ALL/ONE", "ALL/TWO", "ALL/THREE", "OWN/FOUR"]
    );
    let ids: Vec<&Value> = lines.iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, [&json!("a"), &Value::Null, &json!(3), &Value::Null]);
    for (at, line) in lines.iter().enumerate() {
        assert_eq!(line["index"], at);
        assert_eq!(line["finish_reason"]["kind"], "stop");
        assert_eq!(line["usage"]["input_tokens"], 3);
    }
    assert_eq!(upstream.all().len(), 4);
    ran.says(&["4 of 4 in "]);
    let usage = home.run(&["usage", "--json"]).json();
    assert_eq!(usage["total"]["turns"], 4);
    assert_eq!(usage["total"]["usage"]["input_tokens"], 12);
}

#[test]
fn lines_of_text_come_from_a_pipe_and_nothing_is_said_when_quiet() {
    let home = Home::new();
    let ran = home.pipe(
        &["batch", "-", "--lines", "-m", "echo", "-q"],
        "{a\n\n b \n",
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(texts(&lines(&ran.stdout)), ["{a", "b"]);
}

#[test]
fn wrong_lines_are_told_by_number_and_nothing_is_sent() {
    let home = Home::new();
    let upstream = Upstream::start(back);
    let questions = home.file(
        "q.jsonl",
        "{\"prompt\": \"fine\", \"id\": 1}\n{\"promt\": \"x\"}\n[1]\nnonsense\n\
         {\"prompt\": \"x\", \"id\": 1}\n{\"messages\": []}\n{\"prompt\": \" \"}\n",
    );
    let ran = run(&home, &upstream, &[&questions, "-o", "a.jsonl"]);
    ran.failed(2, "batch").says(&[
        "q.jsonl:2: there is no `prompt`, only promt",
        "q.jsonl:3: it is neither",
        "q.jsonl:4: no JSON at column",
        "q.jsonl:5: line 1 has the id 1 too",
        "q.jsonl:6: it has no message",
        "q.jsonl:7: its prompt is empty",
        "nothing was sent",
    ]);
    assert!(upstream.all().is_empty());
    assert!(!home.path().join("a.jsonl").exists());
    run(&home, &upstream, &["none.jsonl"]).failed(2, "batch");
    let empty = home.file("empty", "\n");
    run(&home, &upstream, &[&empty])
        .failed(2, "batch")
        .says(&["has no question"]);
}

#[test]
fn what_failed_has_its_line_and_is_asked_again_alone() {
    let home = Home::new();
    let questions = home.file("q.jsonl", "\"one\"\n\"bad\"\n\"three\"\n");
    let upstream = Upstream::start(|said| match said {
        "bad" => Some((400, "no such thing".to_owned())),
        said => back(said),
    });
    let ran = run(&home, &upstream, &[&questions, "-o", "a.jsonl"]);
    ended(&ran, 1, "failed").says(&["1 of 3 failed", "asks them again"]);
    let first = kept(&home, "a.jsonl");
    assert_eq!(texts(&first), ["ONE", "-", "THREE"]);
    let error = &first[1]["error"];
    assert_eq!(error["kind"], "invalid_request", "{error}");
    assert_eq!(error["status"], 400);
    assert!(
        error["retry"].is_string() || error["retry"].is_object(),
        "{error}"
    );

    let upstream = Upstream::start(back);
    let ran = run(&home, &upstream, &[&questions, "-o", "a.jsonl"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.says(&["3 of 3 (2 from before)"]);
    assert_eq!(upstream.all(), ["bad"]);
    assert_eq!(texts(&kept(&home, "a.jsonl")), ["ONE", "BAD", "THREE"]);

    // What is added at the end is asked; what is changed is refused.
    let questions = home.file("q.jsonl", "\"one\"\n\"bad\"\n\"three\"\n\"four\"\n");
    let ran = run(&home, &upstream, &[&questions, "-o", "a.jsonl"]);
    assert_eq!(
        (ran.code, upstream.all()),
        (Some(0), vec!["four".to_owned()]),
        "{ran:?}"
    );
    let questions = home.file("q.jsonl", "\"one\"\n\"other\"\n");
    let ran = run(&home, &upstream, &[&questions, "-o", "a.jsonl"]);
    ran.failed(2, "batch")
        .says(&["a.jsonl:2: this answers another question", "name another"]);
    assert!(upstream.all().is_empty());
    assert_eq!(kept(&home, "a.jsonl").len(), 4);
}

#[test]
fn what_would_fail_for_all_is_asked_once() {
    let home = Home::new();
    let upstream = Upstream::start(|_| Some((401, "who are you".to_owned())));
    let questions = home.file("q.jsonl", "\"one\"\n\"two\"\n\"three\"\n");
    let ran = run(
        &home,
        &upstream,
        &[&questions, "-o", "a.jsonl", "--concurrency", "1"],
    );
    ended(&ran, 4, "auth").says(&["the rest would fail likewise"]);
    assert_eq!(upstream.all(), ["one"]);
    assert_eq!(kept(&home, "a.jsonl").len(), 1);
}

#[test]
fn a_file_of_anything_else_is_left_alone() {
    let home = Home::new();
    let questions = home.file("q.jsonl", "\"one\"\n");
    for other in ["words\n", "no line break", "{\"index\": 0}\n"] {
        let path = home.file("a.jsonl", other);
        let ran = home.run(&["batch", &questions, "-m", "echo", "-o", &path]);
        ran.failed(2, "batch").says(&["name another file"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), other);
    }
    let path = home.file("locked.jsonl", "");
    let other = OpenOptions::new().append(true).open(&path).unwrap();
    other.lock().unwrap();
    let ran = home.run(&["batch", &questions, "-m", "echo", "-o", &path]);
    ran.failed(2, "batch").says(&["another parlor writes to"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_done_and_a_killed_run_leaves_whole_lines() {
    for (name, code) in [("INT", Some(130)), ("TERM", Some(130)), ("KILL", None)] {
        let home = Home::new();
        let questions = home.file("q.jsonl", "\"one\"\n\"hang\"\n\"three\"\n");
        let upstream = Upstream::start(|said| match said {
            "hang" => None,
            said => back(said),
        });
        let options = [&questions, "-o", "a.jsonl", "--concurrency", "1"];
        let mut child = batch(&home, &upstream.url, &options).spawn().unwrap();
        assert_eq!([upstream.asked(), upstream.asked()], ["one", "hang"]);
        crate::common::signal(&child, name);
        if name == "INT" {
            // The first waits for what is on its way.
            let mut stderr = child.stderr.take().unwrap();
            let mut told = Vec::new();
            while !String::from_utf8_lossy(&told).contains("again to drop") {
                let mut byte = [0];
                std::io::Read::read_exact(&mut stderr, &mut byte).unwrap();
                told.push(byte[0]);
            }
            crate::common::signal(&child, name);
            assert_eq!(child.wait().unwrap().code(), code);
        } else {
            assert_eq!(Ran::of(child.wait_with_output().unwrap()).code, code);
        }
        assert_eq!(texts(&kept(&home, "a.jsonl")), ["ONE"]);
        // A line that was being written when the power went is dropped.
        let file = OpenOptions::new()
            .append(true)
            .open(home.path().join("a.jsonl"));
        file.unwrap().write_all(b"{\"index\":1,\"te").unwrap();
        let upstream = Upstream::start(back);
        let ran = run(&home, &upstream, &[&questions, "-o", "a.jsonl"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(upstream.all(), ["hang", "three"]);
        assert_eq!(texts(&kept(&home, "a.jsonl")), ["ONE", "HANG", "THREE"]);
    }
}

/// A limit on a file's size stands in for a disk that is full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_keeps_whole_lines_and_says_how_to_go_on() {
    let home = Home::new();
    let long = format!("\"{}\"\n", "long ".repeat(80));
    let questions = home.file("q.jsonl", long.clone() + &long + &long);
    let script = "trap '' XFSZ; ulimit -f 2; exec \"$@\"";
    let program = env!("CARGO_BIN_EXE_parlor");
    let output = std::process::Command::new("bash")
        .args(["-c", script, "bash", program])
        .args(["batch", &questions, "-m", "echo", "-o", "a.jsonl"])
        .env_clear()
        .env("HOME", home.path())
        .current_dir(home.path())
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: there is no bash here");
        return;
    };
    let ran = Ran::of(output);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    ran.says(&["cannot write a.jsonl", "make room"]);
    assert_eq!(kept(&home, "a.jsonl").len(), 1);
    let ran = home.run(&["batch", &questions, "-m", "echo", "-o", "a.jsonl"]);
    assert_eq!(
        (ran.code, kept(&home, "a.jsonl").len()),
        (Some(0), 3),
        "{ran:?}"
    );
}

#[test]
fn templates_take_the_fields_of_a_line_and_a_schema_holds() {
    let home = Home::new();
    home.file(
        ".config/parlor/templates/about.toml",
        "system = \"You know {{ lang }}\"\nprompt = \"{{ words | join('+') }} {{ input }}\"\n\
         [variables]\nlang = \"text\"\nwords = \"list\"\ninput = \"text\"\n",
    );
    let questions = home.file(
        "q.jsonl",
        "{\"prompt\": \"x\", \"words\": [\"a\", \"b\"]}\n\
         {\"prompt\": \"y\", \"words\": [\"c\"], \"lang\": \"C\"}\n",
    );
    let upstream = Upstream::start(|said| {
        let is_c = said.contains("You know C");
        let age = if is_c { "\"old\"" } else { "4" };
        Some((
            200,
            format!("{{\"said\": \"{}\", \"age\": {age}}}", said.len() > 9),
        ))
    });
    let ran = run(
        &home,
        &upstream,
        &[
            &questions,
            "-t",
            "about",
            "-p",
            "lang=Rust",
            "--schema",
            "said, age int",
        ],
    );
    ended(&ran, 1, "failed");
    let lines = lines(&ran.stdout);
    assert_eq!(lines[0]["text"], "{\"said\":\"true\",\"age\":4}");
    assert_eq!(lines[1]["error"]["kind"], "validation");
    let asked = upstream.all();
    assert!(asked.iter().any(|it| it.ends_with("a+b x")), "{asked:?}");
    assert!(
        asked.iter().any(|it| it.contains("You know C")),
        "{asked:?}"
    );
    let wrong = home.file("w.jsonl", "{\"prompt\": \"x\"}\n");
    let ran = run(&home, &upstream, &[&wrong, "-t", "about"]);
    ran.failed(2, "batch").says(&["w.jsonl:1:", "no value for"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_takes_all_at_once_and_is_asked_again_later() {
    let home = Home::new();
    let server = BatchServer::start(OpenAiChat::default(), |_, request| {
        BatchAnswer::Text(request.messages[0].text().to_uppercase())
    });
    let server = server.await.unwrap();
    server.end_after(2);
    home.config(&format!(
        "[providers.openai]\nbase_url = '{}/v1'\napi_key = 'k'\n",
        server.url()
    ));
    let questions = home.file("q.jsonl", "\"one\"\n\"two\"\n");
    let mut options = vec![
        "batch",
        &questions,
        "-m",
        "openai/gpt-4.1-mini",
        "-o",
        "a.jsonl",
    ];
    options.extend(["--provider-batch", "--poll", "0.01", "--no-wait"]);
    let home = &home;
    let run = |options: Vec<String>| {
        let mut command = home.parlor(&options.iter().map(String::as_str).collect::<Vec<_>>());
        command.env_remove("HTTPS_PROXY");
        tokio::task::spawn_blocking(move || Ran::of(command.output().unwrap()))
    };
    let owned = |options: &[&str]| {
        options
            .iter()
            .map(|it| (*it).to_owned())
            .collect::<Vec<_>>()
    };
    let ran = run(owned(&options)).await.unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.says(&["handed in"]);
    assert!(home.path().join("a.jsonl.batch").exists());
    assert!(kept(home, "a.jsonl").is_empty());
    options.pop();
    let ran = run(owned(&options)).await.unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines = kept(home, "a.jsonl");
    assert_eq!(texts(&lines), ["ONE", "TWO"]);
    assert_eq!(lines[0]["cost"], Value::Null);
    assert!(!home.path().join("a.jsonl.batch").exists());
    // It was handed in once, and a third run asks for nothing.
    assert_eq!(server.taken(), [2]);
    let before = server.requests().len();
    let ran = run(owned(&options)).await.unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(server.requests().len(), before);
    // By a schema each answer is checked, as where it is asked for one by one.
    server.end_after(1);
    let shaped = home.file("s.jsonl", "\"{\\\"n\\\": 1}\"\n\"one\"\n");
    let schema = "{\"type\": \"object\", \"properties\": {\"N\": {\"type\": \"integer\"}}, \"required\": [\"N\"]}";
    let words = [
        "batch",
        &shaped,
        "-m",
        "openai/gpt-4.1-mini",
        "-o",
        "s.out",
        "--schema",
        schema,
    ];
    let words = [&words[..], &["--provider-batch", "--poll", "0.01"]].concat();
    let ran = run(owned(&words)).await.unwrap();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let lines = kept(home, "s.out");
    assert_eq!(lines[0]["text"], "{\"N\":1}");
    assert_eq!(lines[1]["error"]["kind"], "validation");
    // What was rejected is asked again, alone, and counted each time it was.
    assert_eq!(server.taken(), [2, 2]);
    let ran = run(owned(&words)).await.unwrap();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(server.taken(), [2, 2, 1]);
    let ran = home.run(&["batch", &questions, "-m", "echo", "--provider-batch"]);
    ran.failed(2, "usage");
    let ran = home.run(&[
        "batch",
        &questions,
        "-m",
        "echo",
        "-o",
        "b",
        "--provider-batch",
    ]);
    ran.failed(1, "unsupported").says(&["openai"]);
}

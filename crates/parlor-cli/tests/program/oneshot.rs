//! One question, one answer, by the built-in model.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::common::{Home, Ran};
use serde_json::json;

const ECHO: [&str; 2] = ["-m", "echo"];

fn echo<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&ECHO[..], more].concat()
}

#[test]
fn the_answer_alone_goes_to_stdout_with_one_line_break() {
    let home = Home::new();
    let ran = home.run(&echo(&["Why", "is the sky blue?"]));
    let wanted = Ran {
        code: Some(0),
        stdout: "Why is the sky blue?\n".to_owned(),
        stderr: String::new(),
    };
    assert_eq!(ran, wanted);
    assert_eq!(home.run(&echo(&["a\n"])).stdout, "a\n");
    assert_eq!(
        home.run(&["chat", "-m", "echo", "models"]).stdout,
        "models\n"
    );
    assert_eq!(home.run(&echo(&["--no-stream", "Hi"])).stdout, "Hi\n");
}

#[test]
fn a_pipe_gets_the_bytes_unchanged() {
    let text = "\u{1b}[31mred\u{7} \u{9b}x";
    let ran = Home::new().run(&echo(&[text]));
    assert_eq!(ran.stdout, format!("{text}\n"));
}

#[test]
fn what_is_piped_in_is_appended_to_the_prompt() {
    let home = Home::new();
    assert_eq!(
        home.pipe(&echo(&["Sum up:"]), "a\nb\n").stdout,
        "Sum up:\n\na\nb\n"
    );
    assert_eq!(home.pipe(&echo(&[]), "alone\n").stdout, "alone\n");
    assert_eq!(
        home.pipe(&echo(&["Hi", "-"]), "there").stdout,
        "Hi\n\nthere\n"
    );
    assert_eq!(
        home.pipe(&echo(&["--no-stdin", "Hi"]), "not this").stdout,
        "Hi\n"
    );
    assert_eq!(home.pipe(&echo(&["Hi"]), "\n \n").stdout, "Hi\n");
}

#[test]
fn an_open_stdin_is_told_of_and_not_in_silence() {
    let home = Home::new();
    let mut child = home
        .parlor(&echo(&["Hi"]))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    assert_eq!(line, "reading stdin… (Ctrl-D to end, --no-stdin to skip)\n");
    child.stdin.take().unwrap().write_all(b"late").unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.stdout, "Hi\n\nlate\n");
}

#[test]
fn files_are_attached_by_what_they_are() {
    let home = Home::new();
    let text = home.file("notes.txt", "One.\n");
    let picture = home.file("no-name-for-it", b"\x89PNG\r\n\x1a\n\0\0");
    let ran = home.run(&echo(&["-a", &text, "-a", &picture, "What?"]));
    assert_eq!(
        ran.stdout,
        "<file name=\"notes.txt\">\nOne.\n</file>\n\n\n[image: image/png, 10 bytes]\nWhat?\n"
    );
    let url = "https://pictures.example/a.jpg";
    let ran = home.run(&echo(&["-a", url, "What?"]));
    assert_eq!(ran.stdout, format!("[image: image/jpeg, {url}]\nWhat?\n"));
    let ran = home.pipe(&echo(&["-a", "-", "What?"]), b"%PDF-1.7");
    assert_eq!(ran.stdout, "[document: application/pdf, 8 bytes]\nWhat?\n");
    let ran = home.pipe(&echo(&["What?"]), b"\xff\xd8\xff\xe0");
    assert_eq!(ran.stdout, "[image: image/jpeg, 4 bytes]\nWhat?\n");
}

#[test]
fn a_folder_is_its_texts_without_what_is_ignored() {
    let home = Home::new();
    home.file("work/b.txt", "B.\n");
    home.file("work/a/a.txt", "A.\n");
    home.file("work/.gitignore", "built\n");
    home.file("work/built/x.txt", "ignored");
    home.file("work/.secret", "hidden");
    home.file("work/picture", b"\x89PNG\r\n\x1a\n\0\0");
    // What is no text may be of any size.
    let disk = home.file("work/disk", b"\xff\xff\0");
    let disk = std::fs::OpenOptions::new().write(true).open(disk).unwrap();
    disk.set_len(51 * 1024 * 1024).unwrap();
    let ran = home.run(&echo(&["-a", "work", "What?"]));
    assert_eq!(
        ran.stdout,
        "<file name=\"work/a/a.txt\">\nA.\n</file>\n\n\n<file name=\"work/b.txt\">\nB.\n</file>\n\n\nWhat?\n"
    );
    home.file("empty/.hidden", "");
    home.run(&echo(&["-a", "empty", "What?"]))
        .failed(2, "attachment")
        .says(&["there is no text in the folder empty"]);
}

#[cfg(unix)]
#[test]
fn what_a_command_prints_is_attached() {
    let home = Home::new();
    let ran = home.run(&echo(&["-a", "!echo One.; echo no >&2", "What?"]));
    assert_eq!(
        ran.stdout,
        "<file name=\"echo One.; echo no >&2\">\nOne.\n</file>\n\n\nWhat?\n"
    );
    home.run(&echo(&["-a", "!echo broken >&2; exit 3", "What?"]))
        .failed(2, "attachment")
        .says(&["failed (exit status: 3): broken"]);
    // Both pipes are read, and the bound holds.
    home.run(&echo(&["-a", "!yes | head -c 80000000", "What?"]))
        .failed(2, "attachment")
        .says(&["larger than 50 MiB"]);
    home.run(&echo(&["-a", "!", "What?"]))
        .failed(2, "attachment")
        .says(&["no command after `!`"]);
}

#[test]
fn json_is_one_object_with_the_promised_fields() {
    let ran = Home::new().run(&echo(&["--output", "json", "Hi you"]));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(ran.stdout.lines().count(), 1);
    let mut object = ran.json();
    let latency = object["latency"].take();
    assert!(
        latency["total_ms"].is_u64() && latency["first_event_ms"].is_u64(),
        "{latency}"
    );
    let wanted = json!({
        "id": "echo-1", "provider": "echo", "model": "echo",
        "text": "Hi you", "reasoning": "", "tool_calls": [],
        "finish_reason": {"kind": "stop", "raw": "stop"},
        "usage": {
            "input_tokens": 2, "output_tokens": 2, "total_tokens": 4,
            "cached_input_tokens": null, "reasoning_tokens": null
        },
        "cost": null, "latency": null,
        "message": {"role": "assistant", "parts": [{"type": "text", "text": "Hi you"}]},
        "warnings": []
    });
    assert_eq!(object, wanted);
    // In this order too.
    let keys: Vec<&String> = object.as_object().unwrap().keys().collect();
    assert_eq!(keys, wanted.as_object().unwrap().keys().collect::<Vec<_>>());
}

#[test]
fn events_are_a_line_each() {
    let home = Home::new();
    let ran = home.run(&echo(&["--output", "events", "One two"]));
    let types: Vec<String> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["type"].to_string())
        .collect();
    assert_eq!(types.first().unwrap(), "\"started\"");
    assert_eq!(types.last().unwrap(), "\"completed\"");
    assert_eq!(types.iter().filter(|it| *it == "\"text_delta\"").count(), 2);
    let whole = home.run(&echo(&["--output", "events", "--no-stream", "One two"]));
    assert!(whole.stdout.contains(r#""text":"One two""#), "{whole:?}");
}

#[test]
fn a_whole_request_is_read_and_options_are_laid_over_it() {
    let home = Home::new();
    let request = json!({
        "messages": [{"role": "user", "content": "call weather"}],
        "tools": [{"type": "function", "name": "weather", "parameters": {
            "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]
        }}]
    });
    let path = home.file("request.json", request.to_string());
    let object = home
        .run(&echo(&["--output", "json", "--request", &path]))
        .json();
    assert_eq!(
        object["tool_calls"],
        json!([{"id": "echo00001", "name": "weather", "arguments": {"city": "text"}}])
    );
    assert_eq!(object["finish_reason"]["kind"], "tool_calls");
    let ran = home.run(&echo(&["--request", &path]));
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("the model calls weather"), "{ran:?}");
    let ran = home.run(&echo(&["--request", &path, "And", "now?"]));
    assert_eq!(ran.stdout, "And now?\n");
    let ran = home.pipe(
        &echo(&["--request", "-"]),
        r#"{"messages":[{"role":"user","parts":"x"}]}"#,
    );
    assert_eq!(ran.stdout, "x\n");
}

#[test]
fn what_a_request_says_before_its_question_is_kept_with_it() {
    let home = Home::new();
    let request = json!({"messages": [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "First"},
        {"role": "assistant", "content": "One"},
        {"role": "user", "content": "Second"},
    ]});
    let path = home.file("request.json", request.to_string());
    let kept = || {
        let list = home.run(&["history", "--json"]).json();
        let id = list[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(list[0]["turns"], 2, "{list}");
        home.run(&["history", "--show", &id]).stdout
    };
    let says = |told: &str| {
        for words in ["> Be brief", "First", "One", "Second"] {
            assert!(told.contains(words), "{words}: {told}");
        }
    };
    let ran = home.run(&echo(&["--request", &path]));
    assert_eq!(ran.stdout, "Second\n");
    says(&kept());
    let ran = home.run(&echo(&["--request", &path, "--no-tools", "--no-stream"]));
    assert_eq!(ran.stdout, "Second\n");
    says(&kept());
    let ran = home.pipe(&echo(&["--request", &path, "-i"]), "");
    assert!(ran.stdout.contains("Second"), "{ran:?}");
    says(&kept());
    assert_eq!(
        home.run(&["history", "--json"])
            .json()
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn the_reader_may_leave() {
    let home = Home::new();
    let long = "word ".repeat(100_000);
    for form in ["text", "events"] {
        let mut child = home
            .parlor(&echo(&["--output", form, "-"]))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        drop(child.stdout.take());
        stdin.write_all(long.as_bytes()).unwrap();
        drop(stdin);
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{form}");
    }
}

#[test]
fn help_and_version_read_nothing() {
    let home = Home::new();
    // Whatever reads this fails.
    home.config("this is no TOML");
    let version = home.run(&["--version"]);
    assert_eq!(version.code, Some(0));
    assert_eq!(
        version.stdout,
        format!("parlor {}\n", env!("CARGO_PKG_VERSION"))
    );
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["chat", "--help"],
        &["models", "-h"],
        &["help"],
    ] {
        let ran = home.run(arguments);
        assert_eq!(
            (ran.code, ran.stderr.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
        assert!(ran.stdout.contains("Usage: parlor"), "{ran:?}");
    }
}

#[test]
fn an_answer_is_laid_out_in_a_pipe_where_that_is_wanted() {
    let home = Home::new();
    let text = "# Title\n\n**bold** and a [link](https://example.org) that goes on for a while.";
    let arguments = ["-m", "echo", "--render", "always", text];
    let mut command = home.parlor(&arguments);
    let narrow = Ran::of(command.env("COLUMNS", "24").output().unwrap());
    assert_eq!(narrow.code, Some(0), "{narrow:?}");
    assert!(
        narrow.stdout.starts_with("# Title\n\nbold and a link"),
        "{narrow:?}"
    );
    let is_narrow = |line: &str| line.chars().count() <= 24;
    assert!(narrow.stdout.lines().all(is_narrow), "{narrow:?}");
    assert!(!narrow.stdout.contains('\u{1b}'), "{narrow:?}");
    let mut command = home.parlor(&arguments);
    let coloured = Ran::of(command.env("CLICOLOR_FORCE", "1").output().unwrap());
    assert!(coloured.stdout.contains("\u{1b}[1m"), "{coloured:?}");
    // Nothing moves and nothing is clicked there.
    assert!(!coloured.stdout.contains("\u{1b}[?"), "{coloured:?}");
    assert!(!coloured.stdout.contains("\u{1b}]8"), "{coloured:?}");
    let raw = home.run(&["-m", "echo", text]);
    assert_eq!(raw.stdout, format!("{text}\n"));
    let wrong = home.run(&["-m", "echo", "--render", "sometimes", "x"]);
    wrong.failed(2, "usage").says(&["always"]);
}

#[test]
fn nothing_is_left_behind_where_nothing_is_to_be() {
    let home = Home::new();
    let ran = home.run(&["-m", "echo", "--ephemeral", "a secret"]);
    assert_eq!(ran.stdout, "a secret\n", "{ran:?}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);

    // One that is kept stays as it is.
    home.run(&["-m", "echo", "first"]);
    for unkept in ["--ephemeral", "--no-save"] {
        let more = home.run(&["-m", "echo", "-c", unkept, "second"]);
        assert_eq!(more.stdout, "second\n", "{more:?}");
        let again = home.run(&["-m", "echo", "--retry", unkept]);
        assert_eq!(again.stdout, "first\n", "{again:?}");
    }
    let kept = home.run(&["history", "--json"]).json();
    assert_eq!(kept[0]["turns"], 1, "{kept}");
}

#[test]
fn a_prompt_that_is_a_files_name_is_asked_and_told_of() {
    let home = Home::new();
    home.file("notes.txt", "Ann likes blue.");
    let ran = home.run(&["-m", "echo", "notes.txt"]);
    assert_eq!(ran.stdout, "notes.txt\n", "{ran:?}");
    ran.says(&["note: notes.txt is a file", "-a notes.txt sends"]);
    let told = home.run(&["-m", "echo", "Read", "notes.txt"]);
    assert_eq!(told.stderr, "", "{told:?}");
}

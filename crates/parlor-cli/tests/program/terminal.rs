//! On a terminal: nothing that a model says steers it.
#![cfg(target_os = "linux")]

use std::process::{Command, Stdio};

use crate::common::Home;

/// Runs the program with a pseudo-terminal for stdin, stdout and stderr, and
/// gives what it showed; `None` where `script` isn't installed.
fn on_terminal(home: &Home, arguments: &[&str], variables: &[(&str, &str)]) -> Option<String> {
    let file = home.file("arguments.sh", {
        let quoted: Vec<String> = arguments
            .iter()
            .map(|argument| format!("'{}'", argument.replace('\'', r"'\''")))
            .collect();
        format!(
            "exec '{}' {}\n",
            env!("CARGO_BIN_EXE_parlor"),
            quoted.join(" ")
        )
    });
    let script = Command::new("script")
        .args(["-qec", &format!("sh {file}"), "/dev/null"])
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", std::env::var("PATH").unwrap())
        .env("TERM", "xterm")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output();
    match script {
        Ok(output) => Some(String::from_utf8(output.stdout).unwrap()),
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
            eprintln!("skipped: `script` is not installed");
            None
        }
    }
}

#[test]
fn control_bytes_are_taken_out_of_what_a_model_says() {
    let home = Home::new();
    let evil = "a\u{1b}]52;c;ZXZpbA==\u{7}b\u{9b}31mc\u{8}\td\u{7f}";
    let raw = ["-m", "echo", "--render", "never", evil];
    let Some(shown) = on_terminal(&home, &raw, &[]) else {
        return;
    };
    assert_eq!(shown, "a]52;c;ZXZpbA==b31mc\td\r\n");
    let shown = on_terminal(&home, &["-m", "echo", evil], &[]).unwrap();
    assert_eq!(laid_out(&shown), "a]52;c;ZXZpbA==b31mc d\r\n");
}

/// What was shown, without the marks around an update of the screen.
fn laid_out(shown: &str) -> String {
    let shown = shown.replace("\u{1b}[?2026h", "");
    shown.replace("\u{1b}[?2026l", "").replace("\r\r\n", "\r\n")
}

#[test]
fn an_answer_is_laid_out_unless_somebody_says_otherwise() {
    let home = Home::new();
    let text = "# Title\n\n**bold** and `code`";
    let Some(shown) = on_terminal(&home, &["-m", "echo", text], &[]) else {
        return;
    };
    let bold = "\u{1b}[1m";
    assert!(shown.contains(&format!("{bold}bold")), "{shown:?}");
    assert!(!shown.contains("**"), "{shown:?}");
    let plain = on_terminal(&home, &["-m", "echo", text], &[("NO_COLOR", "1")]).unwrap();
    assert_eq!(laid_out(&plain), "# Title\r\n\r\nbold and `code`\r\n");
    let source = text.replace('\n', "\r\n") + "\r\n";
    for raw in [&["--render", "never"][..], &["--plain"]] {
        let shown = on_terminal(&home, &[&["-m", "echo"], raw, &[text]].concat(), &[]);
        assert_eq!(shown.unwrap(), source);
    }
    let dumb = on_terminal(&home, &["-m", "echo", text], &[("TERM", "dumb")]);
    assert_eq!(dumb.unwrap(), source);
    // A value is data, whoever reads it.
    let value = ["-m", "echo", "--schema", "a", "{\"a\": \"**b**\"}"];
    let shown = on_terminal(&home, &value, &[]).unwrap();
    assert_eq!(shown, "{\r\n  \"a\": \"text\"\r\n}\r\n");
}

#[test]
fn json_is_laid_out_for_a_person() {
    let home = Home::new();
    if let Some(shown) = on_terminal(&home, &["-m", "echo", "--output", "json", "Hi"], &[]) {
        assert!(shown.starts_with("{\r\n  \"id\": \"echo-1\""), "{shown:?}");
    }
}

#[test]
fn json_steers_no_terminal_and_says_the_same() {
    let home = Home::new();
    let evil = "b\u{9b}31mc\u{7f}\u{85}";
    for form in ["json", "events"] {
        let ran = home.run(&["-m", "echo", "--output", form, evil]);
        assert!(ran.stdout.contains("b\\u009b31mc\\u007f\\u0085"), "{ran:?}");
        assert!(!ran.stdout.contains(['\u{9b}', '\u{7f}', '\u{85}']));
    }
    let ran = home.run(&["-m", "echo", "--json", evil]);
    assert_eq!(ran.json()["text"], evil);
    let ran = home.run(&["-m", "no\u{9b}where", "--json", "Hi"]);
    assert!(!ran.stderr.contains('\u{9b}') && ran.error().is_object());
}

#[test]
fn thoughts_are_dim_unless_colours_are_unwanted() {
    let thought = "{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"Hmm\"},\"done\":false}\n\
        {\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"done\":true,\"done_reason\":\"stop\"}\n";
    let home = Home::new();
    let show = |variables: &[(&str, &str)], more: &[&str]| {
        let answer = crate::common::server::Answer(200, "", thought.to_owned());
        let server = crate::common::server::Server::start(vec![answer]);
        let host = ("OLLAMA_HOST", server.url.as_str());
        let arguments = [&["-m", "ollama/m", "--reasoning"], more, &["Hi"]].concat();
        on_terminal(&home, &arguments, &[&[host], variables].concat())
    };
    let raw = ["--render", "never"];
    let Some(shown) = show(&[], &raw) else { return };
    assert_eq!(shown, "\u{1b}[2mHmm\u{1b}[0m\r\nHi\r\n");
    let shown = laid_out(&show(&[], &[]).unwrap());
    assert!(shown.starts_with("\u{1b}[2mHmm\u{1b}[0m\r\n"), "{shown:?}");
    assert!(shown.contains("thought for "), "{shown:?}");
    assert!(shown.ends_with("\r\nHi\r\n"), "{shown:?}");
    let quiet = laid_out(&show(&[], &["--quiet"]).unwrap());
    assert_eq!(quiet, "Hi\r\n");
    for plain in [
        show(&[("NO_COLOR", "1")], &raw),
        show(&[("TERM", "dumb")], &[]),
        show(&[], &["--plain"]),
    ] {
        assert_eq!(plain.unwrap(), "Hmm\r\nHi\r\n");
    }
}

//! The conversation in a terminal: what is seen there, and what is kept.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::common::pty::{Pty, cells};
use crate::common::server::read_request;
use crate::common::{Home, Ran};
use portable_pty::PtySize;

fn history(home: &Home, arguments: &[&str]) -> Ran {
    home.run(&[&["history"], arguments].concat())
}

#[test]
fn a_conversation_remembers_and_is_kept() {
    let home = Home::new();
    let mut pty = Pty::new(&home, &["-m", "echo"], &[], true);
    pty.shows("/help");
    pty.enters("my name is **Ann**");
    pty.shows("\nmy name is Ann\n");
    pty.enters("/und");
    pty.shows("Taken back: my name is **Ann**");
    pty.enters("second");
    pty.shows("\nsecond\n");
    pty.enters("/stauts");
    pty.shows("Did you mean /status?");
    pty.enters("//literal");
    pty.shows("\n/literal\n");
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("\x04");
    assert_eq!(pty.ended(), 0);
    let listed = history(&home, &[]);
    assert!(listed.stdout.contains("my name is **Ann**"), "{listed:?}");
    assert!(listed.stdout.contains("2 turns"), "{listed:?}");
    assert!(history(&home, &["literal"]).stdout.contains("Ann"));

    // What comes next goes on with it, from any folder and without a terminal too.
    let more = home.run(&["-m", "echo", "-c", "third"]);
    assert_eq!(more.code, Some(0), "{more:?}");
    assert!(history(&home, &[]).stdout.contains("3 turns"));
    let mut pty = Pty::new(&home, &["-m", "echo", "-c"], &[], true);
    let shown = pty.shows("third");
    assert!(
        shown.contains("3 turns") && !shown.contains("second"),
        "{shown}"
    );
}

#[test]
fn instructions_on_the_command_line_replace_those_that_were_kept() {
    let home = Home::new();
    home.run(&["-m", "echo", "-s", "Be kind", "One"]);
    let shown = || {
        let list = history(&home, &["--json"]).json();
        history(&home, &["--show", list[0]["id"].as_str().unwrap()]).stdout
    };
    assert!(shown().contains("> Be kind"));
    let ran = home.pipe(&["-m", "echo", "-c", "-i", "Two"], "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(shown().contains("> Be kind"));
    let ran = home.pipe(&["-m", "echo", "-c", "-i", "-s", "Be brief", "Three"], "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let shown = shown();
    assert!(
        shown.contains("> Be brief") && shown.contains("Three"),
        "{shown}"
    );
    assert!(!shown.contains("Be kind"), "{shown}");
}

#[test]
fn a_terminal_that_answers_nothing_gets_plain_lines() {
    let home = Home::new();
    let mut pty = Pty::new(&home, &["-m", "echo"], &[], false);
    pty.enters("one");
    pty.shows("\none\n");
    pty.enters("two \\");
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("lines\r");
    pty.shows("two lines");
    pty.types("\x04");
    assert_eq!(pty.ended(), 0);
}

#[test]
fn lines_from_a_pipe_are_a_conversation() {
    let home = Home::new();
    let ran = home.pipe(
        &["-m", "echo", "-i", "--quiet"],
        "one\n/system Be brief.\n\ntwo\n",
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stdout, "one\ntwo\n");
    let kept = history(&home, &["--json"]).json();
    assert_eq!(kept[0]["turns"], 2);
}

/// Sends the beginning of an answer, then nothing more until it is told.
fn stalling() -> (String, std::thread::JoinHandle<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&stream).unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n";
        let message = "{\"role\":\"assistant\",\"content\":\"Some words\"}";
        let line = format!("{{\"model\":\"m\",\"message\":{message},\"done\":false}}\n");
        stream
            .write_all(format!("{head}{line}").as_bytes())
            .unwrap();
        // The client hangs up when the answer is stopped.
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).is_ok()
    });
    (url, served)
}

#[test]
fn ctrl_c_stops_the_answer_and_keeps_it() {
    let home = Home::new();
    let (url, served) = stalling();
    let mut pty = Pty::new(&home, &["-m", "ollama/m"], &[("OLLAMA_HOST", &url)], true);
    pty.enters("Hi");
    pty.shows("Some words");
    pty.types("\x03");
    pty.shows("[interrupted]");
    served.join().unwrap();
    pty.enters("/status");
    pty.shows("1 turn, kept as");
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("\x03");
    pty.shows("Ctrl-C once more");
    pty.types("\x03");
    assert_eq!(pty.ended(), 0);
    let found = history(&home, &["words"]);
    assert!(found.stdout.contains("Some words"), "{found:?}");
    let id: String = found.stdout.chars().take(4).collect();
    let shown = history(&home, &["--show", &id]).stdout;
    assert!(
        shown.contains("Some words") && shown.contains("[interrupted]"),
        "{shown}"
    );
}

#[test]
fn a_request_to_end_keeps_what_came() {
    let home = Home::new();
    let (url, _served) = stalling();
    let mut pty = Pty::new(&home, &["-m", "ollama/m"], &[("OLLAMA_HOST", &url)], true);
    pty.enters("Hi");
    pty.shows("Some words");
    // The terminal is closed: the program is told by a hang-up.
    let pid = pty.child.process_id().unwrap();
    crate::common::signal_of(pid, "HUP");
    pty.ended();
    let found = history(&home, &["words"]);
    assert!(found.stdout.contains("Some words"), "{found:?}");
}

#[test]
fn a_narrower_terminal_shows_the_tail_anew() {
    let home = Home::new();
    let mut pty = Pty::new(&home, &["-m", "echo"], &[], true);
    pty.shows("/help");
    let size = PtySize {
        rows: 24,
        cols: 30,
        ..PtySize::default()
    };
    pty.master.resize(size).unwrap();
    pty.with_screen(|screen| screen.set_size(cells(24), cells(30)));
    pty.enters("one **two three four** five six seven");
    pty.shows("\none two three four five six\nseven\n");
}

#[test]
fn what_cannot_be_kept_is_said_once() {
    let home = Home::new();
    let nowhere = home.file("file", "not a folder");
    let store = format!("{nowhere}/store.db");
    let mut command = home.parlor(&["-m", "echo", "-i"]);
    command
        .env("PARLOR_STORE", &store)
        .stdin(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"one\ntwo\n")
        .unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.stdout, "one\ntwo\n");
    assert_eq!(ran.stderr.matches("isn't kept").count(), 1, "{ran:?}");
    assert_eq!(history(&home, &[]).stdout, "");
}

#[test]
fn what_is_not_kept_is_told_below_the_answer() {
    let home = Home::new();
    let store = format!("{}/store.db", home.file("place", "not a folder"));
    let env = [("PARLOR_STORE", store.as_str())];
    for arguments in [&["-m", "echo"][..], &["-m", "echo", "--plain"]] {
        let arguments = [arguments, &["words\n\nthat are said"]].concat();
        let mut pty = Pty::new(&home, &arguments, &env, true);
        let shown = pty.shows("elsewhere.");
        let below = "that are said\nwarning: this conversation isn't kept: ";
        assert!(shown.starts_with(&format!("words\n\n{below}")), "{shown}");
        assert_eq!(pty.ended(), 0);
        assert_eq!(pty.rows().matches("said").count(), 1);
    }
}

#[test]
fn what_is_kept_again_is_told_so() {
    let home = Home::new();
    let place = home.file("place", "not a folder");
    let store = format!("{place}/store.db");
    let env = [("PARLOR_STORE", store.as_str())];
    let mut pty = Pty::new(&home, &["-m", "echo"], &env, true);
    pty.enters("one");
    pty.shows("isn't kept");
    pty.enters("/status");
    pty.shows("1 turn, not kept");
    std::fs::remove_file(&place).unwrap();
    pty.enters("two");
    pty.shows("\ntwo\n");
    pty.enters("/status");
    pty.shows("2 turns, kept as");
    pty.enters("/undo");
    pty.shows("Taken back: two");
    pty.enters("/status");
    pty.shows("1 turn, kept as");
}

#[test]
fn ctrl_c_clears_what_was_typed_and_says_nothing_of_it() {
    let home = Home::new();
    let mut pty = Pty::new(&home, &["-m", "echo"], &[], true);
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("half a line");
    pty.until(|shown| shown.trim_end().ends_with("› half a line"));
    pty.types("\x03");
    let shown = pty.until(|shown| shown.trim_end().ends_with('›'));
    assert!(!shown.contains("once more"), "{shown}");
    pty.types("at once\x03");
    // The prompts of the line before, of the burst, and of what is next.
    let shown = pty.until(|shown| shown.matches('›').count() == 3);
    assert!(!shown.contains("once more"), "{shown}");
    pty.types("\x03");
    pty.shows("Ctrl-C once more");
    pty.enters("whole");
    pty.shows("\nwhole\n");
}

#[test]
fn ctrl_c_where_whole_lines_are_read_takes_one_back_and_ends_it_at_the_second() {
    let home = Home::new();
    let mut pty = Pty::new(&home, &["-m", "echo"], &[("TERM", "dumb")], false);
    pty.enters("one");
    pty.until(|shown| shown.matches("one").count() > 1 && shown.trim_end().ends_with('›'));
    pty.types("a line that goes on\\\r");
    pty.shows("a line that goes on\\\n›");
    pty.types("half a line");
    pty.until(|shown| shown.trim_end().ends_with("half a line"));
    pty.types("\x03");
    pty.shows("Ctrl-C once more");
    pty.enters("two");
    pty.shows("\ntwo\n");
    pty.until(|shown| shown.trim_end().ends_with('›'));
    // On a slow machine more than a second may pass between two.
    let mut told = 1;
    loop {
        pty.types("\x03");
        told += 1;
        if pty.ends_before(|shown| shown.matches("Ctrl-C once more").count() == told) {
            break;
        }
    }
    assert!(told > 2);
    assert_eq!(pty.ended(), 130);
    let kept = history(&home, &[]).stdout;
    assert!(kept.contains("one") && kept.contains("2 turns"), "{kept}");
}

#[test]
fn ctrl_c_ends_what_a_command_runs_and_the_conversation_goes_on() {
    let home = Home::new();
    // It tells that it runs where the program doesn't read it.
    let waits = "echo it runs >/dev/tty; exec /bin/sleep 60";
    let script = home.file("editor.sh", waits);
    let editor = format!("/bin/sh {script}");
    for (term, rich) in [("xterm-256color", true), ("dumb", false)] {
        let env = [("TERM", term), ("EDITOR", editor.as_str())];
        let mut pty = Pty::new(&home, &["-m", "echo"], &env, rich);
        pty.enters(&format!("/attach !{waits}"));
        pty.shows("\nit runs");
        pty.types("\x03");
        pty.shows("^C[interrupted]");
        pty.enters("one");
        pty.shows("\none\n");
        pty.enters("/edit");
        pty.until(|shown| shown.matches("\nit runs").count() > 1);
        pty.types("\x03");
        pty.until(|shown| shown.matches("^C[interrupted]").count() > 1);
        if rich {
            pty.until(|shown| shown.trim_end().ends_with('›'));
            pty.types("two\x0f");
            pty.shows("› it runs");
            pty.types("\x03");
            pty.until(|shown| shown.trim_end().ends_with("› two"));
            pty.types("\r");
            pty.shows("\ntwo\n");
        }
        pty.enters("/quit");
        assert_eq!(pty.ended(), 0);
    }
}

#[test]
fn nothing_of_a_conversation_is_left_behind_where_nothing_is_to_be() {
    let home = Home::new();
    let mut pty = Pty::new(&home, &["-m", "echo", "--ephemeral"], &[], true);
    pty.enters("a secret");
    pty.shows("\na secret\n");
    pty.enters("/status");
    pty.shows("1 turn, not kept");
    // The line is there for this run.
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("\x1b[A\x1b[A");
    pty.until(|shown| shown.trim_end().ends_with("› a secret"));
    pty.types("\x03");
    pty.enters("/quit");
    assert_eq!(pty.ended(), 0);
    let left = std::fs::read_dir(home.path()).unwrap();
    let left: Vec<_> = left.map(|it| it.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

//! Ctrl-C and its like: the upstream request stops, and what came is kept.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};

use crate::common::server::read_request;
use crate::common::{Home, Ran, signal};

/// A server that sends the beginning of an answer and then nothing more.
struct Stalling(TcpListener);

impl Stalling {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// Takes a request and says nothing.
    fn accept(&self) -> TcpStream {
        let (stream, _) = self.0.accept().unwrap();
        read_request(&stream).unwrap();
        stream
    }

    /// Takes a request and begins to answer it.
    fn begin(&self) -> TcpStream {
        let mut stream = self.accept();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n";
        let line = |text: &str| {
            let message = format!("{{\"role\":\"assistant\",\"content\":\"{text}\"}}");
            format!("{{\"model\":\"m\",\"message\":{message},\"done\":false}}\n")
        };
        let body = line("Some ") + &line("words");
        stream
            .write_all(format!("{head}{body}").as_bytes())
            .unwrap();
        stream
    }
}

fn ask(home: &Home, server: &Stalling, more: &[&str]) -> Command {
    let arguments = [&["-m", "ollama/m"][..], more, &["Hi"]].concat();
    let mut command = home.parlor(&arguments);
    command.env("OLLAMA_HOST", server.url());
    command
}

/// Reads stdout until this has come.
fn await_output(child: &mut Child, wanted: &str) -> String {
    let stdout = child.stdout.as_mut().unwrap();
    let mut got = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&got).contains(wanted) {
        assert_eq!(stdout.read(&mut byte).unwrap(), 1, "{got:?}");
        got.push(byte[0]);
    }
    String::from_utf8(got).unwrap()
}

/// Whether the client hangs up.
fn hangs_up(mut stream: TcpStream) -> bool {
    matches!(stream.read(&mut [0; 16]), Ok(0) | Err(_))
}

#[test]
fn the_text_stays_on_the_screen_and_the_request_stops() {
    for name in ["INT", "TERM", "HUP"] {
        let (home, server) = (Home::new(), Stalling::new());
        let mut child = ask(&home, &server, &[]).spawn().unwrap();
        let stream = server.begin();
        let shown = await_output(&mut child, "words");
        signal(&child, name);
        assert!(hangs_up(stream), "{name}");
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(130), "{name}: {ran:?}");
        assert_eq!(shown + &ran.stdout, "Some words\n", "{name}");
        assert_eq!(ran.stderr, "[interrupted]\n", "{name}");
    }
}

#[test]
fn events_end_and_the_error_holds_what_came() {
    let (home, server) = (Home::new(), Stalling::new());
    let mut child = ask(&home, &server, &["--output", "events"])
        .spawn()
        .unwrap();
    let _stream = server.begin();
    await_output(&mut child, "words");
    signal(&child, "INT");
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(130), "{ran:?}");
    let error = ran.error();
    assert_eq!(error["kind"], "cancelled");
    assert_eq!(error["model"], "m");
    assert!(
        error["help"].as_str().unwrap().contains("is kept"),
        "{error}"
    );
    assert_eq!(error["partial"]["interrupted"], true);
    let parts = &error["partial"]["choices"][0]["message"]["parts"];
    assert_eq!(parts[0]["text"], "Some words");
}

#[test]
fn json_is_printed_marked_interrupted() {
    let (home, server) = (Home::new(), Stalling::new());
    let child = ask(&home, &server, &["--output", "json"]).spawn().unwrap();
    let _stream = server.begin();
    signal(&child, "INT");
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(130), "{ran:?}");
    let object = ran.json();
    assert_eq!(object["finish_reason"]["kind"], "interrupted");
    // How much of it was read when the signal came is chance.
    let text = object["text"].as_str().unwrap();
    assert!("Some words".starts_with(text), "{text}");
    assert_eq!(object["model"], "m");
    let error = ran.error();
    assert_eq!(error["kind"], "cancelled");
    assert_eq!(error["model"], "m");
}

#[test]
fn a_second_signal_ends_it_though_nobody_reads() {
    let (home, server) = (Home::new(), Stalling::new());
    let mut child = ask(&home, &server, &["--output", "events"])
        .spawn()
        .unwrap();
    let mut stream = server.begin();
    await_output(&mut child, "words");
    // More than any pipe holds, so that the program waits for its reader.
    let line = "{\"message\":{\"role\":\"assistant\",\"content\":\"more and more\"}}\n";
    let flood = std::thread::spawn(move || while stream.write_all(line.as_bytes()).is_ok() {});
    let stdout = child.stdout.take();
    signal(&child, "INT");
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    flood.join().unwrap();
    drop(stdout);
}

#[test]
fn an_error_before_any_answer_names_the_model_and_keeps_nothing() {
    let (home, server) = (Home::new(), Stalling::new());
    let child = ask(&home, &server, &["--output", "json", "--no-stream"])
        .spawn()
        .unwrap();
    let _stream = server.accept();
    signal(&child, "INT");
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(130), "{ran:?}");
    let error = ran.error();
    assert_eq!(error["model"], "m");
    assert!(
        !error["help"].as_str().unwrap().contains("partial"),
        "{error}"
    );
}

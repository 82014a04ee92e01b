//! The log: off unless it is asked for, and without what must not be in it.

use std::path::{Path, PathBuf};

use crate::common::server::{Answer, Server};
use crate::common::{Home, Ran};

const LOG: &str = ".local/state/parlor/parlor.log";
const KEY: &str = "sk-0123456789abcdefghijkl";

fn ask(home: &Home, server: &Server, level: Option<&str>) -> Ran {
    let mut command = home.parlor(&["-m", "openai-chat/gpt-4o", "a very private question"]);
    command.env("OPENAI_API_KEY", KEY);
    command.env("OPENAI_BASE_URL", format!("{}?token=hidden", server.url));
    level.map(|level| command.env("PARLOR_LOG", level));
    Ran::of(command.output().unwrap())
}

fn answer() -> Answer {
    let body = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a private answer\"},\
        \"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    Answer(200, "content-type: text/event-stream\r\n", body.to_owned())
}

#[test]
fn there_is_a_log_where_one_is_asked_for_and_no_secret_in_it() {
    let home = Home::new();
    home.config("[layers.trace]\ncontent = true\n");
    let server = Server::start(vec![answer(), answer(), answer()]);
    let ran = ask(&home, &server, None);
    assert_eq!(ran.stdout, "a private answer\n", "{ran:?}");
    assert!(!home.path().join(LOG).exists());
    for level in ["debug", "trace"] {
        let told = ask(&home, &server, Some(level));
        assert_eq!(
            (told.stdout, told.stderr),
            (ran.stdout.clone(), ran.stderr.clone())
        );
        let log = std::fs::read_to_string(home.path().join(LOG)).unwrap();
        for wanted in [
            "begun version=",
            "method=POST",
            "status=200",
            "authorization: …",
            "ended",
        ] {
            assert!(log.contains(wanted), "{wanted} in {log}");
        }
        for secret in [KEY, "01234567", "hidden", "private"] {
            assert!(!log.contains(secret), "{secret} in {log}");
        }
    }
    let doctor = home.parlor(&["doctor"]).env("PARLOR_LOG", "info").output();
    assert!(Ran::of(doctor.unwrap()).stdout.contains(LOG));
}

#[test]
fn a_word_that_says_nothing_is_told() {
    let home = Home::new();
    let mut command = home.parlor(&["-m", "echo", "Hi"]);
    let ran = Ran::of(command.env("PARLOR_LOG", "loud").output().unwrap());
    ran.failed(3, "config")
        .says(&["PARLOR_LOG is `loud`", "debug"]);
    // What opens nothing looks at nothing.
    let mut command = home.parlor(&["--help"]);
    let help = Ran::of(command.env("PARLOR_LOG", "loud").output().unwrap());
    assert_eq!(help.code, Some(0), "{help:?}");
    let mut command = home.parlor(&["-m", "echo", "Hi"]);
    let ran = Ran::of(command.env("PARLOR_LOG", "info").output().unwrap());
    assert_eq!(ran.stdout, "Hi\n", "{ran:?}");
    let file = home.path().join(LOG);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Where it can't be written, nothing is done in silence.
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let mut command = home.parlor(&["-m", "echo", "Hi"]);
    let ran = Ran::of(command.env("PARLOR_LOG", "info").output().unwrap());
    ran.failed(3, "config").says(&["parlor.log"]);
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

#[test]
fn a_service_tells_no_secret_in_its_log_however_much_it_tells() {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpStream;
    use std::os::unix::fs::PermissionsExt;

    const OPERATOR: &str = "operator-canary-7f3a91";
    const UPSTREAM: &str = "upstream-canary-91bc22";
    let refused = format!("{{\"error\":{{\"message\":\"no such key: {UPSTREAM}\"}}}}");
    let json = "content-type: application/json\r\n";
    let server = Server::start(vec![answer(), Answer(401, json, refused), answer()]);
    let home = Home::new();
    let keys = home.file("service.keys", format!("{OPERATOR}\n"));
    std::fs::set_permissions(&keys, PermissionsExt::from_mode(0o600)).unwrap();
    home.config(&format!(
        "[serve]\nkeys = \"{keys}\"\n[layers.trace]\ncontent = true\n[layers.retry]\nattempts = 1\n\
         [providers.openai-chat]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n",
        server.url
    ));
    let added = home.run(&["serve", "keys", "add", "team"]);
    assert_eq!(added.code, Some(0), "{added:?}");
    let given = added.stdout.trim().to_owned();
    let mut command = home.parlor(&["serve", "--bind", "127.0.0.1:0", "--log", "json"]);
    let command = command.env("KEY", UPSTREAM).env("PARLOR_LOG", "trace");
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    said.read_line(&mut told).unwrap();
    let (_, host) = told.split_once("http://").unwrap();
    let host = host.split(['\\', '"', '\n']).next().unwrap().to_owned();
    let mut answers = Vec::new();
    for key in [OPERATOR, &given, OPERATOR] {
        let body = "{\"model\":\"openai-chat/gpt-4o\",\"stream\":true,\
            \"messages\":[{\"role\":\"user\",\"content\":\"a very private question\"}]}";
        let head = format!(
            "POST /v1/chat/completions?key={key} HTTP/1.0\r\nhost: localhost\r\n\
             authorization: Bearer {key}\r\nx-api-key: {key}\r\ncookie: a={key}\r\n\
             x-goog-api-key: {key}\r\nreferer: {key}\r\nuser-agent: {key}\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(&host).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answers.push(answer);
    }
    crate::common::signal(&child, "TERM");
    said.read_to_string(&mut told).unwrap();
    child.wait().unwrap();
    assert!(answers[0].contains("a private answer"), "{answers:?}");
    assert!(answers[1].contains("no such key"), "{answers:?}");
    let log = std::fs::read_to_string(home.path().join(LOG)).unwrap();
    for wanted in ["parlor_http::request", "status=401", "authorization: …"] {
        assert!(log.contains(wanted), "{wanted} in {log}");
    }
    assert_eq!(told.matches("\"message\":\"request\"").count(), 3, "{told}");
    let secrets = [OPERATOR, UPSTREAM, &given, "canary", "private"];
    let is_secret = |text: &str| secrets.iter().any(|secret| text.contains(secret));
    for text in [&told, &log, &answers[1]] {
        assert_eq!(text.lines().find(|line| is_secret(line)), None);
    }
    for file in files(home.path()) {
        if file != Path::new(&keys) {
            let bytes = std::fs::read(&file).unwrap();
            assert!(!is_secret(&String::from_utf8_lossy(&bytes)), "{file:?}");
        }
    }
}

//! The log: off unless it is asked for, and without what must not be in it.

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

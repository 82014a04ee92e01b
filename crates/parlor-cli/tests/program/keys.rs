//! Keys that are saved, and which one is used.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::common::server::{Answer, Server};
use crate::common::{Home, Ran};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const KEY: &str = "sk-saved-0123456789-a1b2";

fn saved(home: &Home) -> String {
    fs::read_to_string(home.path().join(".config/parlor/keys.toml")).unwrap()
}

fn mode(home: &Home, path: &str) -> u32 {
    let file = fs::metadata(home.path().join(path)).unwrap();
    file.permissions().mode() & 0o777
}

fn hides_the_key(ran: &Ran) {
    let shown = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!shown.contains("0123456789"), "{shown}");
}

#[test]
fn a_key_is_saved_for_its_owner_alone_and_used() {
    let home = Home::new();
    let ran = home.pipe(&["keys", "set", "openai"], format!("{KEY}\n"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    hides_the_key(&ran);
    assert!(ran.stdout.contains(".config/parlor/keys.toml"), "{ran:?}");
    ran.says(&["parlor keys check openai"]);
    assert_eq!(mode(&home, ".config/parlor/keys.toml"), 0o600);
    assert_eq!(mode(&home, ".config/parlor"), 0o700);

    let list = home.run(&["keys", "--json"]);
    hides_the_key(&list);
    let row = &list.json()[0];
    assert_eq!(row["provider"], "openai");
    assert_eq!(row["hint"], "…a1b2");
    assert!(row["source"].as_str().unwrap().ends_with("/keys.toml"));
    let report = home.run(&["doctor", "--json"]).json();
    assert_eq!(report["default_model"]["rule"], "only-key");
    let because = report["default_model"]["because"].as_str().unwrap();
    assert!(because.starts_with("its key is in "), "{because}");
}

#[test]
fn the_environment_wins_and_that_is_said() {
    let home = Home::new();
    home.pipe(&["keys", "set", "openai"], KEY);
    let with_variable = |arguments: &[&str]| {
        let mut command = home.parlor(arguments);
        command.env("OPENAI_API_KEY", "sk-of-the-environment-zzzz");
        Ran::of(command.output().unwrap())
    };
    let list = with_variable(&["keys", "list"]);
    assert!(
        list.stdout
            .contains("OPENAI_API_KEY  …zzzz  wins over the saved key")
    );
    let removed = with_variable(&["keys", "remove", "openai"]);
    removed.says(&["OPENAI_API_KEY still has a key for openai"]);
    with_variable(&["keys", "remove", "openai"])
        .failed(1, "invalid")
        .says(&["OPENAI_API_KEY has one"]);
}

#[test]
fn a_second_key_leaves_the_rest_of_the_file_and_an_alias_is_its_provider() {
    let home = Home::new();
    home.pipe(&["keys", "set", "anthropic"], KEY);
    let file = home.path().join(".config/parlor/keys.toml");
    fs::write(&file, saved(&home) + "# mine\n").unwrap();
    home.pipe(&["keys", "set", "kimi"], "first-key-of-kimi");
    home.pipe(&["keys", "set", "moonshot"], "second-key-of-kimi");
    let text = saved(&home);
    assert!(text.contains(&format!("anthropic = \"{KEY}\"")), "{text}");
    assert!(text.contains("moonshot = \"second-key-of-kimi\""), "{text}");
    assert!(
        !text.contains("first-key") && text.contains("# mine"),
        "{text}"
    );
    assert_eq!(home.run(&["keys", "remove", "kimi"]).code, Some(0));
    assert!(!saved(&home).contains("moonshot"));
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let home = Home::new();
    home.pipe(&["keys", "set", "openai"], KEY);
    let file = home.path().join(".config/parlor/keys.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    for arguments in [
        &["keys", "list"][..],
        &["doctor"],
        &["-m", "openai/a", "hi"],
    ] {
        let ran = home.run(arguments);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        ran.says(&[
            "can be read by others",
            "parlor doctor --fix",
            "chmod 600 '",
        ]);
        hides_the_key(&ran);
    }
    // Who needs no key from it isn't kept from working.
    assert_eq!(home.run(&["-m", "echo", "hi"]).stdout, "hi\n");
    assert_eq!(home.run(&["providers"]).code, Some(0));
    let repaired = home.run(&["doctor", "--fix"]);
    assert_eq!(repaired.code, Some(0), "{repaired:?}");
    repaired.says(&["Only you can read "]);
    assert_eq!(mode(&home, ".config/parlor/keys.toml"), 0o600);
    assert_eq!(home.run(&["keys", "list"]).code, Some(0));
}

#[test]
fn keys_that_cant_be_read_are_not_taken_for_none() {
    let home = Home::new();
    home.pipe(&["keys", "set", "--no-verify", "openai"], KEY);
    let file = home.path().join(".config/parlor/keys.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let ran = home.run(&["hi"]);
    ran.failed(3, "config").says(&["parlor doctor --fix"]);
    let report = home.run(&["doctor"]).stdout;
    assert!(report.contains("✗ model: embedded/rules ("), "{report}");
    assert_eq!(home.run(&["-m", "echo", "hi"]).stdout, "hi\n");
}

#[test]
fn a_key_program_that_fails_is_asked_once() {
    let home = Home::new();
    home.config("[providers.openai]\nkey_command = [\"sh\", \"-c\", \"echo ran >&2; exit 3\"]\n");
    let ran = home.run(&["-m", "openai/gpt-4o", "hi"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(ran.stderr.matches("ran\n").count(), 1, "{ran:?}");
    ran.says(&["Run it by itself"]);
}

#[test]
fn a_broken_file_is_told_without_its_lines() {
    let home = Home::new();
    home.pipe(&["keys", "set", "openai"], KEY);
    let file = home.path().join(".config/parlor/keys.toml");
    for (text, told) in [
        ("openai = sk-0123456789\n", "line 1"),
        ("openai = [\"sk-0123456789\"]\n", "`openai` is no string"),
    ] {
        fs::write(&file, text).unwrap();
        let ran = home.run(&["keys", "list"]);
        ran.failed(3, "config").says(&[told]);
        hides_the_key(&ran);
    }
}

#[test]
fn a_key_is_no_argument_and_one_word() {
    let home = Home::new();
    let ran = home.pipe(&["keys", "set", "openai", KEY], "");
    ran.failed(2, "usage").says(&["history"]);
    hides_the_key(&ran);
    home.pipe(&["keys", "set", "openai"], " \n")
        .failed(2, "usage");
    let ran = home.pipe(&["keys", "set", "openai"], "sk-0123456789 x");
    ran.failed(2, "usage");
    hides_the_key(&ran);
    home.pipe(&["keys", "set", "opnai"], KEY)
        .failed(3, "config")
        .says(&["openai"]);
    assert!(!home.path().join(".config/parlor/keys.toml").exists());
}

#[test]
fn a_key_is_checked_with_one_request() {
    let list =
        r#"{"object":"list","data":[{"id":"a","object":"model"},{"id":"b","object":"model"}]}"#;
    let refused = r#"{"error":{"message":"Incorrect API key","code":"invalid_api_key"}}"#;
    let server = Server::start(vec![
        Answer(200, "content-type: application/json\r\n", list.to_owned()),
        Answer(
            401,
            "content-type: application/json\r\n",
            refused.to_owned(),
        ),
        Answer(200, "content-type: application/json\r\n", list.to_owned()),
        Answer(
            401,
            "content-type: application/json\r\n",
            refused.to_owned(),
        ),
    ]);
    let home = Home::new();
    home.config(&format!(
        "[providers.openai]\nbase_url = \"{}/v1\"\n",
        server.url
    ));
    home.run(&["keys", "check", "openai"]).failed(4, "no-key");
    home.run(&["keys", "check"]).failed(2, "usage");
    home.pipe(&["keys", "set", "openai", "--no-verify"], KEY)
        .says(&["Try it: parlor keys check openai"]);
    let good = home.run(&["keys", "check", "openai"]);
    assert_eq!(good.code, Some(0), "{good:?}");
    assert!(
        good.stdout.contains("(…a1b2); it lists 2 models"),
        "{good:?}"
    );
    let seen = server.request().head;
    assert!(seen.starts_with("GET /v1/models "), "{seen}");
    assert!(seen.contains(&format!("bearer {KEY}")), "{seen}");
    let bad = home.run(&["keys", "check", "openai"]);
    bad.failed(4, "auth")
        .says(&["keys.toml (…a1b2)", "parlor keys set openai"]);
    hides_the_key(&bad);
    // Without a name, each that there is.
    let all = home.run(&["keys", "check"]);
    assert_eq!(all.code, Some(0), "{all:?}");
    assert!(all.stdout.starts_with("openai takes the key"), "{all:?}");
    let all = home.run(&["keys", "check"]);
    assert_eq!(all.code, Some(1), "{all:?}");
    all.says(&["parlor keys set openai", "1 of 1 can't be used"]);
    hides_the_key(&all);
}

#[test]
fn a_key_is_saved_once_the_provider_takes_it() {
    let json = "content-type: application/json\r\n";
    let refused = r#"{"error":{"message":"Incorrect API key","code":"invalid_api_key"}}"#;
    let list = r#"{"object":"list","data":[{"id":"a","object":"model"}]}"#;
    let server = Server::start(vec![
        Answer(401, json, refused.to_owned()),
        Answer(200, json, list.to_owned()),
    ]);
    let home = Home::new();
    home.config(&format!(
        "[providers.openai]\nbase_url = \"{}/v1\"\n",
        server.url
    ));
    let bad = home.pipe(&["keys", "set", "openai"], KEY);
    bad.failed(4, "auth")
        .says(&["(…a1b2)", "Nothing was saved", "--no-verify"]);
    hides_the_key(&bad);
    assert!(!home.path().join(".config/parlor/keys.toml").exists());
    assert!(server.request().head.starts_with("GET /v1/models "));
    let good = home.pipe(&["keys", "set", "openai"], KEY);
    good.says(&["openai takes it, and lists one model."]);
    assert!(good.stdout.contains("is saved in"), "{good:?}");
    assert!(saved(&home).contains(KEY));
    // Where nobody answers it is saved all the same, and said.
    let home = Home::new();
    let closed = crate::common::closed_port();
    home.config(&format!("[providers.openai]\nbase_url = \"{closed}/v1\"\n"));
    let ran = home.pipe(&["keys", "set", "openai"], KEY);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.says(&["couldn't be seen (connection)", "parlor keys check openai"]);
    assert!(saved(&home).contains(KEY));
}

#[test]
fn at_a_terminal_a_key_is_typed_unseen() {
    let home = Home::new();
    let pair = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_parlor"));
    command.args(["keys", "set", "openai"]);
    command.env_clear();
    command.env("HOME", home.path());
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut writer = pair.master.take_writer().unwrap();
    let (sender, bytes) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = reader.read(&mut buffer) {
            if sender.send(buffer[..read].to_vec()).is_err() {
                break;
            }
        }
    });
    let mut shown = String::new();
    let mut is_typed = false;
    while let Ok(read) = bytes.recv_timeout(Duration::from_secs(60)) {
        shown.push_str(&String::from_utf8_lossy(&read));
        if shown.contains("isn't shown): ") && !is_typed {
            write!(writer, "wrong\x15{KEY}x\x7f\r").unwrap();
            is_typed = true;
        }
    }
    assert!(child.wait().unwrap().success(), "{shown}");
    assert!(!shown.contains("0123456789"), "{shown}");
    assert!(saved(&home).contains(&format!("openai = \"{KEY}\"")));
}

#[test]
fn a_key_in_the_keychain_is_known_by_its_place_and_asked_for_when_needed() {
    let home = Home::new();
    home.pipe(&["keys", "set", "openai"], KEY);
    let file = home.path().join(".config/parlor/keys.toml");
    // As a build leaves it that has a keychain, which a test has not.
    fs::write(&file, "openai = { keychain = true }\n").unwrap();
    let list = home.run(&["keys", "--json"]).json();
    assert_eq!(list[0]["source"], "Secret Service");
    assert_eq!(list[0]["hint"], serde_json::Value::Null);
    let ran = home.run(&["doctor", "--json"]);
    let because = &ran.json()["default_model"]["because"];
    assert_eq!(*because, "its key is in Secret Service");
    let ran = home.run(&["-m", "openai/gpt-5.4-mini", "hi"]);
    ran.failed(3, "config")
        .says(&["Secret Service: ", "parlor keys set"]);
    // What can't be removed there is still known here.
    home.run(&["keys", "remove", "openai"]).failed(3, "config");
    assert!(saved(&home).contains("keychain = true"));
    // The environment is asked before.
    let mut command = home.parlor(&["keys", "list"]);
    let ran = Ran::of(
        command
            .env("OPENAI_API_KEY", "sk-env-zzzz")
            .output()
            .unwrap(),
    );
    assert!(ran.stdout.contains("wins over the saved key"), "{ran:?}");
    home.pipe(&["keys", "set", "openai"], KEY);
    assert!(saved(&home).contains(KEY));
}

#[cfg(feature = "keychain")]
#[test]
fn without_a_keychain_the_file_is_taken_and_that_is_said() {
    let home = Home::new();
    let ran = home.pipe(&["keys", "set", "openai"], KEY);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    hides_the_key(&ran);
    ran.says(&["The keychain can't keep it (Secret Service: "]);
    assert!(ran.stdout.contains("keys.toml"), "{ran:?}");
}

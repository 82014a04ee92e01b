//! Variables of a file that is named.

use crate::common::{Home, Ran};

#[test]
fn a_named_file_is_read_and_no_other() {
    let home = Home::new();
    home.file(".env", "PARLOR_MODEL=no-such/model\n");
    let file = home.file("vars", "export OPENAI_API_KEY='sk-0123456789-a1b2'\n");
    assert_eq!(
        home.run(&["keys", "--json"]).json()[0],
        serde_json::Value::Null
    );
    let list = home.run(&["--env-file", &file, "keys", "--json"]).json();
    assert_eq!(list[0]["source"], "OPENAI_API_KEY");
    assert_eq!(list[0]["hint"], "…a1b2");
    let mut command = home.parlor(&["keys", "--json", "--env-file", &file]);
    command.env("OPENAI_API_KEY", "sk-of-the-environment-zzzz");
    let list = Ran::of(command.output().unwrap()).json();
    assert_eq!(list[0]["hint"], "…zzzz");
    let store = home.file(
        "vars",
        format!("PARLOR_STORE={}/x.db\n", home.path().display()),
    );
    home.run(&["-m", "echo", "--env-file", &store, "hi"]);
    assert!(home.path().join("x.db").exists());
}

#[test]
fn a_wrong_file_is_told_without_its_values() {
    let home = Home::new();
    let file = home.file("vars", "A=1\nOPENAI_API_KEY='sk-0123456789\n");
    let ran = home.run(&["--env-file", &file, "doctor"]);
    ran.failed(3, "config")
        .says(&["vars:2: a quote isn't closed"]);
    assert!(!ran.stderr.contains("012345"), "{ran:?}");
    home.run(&["doctor", "--env-file=none"]).failed(3, "config");
}

//! `[mcp.NAME]` as people write it, and what is wrong with it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use parlor_mcp::McpSettings;

fn read(text: &str) -> Result<McpSettings, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

fn fault(text: &str) -> String {
    match read(text) {
        Err(error) => error,
        Ok(settings) => settings.server("box").unwrap_err().message().to_owned(),
    }
}

#[test]
fn a_program_and_an_address_are_read_with_all_they_have() {
    let program = r#"
        command = "npx"
        args = ["-y", "server"]
        env = { TOKEN = "env:BOX_TOKEN", LEVEL = "a-plain-value" }
        cwd = "/srv"
        allow = ["read_*"]
        deny = ["read_keys"]
        read_only = ["read_file"]
        trust = "hints"
        start_timeout = "2m"
        call_timeout = "off"
        restarts = 0
    "#;
    let settings = read(program).unwrap();
    assert!(settings.is_enabled());
    let shown = format!("{settings:?} {:?}", settings.server("box").unwrap());
    assert!(
        shown.contains("BOX_TOKEN") && shown.contains("120s"),
        "{shown}"
    );
    assert!(!shown.contains("a-plain-value"), "{shown}");

    let address = r#"
        enabled = false
        url = "https://example.com/mcp?key=hidden"
        headers = { x-team = "a-plain-value" }
        token_command = ["pass", "show", "box"]
    "#;
    let settings = read(address).unwrap();
    assert!(!settings.is_enabled());
    let shown = format!("{:?}", settings.server("box").unwrap());
    assert!(shown.contains("https://example.com"), "{shown}");
    assert!(
        !shown.contains("a-plain-value") && !shown.contains("hidden"),
        "{shown}"
    );
}

#[test]
fn what_is_wrong_is_named() {
    for (text, said) in [
        ("", "needs `command` or `url`"),
        ("command = ' '", "names no program"),
        ("command = 'x'\nurl = 'http://x'", "contradict"),
        ("command = 'x'\ntoken = 'y'", "use `env`"),
        ("command = 'x'\nheaders = { a = 'b' }", "use `env`"),
        ("url = 'http://x'\nargs = ['x']", "servers with `command`"),
        (
            "url = 'http://x'\ntoken = 'y'\ntoken_file = 'z'",
            "contradict",
        ),
        ("url = 'x.example.com'", "`url`"),
        ("url = 'http://x'\ntoken = 'env:'", "names no variable"),
        ("command = 'x'\ntrust = 'blind'", "`hints`"),
        ("command = 'x'\ncall_timeout = '0s'", "zero"),
        ("commnd = 'x'", "commnd"),
    ] {
        let fault = fault(text);
        assert!(fault.contains(said), "{text}: {fault}");
    }
    let settings = read("command = 'x'").unwrap();
    let error = settings.server("my.box").unwrap_err();
    assert!(
        error.message().starts_with("[mcp.my.box]: the name must"),
        "{error}"
    );
}

#[test]
fn no_message_repeats_a_value() {
    for text in [
        "url = 'http://x'\ntoken = 7654321",
        "url = 'http://x'\nheaders = { a = ['hidden-7654321'] }",
    ] {
        let error = toml::from_str::<McpSettings>(text).unwrap_err();
        assert!(!error.message().contains("7654321"), "{error}");
    }
}

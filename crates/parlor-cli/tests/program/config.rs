//! The configuration file, read and written by the program.

use std::fs;

use crate::common::{Home, Ran};

const START: &str = "\
# what I use
default_model = \"echo\" # for now

[providers.mine]
base_url = \"http://localhost:8000/v1\"
api_key = \"sk-0123456789-a1b2\"
headers = { x-token = \"token-0123456789\" }
";

fn text(home: &Home) -> String {
    fs::read_to_string(home.path().join(".config/parlor/config.toml")).unwrap()
}

#[test]
fn a_value_is_set_and_comments_stay() {
    let home = Home::new();
    home.config(START);
    for arguments in [
        ["default_model", "mine/quick"],
        ["models.house", "mine/quick"],
        ["providers.mine.verify_tls", "false"],
        ["models.\"a.b\"", "echo"],
    ] {
        let ran = home.run(&["config", "set", arguments[0], arguments[1]]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let got = home.run(&["config", "get", arguments[0]]);
        assert_eq!(got.stdout, format!("{}\n", arguments[1]));
    }
    let text = text(&home);
    assert!(text.starts_with("# what I use\ndefault_model = \"mine/quick\" # for now\n"));
    assert!(text.contains("verify_tls = false"), "{text}");
    let check = home.run(&["config", "check"]);
    assert_eq!(check.code, Some(0), "{check:?}");
}

#[test]
fn what_would_be_wrong_is_not_written() {
    let home = Home::new();
    home.config(START);
    for (path, value) in [
        ("default_modle", "echo"),
        ("default_model", "no-such-provider/x"),
        ("providers.mine.verify_tls", "maybe"),
        ("providers.mine.base_url", "localhost"),
    ] {
        let ran = home.run(&["config", "set", path, value]);
        let fact = format!("error[config]: `{path}` can't be set to that: ");
        ran.failed(3, "config")
            .says(&[&fact, "Nothing was written."]);
        assert!(!ran.stderr.contains("config.toml"), "{ran:?}");
        assert_eq!(text(&home), START);
    }
    home.run(&["config", "set", "providers.mine.api_key", "sk-x"])
        .failed(2, "usage")
        .says(&["parlor keys set"]);
    home.run(&["config", "set", "providers", "x"])
        .failed(2, "usage");
}

#[test]
fn a_file_is_made_where_there_is_none() {
    let home = Home::new();
    let path = home.run(&["config", "path"]);
    assert!(path.stdout.ends_with("/.config/parlor/config.toml\n"));
    path.says(&["It isn't there yet"]);
    let set = home.run(&["config", "set", "default_model", "echo"]);
    assert_eq!(set.code, Some(0), "{set:?}");
    assert_eq!(text(&home), "default_model = \"echo\"\n");
    home.run(&["config", "get", "routes.x"])
        .failed(1, "invalid");
}

#[test]
fn comments_at_the_top_stay_there() {
    let home = Home::new();
    let head = "#:schema config.schema.json\n# Mine.\n";
    let set = |path: &str, value: &str, before: &str| {
        home.config(before);
        let ran = home.run(&["config", "set", path, value]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        text(&home)
    };
    let model = |before: &str| set("default_model", "echo", before);
    let key = "default_model = \"echo\"\n";
    assert_eq!(model(head), format!("{head}{key}"));
    assert_eq!(model(head.trim_end()), format!("{head}{key}"));
    let table = "[terminal]\nkeys = \"vi\"\n";
    assert_eq!(
        model(&format!("{head}{table}")),
        format!("{head}{key}\n{table}")
    );
    assert_eq!(
        model(&format!("{head}\n# As I type.\n{table}")),
        format!("{head}\n{key}\n# As I type.\n{table}")
    );
    assert_eq!(
        model(&format!("{head}default_model = \"x\" # One\n")),
        format!("{head}default_model = \"echo\" # One\n")
    );
    assert_eq!(set("terminal.keys", "vi", head), format!("{head}{table}"));
    home.config(&format!("{head}{table}"));
    let ran = home.run(&["models", "default", "echo"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(text(&home).starts_with(head), "{}", text(&home));
}

#[test]
fn no_secret_is_printed() {
    let home = Home::new();
    home.config(START);
    for path in [
        "providers",
        "providers.mine",
        "providers.mine.api_key",
        "providers.mine.headers",
        "providers.mine.headers.x-token",
    ] {
        let ran = home.run(&["config", "get", path]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.stdout.contains('…'), "{ran:?}");
        assert!(!ran.stdout.contains("012345"), "{ran:?}");
    }
    home.config("[providers.mine]\nbase_url = \"http://ann:pw-0123456789@localhost/v1\"\n");
    let address = home.run(&["config", "get", "providers.mine.base_url"]);
    assert!(address.stdout.contains("localhost/v1"), "{address:?}");
    assert!(!address.stdout.contains("012345"), "{address:?}");
    home.config("api_key = \"sk-0123456789\" x\n");
    for command in [&["check"][..], &["get", "api_key"]] {
        let ran = home.run(&[&["config"], command].concat());
        ran.failed(3, "config").says(&["config.toml:1"]);
        assert!(!ran.stderr.contains("012345"), "{ran:?}");
    }
}

#[test]
fn an_edited_file_is_checked() {
    let home = Home::new();
    let edit = |line: &str| {
        let script = home.file("edit.sh", format!("echo '{line}' > \"$2\"\n"));
        let mut command = home.parlor(&["config", "edit"]);
        command.env("EDITOR", format!("/bin/sh {script} --wait"));
        Ran::of(command.output().unwrap())
    };
    let good = edit("default_model = \"echo\"");
    assert_eq!(good.code, Some(0), "{good:?}");
    edit("default_modle = \"echo\"")
        .failed(3, "config")
        .says(&["default_model", "parlor config edit"]);
    home.run(&["config", "edit"]).failed(3, "config");
}

#[test]
fn what_is_wrong_with_tools_is_told_with_its_place() {
    let home = Home::new();
    for (config, wanted) in [
        ("[tools.x]\ncommnd = [\"x\"]", "did you mean `command`?"),
        ("[tools.x]\npolicy = \"allow\"", "needs a `command`"),
        ("[tools.x]\ncommand = [\"x\"]", "needs a `description`"),
        ("[tools.time]\ncommand = [\"x\"]", "the name is taken"),
        (
            "[tools.\"a b\"]\ncommand = [\"x\"]\ndescription = \"x\"",
            "1 to 64 letters",
        ),
        ("[mcp.time]\ncommand = \"x\"", "the name is taken"),
        ("[tools]\nmax_steps = 0", "at least 1"),
        ("[tools]\non = [\"nothing\"]", "there is no tool `nothing`"),
        (
            "[tools.time]\naddresses = [\"127.0.0.1\"]",
            "are for `fetch_url`",
        ),
        (
            "[tools.x]\ncommand = [\"x\"]\ndescription = \"x\"\nparameters = \"no.json\"",
            "no.json",
        ),
    ] {
        let file = home.config(config);
        let ran = home.run(&["config", "check"]);
        assert_eq!(ran.code, Some(3), "{config}: {ran:?}");
        ran.says(&[wanted]);
        if !config.contains("no.json") {
            ran.says(&[&format!("{file}:")]);
            assert_eq!(home.run(&["-m", "echo", "Hi"]).code, Some(3), "{config}");
        }
    }
    home.config("[tools.x]\ncommand = [\"no-such-program\"]\ndescription = \"x\"");
    assert_eq!(home.run(&["config", "check"]).code, Some(0));
    let report = home.run(&["doctor"]).stdout;
    assert!(
        report.contains("✗ tool: x (no-such-program): no program"),
        "{report}"
    );
}

#[test]
fn a_service_is_checked_for_all_that_is_wrong_at_once() {
    let home = Home::new();
    home.config("[models]\none = \"nobody/a\"\nother = \"nobody/b\"\nright = \"echo/echo\"\n");
    let ran = home.run(&["serve", "--check"]);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    ran.says(&["`models.one`", "`models.other`"]);
    assert!(!ran.stderr.contains("models.right"), "{ran:?}");
}

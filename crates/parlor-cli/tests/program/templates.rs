//! Templates: filled in, listed, and what is told where they can't be.

use crate::common::Home;
use serde_json::json;

const REVIEW: &str = r#"
description = "Looks for mistakes"
system = "You review {{ lang }}."
prompt = "Review {{ count }} files in {{ lang }}:\n{{ input }}"

[variables]
lang = { type = "text", description = "the language" }
count = { type = "integer", default = 1 }
input = "text"
"#;

fn home() -> Home {
    let home = Home::new();
    home.file(".config/parlor/templates/review.toml", REVIEW);
    home
}

/// What `echo` is asked with a template.
fn asked(home: &Home, words: &[&str]) -> String {
    let ran = home.run(&[&["-m", "echo", "-t"], words].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.stdout
}

#[test]
fn a_template_is_filled_with_its_parameters_and_the_prompt() {
    let home = home();
    let words = ["review", "-p", "lang=rust", "-p", "count=2", "fn main() {}"];
    assert_eq!(
        asked(&home, &words),
        "Review 2 files in rust:\nfn main() {}\n"
    );
    let ran = home.pipe(
        &["-m", "echo", "-t", "review", "-p", "lang={{ x }}"],
        "piped",
    );
    assert_eq!(ran.stdout, "Review 1 files in {{ x }}:\npiped\n", "{ran:?}");
    // What is kept has the template's instructions.
    let id = home.run(&["history", "--json"]).json();
    let shown = home.run(&["history", "--show", id[0]["id"].as_str().unwrap()]);
    assert!(shown.stdout.contains("You review"), "{shown:?}");
}

#[test]
fn a_prompt_stands_after_a_template_that_has_no_place_for_it() {
    let home = Home::new();
    let file = home.file("sum.toml", "prompt = \"Sum up.\"\n");
    assert_eq!(
        asked(&home, &[&file, "This text."]),
        "Sum up.\n\nThis text.\n"
    );
    assert_eq!(asked(&home, &["./sum.toml"]), "Sum up.\n");
    let note = home.file("note.txt", "Words.");
    let with = asked(&home, &[&file, "-a", &note]);
    assert!(
        with.starts_with("<file") && with.ends_with("Sum up.\n"),
        "{with}"
    );
    let system = home.file("system.toml", "system = \"Be brief.\"\n");
    assert_eq!(asked(&home, &[&system, "Hi"]), "Hi\n");
    home.run(&["-m", "echo", "-t", &system]).failed(2, "usage");
}

#[test]
fn values_that_are_missing_or_unknown_are_named() {
    let home = home();
    let fails = |words: &[&str], facts: &[&str]| {
        let ran = home.run(&[&["-m", "echo", "-t", "review"], words].concat());
        ran.failed(2, "template").says(facts);
    };
    fails(
        &["-p", "tone=dry", "Hi"],
        &["no value for `lang`", "no variable `tone`", "lang=TEXT"],
    );
    fails(&["-p", "lang=c"], &["no value for `input`", "piped in"]);
    fails(
        &["-p", "lang=c", "-p", "count=many", "Hi"],
        &["`count` must be a whole number"],
    );
    fails(
        &["-p", "lang=c", "-p", "lang=d", "Hi"],
        &["two values for `lang`"],
    );
    let ran = home.run(&["-m", "echo", "-t", "reveiw", "Hi"]);
    ran.failed(2, "template")
        .says(&["did you mean review?", "templates/reveiw.toml"]);
    home.run(&["-p", "lang=c", "Hi"]).failed(2, "usage");
}

#[test]
fn a_template_sets_the_model_and_the_schema_below_the_options() {
    let home = Home::new();
    let text = "model = \"echo\"\nschema = \"name, age int\"\nprompt = \"A dog.\"\n";
    let file = home.file("dog.toml", text);
    let ran = home.run(&["-t", &file]);
    assert_eq!(ran.json(), json!({"name": "text", "age": 0}), "{ran:?}");
    let ran = home.run(&["-t", &file, "--schema", "good bool"]);
    assert_eq!(ran.json(), json!({"good": true}));
    home.run(&["-t", &file, "-m", "nobody/m"])
        .failed(5, "model-not-found");
}

#[test]
fn templates_are_listed_with_their_parameters() {
    let home = home();
    home.file(".config/parlor/templates/broken.toml", "promt = 1\n");
    let ran = home.run(&["templates"]);
    assert_eq!(
        ran.stdout,
        "review  [count=1]  input=TEXT  lang=TEXT\n    Looks for mistakes\n    lang: the language\n"
    );
    assert!(ran.stderr.contains("unknown key `promt`"), "{ran:?}");
    let listed = home.run(&["templates", "--json"]).json();
    assert_eq!(listed[0]["name"], "review");
    let count = json!({
        "name": "count",
        "type": "integer",
        "required": false,
        "default": 1,
        "description": null,
    });
    assert_eq!(listed[0]["parameters"][0], count);
    let none = Home::new().run(&["templates"]);
    assert_eq!((none.code, &*none.stdout), (Some(0), ""));
    assert!(none.stderr.contains(".config/parlor/templates"), "{none:?}");
}

#[test]
fn a_conversation_takes_templates_too() {
    let home = home();
    let lines = "/template\n/template review lang=\"plain C\" count=3 int x;\n/template review\n\
                 /template nope\nlast\n";
    let ran = home.pipe(
        &[
            "-m",
            "echo",
            "-i",
            "-t",
            "review",
            "-p",
            "lang=c",
            "one",
            "--no-stdin",
        ],
        "",
    );
    assert_eq!(ran.stdout, "Review 1 files in c:\none\n", "{ran:?}");
    let ran = home.pipe(&["-m", "echo", "-i", "--no-save"], lines);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stdout, "Review 3 files in plain C:\nint x;\nlast\n");
    ran.says(&["review  [count=1]", "no value for", "no template `nope`"]);
}

#[test]
fn a_conversation_begins_with_the_instructions_of_a_template() {
    let home = Home::new();
    let system = home.file("system.toml", "system = \"Be brief.\"\n");
    let ran = home.pipe(&["-m", "echo", "-i", "-t", &system], "Hi\n/system\n");
    assert_eq!(ran.stdout, "Hi\n", "{ran:?}");
    ran.says(&["Be brief."]);
    let ran = home.pipe(
        &["-m", "echo", "-i", "-t", &system, "-s", "Be long."],
        "/system\n",
    );
    ran.says(&["Be long."]);
    let text = "schema = \"name\"\nprompt = \"A dog.\"\n";
    let dog = home.file("dog.toml", text);
    let ran = home.run(&["-m", "echo", "-i", "-t", &dog]);
    assert_eq!(ran.stdout, "{\"name\":\"text\"}\n", "{ran:?}");
}

//! What commands of a conversation do, as a person sees it and as it is kept.

use crate::common::Home;
use crate::common::pty::Pty;
use crate::common::server::{Answer, Server};
use serde_json::json;

/// A home, and a conversation in it with a model that answers so.
fn talk(home: &Home, env: &[(&str, &str)]) -> Pty {
    Pty::new(home, &["-m", "echo"], env, true)
}

fn show(home: &Home) -> String {
    let listed = home.run(&["history", "--json"]).json();
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    home.run(&["history", "--show", &id]).stdout
}

fn leave(mut pty: Pty) {
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("\x04");
    assert_eq!(pty.ended(), 0);
}

/// An answer of a server that speaks Ollama's protocol.
fn ollama(text: &str) -> Answer {
    let line = json!({
        "model": "m",
        "message": {"role": "assistant", "content": text},
        "done": true,
        "done_reason": "stop",
        "prompt_eval_count": 9,
        "eval_count": 3,
    });
    let headers = "content-type: application/x-ndjson\r\n";
    Answer(200, headers, format!("{line}\n"))
}

#[test]
fn a_question_is_changed_in_the_editor_and_asked_on_a_branch() {
    let home = Home::new();
    let path = std::env::var("PATH").unwrap();
    let env = [("EDITOR", "sed -i s/one/uno/"), ("PATH", path.as_str())];
    let mut pty = talk(&home, &env);
    pty.enters("one and two");
    pty.shows("\none and two\n");
    pty.enters("three");
    pty.shows("\nthree\n");
    pty.enters("/edit");
    pty.shows("Nothing was changed");
    pty.enters("/edit 2");
    pty.shows("\nuno and two\n");
    pty.enters("/edit 9");
    pty.shows("There is no such question yet.");
    leave(pty);
    let kept = show(&home);
    assert!(kept.contains("uno and two"), "{kept}");
    assert!(
        !kept.contains("one and") && !kept.contains("three"),
        "{kept}"
    );
    // What was said before is a branch, and is still found.
    assert!(home.run(&["history", "three"]).stdout.contains("three"));
}

#[test]
fn an_editor_that_cannot_be_run_ends_nothing_and_one_leaves_no_file() {
    let home = Home::new();
    let path = std::env::var("PATH").unwrap();
    let env = [("EDITOR", "no-such-editor"), ("PATH", path.as_str())];
    let mut pty = Pty::new(&home, &["-m", "echo", "--ephemeral"], &env, true);
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("a line\x0f");
    pty.shows("cannot run the editor no-such-editor");
    pty.until(|shown| shown.trim_end().ends_with("› a line"));
    pty.types("\r");
    pty.shows("\na line\n");
    leave(pty);

    let env = [("EDITOR", "sed -i s/one/uno/"), ("PATH", path.as_str())];
    let mut pty = talk(&home, &env);
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("one and two\x0f");
    pty.until(|shown| shown.trim_end().ends_with("› uno and two"));
    pty.types("\r");
    pty.shows("\nuno and two\n");
    leave(pty);
    let folder = home.path().join(".local/share/parlor");
    let files = std::fs::read_dir(folder).unwrap().flatten();
    let files: Vec<_> = files.map(|it| it.file_name()).collect();
    assert!(
        !files
            .iter()
            .any(|it| it.to_string_lossy().starts_with("edit")),
        "{files:?}"
    );
}

#[test]
fn an_editor_is_found_as_a_shell_finds_it() {
    let home = Home::new();
    let path = std::env::var("PATH").unwrap();
    let script = home.file("my tools/ed it", "#!/bin/sh\nexec sed -i \"$@\"\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&script, mode).unwrap();
    let editor = format!("'{script}' -e 's/one/uno is/'");
    let env = [("EDITOR", editor.as_str()), ("PATH", path.as_str())];
    let mut pty = talk(&home, &env);
    pty.enters("one");
    pty.shows("\none\n");
    pty.enters("/edit");
    pty.shows("\nuno is\n");
    leave(pty);
}

#[test]
fn what_an_editor_leaves_that_is_no_text_is_kept() {
    let home = Home::new();
    let path = std::env::var("PATH").unwrap();
    let editor = r#"sh -c 'printf caf\\351 > "$1"' -"#;
    let env = [("EDITOR", editor), ("PATH", path.as_str())];
    let mut pty = talk(&home, &env);
    pty.enters("one");
    pty.shows("\none\n");
    pty.enters("/edit");
    pty.shows("isn't UTF-8");
    pty.shows("kept-");
    leave(pty);
    let folder = home.path().join(".local/share/parlor");
    let mut files = std::fs::read_dir(folder).unwrap().flatten();
    let kept = files.find(|it| it.file_name().to_string_lossy().starts_with("kept-"));
    assert_eq!(std::fs::read(kept.unwrap().path()).unwrap(), b"caf\xe9");
}

#[test]
fn settings_are_held_to_their_range_and_modes_are_several() {
    let home = Home::new();
    let mut pty = talk(&home, &[]);
    for (line, told) in [
        ("/set top_p nan", "top_p: expected a number from 0 to 1"),
        (
            "/set temperature -1",
            "temperature: expected a number from 0",
        ),
        (
            "/set max_tokens 0",
            "max_tokens: expected a whole number from 1",
        ),
        ("/set seed 7", "seed is 7."),
        ("/set mode precise", "precise: temperature 0.2"),
        ("/set mode dull", "one of balanced, code, creative, precise"),
        (
            "/set",
            "temperature 0.2 · top_p default · max_tokens default · seed 7",
        ),
        ("/set temperature -", "temperature is the model's default."),
        ("/think high", "Thoughts are shown; high is asked for."),
        (
            "/think off",
            "Thoughts are not shown, and none are asked for.",
        ),
        ("/copy first", "/copy takes the number of a piece of code"),
        ("/copy 1", "The answer has no code between fences."),
    ] {
        pty.enters(line);
        pty.shows(told);
    }
    leave(pty);
}

#[test]
fn older_turns_are_summed_up_and_stay_kept() {
    let home = Home::new();
    let texts = [
        "first",
        "second",
        "third",
        "They counted.",
        "fourth",
        "fifth",
    ];
    let server = Server::start(texts.map(ollama).into());
    let env = [("OLLAMA_HOST", server.url.as_str())];
    let mut pty = Pty::new(&home, &["-m", "ollama/m"], &env, true);
    for (asked, answer) in ["1", "2", "3"].iter().zip(texts) {
        pty.enters(asked);
        pty.shows(&format!("\n{answer}\n"));
        server.request();
    }
    pty.enters("/compact 1");
    pty.shows("2 turns are summed up: ~");
    assert!(server.request().body.contains("You summarise"));
    pty.enters("4");
    pty.shows("\nfourth\n");
    let sent = server.request().body;
    assert!(
        sent.contains("They counted.") && !sent.contains("second"),
        "{sent}"
    );
    pty.enters("/compact 9");
    pty.shows("no more than 9 turns");
    leave(pty);
    // It holds for whoever goes on with it, and nothing is gone.
    assert!(show(&home).contains("second"));
    let more = home
        .parlor(&["-m", "ollama/m", "-c", "5"])
        .env("OLLAMA_HOST", &server.url)
        .output();
    assert!(more.unwrap().status.success());
    let sent = server.request().body;
    assert!(
        sent.contains("They counted.") && !sent.contains("second"),
        "{sent}"
    );
}

#[test]
fn a_summary_goes_with_the_turns_that_it_is_of() {
    let home = Home::new();
    let texts = ["first", "second", "They counted.", "third", "fourth"];
    let server = Server::start(texts.map(ollama).into());
    let env = [("OLLAMA_HOST", server.url.as_str())];
    let mut pty = Pty::new(&home, &["-m", "ollama/m"], &env, true);
    for (asked, answer) in ["1", "2"].iter().zip(texts) {
        pty.enters(asked);
        pty.shows(&format!("\n{answer}\n"));
        server.request();
    }
    pty.enters("/compact 0");
    pty.shows("2 turns are summed up: ~");
    server.request();
    pty.enters("/undo");
    pty.shows("Taken back: 2");
    pty.enters("3");
    pty.shows("\nthird\n");
    server.request();
    leave(pty);
    let more = home
        .parlor(&["-m", "ollama/m", "-c", "4"])
        .env("OLLAMA_HOST", &server.url)
        .output();
    assert!(more.unwrap().status.success());
    let sent = server.request().body;
    assert!(
        sent.contains("third") && !sent.contains("They counted."),
        "{sent}"
    );
}

#[test]
fn the_clipboard_goes_with_the_next_message() {
    let home = Home::new();
    let program = home.file(
        "bin/wl-paste",
        // Some owners give their text whatever is asked for, a picture too.
        "#!/bin/sh\nprintf 'of the\\r\\nclipboard'\n",
    );
    std::fs::set_permissions(
        &program,
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    let bin = format!("{}/bin", home.path().display());
    let mut pty = talk(&home, &[("PATH", &bin)]);
    pty.enters("/paste");
    pty.shows("Text (16 characters) goes with the next message.");
    pty.enters("What is it?");
    pty.shows("\nof the clipboard");
    leave(pty);
    let mut command = home.parlor(&["-m", "echo", "-a", "clipboard", "What is it?"]);
    let ran = command.env("PATH", &bin).output().unwrap();
    let printed = String::from_utf8(ran.stdout).unwrap();
    assert!(printed.contains("of the\nclipboard"), "{printed}");
    let mut pty = talk(&home, &[("PATH", "/nowhere")]);
    pty.enters("/paste");
    pty.shows("error[clipboard]: the clipboard can't be read from here");
    leave(pty);
    let no_desktop = "#!/bin/sh\necho 'no compositor to ask' >&2; exit 1\n";
    home.file("bin/wl-paste", no_desktop);
    let mut pty = talk(&home, &[("PATH", &bin)]);
    pty.enters("/paste");
    pty.shows("(wl-paste: no");
}

#[test]
fn models_and_the_setup_are_told_in_a_conversation() {
    let home = Home::new();
    home.config("[models.quick]\nmodel = \"echo\"\n");
    let mut pty = talk(&home, &[]);
    pty.enters("/models qui");
    pty.shows("  quick ");
    pty.enters("/models nothing-like-it");
    pty.shows("No model at hand has these words");
    pty.enters("/doctor");
    pty.shows("✓ model: embedded/rules");
    leave(pty);
}

#[test]
fn paths_are_written_as_for_a_shell() {
    let home = Home::new();
    home.file("one two.txt", "first");
    home.file("three.txt", "second");
    let mut pty = talk(&home, &[]);
    for path in [
        "~/three.txt",
        "one\\ two.txt",
        "'one two.txt'",
        "one two.txt",
    ] {
        pty.enters(&format!("/attach {path}"));
        pty.shows(&format!("\n{path} goes with the next message."));
    }
    pty.enters("hello there");
    pty.until(|shown| shown.matches("first").count() == 3 && shown.contains("second"));
    pty.enters("/export ~/talk.md");
    pty.until(|shown| shown.replace('\n', "").contains("talk.md."));
    assert!(home.path().join("talk.md").exists());
    leave(pty);
}

#[test]
fn instructions_stay_with_their_conversation() {
    let home = Home::new();
    home.run(&["-m", "echo", "the first of them"]);
    let mut pty = talk(&home, &[]);
    pty.enters("/system Be a pirate");
    pty.shows("It is told so from now on.");
    pty.enters("/resume first of");
    pty.shows("Enter goes on with it");
    pty.types("\r");
    pty.shows("the first of them · 1 turn");
    pty.enters("/system");
    pty.shows("The model has no instructions.");
    leave(pty);
}

#[test]
fn what_waits_for_the_next_message_stays_with_its_conversation() {
    let home = Home::new();
    let file = home.file("notes.txt", "remember the milk");
    home.run(&["-m", "echo", "the first of them"]);
    let listed = home.run(&["history", "--json"]).json();
    let id = listed[0]["id"].as_str().unwrap();
    for leave in [&*format!("/resume {id}"), "/new"] {
        let lines = format!("/attach {file}\n/schema name\n{leave}\nhello\n");
        let ran = home.pipe(&["-m", "echo", "-i"], lines);
        ran.says(&["Left behind: what was attached and /schema."]);
        assert!(ran.stdout.ends_with("hello\n"), "{ran:?}");
        assert!(!ran.stdout.contains("milk"), "{ran:?}");
    }
}

#[test]
fn a_model_of_another_name_is_asked_in_a_conversation_too() {
    let home = Home::new();
    let lines = "/model gpt-4oo\n/model openai/gpt-4oo\n/model -f openai/gpt-4oo\n";
    let mut child = home.parlor(&["-m", "echo", "-i"]);
    child.env("OPENAI_API_KEY", "sk-none");
    let lines = home.file("lines", lines);
    child.stdin(std::fs::File::open(lines).unwrap());
    let ran = crate::common::Ran::of(child.output().unwrap());
    ran.says(&[
        "/model PROVIDER/gpt-4oo",
        "send it anyway: /model -f MODEL",
        "openai/gpt-4oo answers from now on.",
    ]);
    assert!(!ran.stderr.contains("-m PROVIDER"), "{ran:?}");
}

#[test]
fn an_export_writes_over_no_file_unless_told_to() {
    // A long path breaks the line anywhere.
    let says = |pty: &mut Pty, wanted: &str| {
        pty.until(|shown| shown.replace('\n', " ").contains(wanted));
    };
    let home = Home::new();
    let file = home.file("notes.md", "mine");
    let mut pty = talk(&home, &[]);
    pty.enters("hello there");
    pty.shows("\nhello there\n");
    pty.enters(&format!("/export {file}"));
    says(&mut pty, "is there already and stays as it is.");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    pty.enters(&format!("/export -f {file}"));
    pty.shows("Written to");
    assert!(
        std::fs::read_to_string(&file)
            .unwrap()
            .contains("hello there")
    );
    let other = home.path().join("other.json");
    pty.enters(&format!("/export {}", other.display()));
    pty.shows("other.json.");
    assert!(std::fs::read_to_string(&other).unwrap().starts_with('{'));
    pty.enters("/export -f");
    pty.shows("Name a file");
    leave(pty);
}

#[test]
fn what_a_model_cannot_do_as_it_was_said_is_told_once() {
    let home = Home::new();
    let answer = || {
        let body = json!({"choices": [
            {"message": {"role": "assistant", "content": "Fine."}, "finish_reason": "stop"}
        ]});
        Answer(200, "", body.to_string())
    };
    let server = Server::start(vec![answer(), answer()]);
    let arguments = ["-m", "m", "--no-stream", "--base-url", &server.url];
    let mut pty = Pty::new(&home, &arguments, &[], true);
    pty.enters("/think 2000");
    pty.enters("Why?");
    let told = "a budget of 2000 tokens is sent as effort";
    pty.shows(told);
    pty.enters("And why?");
    let shown = pty.until(|shown| shown.matches("Fine.").count() == 2);
    assert_eq!(shown.matches(told).count(), 1, "{shown}");
    leave(pty);
}

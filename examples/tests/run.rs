//! Runs every example as a user would, on the built-in model.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::path::PathBuf;

use common::{command, finish, program};
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_testkit::{BatchAnswer, BatchServer};

/// Runs an example and gives what it printed; its failure is the test's.
fn run(name: &str, arguments: &[&str]) -> String {
    tell(name, arguments, "")
}

/// The same with this on stdin.
fn tell(name: &str, arguments: &[&str], said: &str) -> String {
    let (program, printed, errors) = program(name, arguments, said);
    assert!(program.success(), "{name}: {printed}{errors}");
    printed
}

#[test]
fn hello() {
    assert_eq!(run("hello", &[]), "Why is the sky blue?\n(10 tokens)\n");
}

#[test]
fn streaming() {
    let printed = run("streaming", &[]);
    assert!(
        printed.starts_with("Tell me a story of a lighthouse"),
        "{printed}"
    );
    assert!(printed.ends_with("interrupted: false\n"), "{printed}");
}

#[test]
fn chat() {
    let said = "I am Ann.\nWho am I?\n/again\n/undo\n/again\n\n";
    let printed = tell("chat", &[], said);
    assert_eq!(
        printed,
        "I am Ann.\nWho am I?\nWho am I?\nI am Ann.\n1 turns\n"
    );
    let printed = tell("chat", &[], "Hi\n/clear\n/again\n");
    assert!(printed.contains("failed: "), "{printed}");
    assert!(printed.ends_with("0 turns\n"), "{printed}");
}

#[test]
fn tools_by_hand() {
    let printed = run("tools_by_hand", &[]);
    assert_eq!(
        printed,
        "-> get_weather({\"city\":\"Oslo\"})\nOslo: 4 degrees, light rain\n"
    );
}

#[test]
fn tools() {
    let printed = run("tools", &[]);
    assert_eq!(
        printed,
        "-> in_stock({\"article\":\"egg\"})\n<- 30 pieces\n30 pieces\nFinished after 2 steps\n"
    );
}

#[test]
fn approval() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("approval.json");
    let _ = std::fs::remove_file(&file);
    let file = file.to_str().unwrap();
    let ask = |said: &str| tell("approval", &["echo", file], said);
    assert!(ask("no\n").contains("was denied"));
    let printed = ask("later\n");
    assert!(printed.contains("1 waits in "), "{printed}");
    let printed = ask("yes\n");
    assert!(printed.ends_with("draft.txt is gone\n"), "{printed}");
    assert!(ask("later\n").contains("1 waits in "), "it began anew");
}

#[test]
fn partial() {
    let printed = run("partial", &[]);
    assert!(printed.contains("so far: [\"take "), "{printed}");
    let whole = r#"the lighthouse: ["take the boat", "climb the stairs"]"#;
    assert!(printed.ends_with(&format!("{whole}\n")), "{printed}");
}

#[test]
fn statistics() {
    let printed = run("statistics", &[]);
    assert!(
        printed.contains("echo/echo: 3 requests, 0 failed\n"),
        "{printed}"
    );
    assert!(printed.contains("failed: "), "the empty question");
}

#[test]
fn fallback() {
    let printed = run("fallback", &[]);
    assert!(printed.contains("without echo/nobody: "), "{printed}");
    assert!(
        printed.ends_with("echo: Why is the sky blue?\n"),
        "{printed}"
    );
}

#[test]
fn several_providers() {
    let printed = run("several_providers", &[]);
    assert!(
        printed.contains("echo: What makes a good bridge?\n"),
        "{printed}"
    );
    assert!(
        printed.ends_with("echo/echo answered with 31 characters\n"),
        "{printed}"
    );
}

#[test]
fn agent() {
    let printed = run("agent", &[]);
    assert!(
        printed.starts_with("4 degrees and light rain in "),
        "{printed}"
    );
}

/// What the README shows is this example, with a model in it.
#[test]
fn the_first_agent_of_the_readme_is_the_example() {
    let code: Vec<&str> = include_str!("../agent.rs")
        .lines()
        .skip_while(|line| !line.starts_with("use "))
        .collect();
    assert!(code.len() < 25, "{} lines", code.len());
    let code = code
        .join("\n")
        .replace("&examples::model_id()", "\"openai/gpt-5.4-mini\"");
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&code), "the README lacks\n{code}");
}

#[test]
fn image() {
    let printed = run("image", &["echo"]);
    assert_eq!(
        printed,
        "What is in this picture?\n[image: image/png, 69 bytes]\n"
    );
}

#[test]
fn multimodal() {
    let files = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (picture, film) = (files.join("any-name"), files.join("film.txt"));
    std::fs::write(&picture, examples::RED).unwrap();
    std::fs::write(&film, b"\x1a\x45\xdf\xa3\x42\x82\x84webm").unwrap();
    let named = [picture.to_str().unwrap(), film.to_str().unwrap()];
    assert_eq!(
        run("multimodal", &["echo", named[0], named[1]]),
        "What have they in common?\n[image: image/png, 69 bytes]\n[video: video/webm, 11 bytes]\n"
    );
    let printed = run("multimodal", &[]);
    assert!(
        printed.contains("[video: video/mp4, https://example.org/film.mp4]"),
        "{printed}"
    );
}

#[test]
fn side_by_side() {
    let printed = run("side_by_side", &["echo", "echo/nothing"]);
    assert!(printed.contains("## echo ("), "{printed}");
    assert!(printed.contains("Name three uses of a brick."), "{printed}");
    assert!(printed.contains("failed: "), "{printed}");
}

#[test]
fn batch() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("batch.jsonl");
    let _ = std::fs::remove_file(&file);
    let file = file.to_str().unwrap();
    let printed = run("batch", &["echo", file]);
    assert!(
        printed.starts_with("Oslo: What is Oslo known for?\nLima: "),
        "{printed}"
    );
    let lines = || std::fs::read_to_string(file).unwrap().lines().count();
    assert_eq!(lines(), 6);
    assert_eq!(run("batch", &["echo", file]), printed);
    assert_eq!(lines(), 6, "asked again");
}

#[tokio::test]
async fn provider_batch() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("provider_batch.jsonl");
    let _ = std::fs::remove_file(&file);
    let server = BatchServer::start(OpenAiChat::default(), |_, request| {
        let question = request.messages[0].text();
        match question.contains("Cairo") {
            true => BatchAnswer::Expired,
            false => BatchAnswer::Text(question.replace("What is ", "For much: ")),
        }
    });
    let server = server.await.unwrap();
    let asked = || {
        let arguments = ["openai/gpt-4.1-mini", file.to_str().unwrap()];
        let mut command = command("provider_batch", &arguments);
        command.env("OPENAI_API_KEY", "sk-1");
        command.env("OPENAI_BASE_URL", format!("{}/v1", server.url()));
        tokio::task::spawn_blocking(move || finish(command, ""))
    };
    let (status, printed, errors) = asked().await.unwrap();
    assert!(status.success(), "{printed}{errors}");
    assert!(
        printed.starts_with("Oslo: For much: Oslo known for?\nLima: "),
        "{printed}"
    );
    assert!(printed.contains("Cairo: failed: "), "{printed}");
    assert_eq!(asked().await.unwrap().1, printed);
    assert_eq!(server.taken(), [5, 1], "what failed was handed in again");
}

#[test]
fn template() {
    let printed = run("template", &["echo", "French", " Hello "]);
    assert_eq!(
        printed,
        "system: Translate what the user says into French. Say nothing else.\n\
         user: Good morning\nassistant: Guten Morgen\nuser: Hello\n-> Hello\n\
         the template's values: no value for `text`; \
         no variable `txt`; there is `language`, `text`\n"
    );
}

#[test]
fn configured() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("configured.toml");
    std::fs::write(
        &file,
        "[model]\ntop_p = 0.9\ntemperature = 0.9\nmax_tokens = 9\n",
    )
    .unwrap();
    let told = "temperature: Some(0.2)\nWhy is the sky blue?\nWhy is the sky blue? (kept)\n";
    let printed = run("configured", &["echo", file.to_str().unwrap()]);
    assert!(printed.starts_with(told), "{printed}");
    assert!(
        printed.contains("\nthe number of characters is "),
        "{printed}"
    );
    assert!(printed.ends_with("\n3 requests, 10 tokens\n"), "{printed}");
}

#[test]
fn custom_host() {
    assert_eq!(
        run("custom_host", &["echo"]),
        "echo/echo at http://127.0.0.1:8080/v1\nSay hello.\n"
    );
}

#[test]
fn custom_model() {
    assert_eq!(run("custom_model", &[]), "CAN YOU HEAR ME?\n");
}

#[test]
fn extract() {
    assert_eq!(
        run("extract", &[]),
        "pancakes for None, Easy\n200 g flour, 2 eggs\n"
    );
}

#[test]
fn think() {
    assert_eq!(
        run("think", &[]),
        "reasoning: your reasoning, step by step\nsolution: the solution alone\n"
    );
}

#[test]
fn mcp() {
    let mut server = std::env::current_exe().unwrap();
    server.pop();
    server.pop();
    let server = server.join("examples").join("mcp_server");
    let printed = run("mcp", &["echo", server.to_str().unwrap()]);
    assert!(
        printed.starts_with("box.greet\nmay box.greet run? yes\n-> Hello, "),
        "{printed}"
    );
}

#[test]
fn every_example_is_short() {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for entry in std::fs::read_dir(here).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "rs") {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= 80, "{} has {lines} lines", path.display());
            seen += 1;
        }
    }
    assert_eq!(seen, 25, "twenty-four examples and what they share");
}

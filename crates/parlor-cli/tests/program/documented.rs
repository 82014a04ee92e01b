//! Every command that the pages and the help texts show does what it is shown for.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::common::{Home, Ran};
use parlor::{ChatModel, ModelInfo, OutputFormat};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_testkit::{DialectServer, Script, Scripted};

/// What the commands shown need of others: programs that stand in for them.
const PROGRAMS: &[(&str, &str)] = &[
    ("git", "echo '+a line'"),
    ("jq", "cat"),
    ("pass", "echo test-key"),
];

/// Models that are asked in what is shown: what an answer by a schema needs they have.
fn model(id: &str) -> Arc<dyn ChatModel> {
    let model = Scripted::with(|_, request| {
        Some(match request.output {
            Some(OutputFormat::JsonSchema(_)) => Script::text(r#"{"name":"Rex","age":3}"#),
            _ => Script::text("Fine."),
        })
    });
    Arc::new(model.with_info(ModelInfo::new("scripted", id)))
}

/// A home as its owner has it: keys, a configuration, a template, files to ask about.
struct Household {
    home: Home,
    _servers: [DialectServer; 3],
}

impl Household {
    async fn new() -> Self {
        let home = Home::new();
        let claude = AnthropicMessages::default();
        let claude = DialectServer::start(claude, model("claude-haiku-5-5")).await;
        let gpt = DialectServer::start(OpenAiChat::default(), model("gpt-5.4-mini")).await;
        let llama = DialectServer::start(Ollama::default(), model("llama3.1")).await;
        let (claude, gpt, llama) = (claude.unwrap(), gpt.unwrap(), llama.unwrap());
        home.config(&format!(
            "default_model = \"openai/gpt-5.4-mini\"\n\
             [providers.anthropic]\nbase_url = \"{}\"\n\
             [providers.openai]\nbase_url = \"{}\"\n\
             [providers.ollama]\nbase_url = \"{}\"\n",
            claude.url(),
            gpt.url(),
            llama.url(),
        ));
        let template = "model = \"openai/gpt-5.4-mini\"\nprompt = \"{{ lang }}: {{ input }}\"\n\
             [variables]\nlang = \"text\"\ninput = \"text\"\n";
        home.file(".config/parlor/templates/review.toml", template);
        home.file("typed", "test-key\n");
        home.file("photo.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00");
        home.file("question.txt", "Why is the sky blue?\n");
        home.file(
            "questions.jsonl",
            "{\"prompt\": \"Why?\", \"id\": 1}\n\"Why so?\"\n",
        );
        home.file("dogs.jsonl", "{\"prompt\": \"Rex\"}\n");
        home.file(".config/aichat/config.yaml", "model: openai:gpt-4.1\n");
        home.file("old/default_model.txt", "gpt-4.1\n");
        home.file("src/lib.rs", "fn main() {}\n");
        for (name, does) in PROGRAMS {
            let path = home.file(&format!("bin/{name}"), format!("#!/bin/sh\n{does}\n"));
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_parlor"), home.path().join("bin/parlor")).unwrap();
        Self {
            home,
            _servers: [claude, gpt, llama],
        }
    }

    async fn run(&self, line: &str) -> Ran {
        let path = format!("{}:/usr/bin:/bin", self.home.path().join("bin").display());
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", line])
            .env_clear()
            .envs([("HOME", self.home.path().as_os_str())])
            .envs([("PATH", path.as_str()), ("EDITOR", "true")])
            .envs([
                ("OPENAI_API_KEY", "test-key"),
                ("ANTHROPIC_API_KEY", "test-key"),
            ])
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .current_dir(self.home.path())
            .stdin(fs::File::open(self.home.path().join("typed")).unwrap());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        Ran::of(output.await.unwrap())
    }

    /// Runs each of the lines, and says which go wrong.
    async fn all(&self, lines: &[String]) {
        let mut wrong = Vec::new();
        for line in lines {
            let ran = self.run(line).await;
            if ran.code != Some(0) || ran.stderr.contains("error[") {
                wrong.push(format!("{line}\n{ran:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    }
}

/// Whether a line runs the program, and to an end.
fn runs_it(line: &str) -> bool {
    let serves =
        line.starts_with("parlor serve") && !line.contains("--check") || line.contains("--browser");
    !serves && (line.starts_with("parlor ") || line == "parlor" || line.contains("| parlor "))
}

/// The lines of a page's shell blocks, and what its table of commands names.
fn of_page(page: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let page = fs::read_to_string(page).unwrap();
    let mut is_shell = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        if line.starts_with("```") {
            is_shell = line == "```sh";
        } else if is_shell && runs_it(line) {
            lines.push(line.to_owned());
        } else if let Some(cell) = line.strip_prefix("| `") {
            let command = cell.split('`').next().unwrap_or_default();
            lines.extend(runs_it(command).then(|| command.to_owned()));
        }
    }
    lines
}

#[tokio::test]
async fn the_pages_show_what_works() {
    let household = Household::new().await;
    let (front, own) = (of_page("../../README.md"), of_page("README.md"));
    assert!(front.len() > 5, "{front:?}");
    assert!(own.len() > 12, "{own:?}");
    household.all(&front).await;
    household.all(&own).await;
    let asked = "parlor -m openai/gpt-5.4-mini --schema 'name, age int' 'Invent a dog'";
    let named = household.run(asked).await;
    assert_eq!(named.json()["name"], "Rex", "{named:?}");
}

#[tokio::test]
async fn the_help_shows_what_works() {
    let household = Household::new().await;
    let top = household.run("parlor --help").await.stdout;
    let commands = top.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.map_while(|line| line.split_whitespace().next());
    let commands: Vec<String> = commands.map(str::to_owned).collect();
    assert!(commands.len() > 8, "{top}");
    household
        .run("parlor -m echo 'What is kept is found'")
        .await;
    let kept = household.run("parlor history --json").await.json();
    let id = kept[0]["id"].as_str().unwrap();
    let mut lines = shown_in(&top, id);
    for command in commands.iter().filter(|it| *it != "help") {
        let help = household.run(&format!("parlor {command} --help")).await;
        lines.extend(shown_in(&help.stdout, id));
    }
    assert!(lines.len() > 7, "{lines:?}");
    household.all(&lines).await;
}

/// The examples in a help text, with something in the places that it leaves open.
fn shown_in(help: &str, id: &str) -> Vec<String> {
    let lines = help.lines().filter_map(|line| line.strip_prefix("  "));
    let is_command = |line: &&str| runs_it(line) && !line.contains("[OPTIONS");
    let lines = lines.filter(|line| is_command(line) && !line.contains("<Tab>"));
    let filled = lines.map(|line| {
        let line = line.replace("PROVIDER/MODEL", "openai/gpt-5.4-mini");
        let line = line.replace("PROVIDER", "openai").replace("k3f9", id);
        // What is explained stands far to the right.
        line.split("   ").next().unwrap_or_default().to_owned()
    });
    filled.collect()
}

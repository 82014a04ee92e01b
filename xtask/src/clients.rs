//! The official clients against the service, with servers behind it that others wrote.
//!
//! `xtask/clients/` has a script for each language; a script does every check with every client and
//! upstream, and tells of each in a line of JSON. What an upstream is known to do otherwise than the
//! provider that it stands for is in [`DEPARTURES`]; any other problem fails the run.

mod scripts;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::cargo::output;
use crate::counterparts::{Folder, KEY, Running, SetUp, Site, free_port, target};
use scripts::SCRIPTS;

/// The key that the service asks for.
const SERVICE_KEY: &str = "sk-service";

/// Where the table stands.
const PAGE: &str = "crates/parlor-server/README.md";
const BEGIN: &str = "<!-- begin clients -->";
const END: &str = "<!-- end clients -->";

/// What the upstreams do otherwise: client, upstream, check, and why. Empty words fit all.
const DEPARTURES: &[(&str, &str, &str, &str)] = &[
    (
        "openai, responses",
        "responses",
        "streaming",
        "aimock numbers no events, and they pass through as they come",
    ),
    (
        "openai, responses",
        "responses",
        "usage",
        "aimock numbers no events, and they pass through as they come",
    ),
    (
        "",
        "ollama",
        "thinking",
        "aimock says no thoughts in this dialect",
    ),
];

/// One check, as a script tells of it.
#[derive(Debug, Deserialize)]
struct Told {
    client: String,
    upstream: String,
    check: String,
    problem: Option<String>,
}

impl Told {
    /// Why a problem is the upstream's, where it is known.
    fn departure(&self) -> Option<&'static str> {
        let fits = |(client, upstream, check, _): &&(&str, &str, &str, &str)| {
            self.client.contains(client)
                && self.upstream.contains(upstream)
                && self.check.contains(check)
        };
        DEPARTURES.iter().find(fits).map(|it| it.3)
    }
}

/// Runs the suite; with `--write` the table goes into the page, with `--fast` it is what takes
/// seconds and is installed already.
pub(crate) fn run(root: &Path, options: &[&str]) -> Result<ExitCode, String> {
    let (write, fast) = match options {
        [] => (false, false),
        ["--write"] => (true, false),
        ["--fast"] => (false, true),
        _ => return Err("usage: cargo xtask clients [--write | --fast]".to_owned()),
    };
    let installed = target(root).join("counterparts");
    if fast && !Folder::open(&installed, "aimock")?.is_filled() {
        println!("not checked: aimock isn't installed; cargo xtask clients does that");
        return Ok(ExitCode::SUCCESS);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    output(
        Command::new(cargo)
            .args(["build", "--quiet", "--package", "parlor-cli"])
            .current_dir(root),
    )?;
    let mut site = Site::new(root);
    site.start_named("aimock")?;
    let upstream = site.url("aimock")?;
    let folder = Folder::open(&installed, "clients")?;
    let service = serve(root, &folder, upstream)?;

    let mut told: Vec<Told> = Vec::new();
    for script in SCRIPTS.iter().filter(|it| it.is_fast || !fast) {
        let mut command = match script.command(root, &installed) {
            Ok(command) => command,
            Err(why) if fast || !write => {
                println!("not checked: {}: {why}", script.name);
                continue;
            }
            // A table without them would pass for the whole.
            Err(why) => return Err(format!("{}: {why}", script.name)),
        };
        command
            .args([service.url(), SERVICE_KEY, &models().to_string()])
            .stderr(Stdio::inherit());
        for line in output(&mut command)?.lines() {
            let wrong = |error| format!("{} said {line}: {error}", script.name);
            told.push(serde_json::from_str(line).map_err(wrong)?);
        }
    }
    let table = table(&told);
    println!("{table}");
    let problems = told
        .iter()
        .filter_map(|it| Some((it, it.problem.as_ref()?)));
    let mut unknown = 0;
    for (it, problem) in problems {
        let departure = it.departure();
        unknown += usize::from(departure.is_none());
        let why = departure.unwrap_or("FAILED");
        println!(
            "{} / {} / {}: {why}: {problem}",
            it.client, it.upstream, it.check
        );
    }
    if write {
        put(&root.join(PAGE), &table)?;
    }
    Ok(match unknown {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// The upstreams: of each a plain model, one that thinks, and whether it counts tokens.
fn models() -> serde_json::Value {
    json!({
        "OpenAI chat": ["up-chat/gpt-4o", "up-chat/o4-mini", true],
        "OpenAI responses": ["up-responses/gpt-4o", "up-responses/o4-mini", true],
        "Anthropic": ["up-anthropic/claude-sonnet-4-5", "up-anthropic/claude-opus-4-5", true],
        "Gemini": ["up-gemini/gemini-2.5-flash", "up-gemini/gemini-2.5-pro", true],
        "Ollama (ollama)": ["up-ollama/llama3.3", "up-ollama/deepseek-r1", false],
    })
}

/// Starts the service over the upstream.
fn serve(root: &Path, folder: &Folder, upstream: &str) -> Result<Running, String> {
    let mut config = String::new();
    for (name, kind, path) in [
        ("up-chat", "openai-chat", "/v1"),
        ("up-responses", "openai-responses", "/v1"),
        ("up-anthropic", "anthropic", ""),
        ("up-gemini", "gemini", "/v1beta"),
        ("up-ollama", "ollama", ""),
    ] {
        // What an upstream refuses is to be seen at once.
        let _ = writeln!(
            config,
            "[providers.{name}]\ntype = \"{kind}\"\nbase_url = \"{upstream}{path}\"\napi_key_env = \"UPSTREAM_KEY\"\nlayers = {{ retry = false }}"
        );
    }
    // No list names what a machine has.
    config += "models = [\"llama3.3\"]\n";
    let (file, keys) = (folder.file("config.toml"), folder.file("keys"));
    let wrong = |error: std::io::Error| format!("{}: {error}", folder.path.display());
    fs::write(&file, config).map_err(wrong)?;
    fs::write(&keys, SERVICE_KEY).map_err(wrong)?;
    output(Command::new("chmod").arg("600").arg(&keys))?;
    let port = free_port()?;
    let mut command = Command::new(target(root).join("debug/parlor"));
    command
        .args(["serve", "--bind", &format!("127.0.0.1:{port}"), "--config"])
        .arg(&file)
        .arg("--keys")
        .arg(&keys)
        .env("HOME", &folder.path)
        .env("UPSTREAM_KEY", KEY);
    let patience = Duration::from_secs(30);
    Running::start(SetUp { command, port }, folder, "/livez", patience)
}

/// A line for each check, a column for each client: at how many upstreams it went well.
fn table(told: &[Told]) -> String {
    let mut clients: Vec<&str> = Vec::new();
    let mut checks: Vec<&str> = Vec::new();
    let mut cells: BTreeMap<(&str, &str), (usize, usize, usize)> = BTreeMap::new();
    for it in told {
        for (list, name) in [(&mut clients, &it.client), (&mut checks, &it.check)] {
            if !list.contains(&name.as_str()) {
                list.push(name);
            }
        }
        let cell = cells.entry((&it.check, &it.client)).or_default();
        cell.1 += 1;
        match &it.problem {
            None => cell.0 += 1,
            Some(_) => cell.2 += usize::from(it.departure().is_some()),
        }
    }
    let mut table = format!("| | {} |\n|---|", clients.join(" | "));
    table += &":---:|".repeat(clients.len());
    for check in checks {
        let _ = write!(table, "\n| {check} |");
        for client in &clients {
            let cell = match cells.get(&(check, *client)) {
                None => "–".to_owned(),
                Some((good, all, _)) if good == all => "✓".to_owned(),
                Some((good, all, theirs)) if good + theirs == *all => {
                    format!("{good}/{all}<sup>a</sup>")
                }
                Some((good, all, _)) => format!("**{good}/{all}**"),
            };
            let _ = write!(table, " {cell} |");
        }
    }
    let good = told.iter().filter(|it| it.problem.is_none()).count();
    let _ = write!(table, "\n\n{good} of {} checks.\n", told.len());
    table
}

fn put(page: &Path, table: &str) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", page.display());
    let text = fs::read_to_string(page).map_err(wrong)?;
    let marks = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) = marks.ok_or_else(|| format!("{BEGIN} … {END} isn't in the page"))?;
    fs::write(page, format!("{before}{BEGIN}\n{table}{END}{after}")).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(upstream: &str, problem: Option<&str>) -> Told {
        Told {
            client: "openai, responses (Python)".to_owned(),
            upstream: upstream.to_owned(),
            check: "streaming".to_owned(),
            problem: problem.map(str::to_owned),
        }
    }

    #[test]
    fn a_cell_tells_whose_the_problems_are() {
        let all = [
            told("OpenAI responses", Some("no numbers")),
            told("Gemini", None),
        ];
        assert!(
            table(&all).contains("| streaming | 1/2<sup>a</sup> |"),
            "{}",
            table(&all)
        );
        let all = [told("Anthropic", Some("no text")), told("Gemini", None)];
        assert!(
            table(&all).contains("| streaming | **1/2** |"),
            "{}",
            table(&all)
        );
        assert!(table(&all).ends_with("1 of 2 checks.\n"));
    }
}

//! The clients that people have against the service, with servers behind it that others wrote.
//!
//! `xtask/clients/` has a script for each family of them; a script does every check with every client
//! and upstream, and tells of each in a line of JSON. What an upstream is known to do otherwise than the
//! provider that it stands for is in [`mod@table`]; any other problem fails the run.

mod scripts;
mod stand_in;
mod table;
mod upstreams;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cargo::{command, output};
use crate::counterparts::{Folder, KEY, Running, SetUp, Site, free_port, target};
use scripts::{CURL, SCRIPTS, Script};
use stand_in::StandIn;
use table::{Told, table};
use upstreams::Provider;

/// The key that the service asks for.
const SERVICE_KEY: &str = "sk-service";

/// How many seconds each install of the fast run may take.
const QUICKLY: u32 = 25;

/// How the program is built, and a server for the fast run: as all tests are, with which it is built
/// where these have run.
const PROGRAM: &[&str] = &["build", "--package", "parlor-cli"];
const STAND_IN: &[&str] = &[
    "test",
    "--no-run",
    "--workspace",
    "--features",
    "parlor-cli/keychain",
    "--example",
    "stand_in",
];

/// Where the tables stand.
const PAGE: &str = "crates/parlor-server/README.md";

const USAGE: &str = "usage: cargo xtask clients [--write | --fast | CLIENTS…]";

/// Runs the suite, with all clients or those that are named; with `--write` the tables go into the
/// page, with `--fast` it is what takes seconds.
pub(crate) fn run(root: &Path, options: &[&str]) -> Result<ExitCode, String> {
    let known = |name: &&str| SCRIPTS.iter().any(|it| it.name == *name);
    let told = match options {
        ["--fast"] => return fast(root),
        [] | ["--write"] => whole(root, SCRIPTS.iter().collect(), !options.is_empty())?,
        names if names.iter().all(known) => {
            let named = SCRIPTS.iter().filter(|it| names.contains(&it.name));
            whole(root, named.collect(), false)?
        }
        _ => {
            let names: Vec<&str> = SCRIPTS.iter().map(|it| it.name).collect();
            return Err(format!("{USAGE}; clients are {}", names.join(", ")));
        }
    };
    Ok(judged(&told))
}

/// All that these scripts can check, with each server behind.
fn whole(root: &Path, scripts: Vec<&Script>, write: bool) -> Result<Vec<Told>, String> {
    build(root, PROGRAM)?;
    let suite = Suite::new(root, None);
    let mut site = Site::new(root);
    site.start_named("aimock")?;
    let service = suite.serve(&upstreams::aimock(site.url("aimock")?))?;
    let upstreams = upstreams::scripted();
    let mut told = Vec::new();
    for script in &scripts {
        told.append(&mut suite.asked(script, &service, &upstreams, write)?);
    }
    let first = table(&told, |it| &it.client);
    println!("{first}");
    drop(service);

    let mut providers: Vec<Provider> = Vec::new();
    let official: Vec<&Script> = scripts.into_iter().filter(|it| it.is_official).collect();
    let mut start = |name: &str, of: fn(&str) -> Vec<Provider>| -> Result<bool, String> {
        match site.start_named(name).and_then(|()| site.url(name)) {
            Ok(url) => providers.append(&mut of(url)),
            // A table without it would pass for the whole.
            Err(why) if write => return Err(why),
            Err(why) => {
                println!("not checked: {name}: {why}");
                return Ok(false);
            }
        }
        Ok(true)
    };
    let mut second = String::new();
    if !official.is_empty() {
        let has_engine = start("llama-server", upstreams::engine)?;
        let has_proxy = start("litellm", upstreams::proxy)?;
        let service = suite.serve(&providers)?;
        let upstreams = upstreams::others(has_engine, has_proxy);
        let mut others = Vec::new();
        for script in official {
            others.append(&mut suite.asked(script, &service, &upstreams, write)?);
        }
        // The clients of the dialects that no such server speaks itself are among them.
        second = table(&others, |it| &it.upstream);
        println!("{second}");
        told.append(&mut others);
    }
    if write {
        let day = output(Command::new("date").args(["-u", "+%F"]))?;
        let page = root.join(PAGE);
        put(&page, "clients", &format!("On {}:\n\n{first}", day.trim()))?;
        put(&page, "other servers", &second)?;
    }
    Ok(told)
}

/// What needs nothing installed, before a server of our own; the official clients beside it, where
/// their registries answer quickly.
fn fast(root: &Path) -> Result<ExitCode, String> {
    build(root, PROGRAM)?;
    build(root, STAND_IN)?;
    let stand_in = StandIn::start(&target(root))?;
    let suite = Suite::new(root, Some(QUICKLY));
    let service = suite.serve(&stand_in.providers())?;
    let mut told = Vec::new();
    for script in SCRIPTS.iter().filter(|it| it.is_fast) {
        let begun = Instant::now();
        let upstreams = stand_in::upstreams(script.name == CURL);
        told.append(&mut suite.asked(script, &service, &upstreams, false)?);
        println!("{}: {:.0?}", script.name, begun.elapsed());
    }
    println!("{}", table(&told, |it| &it.client));
    Ok(judged(&told))
}

/// Runs cargo quietly.
fn build(root: &Path, what: &[&str]) -> Result<(), String> {
    let mut build = command();
    build.args(what).arg("--quiet");
    output(build.current_dir(root)).map(|_| ())
}

/// Says what went wrong, and fails where that isn't known of an upstream.
fn judged(told: &[Told]) -> ExitCode {
    let mut unknown = 0;
    for it in told {
        let Some(problem) = &it.problem else { continue };
        let departure = it.departure();
        unknown += usize::from(departure.is_none());
        let why = departure.unwrap_or("FAILED");
        let Told {
            client,
            upstream,
            check,
            ..
        } = it;
        println!("{client} / {upstream} / {check}: {why}: {problem}");
    }
    match unknown {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Where a run takes place.
struct Suite<'a> {
    root: &'a Path,
    /// Where clients are installed.
    installed: PathBuf,
    /// How many seconds that may take.
    within: Option<u32>,
}

impl<'a> Suite<'a> {
    fn new(root: &'a Path, within: Option<u32>) -> Self {
        Self {
            root,
            installed: target(root).join("counterparts"),
            within,
        }
    }

    /// Starts the service over these providers.
    fn serve(&self, providers: &[Provider]) -> Result<Running, String> {
        let folder = Folder::open(&self.installed, "service")?;
        let (file, keys) = (folder.file("config.toml"), folder.file("keys"));
        let wrong = |error: std::io::Error| format!("{}: {error}", folder.path.display());
        fs::write(&file, upstreams::config(providers)).map_err(wrong)?;
        fs::write(&keys, SERVICE_KEY).map_err(wrong)?;
        output(Command::new("chmod").arg("600").arg(&keys))?;
        let port = free_port()?;
        let mut command = Command::new(target(self.root).join("debug/parlor"));
        command
            .args(["serve", "--bind", &format!("127.0.0.1:{port}"), "--config"])
            .arg(&file)
            .arg("--keys")
            .arg(&keys)
            .env("HOME", &folder.path)
            .env("UPSTREAM_KEY", KEY);
        let patience = Duration::from_secs(30);
        Running::start(SetUp { command, port }, &folder, "/livez", patience)
    }

    /// Runs a script. Clients that can't be had are said, unless they `must` be.
    fn asked(
        &self,
        script: &Script,
        service: &Running,
        upstreams: &Value,
        must: bool,
    ) -> Result<Vec<Told>, String> {
        let command = script.command(self.root, &self.installed, self.within);
        let mut command = match command {
            Ok(command) => command,
            Err(why) if must => return Err(format!("{}: {why}", script.name)),
            Err(why) => {
                let why: String = why.chars().take(300).collect();
                println!("not checked: {}: {why}", script.name);
                return Ok(Vec::new());
            }
        };
        let upstreams = match script.name {
            CURL => lines(upstreams),
            _ => upstreams.to_string(),
        };
        command
            .args([service.url(), SERVICE_KEY, &upstreams])
            .stderr(Stdio::inherit());
        let wrong = |line: &str, error| format!("{} said {line}: {error}", script.name);
        output(&mut command)?
            .lines()
            .map(|line| serde_json::from_str(line).map_err(|error| wrong(line, error)))
            .collect()
    }
}

/// The names of upstreams and of their plain models, for a script that reads no JSON.
fn lines(upstreams: &Value) -> String {
    let all = upstreams.as_object().into_iter().flatten();
    let lines = all.filter_map(|(name, it)| Some(format!("{name}\t{}\n", it["plain"].as_str()?)));
    lines.collect()
}

/// Puts a text between the marks of this name.
fn put(page: &Path, name: &str, text: &str) -> Result<(), String> {
    let (begin, end) = (
        format!("<!-- begin {name} -->"),
        format!("<!-- end {name} -->"),
    );
    let wrong = |error: std::io::Error| format!("{}: {error}", page.display());
    let old = fs::read_to_string(page).map_err(wrong)?;
    let marks = old.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    let (before, after) = marks.ok_or_else(|| format!("{begin} … {end} isn't in the page"))?;
    fs::write(page, format!("{before}{begin}\n{text}{end}{after}")).map_err(wrong)
}

//! A new provider is written into a copy of the workspace, and the house rules hold there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::{cargo, tidy};

/// A copy of the workspace in a folder of its own, removed at the end.
struct Copy(PathBuf);

impl Copy {
    fn new(purpose: &str) -> Self {
        let root = crate::root();
        let name = format!("parlor-new-provider-{purpose}-{}", std::process::id());
        let copy = Self(std::env::temp_dir().join(name));
        let git = |folder: &Path, arguments: &[&str]| {
            let mut git = Command::new("git");
            git.args(["-c", "safe.directory=*"]).args(arguments);
            cargo::output(git.current_dir(folder)).unwrap()
        };
        let listing = git(
            &root,
            &[
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ],
        );
        for path in listing.split('\0').filter(|it| !it.is_empty()) {
            let to = copy.0.join(path);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            // A tracked file that was just deleted is listed and isn't there.
            let _ = fs::copy(root.join(path), to);
        }
        git(&copy.0, &["init", "--quiet"]);
        copy
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap()
    }

    /// Every file but git's own, with its text.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true if path.ends_with(".git") => {}
                    true => folders.push(path),
                    false => found.push((path.clone(), fs::read(path).unwrap())),
                }
            }
        }
        found.sort();
        found
    }

    fn make(&self, name: &str, dialect: &str) -> Result<ExitCode, String> {
        run(&self.0, &[name, "--dialect", dialect])
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How often a line stands in a text.
fn count(text: &str, line: &str) -> usize {
    text.lines().filter(|it| *it == line).count()
}

#[test]
fn what_is_written_keeps_the_house_rules() {
    let copy = Copy::new("rules");
    copy.make("north-star", "openai-chat").unwrap();
    let list = copy.text("crates/parlor-compatible/src/presets/mod.rs");
    assert_eq!(count(&list, "mod north_star;"), 1);
    assert_eq!(count(&list, "    &north_star::PRESET,"), 1);
    let modules: Vec<&str> = list.lines().filter(|it| it.starts_with("mod ")).collect();
    assert!(modules.is_sorted(), "{modules:?}");
    let preset = copy.text("crates/parlor-compatible/src/presets/north_star.rs");
    assert!(preset.lines().count() <= 60);
    assert!(preset.contains("\"NORTH_STAR_API_KEY\"") && !preset.contains("acme"));

    copy.make("big-dipper", "native").unwrap();
    let manifest = copy.text("crates/parlor/Cargo.toml");
    let line = "parlor-big-dipper = { path = \"../parlor-big-dipper\", version = \"0.1.0\", optional = true }";
    assert_eq!(count(&manifest, line), 1);
    assert!(manifest.contains(", \"big-dipper\", \"compatible\"]"));
    let optional: Vec<&str> = manifest
        .lines()
        .filter(|it| it.starts_with("parlor-") && it.contains("optional"))
        .collect();
    assert!(optional.is_sorted(), "{optional:?}");
    let known = copy.text(crate::abilities::KNOWN);
    let line = "    known(\"north-star\", &[], \"compatible\", &[]),";
    assert_eq!(count(&known, line), 1);
    let table = copy.text("crates/parlor/src/providers.rs");
    let row = "    \"big-dipper\" | parlor_big_dipper as big_dipper | \"BigDipper\",";
    assert_eq!(count(&table, row), 1);
    let lock = copy.text("Cargo.lock");
    assert_eq!(count(&lock, "name = \"parlor-big-dipper\""), 1);

    // Its crate has a floor, and its files are counted, without a line in the rules.
    assert_eq!(tidy::broken(&copy.0).unwrap(), [""; 0]);
}

/// What is made from the code; its lines aren't written by hand.
const MADE: &[&str] = &["Cargo.lock", "crates/README.md", crate::abilities::KNOWN];

/// The lines of shared files that a chore wrote, those apart that are made from the code.
fn shared_lines(before: &[(PathBuf, Vec<u8>)]) -> Vec<String> {
    let mut added = Vec::new();
    for (path, old) in before {
        let made = MADE.iter().any(|it| path.ends_with(it));
        let new = fs::read(path).unwrap();
        if made || new == *old {
            continue;
        }
        let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(&new));
        let here = |line: &&str| !old.lines().any(|it| it == *line);
        let written = |line: &&str| !line.starts_with("all-providers = ");
        added.extend(new.lines().filter(here).filter(written).map(str::to_owned));
    }
    added
}

#[test]
fn a_preset_has_two_shared_lines_and_a_crate_three() {
    for (dialect, lines) in [("openai-chat", 2), ("native", 3)] {
        let copy = Copy::new(dialect);
        let before = copy.files();
        copy.make("acme", dialect).unwrap();
        let added = shared_lines(&before);
        assert_eq!(added.len(), lines, "{added:?}");
    }
}

#[test]
fn what_is_there_is_never_written_over() {
    let copy = Copy::new("twice");
    let before = copy.files();
    for (name, dialect, said) in [
        ("openai", "native", "alias"),
        ("kimi", "openai-chat", "alias"),
        ("echo", "openai-chat", "alias"),
        ("layers", "native", "feature"),
        ("core", "native", "parlor-core exists"),
        ("No", "native", "letters"),
        ("acme", "soap", "no template"),
    ] {
        let error = copy.make(name, dialect).unwrap_err();
        assert!(error.contains(said), "{name}: {error}");
    }
    let preset = "crates/parlor-compatible/src/presets/acme.rs";
    fs::write(copy.0.join(preset), "mine\n").unwrap();
    let error = copy.make("acme", "openai-chat").unwrap_err();
    assert!(error.contains(preset), "{error}");
    assert_eq!(copy.text(preset), "mine\n");
    fs::remove_file(copy.0.join(preset)).unwrap();
    assert!(copy.files() == before, "something was written");
}

#[test]
fn a_failure_on_the_way_leaves_everything_as_it_was() {
    let copy = Copy::new("half");
    let before = copy.files();
    let name = Name::new("acme").unwrap();
    let plan = plan(&copy.0, &name, Kind::Native).unwrap();
    let error = plan
        .write(&copy.0, || Err("no more".to_owned()))
        .unwrap_err();
    assert_eq!(error, "no more\nnothing was written");
    assert!(copy.files() == before, "something was written");
    // A file in the place of a folder.
    fs::write(copy.0.join("crates/parlor-acme"), "").unwrap();
    assert!(copy.make("acme", "native").is_err());
    fs::remove_file(copy.0.join("crates/parlor-acme")).unwrap();
    assert!(copy.files() == before, "something was written");
}

#[test]
fn a_shared_file_that_looks_otherwise_is_named() {
    let copy = Copy::new("otherwise");
    let table = "crates/parlor/src/providers.rs";
    fs::write(copy.0.join(table), "//! Nothing.\n").unwrap();
    let before = copy.files();
    let error = copy.make("acme", "native").unwrap_err();
    assert!(error.starts_with(table), "{error}");
    assert!(copy.files() == before, "something was written");
}

/// Runs cargo in a folder and gives what it said; its failure is the test's.
fn cargo_in(folder: &Path, arguments: &[&str]) -> String {
    let output = cargo::command()
        .args(arguments)
        .env("CARGO_NET_OFFLINE", "true")
        // Where this workspace builds: the dependencies are there already.
        .env(
            "CARGO_TARGET_DIR",
            std::env::var_os("CARGO_TARGET_DIR")
                .map_or_else(|| crate::root().join("target"), PathBuf::from),
        )
        .current_dir(folder)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "cargo {arguments:?}: {said}");
    said
}

#[test]
#[ignore = "builds for a minute, and is a step of .ci/run"]
fn what_is_written_passes_the_conformance_suite() {
    let copy = Copy::new("suite");
    copy.make("north-star", "openai-chat").unwrap();
    copy.make("big-dipper", "native").unwrap();
    let crates = ["-p", "parlor-big-dipper", "-p", "parlor-compatible"];
    let cargo = |arguments: &[&str]| cargo_in(&copy.0, arguments);
    cargo(&["fmt", "--all", "--check"]);
    let tests = cargo(&[&["test"], &crates[..]].concat());
    for passed in [
        "every_case_passes_or_is_skipped_by_name ... ok",
        "every_preset_passes_and_says_itself_what_it_lacks ... ok",
        "presets_are_those_that_the_registry_knows ... ok",
    ] {
        assert!(tests.contains(passed), "{tests}");
    }
    let strictly = ["--all-targets", "--", "-D", "warnings"];
    cargo(&[&["clippy"], &crates[..], &strictly].concat());
    let alone = ["--no-default-features", "--features", "big-dipper"];
    cargo(&[&["check", "-p", "parlor"], &alone[..]].concat());
}

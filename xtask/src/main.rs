//! Chores of the workspace; `cargo xtask` without a word lists them.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore speaks to the terminal"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod abilities;
mod cargo;
mod clients;
mod counterparts;
mod new_provider;
mod pictures;
mod record;
mod source;
mod tidy;
mod tree;

const USAGE: &str = "\
usage: cargo xtask <chore>

  tidy              check the house rules; every failure says what to do
  new-provider NAME --dialect openai-chat|native
                    write the files of a new provider and its lines in the shared files
  abilities         write what is made of providers' code: the table in crates/README.md, the
                    registry's known providers, the feature for all of them
  record PROVIDER/MODEL --into FOLDER [--scrub WORD]…
                    record exchanges with a provider, without keys, accounts and mail addresses
  features [CRATE]  print the features of a crate (default: parlor), one per line
  counterparts [NAME…]
                    install servers that others wrote (aimock, litellm, llama-server), start
                    them and run the conformance suite against them; without names the first two
  clients [--write | --fast | NAME…]
                    run clients that others wrote against the service, with such servers behind it;
                    --write puts the tables into the service's page, --fast takes half a minute and
                    a server of our own
  pictures [NAME…]  make the pictures of the product's page anew: clients, gateways, terminal,
                    demo, page; the last three want tmux, or Chromium and Node
  man FOLDER        write the pages of the program's manual there";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["tidy"] => tidy::run(&root()),
        ["features"] => features("parlor"),
        ["features", name] => features(name),
        ["abilities"] => abilities::run(&root()),
        ["record", rest @ ..] => record::run(&root(), rest),
        ["new-provider", rest @ ..] => new_provider::run(&root(), rest),
        ["pictures", names @ ..] => pictures::run(&root(), names),
        ["man", folder] => man(Path::new(folder)),
        ["clients", options @ ..] => clients::run(&root(), options),
        ["counterparts", names @ ..] => counterparts::run(&root(), names),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(code) => code,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace root: the folder that holds this crate's folder, as cargo names it when it runs
/// us, or else as it was when we were built.
fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map(PathBuf::from).unwrap_or(here)
}

/// Prints the features of one crate, `default` left out.
fn features(name: &str) -> Result<ExitCode, String> {
    let metadata = cargo::metadata(&root())?;
    let package = metadata
        .packages
        .iter()
        .find(|package| package.name == name)
        .ok_or_else(|| format!("no crate named {name} in this workspace"))?;
    for feature in package.features.keys().filter(|name| *name != "default") {
        println!("{feature}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the manual, which the program has of itself: only it knows its options.
fn man(folder: &Path) -> Result<ExitCode, String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let program = ["run", "--quiet", "--package", "parlor-cli", "--", "man"];
    cargo::output(cargo::command().args(program).arg(folder))?;
    Ok(ExitCode::SUCCESS)
}

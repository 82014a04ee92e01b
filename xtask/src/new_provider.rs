//! `cargo xtask new-provider`: the files of a new provider and its lines in the shared files.
//!
//! What it writes compiles, keeps the house rules and passes the conformance suite as it stands;
//! the templates are in `xtask/templates`. Everything is worked out before anything is written,
//! and what was written is taken back when a later step fails.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::cargo;
use name::Name;
use plan::Plan;

mod name;
mod plan;
mod shared;
#[cfg(test)]
mod tests;

/// What a new provider is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A host of OpenAI's chat dialect: one file of `parlor-compatible`.
    Preset,
    /// A crate with its own authentication, options and wire format.
    Native,
}

const PRESETS: &str = "crates/parlor-compatible/src/presets";

/// The templates of a crate and where they go.
const NATIVE: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../templates/native/Cargo.toml")),
    ("src/lib.rs", include_str!("../templates/native/src/lib.rs")),
    (
        "src/config.rs",
        include_str!("../templates/native/src/config.rs"),
    ),
    (
        "src/model.rs",
        include_str!("../templates/native/src/model.rs"),
    ),
    (
        "src/dialect.rs",
        include_str!("../templates/native/src/dialect.rs"),
    ),
    (
        "src/options.rs",
        include_str!("../templates/native/src/options.rs"),
    ),
    (
        "tests/conformance.rs",
        include_str!("../templates/native/tests/conformance.rs"),
    ),
    (
        "tests/recorded.rs",
        include_str!("../templates/native/tests/recorded.rs"),
    ),
];

const PRESET: &str = include_str!("../templates/preset/acme.rs");

/// Writes a new provider and says what to do next.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<ExitCode, String> {
    let (name, kind) = match arguments {
        [name, "--dialect", dialect] | ["--dialect", dialect, name] => (*name, kind(dialect)?),
        _ => return Err(USAGE.to_owned()),
    };
    let name = Name::new(name)?;
    let plan = plan(root, &name, kind)?;
    plan.write(root, || refresh_lock(root, kind))?;
    for path in plan.paths() {
        println!("wrote {path}");
    }
    println!("{}", next_steps(&name, kind));
    Ok(ExitCode::SUCCESS)
}

const USAGE: &str = "\
usage: cargo xtask new-provider NAME --dialect openai-chat|native

  openai-chat  a host that speaks OpenAI's chat dialect: a preset, one file of data
  native       a provider with authentication, options or a wire format of its own: a crate";

fn kind(dialect: &str) -> Result<Kind, String> {
    match dialect {
        "openai-chat" => Ok(Kind::Preset),
        "native" => Ok(Kind::Native),
        other => Err(format!("there is no template for `{other}`\n{USAGE}")),
    }
}

/// All that is to be written.
fn plan(root: &Path, name: &Name, kind: Kind) -> Result<Plan, String> {
    let mut plan = Plan::default();
    shared::refuse_taken(root, name)?;
    match kind {
        Kind::Preset => {
            let path = format!("{PRESETS}/{}.rs", name.module());
            plan.create(root, &path, formatted(&path, &name.fill(PRESET))?)?;
            shared::preset(root, name, &mut plan)?;
        }
        Kind::Native => {
            let folder = format!("crates/{}", name.package());
            if root.join(&folder).exists() {
                return Err(format!("{folder} exists already; nothing was written"));
            }
            for (file, template) in NATIVE {
                let path = format!("{folder}/{file}");
                plan.create(root, &path, formatted(&path, &name.fill(template))?)?;
            }
            shared::native(root, name, &mut plan)?;
        }
    }
    Ok(plan)
}

/// A longer name than the template's may break a line elsewhere.
fn formatted(path: &str, text: &str) -> Result<String, String> {
    use std::io::Write as _;
    if !path.ends_with(".rs") {
        return Ok(text.to_owned());
    }
    let failed = |error: std::io::Error| format!("rustfmt can't be run: {error}");
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes()).map_err(failed)?;
    }
    let output = child.wait_with_output().map_err(failed)?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("rustfmt can't read {path}: {said}"))
        }
    }
}

/// A new crate has a place in `Cargo.lock`; it needs nothing that isn't there already.
fn refresh_lock(root: &Path, kind: Kind) -> Result<(), String> {
    if kind == Kind::Preset {
        return Ok(());
    }
    let arguments = ["update", "--quiet", "--workspace", "--offline"];
    cargo::output(cargo::command().args(arguments).current_dir(root)).map(|_| ())
}

fn next_steps(name: &Name, kind: Kind) -> String {
    let (package, id) = (name.package(), name.id());
    let var = name.constant();
    match kind {
        Kind::Preset => format!(
            "\nnext:
  1. correct {PRESETS}/{module}.rs: address, variables, quirks
  2. cargo test -p parlor-compatible        grades it with every other preset
  3. cargo xtask abilities                  writes what is made from the code
  4. {var}_API_KEY=… PARLOR_LIVE={id}/MODEL cargo test -p parlor --features rustls,all-providers --test live
  5. a line in crates/parlor/README.md and CHANGELOG.md; cargo xtask tidy",
            module = name.module(),
        ),
        Kind::Native => format!(
            "\nnext:
  1. correct crates/{package}/src/config.rs and model.rs: address, variables, authentication, claims;
     its name in crates/parlor/src/providers.rs as people write it
  2. make dialect.rs the provider's own, or remove it for a dialect of parlor-dialect with quirks
  3. cargo test -p {package}        the conformance suite; it passes now, keep it so
  4. cargo xtask abilities          writes what is made from the code
  5. {var}_API_KEY=… PARLOR_LIVE={id}/MODEL cargo test -p parlor --features rustls,all-providers --test live
  6. a line in crates/parlor/README.md and CHANGELOG.md; cargo xtask tidy"
        ),
    }
}

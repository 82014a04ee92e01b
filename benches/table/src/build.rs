//! Builds the clients, and tells what they weigh.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The clients, in the order of the tables. The floor that others are
/// compared with is the second.
pub const CLIENTS: &[&str] = &[
    "floor-frames",
    FLOOR,
    "parlor",
    "async-openai",
    "genai",
    "liter-llm",
    "rig",
    "siumai",
];

/// Frames and one borrowed string over bare reqwest.
pub const FLOOR: &str = "floor-string";

/// The clients of the short table, in the order of its columns.
pub const SHORT_CLIENTS: &[&str] = &[
    FLOOR,
    "parlor",
    "async-openai",
    "liter-llm",
    "genai",
    "siumai",
    "rig",
];

/// A client as a program.
pub struct Built {
    pub name: &'static str,
    pub path: PathBuf,
    /// Bytes of the stripped program.
    pub size: u64,
    /// Packages in its tree, its own and the harness's left out.
    pub crates: usize,
    /// Version of the library, where it is from a registry.
    pub version: String,
}

impl Built {
    /// Why it can't do a scenario in a dialect; `None` where it can.
    pub fn cannot(&self, scenario: &str, dialect: &str) -> Option<String> {
        let arguments = ["cannot", dialect, scenario];
        let told = Command::new(&self.path).args(arguments).output().ok()?;
        let why = String::from_utf8_lossy(&told.stdout).trim().to_owned();
        (!why.is_empty()).then_some(why)
    }
}

/// The folder of this workspace.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}

/// Where all is built.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(target) => target.into(),
        None => root().join("target"),
    }
}

fn cargo(arguments: &[&str]) -> bool {
    let status = Command::new("cargo")
        .current_dir(root())
        .args(arguments)
        .status();
    status.is_ok_and(|status| status.success())
}

/// Builds the loopback server; whether that worked.
pub fn upstream() -> bool {
    package("upstream")
}

/// Builds a package of this workspace; whether that worked.
pub fn package(name: &str) -> bool {
    cargo(&["build", "--profile", "dist", "-p", name])
}

/// Builds the product's command in the product's own workspace; whether that
/// worked.
pub fn command() -> bool {
    product("dist", &[])
}

/// Builds the product's command as the image of its service has it; whether that worked.
pub fn service() -> bool {
    product("service", &["--features", "jemalloc"])
}

/// The product's command as the image of its service has it.
pub fn service_program() -> PathBuf {
    target().join("service").join("parlor")
}

fn product(profile: &str, more: &[&str]) -> bool {
    let status = Command::new("cargo")
        .current_dir(root().join(".."))
        .args(["build", "--profile", profile, "-p", "parlor-cli"])
        .args(more)
        .arg("--target-dir")
        .arg(target())
        .status();
    status.is_ok_and(|status| status.success())
}

/// Bytes and packages of the product's command, if it was built.
pub fn command_weight() -> Option<(u64, usize)> {
    let size = program("parlor").metadata().ok()?.len();
    let tree = tree(&root().join(".."), "parlor-cli");
    Some((size, tree.iter().filter(|line| !line.is_empty()).count()))
}

pub fn program(name: &str) -> PathBuf {
    target().join("dist").join(name)
}

fn package_of(name: &str) -> &str {
    match name.starts_with("floor") {
        true => "floor",
        false => name,
    }
}

/// Builds a client, unless the one of the last build will do; `None`, aloud,
/// where there is none.
pub fn client(name: &'static str, anew: bool) -> Option<Built> {
    let package = format!("client-{}", package_of(name));
    let there = || program(&format!("client-{name}")).exists();
    let builds = || cargo(&["build", "--profile", "dist", "-p", &package]);
    if !(if anew { builds() } else { there() }) {
        eprintln!("{name} does not build and is left out");
        return None;
    }
    let path = program(&format!("client-{name}"));
    let tree = tree(&root(), &package);
    let of = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
    let library = tree
        .iter()
        .find(|line| line.split(' ').next() == Some(library(name)));
    Some(Built {
        name,
        size: path.metadata().map_or(0, |it| it.len()),
        path,
        crates: crates(&tree),
        version: library.and_then(|line| of(line)).unwrap_or_default(),
    })
}

fn library(name: &str) -> &str {
    match name {
        "rig" => "rig-core",
        name if name.starts_with("floor") => "reqwest",
        name => name,
    }
}

fn is_ours(line: &str) -> bool {
    line.starts_with("client-") || line.starts_with("kit ")
}

/// The packages of a client's tree, each once.
fn tree(workspace: &Path, package: &str) -> BTreeSet<String> {
    let arguments = [
        "tree",
        "-p",
        package,
        "-e",
        "normal,build",
        "--prefix",
        "none",
    ];
    let output = Command::new("cargo")
        .current_dir(workspace)
        .args(arguments)
        .output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let plain = |line: &str| line.replace(" (*)", "").replace(" (proc-macro)", "");
    text.lines().map(plain).collect()
}

/// What a clean release build of a client in a folder of its own took.
pub struct Clean {
    pub name: &'static str,
    pub crates: usize,
    /// CPU seconds; `None` where it failed.
    pub took: Option<f64>,
}

/// Builds each client anew, one after the other: both floors are one package.
pub fn clean() -> Vec<Clean> {
    let names = CLIENTS.iter().filter(|name| **name != "floor-frames");
    names.map(|name| clean_one(name)).collect()
}

fn clean_one(name: &'static str) -> Clean {
    let mut folder = target().into_os_string();
    folder.push("-clean");
    let folder = PathBuf::from(folder);
    let _ = std::fs::remove_dir_all(&folder);
    let before = children();
    let package = format!("client-{}", package_of(name));
    let status = Command::new("cargo")
        .current_dir(root())
        .args(["build", "--release", "-p", &package, "--target-dir"])
        .arg(&folder)
        .stdout(Stdio::null())
        .status();
    let took = children() - before;
    let _ = std::fs::remove_dir_all(&folder);
    eprintln!("{name}: {took:.0} CPU seconds");
    Clean {
        name,
        crates: crates(&tree(&root(), &package)),
        took: status.is_ok_and(|status| status.success()).then_some(took),
    }
}

fn crates(tree: &BTreeSet<String>) -> usize {
    tree.iter().filter(|line| !is_ours(line)).count()
}

/// CPU seconds of the children that have ended.
pub fn children() -> f64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a `rusage`, for which all zeros are valid.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr());
        usage.assume_init()
    };
    let time = |it: libc::timeval| it.tv_sec as f64 + it.tv_usec as f64 / 1e6;
    time(usage.ru_utime) + time(usage.ru_stime)
}

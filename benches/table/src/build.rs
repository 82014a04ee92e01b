//! Builds the clients, and tells what they weigh.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

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

/// A client as a program.
pub struct Built {
    pub name: &'static str,
    pub path: PathBuf,
    pub dialects: Vec<String>,
    /// Bytes of the stripped program.
    pub size: u64,
    /// Packages in its tree, its own and the harness's left out.
    pub crates: usize,
    /// Version of the library, where it is from a registry.
    pub version: String,
    /// CPU seconds of a clean release build, where measured.
    pub clean: Option<f64>,
}

impl Built {
    pub fn speaks(&self, dialect: &str) -> bool {
        self.dialects.iter().any(|it| it == dialect)
    }

    fn package(&self) -> &str {
        package(self.name)
    }
}

/// The folder of this workspace.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}

fn target() -> PathBuf {
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

pub fn upstream() {
    assert!(cargo(&["build", "--profile", "dist", "-p", "upstream"]));
}

pub fn program(name: &str) -> PathBuf {
    target().join("dist").join(name)
}

fn package(name: &str) -> &str {
    match name.starts_with("floor") {
        true => "floor",
        false => name,
    }
}

/// Builds a client, unless the one of the last build will do; `None`, aloud,
/// where there is none.
pub fn client(name: &'static str, anew: bool) -> Option<Built> {
    let package = format!("client-{}", package(name));
    let there = || program(&format!("client-{name}")).exists();
    let builds = || cargo(&["build", "--profile", "dist", "-p", &package]);
    if !(if anew { builds() } else { there() }) {
        eprintln!("{name} does not build and is left out");
        return None;
    }
    let path = program(&format!("client-{name}"));
    let told = Command::new(&path).arg("dialects").output().ok()?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let tree = tree(&package);
    let of = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
    let library = tree
        .iter()
        .find(|line| line.split(' ').next() == Some(library(name)));
    Some(Built {
        name,
        size: path.metadata().map_or(0, |it| it.len()),
        path,
        dialects: told.split_whitespace().map(str::to_owned).collect(),
        crates: tree.iter().filter(|line| !is_ours(line)).count(),
        version: library.and_then(|line| of(line)).unwrap_or_default(),
        clean: None,
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
fn tree(package: &str) -> BTreeSet<String> {
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
        .current_dir(root())
        .args(arguments)
        .output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let plain = |line: &str| line.replace(" (*)", "").replace(" (proc-macro)", "");
    text.lines().map(plain).collect()
}

/// Measures a clean release build in a folder of its own.
pub fn clean(client: &mut Built) {
    let folder = target().join("clean");
    let _ = std::fs::remove_dir_all(&folder);
    let before = children();
    let package = format!("client-{}", client.package());
    let status = Command::new("cargo")
        .current_dir(root())
        .args(["build", "--release", "-p", &package, "--target-dir"])
        .arg(&folder)
        .status();
    if status.is_ok_and(|status| status.success()) {
        client.clean = Some(children() - before);
    }
    let _ = std::fs::remove_dir_all(&folder);
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

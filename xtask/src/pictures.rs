//! `cargo xtask pictures`: the pictures of the product's page, made of what they show.
//!
//! Plots are drawn from the tables of the benchmarks. The terminal and the web page are photographed
//! with scripted answers, since nothing else is the same each time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::cargo;

mod plots;
mod screen;
mod svg;
mod terminal;
mod upstream;

use terminal::Terminal;

/// Where they are kept.
const FOLDER: &str = "xtask/pictures";
/// The web page's sources, with what photographs it.
const PAGE: &str = "crates/parlor-server/page";

/// Writes the pictures anew, all or those that are named.
pub(crate) fn run(root: &Path, names: &[&str]) -> Result<ExitCode, String> {
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| format!("{FOLDER}: {error}"))?;
    let page = |path: &str| {
        fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"))
    };
    let is_wanted = |name: &str| names.is_empty() || names.contains(&name);
    let put = |name: &str, picture: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, picture).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("{FOLDER}/{name}: {} bytes", picture.len());
        Ok::<(), String>(())
    };
    if is_wanted("clients") {
        put(
            "clients.svg",
            plots::clients(&page("README.md")?)?.as_bytes(),
        )?;
    }
    if is_wanted("gateways") {
        put(
            "gateways.svg",
            plots::gateways(&page("benches/README.md")?)?.as_bytes(),
        )?;
    }
    if is_wanted("terminal") {
        let home = Home::new()?;
        put(
            "terminal.svg",
            terminal(&program(root)?, &home.0)?.as_bytes(),
        )?;
    }
    if is_wanted("demo") {
        let home = Home::new()?;
        put("demo.svg", demo(&program(root)?, &home.0)?.as_bytes())?;
    }
    if is_wanted("page") {
        let mut node = Command::new("node");
        node.arg("test/picture.mjs")
            .arg(program(root)?)
            .arg(folder.join("page.png"));
        cargo::output(node.current_dir(root.join(PAGE)))?;
        println!("{FOLDER}/page.png");
    }
    Ok(ExitCode::SUCCESS)
}

/// The program: what `PARLOR` names, or else built.
fn program(root: &Path) -> Result<PathBuf, String> {
    if let Some(program) = std::env::var_os("PARLOR") {
        return Ok(program.into());
    }
    let mut build = cargo::command();
    build
        .args(["build", "--quiet", "--package", "parlor-cli"])
        .current_dir(root);
    cargo::output(&mut build)?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("debug/parlor"))
}

/// A home for a program, which goes when it is dropped.
struct Home(PathBuf);

impl Home {
    fn new() -> Result<Self, String> {
        let home = std::env::temp_dir().join(format!("parlor-pictures-{}", std::process::id()));
        fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
        Ok(Self(home))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // A scratch folder that stays harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What the model of the terminal's picture answers.
const ANSWER: &str = "\
### Reading a file by lines

`BufRead::lines` gives them one by one, so that a file of **any size** takes little memory:

```rust
for line in BufReader::new(File::open(path)?).lines() {
    let line = line?; // reading may fail at any line
    println!(\"{line}\");
}
```

| way | memory | when |
|---|---|---|
| `lines()` | a line | most files |
| `read_line(&mut buffer)` | a line, used again | hot loops |
| `fs::read_to_string` | the whole file | small ones |
";

/// A conversation in the terminal.
fn terminal(program: &Path, home: &Path) -> Result<String, String> {
    let url = upstream::serve(ANSWER)?;
    let command = format!(
        "OPENAI_API_KEY=none OPENAI_BASE_URL={url} {} -m openai-chat/gpt-5.4-mini",
        program.display()
    );
    let terminal = Terminal::open(&command, (92, 30), home)?;
    terminal.screen("/help")?;
    terminal.press(&["-l", "How do I read a file line by line in Rust?"])?;
    terminal.screen("in Rust?")?;
    terminal.press(&["Enter"])?;
    let screen = terminal.screen("tok")?;
    Ok(screen::drawn(
        "A conversation in the terminal",
        terminal.columns(),
        &screen,
    ))
}

/// The first step of the demonstration, both sides of it.
fn demo(program: &Path, home: &Path) -> Result<String, String> {
    let command = format!("{} demo", program.display());
    let terminal = Terminal::open(&command, (124, 60), home)?;
    let screen = terminal.screen("Enter goes on")?;
    let lines = screen.lines().skip_while(|line| !line.contains("1 of"));
    let step: Vec<&str> = lines
        .take_while(|line| !line.contains("Enter goes on"))
        .collect();
    let says = "parlor demo: what goes over the wire beside what the program sees";
    Ok(screen::drawn(says, terminal.columns(), &step.join("\n")))
}

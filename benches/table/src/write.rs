//! Writes tables into the pages that show them, between marks.

use crate::build::root;
use std::path::{Path, PathBuf};

/// The page with all tables.
pub fn page() -> PathBuf {
    root().join("README.md")
}

/// The product's own page, with a short table.
pub fn front_page() -> PathBuf {
    root().join("../README.md")
}

/// A line of a short table: what it shows, and a cell for each client.
pub type Line = (String, Vec<String>);

/// Replaces what stands between the marks of this name; what went wrong, in
/// words, where it can't.
pub fn region(page: &Path, name: &str, text: &str) -> Result<(), String> {
    change(page, name, |_| format!("\n\n{}\n\n", text.trim()))
}

/// Replaces the lines of a table between the marks of this name that show the
/// same as one of these, and leaves the others as they are.
pub fn lines(page: &Path, name: &str, lines: &[Line]) -> Result<(), String> {
    change(page, name, |old| {
        let label = |line: &str| Some(line.strip_prefix("| ")?.split_once(" |")?.0.to_owned());
        let written = |line: &str| {
            let label = label(line)?;
            let (label, cells) = lines.iter().find(|(it, _)| *it == label)?;
            Some(format!("| {label} | {} |", cells.join(" | ")))
        };
        let line = |line: &str| written(line).unwrap_or_else(|| line.to_owned());
        let all: Vec<String> = old.split('\n').map(line).collect();
        all.join("\n")
    })
}

fn change(page: &Path, name: &str, new: impl Fn(&str) -> String) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", page.display());
    let text = std::fs::read_to_string(page).map_err(told)?;
    let (begin, end) = (
        format!("<!-- begin {name} -->"),
        format!("<!-- end {name} -->"),
    );
    let found = text.split_once(&begin).and_then(|(before, rest)| {
        let (old, after) = rest.split_once(&end)?;
        Some(format!("{before}{begin}{}{end}{after}", new(old)))
    });
    let found = found.ok_or_else(|| format!("{}: no marks named {name:?}", page.display()))?;
    std::fs::write(page, found).map_err(told)
}

//! The project speaks of itself alone, in whole files of a sensible size.

use super::{Report, Rule};
use crate::source;
use crate::tree::Tree;

pub(super) const RULE: Rule = Rule {
    name: "voice",
    caption: "files name no machine and no unfinished work, and are clean and small",
    check,
};

/// Where this rule and its tests spell out what they forbid.
const SELF: &str = "xtask/src/tidy/voice";

/// Folders of one machine. The flag says whether tests may name it: they make temporary files.
const PATHS: &[(&str, bool)] = &[("/work/", false), ("/root/", false), ("/tmp/", true)];

/// Package registries and their mirrors: where crates come from is the builder's affair.
const HOSTS: &[&str] = &[
    "index.crates.io",
    "static.crates.io",
    "sparse+http",
    "rsproxy.cn",
    "registry.npmjs.org",
    "pypi.org/simple",
    "proxy.golang.org",
    "artifactory",
];

/// The one source that the lock file may name.
const LOCKED_SOURCE: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

/// Marks of unfinished work.
const MARKS: &[&str] = &["TODO", "FIXME", "XXX"];

const LARGEST: usize = 200 * 1024;
/// Files that may be larger.
const LARGE: &[&str] = &["Cargo.lock", "crates/parlor-registry/data/"];

fn check(tree: &Tree, report: &mut Report) {
    for file in &tree.files {
        let listed = LARGE.iter().any(|prefix| file.path.starts_with(prefix));
        if file.bytes > LARGEST && !listed {
            report.fail(
                &file.path,
                1,
                format!("{} KiB, the limit is {}", file.bytes / 1024, LARGEST / 1024),
                "trim it, generate it, or list it in xtask/src/tidy/voice.rs",
            );
        }
    }
    for (path, text) in tree.texts() {
        if path == "Cargo.lock" {
            check_lock(path, text, report);
        } else {
            check_layout(path, text, report);
            if !path.starts_with(SELF) {
                check_words(path, text, report);
            }
        }
    }
}

fn check_lock(path: &str, text: &str, report: &mut Report) {
    for (number, line) in numbered(text) {
        if line.starts_with("source = ") && line != LOCKED_SOURCE {
            report.fail(
                path,
                number,
                format!("`{line}`"),
                "lock only what comes from crates.io",
            );
        }
    }
}

fn check_layout(path: &str, text: &str, report: &mut Report) {
    if !text.is_empty() && !text.ends_with('\n') {
        report.fail(
            path,
            text.lines().count(),
            "no newline at the end",
            "end the file with one",
        );
    }
    for (number, line) in numbered(text) {
        // In a PDF, a space before the line's end is a part of the format.
        if line.ends_with([' ', '\t', '\r']) && !path.ends_with(".pdf") {
            report.fail(
                path,
                number,
                "white space at the end of the line",
                "remove it",
            );
        }
    }
}

fn check_words(path: &str, text: &str, report: &mut Report) {
    // A word begins and ends where no letter, digit or underscore goes on.
    let edge = |c: Option<char>| c.is_none_or(|c| !(c.is_ascii_alphanumeric() || c == '_'));
    for (number, line) in numbered(text) {
        for (folder, in_tests) in PATHS {
            let allowed = *in_tests && (source::is_test(path) || path.contains("testkit"));
            let found = source::find_with_edges(line, folder, |before, _| {
                edge(before) && !matches!(before, Some('.' | '}' | '*' | '-' | '/'))
            });
            if found.is_some() && !allowed {
                report.fail(
                    path,
                    number,
                    format!("names the folder {folder}"),
                    "paths are relative, or come from the environment",
                );
            }
        }
        if let Some(host) = HOSTS.iter().find(|host| line.contains(**host)) {
            report.fail(
                path,
                number,
                format!("names the registry {host}"),
                "where packages come from is the builder's affair",
            );
        }
        for mark in MARKS {
            let found =
                source::find_with_edges(line, mark, |before, after| edge(before) && edge(after));
            if found.is_some() {
                report.fail(
                    path,
                    number,
                    format!("says {mark}"),
                    "do it now, or state the limit plainly in the docs",
                );
            }
        }
        if path.ends_with(".rs") && line.trim() == "#[ignore]" {
            report.fail(
                path,
                number,
                "a test is ignored without a reason",
                "write #[ignore = \"why\"]",
            );
        }
    }
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split('\n')
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::report;
    use crate::tree::made_up::files;

    fn problems(path: &str, text: &str) -> Vec<String> {
        report(check, &files(&[(path, text)]))
            .failures
            .into_iter()
            .map(|finding| format!("{}: {}", finding.line, finding.problem))
            .collect()
    }

    #[test]
    fn plain_text_holds() {
        let text = "let url = \"https://example.com/work/\"; // XXXL, todo list\n";
        assert_eq!(problems("a.rs", text), [""; 0]);
    }

    #[test]
    fn folders_of_a_machine_fail() {
        assert_eq!(
            problems("a.md", "x\nsee `/root/a`\n"),
            ["2: names the folder /root/"]
        );
        assert_eq!(problems("crates/a/src/b.rs", "\"/tmp/x\"\n").len(), 1);
        assert_eq!(problems("crates/a/tests/b.rs", "\"/tmp/x\"\n").len(), 0);
        assert_eq!(problems("crates/a/tests/b.rs", "\"/work/x\"\n").len(), 1);
    }

    #[test]
    fn registries_fail() {
        assert_eq!(
            problems("a.toml", "index = \"sparse+https://x\"\n").len(),
            1
        );
        assert_eq!(
            problems("Cargo.lock", &format!("{LOCKED_SOURCE}\n")).len(),
            0
        );
        assert_eq!(
            problems("Cargo.lock", "source = \"git+https://x\"\n").len(),
            1
        );
    }

    #[test]
    fn unfinished_marks_and_unexplained_ignores_fail() {
        assert_eq!(problems("a.rs", "// TODO: later\n"), ["1: says TODO"]);
        assert_eq!(problems("a.rs", "    #[ignore]\n").len(), 1);
        assert_eq!(problems("a.rs", "#[ignore = \"needs a key\"]\n").len(), 0);
    }

    #[test]
    fn layout_fails() {
        assert_eq!(problems("a.rs", "x"), ["1: no newline at the end"]);
        assert_eq!(
            problems("a.rs", "x\ny \n"),
            ["2: white space at the end of the line"]
        );
        assert_eq!(problems("a.rs", "x\r\n").len(), 1);
        assert_eq!(problems("empty", "").len(), 0);
    }

    #[test]
    fn large_files_fail_unless_listed() {
        let text = format!("{}\n", "x".repeat(LARGEST));
        assert_eq!(problems("a.json", &text).len(), 1);
        assert_eq!(
            problems("crates/parlor-registry/data/models.json", &text).len(),
            0
        );
    }
}

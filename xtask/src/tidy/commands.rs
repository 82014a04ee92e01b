//! What the README tells a newcomer to run is what the checks run.

use super::{Report, Rule};
use crate::tree::Tree;

pub(super) const RULE: Rule = Rule {
    name: "commands",
    caption: "the README's first two commands, run and test, are run by .ci/run as they stand",
    check,
};

const README: &str = "README.md";
const CHECKS: &str = ".ci/run";

/// How the two commands begin, in their order.
const BEGIN: &[&str] = &["cargo run ", "cargo test "];

fn check(tree: &Tree, report: &mut Report) {
    let readme = tree.text(README).unwrap_or_default();
    let checks = tree.text(CHECKS).unwrap_or_default();
    let commands = commands(readme);
    for (index, begin) in BEGIN.iter().enumerate() {
        match commands.get(index) {
            Some((line, command)) if !command.starts_with(begin) => report.fail(
                README,
                *line,
                format!("command {} is `{command}`", index + 1),
                format!("it begins with `{begin}`"),
            ),
            Some((line, command)) if !checks.contains(command) => report.fail(
                README,
                *line,
                format!("{CHECKS} doesn't run `{command}`"),
                "let both say the same",
            ),
            Some(_) => {}
            None => report.fail(
                README,
                1,
                format!("command {} is missing", index + 1),
                format!("show a block of code that begins with `{begin}`"),
            ),
        }
    }
}

/// The `cargo` lines in blocks of code, with their numbers.
fn commands(readme: &str) -> Vec<(usize, &str)> {
    let mut in_code = false;
    let mut found = Vec::new();
    for (index, line) in readme.lines().enumerate() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code && line.starts_with("cargo ") {
            let command = line.split(" #").next().unwrap_or(line);
            found.push((index + 1, command.trim_end()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::report;
    use crate::tree::made_up::files;

    const TOLD: &str = "Say cargo build.\n```sh\ncargo run -- hi  # first\n```\n\
        ```sh\ncargo test --workspace\n```\n";

    fn problems(readme: &str, checks: &str) -> Vec<String> {
        report(check, &files(&[(README, readme), (CHECKS, checks)]))
            .failures
            .into_iter()
            .map(|finding| finding.problem)
            .collect()
    }

    #[test]
    fn the_same_commands_hold() {
        let checks = "step run cargo run -- hi\nstep test cargo test --workspace\n";
        assert_eq!(problems(TOLD, checks), [""; 0]);
    }

    #[test]
    fn other_commands_fail() {
        assert_eq!(
            problems(TOLD, "cargo run -- hi\n"),
            [".ci/run doesn't run `cargo test --workspace`"]
        );
        assert_eq!(problems("nothing\n", "").len(), 2);
        let swapped = "```\ncargo test\ncargo run -- hi\n```\n";
        assert_eq!(problems(swapped, "cargo test\ncargo run -- hi\n").len(), 2);
    }
}

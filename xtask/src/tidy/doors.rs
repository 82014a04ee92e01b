//! A library's `lib.rs` is a door: docs, modules and what it lets out.

use super::{Report, Rule};
use crate::tree::Tree;

pub(super) const RULE: Rule = Rule {
    name: "doors",
    caption: "every lib.rs is a door: docs, attributes, modules, uses and macro calls",
    check,
};

/// What may begin a line in the first column. Deeper lines belong to one of these.
const ALLOWED: &[&str] = &[
    "//",
    "#",
    "use ",
    "pub use ",
    "pub(crate) use ",
    "mod ",
    "pub mod ",
    "pub(crate) mod ",
    "extern crate ",
    "}",
    "]",
    ")",
];

fn check(tree: &Tree, report: &mut Report) {
    for (path, text) in tree.rust() {
        if path.ends_with("/src/lib.rs") {
            for (line, found) in items(text) {
                report.fail(
                    path,
                    line,
                    format!("`{found}` stands in the door"),
                    "move it into a module and re-export it",
                );
            }
        }
    }
}

/// The lines that don't belong in a door, each with its number.
fn items(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    // The indentation at which items of the innermost open inline module begin.
    let mut depth = 0;
    for (index, line) in text.lines().enumerate() {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        if content == "}" && indent + 4 == depth {
            depth = indent;
            continue;
        }
        if content.is_empty() || indent > depth {
            continue;
        }
        let allowed = ALLOWED.iter().any(|start| content.starts_with(start));
        if !allowed && !is_macro_call(content) {
            found.push((index + 1, content));
        }
        if allowed
            && content.contains("mod ")
            && content.ends_with('{')
            && !content.starts_with('/')
        {
            depth = indent + 4;
        }
    }
    found
}

/// Whether a line begins with a path and `!`, as in `parlor_registry::register!(…)`.
fn is_macro_call(line: &str) -> bool {
    line.split_once('!').is_some_and(|(path, _)| {
        path != "macro_rules"
            && path
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_holds() {
        let door = "//! Docs with fn and struct.\n#![doc = concat!(\n    \"a\",\n)]\n\nmod a;\n\
            pub mod b;\n\npub use a::{\n    One,\n    Two,\n};\n\nregistry::register!(PROVIDERS);\n\
            pub mod prelude {\n    pub use crate::a::One;\n}\n";
        assert_eq!(items(door), []);
    }

    #[test]
    fn a_room_behind_the_door_fails() {
        let text =
            "mod a;\npub fn b() {\n    let c = 1;\n}\nstruct D;\nimpl D {}\nmacro_rules! e {}\n";
        let lines: Vec<usize> = items(text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [2, 5, 6, 7]);
    }

    #[test]
    fn an_inline_module_hides_nothing() {
        let text = "mod a {\n    fn b() {\n        c();\n    }\n}\nfn d() {}\n";
        let lines: Vec<usize> = items(text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [2, 6]);
    }

    #[test]
    fn only_library_doors_are_looked_at() {
        use crate::tidy::report;
        use crate::tree::made_up::files;
        let tree = files(&[
            ("crates/parlor-cli/src/main.rs", "fn main() {}\n"),
            ("crates/parlor-core/src/lib.rs", "fn main() {}\n"),
        ]);
        assert_eq!(report(check, &tree).failures.len(), 1);
    }
}

//! Reading Rust source by line, trusting rustfmt for its layout.

/// Whether a file holds only tests: in a `tests` or `benches` folder, or named `tests.rs`.
pub(crate) fn is_test(path: &str) -> bool {
    path.split('/')
        .any(|part| matches!(part, "tests" | "benches" | "fuzz" | "tests.rs"))
        || path.ends_with("_tests.rs")
}

/// The lines of a source file with their numbers from 1, inline test modules left out.
///
/// rustfmt puts `#[cfg(test)]` and the module's closing brace in the first column, which is all
/// that needs to be known.
pub(crate) fn shipped_lines(text: &str) -> Vec<(usize, &str)> {
    let mut kept = Vec::new();
    let mut in_tests = false;
    let mut lines = text.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        if in_tests {
            in_tests = line != "}";
            continue;
        }
        if line == "#[cfg(test)]" {
            let inline = lines
                .peek()
                .is_some_and(|(_, next)| next.contains("mod ") && next.ends_with('{'));
            if inline {
                in_tests = true;
                continue;
            }
        }
        kept.push((index + 1, line));
    }
    kept
}

/// Byte offsets at which `needle` stands in `hay` with `edge` true of both neighbours
/// (`None` at either end of the text).
pub(crate) fn find_with_edges(
    hay: &str,
    needle: &str,
    edge: impl Fn(Option<char>, Option<char>) -> bool,
) -> Option<usize> {
    hay.match_indices(needle)
        .find(|(at, found)| {
            let before = hay.get(..*at).and_then(|text| text.chars().next_back());
            let after = hay
                .get(at + found.len()..)
                .and_then(|text| text.chars().next());
            edge(before, after)
        })
        .map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_files_are_known_by_their_place() {
        assert!(is_test("crates/a/tests/x.rs"));
        assert!(is_test("crates/a/src/foo/tests.rs"));
        assert!(!is_test("crates/a/src/testkit.rs"));
    }

    #[test]
    fn inline_tests_are_left_out_and_what_follows_is_kept() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        assert_eq!(shipped_lines(text), [(1, "fn a() {}"), (6, "fn c() {}")]);
    }

    #[test]
    fn a_test_module_in_its_own_file_hides_nothing() {
        let text = "#[cfg(test)]\nmod tests;\nfn c() {}\n";
        assert_eq!(shipped_lines(text).len(), 3);
    }
}

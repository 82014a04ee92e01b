//! The table of providers and abilities has a row for every provider, with the catalogue's count,
//! and the facade's feature for all of them has all.
//!
//! This is what can be seen without building anything; the facade's test `abilities` compares
//! every cell with what the code does.

use std::collections::BTreeMap;

use super::{Report, Rule};
use crate::abilities::{KNOWN, MANIFEST, with_all_providers};
use crate::tree::Tree;

pub(super) const RULE: Rule = Rule {
    name: "abilities",
    caption: "the table of abilities on the map has every provider and the catalogue's counts",
    check,
};

const MAP: &str = "crates/README.md";
const CATALOGUE: &str = "crates/parlor-registry/data/models.tsv";
const BEGIN: &str = "<!-- abilities:";
const END: &str = "<!-- end of abilities -->";
const REMEDY: &str = "run `cargo xtask abilities`";

fn check(tree: &Tree, report: &mut Report) {
    if let Some(manifest) = tree.text(MANIFEST)
        && with_all_providers(manifest).as_deref() != Some(manifest)
    {
        report.fail(
            MANIFEST,
            1,
            "all-providers isn't every feature of a provider",
            REMEDY,
        );
    }
    let (Some(map), Some(known)) = (tree.text(MAP), tree.text(KNOWN)) else {
        report.note("not looked at: there is no map or no list of known providers");
        return;
    };
    let rows = rows(map);
    let counts = counts(tree.text(CATALOGUE).unwrap_or_default());
    for id in compiled(known) {
        let Some((line, _, told)) = rows.iter().find(|row| row.1 == id) else {
            report.fail(MAP, 1, format!("{id} is not in the table"), REMEDY);
            continue;
        };
        // Another region has no models of its own and tells those of the first.
        if let Some(count) = counts.get(id)
            && told != &count.to_string()
        {
            let problem = format!("{id} has {count} models, the table says {told:?}");
            report.fail(MAP, *line, problem, REMEDY);
        }
    }
    for (line, id, _) in rows {
        if !compiled(known).contains(&id) {
            report.fail(MAP, line, format!("{id} is no provider"), REMEDY);
        }
    }
}

/// The rows of the table: the line, the id, and how many models it says.
fn rows(map: &str) -> Vec<(usize, &str, &str)> {
    let lines = map.lines().enumerate();
    lines
        .skip_while(|(_, line)| !line.starts_with(BEGIN))
        .take_while(|(_, line)| *line != END)
        .filter_map(|(index, line)| {
            let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
            let id = cells.next()?.split('`').next()?;
            let models = cells.nth(1)?;
            Some((index + 1, id, models))
        })
        .collect()
}

/// The ids of providers that some feature compiles in, read off the table in the source: the first
/// value of each `known(ID, …)`.
fn compiled(known: &str) -> Vec<&str> {
    known
        .split(" known(")
        .skip(1)
        .filter_map(first_quoted)
        .collect()
}

fn first_quoted(text: &str) -> Option<&str> {
    text.split('"').nth(1)
}

/// How many models the catalogue has in each section.
fn counts(catalogue: &str) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    let mut section = None;
    for line in catalogue.lines() {
        if let Some(id) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            section = Some(id);
        } else if let Some(id) = section
            && !line.is_empty()
            && !line.starts_with('#')
        {
            *counts.entry(id).or_default() += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::report;
    use crate::tree::made_up::files;

    const LIST: &str = "use super::known;\n    known(\n        \"big\",\n        &[\"b\"],\n    ),\n    \
        known(\"small\", &[]),\n    known(\"any\", &[]),\n";

    fn problems(table: &str) -> Vec<String> {
        let map =
            format!("{BEGIN} x -->\n| provider | f | models |\n{table}{END}\n| `x` | | 1 |\n");
        let catalogue = "as_of x\n\n[big]\nm1\tx\nm2\n\n[other]\nm\n";
        let tree = files(&[(MAP, &map), (KNOWN, LIST), (CATALOGUE, catalogue)]);
        let found = report(check, &tree).failures;
        found.into_iter().map(|it| it.problem).collect()
    }

    #[test]
    fn a_table_with_everybody_holds() {
        let table = "| `any` | `c` | | yes |\n| `big` `b` | `big` | 2 | – |\n| `small` | `c` | |\n";
        assert_eq!(problems(table), [""; 0]);
    }

    #[test]
    fn a_feature_that_is_not_among_all_is_told() {
        let manifest = "\n# The providers, one by one.\na = []\nb = []\nall-providers = [\"a\"]\n";
        let found = report(check, &files(&[(MANIFEST, manifest)])).failures;
        assert_eq!(found.len(), 1, "{found:?}");
        let whole = manifest.replace("[\"a\"]", "[\"a\", \"b\"]");
        assert!(
            report(check, &files(&[(MANIFEST, &whole)]))
                .failures
                .is_empty()
        );
    }

    #[test]
    fn who_is_missing_or_gone_or_has_more_models_is_told() {
        let table = "| `any` | `c` | |\n| `big` | `big` | 3 |\n| `gone` | `c` | |\n";
        assert_eq!(
            problems(table),
            [
                "big has 2 models, the table says \"3\"",
                "small is not in the table",
                "gone is no provider",
            ]
        );
    }
}

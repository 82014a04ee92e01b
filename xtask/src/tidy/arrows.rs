//! Dependencies between crates point down the floors only.

use super::{Report, Rule};
use crate::tree::Tree;

pub(super) const RULE: Rule = Rule {
    name: "arrows",
    caption: "dependencies point down the floors only, and one crate names each big dependency",
    check,
};

/// Where a crate stands and what it may import.
#[derive(Clone, Copy)]
struct Place<'a> {
    name: &'a str,
    floor: u8,
    imports: Imports,
}

/// Which crates of the workspace a crate may import, dev-dependencies apart.
#[derive(Clone, Copy)]
enum Imports {
    /// Any crate of a lower floor.
    Below,
    /// Any crate of a lower floor, and these beside it.
    BelowAnd(&'static [&'static str]),
    /// These alone.
    Only(&'static [&'static str]),
}

use Imports::{Below, BelowAnd, Only};

const CORE: Imports = Only(&["parlor-core"]);

/// The floors, top down. A crate has its place here before it has its first file. A provider's has
/// its place beside the presets' by being one that the facade turns on ([`Tree::provider_crates`]).
const PLACES: &[Place<'_>] = &[
    place("xtask", 6, Only(&[])),
    place("examples", 6, Below),
    place("external-provider", 6, Below),
    place("parlor-cli", 6, BelowAnd(&["parlor-server"])),
    place("parlor-server", 6, Below),
    place("parlor", 5, Below),
    place("parlor-compatible", 4, Below),
    place("parlor-demo", 3, Only(&["parlor-core", "parlor-dialect"])),
    place(
        "parlor-mcp",
        4,
        Only(&[
            "parlor-agent",
            "parlor-core",
            "parlor-http",
            "parlor-registry",
        ]),
    ),
    place(
        "parlor-http",
        3,
        Only(&["parlor-core", "parlor-dialect", "parlor-registry"]),
    ),
    place("parlor-store", 3, Below),
    place("parlor-testkit", 3, Below),
    place("parlor-dialect", 2, CORE),
    place("parlor-registry", 2, CORE),
    place("parlor-layers", 2, CORE),
    place("parlor-agent", 2, Only(&["parlor-core", "parlor-macros"])),
    place("parlor-macros", 2, CORE),
    place("parlor-core", 1, Only(&[])),
];

const fn place(name: &str, floor: u8, imports: Imports) -> Place<'_> {
    Place {
        name,
        floor,
        imports,
    }
}

/// Crates that only a test may import.
const DEV_ONLY: &[&str] = &["parlor-testkit"];

/// Dependencies that one crate keeps to itself, in tests too.
const KEPT: &[(&str, &[&str])] = &[
    (
        "parlor-http",
        &["reqwest", "ureq", "isahc", "attohttpc", "curl"],
    ),
    ("parlor-mcp", &["rmcp"]),
    ("parlor-server", &["axum", "actix-web", "warp", "poem"]),
    (
        "parlor-store",
        &[
            "sqlx",
            "rusqlite",
            "libsqlite3-sys",
            "tokio-postgres",
            "postgres",
            "diesel",
            "sea-orm",
            "redis",
            "fred",
            "redb",
            "sled",
        ],
    ),
];

/// The place of a crate; `providers` stand on the floor of providers without being listed.
fn find<'a>(name: &'a str, providers: &[&str]) -> Option<Place<'a>> {
    let listed = PLACES.iter().find(|place| place.name == name).copied();
    listed.or_else(|| providers.contains(&name).then(|| place(name, 4, Below)))
}

impl Place<'_> {
    fn may_import(&self, other: &Place<'_>) -> bool {
        match self.imports {
            Below => other.floor < self.floor,
            BelowAnd(names) => other.floor < self.floor || names.contains(&other.name),
            Only(names) => names.contains(&other.name),
        }
    }

    fn allowance(&self) -> String {
        let below = format!("crates below floor {}", self.floor);
        match self.imports {
            Below => below,
            BelowAnd(names) => format!("{below} and {}", names.join(", ")),
            Only([]) => "no crate of the workspace".to_owned(),
            Only(names) => format!("only {}", names.join(", ")),
        }
    }
}

fn check(tree: &Tree, report: &mut Report) {
    let providers = tree.provider_crates();
    for package in &tree.packages {
        let manifest = package.manifest_path.as_str();
        let line_of = |dependency: &str| {
            tree.text(manifest)
                .and_then(|text| line_of_dependency(text, dependency))
                .unwrap_or(1)
        };
        let Some(place) = find(&package.name, &providers) else {
            report.fail(
                manifest,
                1,
                format!("{} has no floor", package.name),
                "give it a place in xtask/src/tidy/arrows.rs and in crates/README.md",
            );
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            for (keeper, kept) in KEPT {
                if kept.contains(&name) && *keeper != place.name {
                    report.fail(
                        manifest,
                        line_of(name),
                        format!("{} names {name}", place.name),
                        format!("only {keeper} does; go through it"),
                    );
                }
            }
            if dependency.is_dev() {
                continue;
            }
            if DEV_ONLY.contains(&name) {
                report.fail(
                    manifest,
                    line_of(name),
                    format!("{} imports {name}", place.name),
                    "it is for tests: make it a dev-dependency",
                );
            } else if let Some(other) = find(name, &providers)
                && !place.may_import(&other)
            {
                report.fail(
                    manifest,
                    line_of(name),
                    format!(
                        "{} (floor {}) imports {name} (floor {})",
                        place.name, place.floor, other.floor
                    ),
                    format!(
                        "it may import {}; move what is shared down a floor",
                        place.allowance()
                    ),
                );
            }
        }
    }
}

fn line_of_dependency(manifest: &str, name: &str) -> Option<usize> {
    manifest
        .lines()
        .position(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with([' ', '.', '=']))
        })
        .map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::report;
    use crate::tree::made_up::{facade, package};

    fn failures(packages: &[(&str, &[&str])]) -> Vec<String> {
        let made = |(name, dependencies): &(&str, &[&str])| package(name, dependencies);
        let mut all: Vec<_> = packages.iter().map(made).collect();
        let mut facade = facade(&["openai", "azure"]);
        if let Some(at) = all.iter().position(|it| it.name == facade.name) {
            facade.dependencies = all.swap_remove(at).dependencies;
        }
        all.push(facade);
        let tree = Tree {
            packages: all,
            ..Tree::default()
        };
        report(check, &tree)
            .failures
            .into_iter()
            .map(|finding| finding.problem)
            .collect()
    }

    #[test]
    fn arrows_down_hold() {
        let found = failures(&[
            ("parlor-core", &["serde"]),
            ("parlor-http", &["parlor-core", "parlor-dialect", "reqwest"]),
            ("parlor-openai", &["parlor-http", "dev:parlor-testkit"]),
            ("parlor-agent", &["parlor-core", "parlor-macros"]),
            ("parlor-cli", &["parlor", "parlor-server"]),
        ]);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn arrows_up_and_sideways_fail() {
        for (from, to) in [
            ("parlor-core", "parlor-dialect"),
            ("parlor-layers", "parlor-registry"),
            ("parlor-dialect", "parlor-http"),
            ("parlor-http", "parlor-layers"),
            ("parlor-azure", "parlor-openai"),
            ("parlor-openai", "parlor"),
            ("parlor-openai", "build:parlor"),
            ("parlor-server", "parlor-cli"),
        ] {
            assert_eq!(failures(&[(from, &[to])]).len(), 1, "{from} -> {to}");
        }
    }

    #[test]
    fn the_test_kit_is_for_tests() {
        assert_eq!(failures(&[("parlor", &["parlor-testkit"])]).len(), 1);
    }

    #[test]
    fn kept_dependencies_stay_with_their_keeper() {
        assert_eq!(failures(&[("parlor-cli", &["dev:reqwest"])]).len(), 1);
        assert_eq!(failures(&[("parlor-cli", &["axum"])]).len(), 1);
        assert_eq!(failures(&[("parlor-registry", &["rusqlite"])]).len(), 1);
        assert!(failures(&[("parlor-store", &["sqlx", "redis"])]).is_empty());
    }

    #[test]
    fn a_crate_without_a_floor_fails() {
        assert_eq!(
            failures(&[("parlor-attic", &[])]),
            ["parlor-attic has no floor"]
        );
    }

    #[test]
    fn a_crate_that_the_facade_turns_on_is_a_provider() {
        let tree = Tree {
            packages: vec![
                facade(&["acme", "openai"]),
                package("parlor-acme", &["parlor-openai"]),
            ],
            ..Tree::default()
        };
        let found = report(check, &tree).failures;
        assert_eq!(found.len(), 1, "a neighbour is no lower floor: {found:?}");
    }

    #[test]
    fn a_failure_points_at_the_line() {
        let manifest = "[dependencies]\nparlor-core.workspace = true\nparlor = { path = \"x\" }\n";
        assert_eq!(line_of_dependency(manifest, "parlor"), Some(3));
        assert_eq!(line_of_dependency(manifest, "parlor-core"), Some(2));
    }
}

//! The figures as Markdown.

use crate::Measured;
use std::fmt::Write;
use table::build::Built;
use table::build::FLOOR;

/// A table: a caption, a scenario and its dialects, and columns.
struct Table {
    caption: &'static str,
    scenario: &'static str,
    columns: &'static [Column],
}

/// A column: its heading, the figure's name, what it is divided by, its unit,
/// and whether it is shown as a ratio to the floor's too.
struct Column(&'static str, &'static str, f64, &'static str, bool);

const TABLES: &[Table] = &[
    Table {
        caption: "Streaming: each text delta, sixteen to a read",
        scenario: "stream",
        columns: &[
            Column("CPU", "cpu_ns", 1.0, "ns", true),
            Column("instructions", "instructions", 1.0, "", true),
            Column("allocations", "allocations", 1.0, "", false),
            Column("allocated", "allocated", 1.0, "B", false),
            Column("peak heap", "peak", 1024.0, "KiB", false),
        ],
    },
    Table {
        caption: "Streaming: each text delta, one to a read",
        scenario: "single",
        columns: &[
            Column("CPU", "cpu_ns", 1.0, "ns", true),
            Column("allocations", "allocations", 1.0, "", false),
        ],
    },
    Table {
        caption: "A thousand slow streams: each open stream",
        scenario: "open",
        columns: &[
            Column("resident", "resident", 1024.0, "KiB", true),
            Column("heap", "heap", 1024.0, "KiB", true),
        ],
    },
    Table {
        caption: "A call that isn't streamed, 200 bytes of answer",
        scenario: "small",
        columns: &[
            Column("CPU", "cpu_ns", 1000.0, "µs", true),
            Column("allocations", "allocations", 1.0, "", false),
        ],
    },
    Table {
        caption: "A call that isn't streamed, 1 MiB of answer",
        scenario: "large",
        columns: &[
            Column("CPU", "cpu_ns", 1000.0, "µs", true),
            Column("peak heap", "peak", 1024.0, "KiB", false),
        ],
    },
    Table {
        caption: "A history of 200 messages, sent",
        scenario: "history",
        columns: &[
            Column("CPU", "cpu_ns", 1000.0, "µs", true),
            Column("allocations", "allocations", 1.0, "", false),
        ],
    },
    Table {
        caption: "Ten megabytes of images, sent",
        scenario: "images",
        columns: &[
            Column("CPU", "cpu_ns", 1e6, "ms", true),
            Column("peak heap", "peak", 1048576.0, "MiB", false),
        ],
    },
    Table {
        caption: "One event of 8 MiB in reads of 1 KiB",
        scenario: "huge",
        columns: &[
            Column("CPU", "cpu_ns", 1e6, "ms", true),
            Column("peak heap", "peak", 1048576.0, "MiB", false),
        ],
    },
    Table {
        caption: "Time to the first delta, connection standing",
        scenario: "latency",
        columns: &[
            Column("median", "median_ns", 1000.0, "µs", true),
            Column("90 %", "p90_ns", 1000.0, "µs", false),
        ],
    },
    Table {
        caption: "Start of the process to its first request",
        scenario: "start",
        columns: &[
            Column("wall", "wall_ns", 1e6, "ms", true),
            Column("CPU", "cpu_ns", 1e6, "ms", true),
        ],
    },
];

pub(crate) fn tables(built: &[Built], measured: &Measured, rounds: usize) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "Medians of {rounds} rounds; × is the ratio to `{FLOOR}`.\n"
    );
    for table in TABLES {
        let mut dialects: Vec<_> = measured
            .keys()
            .filter(|(scenario, _, _)| *scenario == table.scenario)
            .map(|(_, dialect, _)| *dialect)
            .collect();
        dialects.dedup();
        for dialect in crate::DIALECTS
            .iter()
            .filter(|dialect| dialects.contains(dialect))
        {
            let many = dialects.iter().any(|other| other != dialect);
            let of = if many {
                format!(" ({dialect})")
            } else {
                String::new()
            };
            let _ = writeln!(out, "### {}{of}\n", table.caption);
            rows(&mut out, table, dialect, built, measured);
        }
    }
    weights(&mut out, built);
    out
}

fn rows(out: &mut String, table: &Table, dialect: &str, built: &[Built], measured: &Measured) {
    let columns: Vec<_> = table
        .columns
        .iter()
        .filter(|column| value(measured, table, dialect, FLOOR, column).is_some())
        .collect();
    out.push_str("| client |");
    for Column(heading, _, _, _, ratio) in &columns {
        let _ = write!(out, " {heading} |{}", if *ratio { " × |" } else { "" });
    }
    out.push_str("\n|---|");
    for column in &columns {
        out.push_str(if column.4 { "---:|---:|" } else { "---:|" });
    }
    out.push('\n');
    for client in built {
        if !measured
            .keys()
            .any(|key| *key == (table.scenario, key.1, client.name) && key.1 == dialect)
        {
            continue;
        }
        let _ = write!(out, "| {} |", client.name);
        for column in &columns {
            let mine = value(measured, table, dialect, client.name, column);
            let floor = value(measured, table, dialect, FLOOR, column);
            match mine {
                Some(mine) => {
                    let _ = write!(out, " {} {} |", number(mine / column.2), column.3);
                }
                None => out.push_str(" – |"),
            }
            if column.4 {
                match (mine, floor) {
                    (Some(mine), Some(floor)) if floor > 0.0 => {
                        let _ = write!(out, " {:.2} |", mine / floor);
                    }
                    _ => out.push_str(" – |"),
                }
            }
        }
        out.push('\n');
    }
    out.push('\n');
}

fn weights(out: &mut String, built: &[Built]) {
    out.push_str("### Weight\n\n");
    out.push_str("| client | version | crates | program, stripped | clean release build |\n");
    out.push_str("|---|---|---:|---:|---:|\n");
    for client in built {
        let clean = client
            .clean
            .map_or("–".to_owned(), |clean| format!("{clean:.0} CPU s"));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {:.1} MB | {clean} |",
            client.name,
            client.version,
            client.crates,
            client.size as f64 / 1e6
        );
    }
    out.push('\n');
}

/// The median over the rounds.
fn value(
    measured: &Measured,
    table: &Table,
    dialect: &str,
    client: &str,
    column: &Column,
) -> Option<f64> {
    let found = measured.iter().find(|((scenario, of, by), _)| {
        *scenario == table.scenario && *of == dialect && *by == client
    });
    let mut values = found?.1.get(column.1)?.clone();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn number(value: f64) -> String {
    match value.abs() {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 0.995 || value == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

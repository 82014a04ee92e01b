//! Plots of the benchmarks, drawn from the tables that their pages have.

use std::fmt::Write;

use super::svg;

/// The name of ours, whose bars stand out.
const OWN: &str = "parlor";
const PANEL: (f64, f64) = (430.0, 34.0);
const ROW: f64 = 23.0;
const NAMES: f64 = 118.0;
const BARS: f64 = 230.0;

/// Bars under a title; the shortest is the best, or the longest where the note says so.
struct Panel {
    title: &'static str,
    note: &'static str,
    bars: Vec<Bar>,
}

struct Bar {
    name: String,
    value: f64,
    shown: String,
}

/// The plot of clients: from the short table of the product's page.
pub(super) fn clients(page: &str) -> Result<String, String> {
    let table = Table::between(page, "short")?;
    let panel = |title, note, row: &str| {
        let bars = table.row(row)?;
        Ok::<Panel, String>(Panel { title, note, bars })
    };
    let panels = [
        panel(
            "CPU of a streamed text delta",
            "× bare reqwest reading one text; less is better",
            "CPU of a text delta",
        )?,
        panel(
            "Allocations of a text delta",
            "less is better",
            "its allocations",
        )?,
        panel(
            "Heap of an open stream, KiB",
            "less is better",
            "heap of an open stream, KiB",
        )?,
        panel(
            "Kinds of server faults borne, of 40",
            "without a mistake; more is better",
            "kinds of server faults without a mistake",
        )?,
    ];
    Ok(drawn("parlor beside other Rust clients", &panels))
}

/// The plot of gateways: from the load table of the benchmarks' page.
pub(super) fn gateways(page: &str) -> Result<String, String> {
    let table = Table::between(page, "load")?;
    let column = |title, note, column: &str| {
        let bars = table.column(column)?;
        Ok::<Panel, String>(Panel { title, note, bars })
    };
    let panels = [
        column(
            "CPU of a small request, µs",
            "through the gateway; less is better",
            "small request",
        )?,
        column(
            "CPU of a streamed event, µs",
            "through the gateway; less is better",
            "paced event",
        )?,
    ];
    Ok(drawn("parlor serve beside other gateways", &panels))
}

/// A table of a page, as texts.
struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// The first table between the marks of a name.
    fn between(page: &str, name: &str) -> Result<Self, String> {
        let (begin, end) = (
            format!("<!-- begin {name} -->"),
            format!("<!-- end {name} -->"),
        );
        let inside = page
            .split_once(&begin)
            .and_then(|(_, rest)| rest.split_once(&end))
            .map(|(inside, _)| inside)
            .ok_or_else(|| format!("there is no `{begin}` … `{end}`"))?;
        let mut lines = inside
            .lines()
            .skip_while(|line| !line.starts_with('|'))
            .take_while(|line| line.starts_with('|'))
            .map(cells);
        let head = lines
            .next()
            .ok_or_else(|| format!("no table in `{name}`"))?;
        // Under the head stands how columns are set.
        let rows = lines.skip(1).collect();
        Ok(Self { head, rows })
    }

    /// The figures of a row, under the names of the columns.
    fn row(&self, label: &str) -> Result<Vec<Bar>, String> {
        let row = self
            .rows
            .iter()
            .find(|row| row.first().is_some_and(|cell| cell == label));
        let row = row.ok_or_else(|| format!("no row `{label}`"))?;
        Ok(bars(self.head.iter().zip(row).skip(1)))
    }

    /// The figures of a column, beside the names of the rows; what goes to another dialect is left out.
    fn column(&self, label: &str) -> Result<Vec<Bar>, String> {
        let at = self.head.iter().position(|cell| cell == label);
        let at = at.ok_or_else(|| format!("no column `{label}`"))?;
        let rows = self
            .rows
            .iter()
            .filter_map(|row| Some((row.first()?, row.get(at)?)));
        Ok(bars(
            rows.filter(|(name, _)| !name.contains("another dialect")),
        ))
    }
}

fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|')
        .split('|')
        .map(|cell| cell.trim().to_owned())
        .collect()
}

/// What has a figure first in its cell: `40/40` and `0.070` have one, `–` and notes have none.
fn bars<'a>(cells: impl Iterator<Item = (&'a String, &'a String)>) -> Vec<Bar> {
    let figure = |cell: &str| {
        let end = cell.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
        cell[..end.unwrap_or(cell.len())].parse::<f64>().ok()
    };
    cells
        .filter_map(|(name, cell)| {
            let value = figure(cell)?;
            let name = name.split(',').next().unwrap_or(name).to_owned();
            let shown = cell.split('/').next().unwrap_or(cell).to_owned();
            Some(Bar {
                name: name.clone(),
                value,
                shown,
            })
        })
        .collect()
}

/// Panels in two columns.
fn drawn(says: &str, panels: &[Panel]) -> String {
    let mut inside = svg::STYLE.to_owned();
    let mut y = 0.0;
    for pair in panels.chunks(2) {
        let rows = pair.iter().map(|panel| panel.bars.len()).max().unwrap_or(0);
        for (panel, x) in pair.iter().zip([0.0, PANEL.0]) {
            draw(&mut inside, panel, (x, y));
        }
        #[allow(clippy::cast_precision_loss, reason = "a handful of rows")]
        let height = PANEL.1 + ROW * rows as f64 + 30.0;
        y += height;
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a height in pixels"
    )]
    svg::picture(2 * 430, y as u32, says, &inside)
}

fn draw(out: &mut String, panel: &Panel, (x, y): (f64, f64)) {
    svg::text(out, (x, y + 16.0), "title", panel.title);
    svg::text(out, (x, y + 33.0), "note", panel.note);
    let longest = panel
        .bars
        .iter()
        .map(|bar| bar.value)
        .fold(f64::MIN_POSITIVE, f64::max);
    let mut top = y + PANEL.1 + 10.0;
    for bar in &panel.bars {
        let own = if bar.name == OWN { " own" } else { "" };
        // What is little is still seen.
        let width = (bar.value / longest * BARS).max(2.0);
        let base = top + 14.0;
        svg::text(out, (x, base), own.trim(), &bar.name);
        let left = x + NAMES;
        // Writing to a string can't fail.
        let _ = writeln!(
            out,
            "<rect x=\"{left:.0}\" y=\"{:.0}\" width=\"{width:.1}\" height=\"15\" rx=\"2\" class=\"bar{own}\"/>",
            top + 2.0
        );
        svg::text(
            out,
            (left + width + 7.0, base),
            &format!("value{own}"),
            &bar.shown,
        );
        top += ROW;
    }
}

#[cfg(test)]
mod tests {
    use super::{Table, clients};

    const PAGE: &str = "\
text
<!-- begin short -->

| | bare | parlor | other |
|---|---:|---:|---:|
| CPU of a text delta | 1 | 0.777 | 13.3 |
| its allocations | 2.17 | 0.070 | can't<sup>1</sup> |
| heap of an open stream, KiB | 38.5 | 32.6 | 54.7 |
| kinds of server faults without a mistake | – | 40/40 | 29/40 |

<!-- end short -->
";

    #[test]
    fn figures_are_those_of_the_table() {
        let table = Table::between(PAGE, "short").unwrap();
        let shown = |row| {
            let bars = table.row(row).unwrap();
            bars.into_iter()
                .map(|bar| (bar.name, bar.value, bar.shown))
                .collect::<Vec<_>>()
        };
        let faults = shown("kinds of server faults without a mistake");
        assert_eq!(
            faults,
            [
                ("parlor".into(), 40.0, "40".into()),
                ("other".into(), 29.0, "29".into())
            ]
        );
        assert_eq!(shown("its allocations").len(), 2);
    }

    #[test]
    fn a_table_that_is_not_there_is_told() {
        let told = clients("no marks").unwrap_err();
        assert!(told.contains("begin short"), "{told}");
        assert!(clients(&PAGE.replace("its allocations", "others")).is_err());
    }
}

//! Columns of text.

/// The rows with their columns one under the other; the last column is left as it is.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_one_under_the_other() {
        let rows = [
            ["a".to_owned(), "bé".to_owned()],
            ["ccc".into(), String::new()],
        ];
        assert_eq!(table(&rows), "a    bé\nccc\n");
    }
}

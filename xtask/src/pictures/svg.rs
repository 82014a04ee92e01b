//! What pictures are written in: text for XML, and the colours of both themes.

use std::fmt::Write;

/// The look of plots: a file that is shown as an image follows the reader's theme by itself.
pub(super) const STYLE: &str = "\
<style>
text { font: 13px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #3d4451 }
.title { font-weight: 600; font-size: 14px; fill: #1c2128 }
.note { font-size: 11.5px; fill: #69707d }
.value { font-variant-numeric: tabular-nums }
.own { font-weight: 600; fill: #1c2128 }
.bar { fill: #c9cfd8 }
.bar.own { fill: #0f766e }
@media (prefers-color-scheme: dark) {
  text { fill: #b6bdc8 }
  .title, .own { fill: #eef1f5 }
  .note { fill: #8b93a1 }
  .bar { fill: #474f5c }
  .bar.own { fill: #2dd4bf }
}
</style>
";

/// A picture of so many pixels, with what it shows for those who don't see it.
pub(super) fn picture(width: u32, height: u32, says: &str, inside: &str) -> String {
    let says = escaped(says);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{says}</title>\n{inside}</svg>\n"
    )
}

/// Text as it stands in XML.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(letter),
        }
    }
    out
}

/// A line of text at a place, in a class of [`STYLE`].
pub(super) fn text(out: &mut String, (x, y): (f64, f64), class: &str, words: &str) {
    // Writing to a string can't fail.
    let _ = writeln!(
        out,
        "<text x=\"{x:.0}\" y=\"{y:.0}\" class=\"{class}\">{}</text>",
        escaped(words)
    );
}

//! The words of an HTML page, without its looks: good enough for a model to read.

/// Elements whose content is nothing to read.
const SILENT: &[&str] = &[
    "script", "style", "noscript", "template", "svg", "head", "iframe", "object",
];

/// Elements that stand on lines of their own.
const BLOCKS: &[&str] = &[
    "p",
    "div",
    "section",
    "article",
    "header",
    "footer",
    "main",
    "nav",
    "aside",
    "ul",
    "ol",
    "dl",
    "dt",
    "dd",
    "table",
    "tr",
    "blockquote",
    "pre",
    "form",
    "figure",
    "br",
    "hr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "li",
    "title",
];

/// The text of a page, a line for each block, its title first.
pub(super) fn text(page: &str) -> String {
    let mut out = String::with_capacity(page.len() / 4);
    if let Some(title) = title(page) {
        words(&mut out, &title, false);
        out.push_str("\n\n");
    }
    let mut rest = page;
    let mut is_laid_out = false;
    while let Some(open) = rest.find('<') {
        let (before, tag) = rest.split_at(open);
        words(&mut out, before, is_laid_out);
        rest = skip(tag, &mut out);
        if name(tag) == "pre" {
            is_laid_out = !tag.starts_with("</");
        }
    }
    words(&mut out, rest, is_laid_out);
    let lines = out.lines().map(str::trim_end);
    let mut clean = String::with_capacity(out.len());
    for line in lines {
        // At most one empty line.
        if !line.is_empty() || !(clean.is_empty() || clean.ends_with("\n\n")) {
            clean.push_str(line);
            clean.push('\n');
        }
    }
    clean.trim_end().to_owned()
}

fn title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let from = lower.find("<title")?;
    let from = from + lower.get(from..)?.find('>')? + 1;
    let to = from + lower.get(from..)?.find("</title")?;
    Some(page.get(from..to)?.to_owned())
}

/// Passes over a tag, with all that is in it where that is nothing to read.
fn skip<'a>(tag: &'a str, out: &mut String) -> &'a str {
    if let Some(comment) = tag.strip_prefix("<!--") {
        return after(comment, "-->");
    }
    let name = name(tag);
    if name.is_empty() && !tag.starts_with("<!") && !tag.starts_with("<?") {
        // A sign for "less than".
        out.push('<');
        return tag.get(1..).unwrap_or_default();
    }
    if BLOCKS.contains(&name.as_str()) {
        end_line(out);
        match name.as_str() {
            "li" if !tag.starts_with("</") => out.push_str("- "),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" | "ul" | "ol" => out.push('\n'),
            _ => {}
        }
    } else if matches!(name.as_str(), "td" | "th") && !out.ends_with([' ', '\n']) {
        out.push(' ');
    }
    let inner = end_of_tag(tag);
    if tag.starts_with("</") || !SILENT.contains(&name.as_str()) {
        return inner;
    }
    let closes = |at: &usize| {
        let from = at + "</".len();
        let found = inner.get(from..from + name.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(&name))
    };
    let mut ends = inner.match_indices("</").map(|(at, _)| at);
    let close = ends.find(closes).and_then(|at| inner.get(at..));
    close.map(end_of_tag).unwrap_or_default()
}

/// The name of the element that a tag begins or ends.
fn name(tag: &str) -> String {
    let letters = tag.chars().skip(1).skip_while(|c| *c == '/');
    let name = letters.take_while(char::is_ascii_alphanumeric);
    name.map(|c| c.to_ascii_lowercase()).collect()
}

fn end_line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.find(end)
        .and_then(|at| text.get(at + end.len()..))
        .unwrap_or_default()
}

/// The longest tag in which quotes are heeded.
const LONGEST_TAG: usize = 4096;

/// What follows a tag; a `>` between quotes doesn't end it.
fn end_of_tag(tag: &str) -> &str {
    let mut quote = None;
    for (at, c) in tag.char_indices().take(LONGEST_TAG) {
        match (quote, c) {
            (None, '>') => return tag.get(at + 1..).unwrap_or_default(),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    // A quote that never closes hides no more than its tag.
    after(tag, ">")
}

/// Adds text, its characters by name; its white space is made one space, unless it is laid
/// out by that.
fn words(out: &mut String, text: &str, is_laid_out: bool) {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (decoded, length) = match c {
            '&' => entity(rest).unwrap_or(('&', 1)),
            c => (c, c.len_utf8()),
        };
        let is_space = decoded.is_whitespace() && !is_laid_out;
        match is_space {
            true if out.is_empty() || out.ends_with([' ', '\n']) => {}
            true => out.push(' '),
            false => out.push(decoded),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// A character that is written by its name or number, and how long that is.
fn entity(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "mdash" => '—',
        "ndash" => '–',
        "hellip" => '…',
        "copy" => '©',
        name => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((c, end + 1))
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn the_words_of_a_page_are_left() {
        let page = "<!DOCTYPE html><html><head><title>A &amp; B</title><style>p{}</style></head>\
            <body><script>if (a < b) { alert('</p>') }</script><h1>Head</h1>\n\
            <p>One <b>bold</b>\n word &#8212; 1 &lt; 2.</p><ul><li>a</li><li>b</li></ul>\
            <!-- no > --><a title=\"x > y\" href='/z'>link</a><br>last</body></html>";
        assert_eq!(
            text(page),
            "A & B\n\nHead\n\nOne bold word — 1 < 2.\n\n- a\n- b\n\nlink\nlast"
        );
    }

    #[test]
    fn code_keeps_its_lines() {
        let page = "<p>See:</p><pre class=x><code>\nif a:\n    b = <b>&lt;1</b>\n\n\n    c\n</code></pre>\
            <p> and\n  so</p><table><tr><td>x</td><td>y</td></tr></table>";
        assert_eq!(
            text(page),
            "See:\n\nif a:\n    b = <1\n\n    c\n\nand so\n\nx y"
        );
    }

    #[test]
    fn broken_pages_end() {
        for page in [
            "<",
            "<p",
            "a < b",
            "<script>",
            "<a title=\"x",
            "&#xfffffff;",
            "<!--",
            "&",
        ] {
            let _ = text(page);
        }
        assert_eq!(text("a < b & c"), "a < b & c");
    }

    #[test]
    fn many_scripts_take_no_quadratic_time() {
        let page = "<script></script>".repeat(20_000);
        assert_eq!(text(&page), "");
    }
}

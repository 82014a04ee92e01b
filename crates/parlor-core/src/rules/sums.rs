//! Sums: numbers with `+ - * /` between them.

/// What a sum comes to; `None` where the text is none, or has no result.
pub(super) fn sum(text: &str) -> Option<String> {
    let text = text.trim_end_matches(['=', ' ']);
    let mut total = 0.0;
    let mut product = None;
    let mut rest = text.trim_start();
    let mut operator = '+';
    let mut operations = 0;
    loop {
        let (number, after) = number(rest)?;
        product = Some(match (operator, product) {
            ('*', Some(before)) => before * number,
            ('/', Some(_)) if number == 0.0 => return None,
            ('/', Some(before)) => before / number,
            ('-', before) => {
                total += before.unwrap_or(0.0);
                -number
            }
            (_, before) => {
                total += before.unwrap_or(0.0);
                number
            }
        });
        rest = after.trim_start();
        let Some(next) = rest.chars().next() else {
            break;
        };
        operator = match next {
            '×' | 'x' => '*',
            '÷' => '/',
            '−' => '-',
            '+' | '-' | '*' | '/' => next,
            _ => return None,
        };
        rest = rest.get(next.len_utf8()..)?.trim_start();
        operations += 1;
    }
    let result: f64 = total + product?;
    // More digits than a number of this kind holds would be made up.
    let is_sure = operations > 0 && result.abs() < 1e15;
    is_sure.then(|| {
        let rounded = (result * 1e9).round() / 1e9;
        format!("{}", if rounded == 0.0 { 0.0 } else { rounded })
    })
}

/// The number that a text begins with, and what follows it.
fn number(text: &str) -> Option<(f64, &str)> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let digits = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.');
    let length = text.len() - unsigned.len() + digits.unwrap_or(unsigned.len());
    let (number, rest) = text.split_at_checked(length)?;
    Some((number.parse().ok()?, rest))
}

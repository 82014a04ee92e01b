//! How well a name fits what was typed: its letters in their order, wherever they stand.

/// What a letter that fits is worth, and what it is worth more where it follows the one
/// before at once, begins a word, or begins the name.
const FITS: i32 = 16;
const FOLLOWS: i32 = 12;
const BEGINS_WORD: i32 = 10;
const BEGINS_NAME: i32 = 6;

/// What each letter between two that fit costs, up to so much.
const GAP: i32 = 2;
const MOST_GAP: i32 = 12;

/// Those of these that fit, best first; such as fit alike stay in their order, and
/// all of them where nothing was typed.
pub(super) fn ranked<'a, T>(
    typed: &str,
    all: impl IntoIterator<Item = &'a T>,
    name: impl Fn(&T) -> &str,
) -> Vec<&'a T> {
    let words: Vec<Vec<char>> = typed.split_whitespace().map(folded).collect();
    let fits = |it: &'a T| {
        let name = folded(name(it));
        let each = words.iter().map(|word| fit(word, &name));
        each.sum::<Option<i32>>().map(|fit| (fit, name.len(), it))
    };
    let mut fitting: Vec<_> = all.into_iter().filter_map(fits).collect();
    if !words.is_empty() {
        // The shorter of two that fit alike has less that wasn't asked for.
        fitting.sort_by_key(|(fit, length, _)| (std::cmp::Reverse(*fit), *length));
    }
    fitting.into_iter().map(|(_, _, it)| it).collect()
}

fn folded(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// How well a word fits, if all its letters stand in the name in their order: the best
/// of all ways to find them there.
fn fit(word: &[char], name: &[char]) -> Option<i32> {
    // For each place in the name, the best way that ends with the letter there.
    let mut ending: Vec<Option<i32>> = Vec::new();
    for (at, letter) in word.iter().enumerate() {
        // The best way for the letters before, with its gap to the place looked at.
        let mut open: Option<(i32, i32)> = None;
        let mut next = Vec::with_capacity(name.len());
        for (place, other) in name.iter().enumerate() {
            let before = place.checked_sub(1);
            let adjoining = before.and_then(|it| *ending.get(it)?);
            open = open.map(|(fit, gap)| (fit, (gap + GAP).min(MOST_GAP)));
            let from = match at {
                0 => Some(0),
                _ => {
                    let follows = adjoining.map(|fit| fit + FOLLOWS);
                    follows.max(open.map(|(fit, gap)| fit - gap))
                }
            };
            next.push(match from {
                Some(from) if letter == other => Some(from + FITS + begins(name, place)),
                _ => None,
            });
            // From the next place on this one is apart.
            let apart = adjoining.map(|fit| (fit, 0));
            open = match (open, apart) {
                (Some(old), Some(new)) if old.0 - old.1 > new.0 - new.1 => Some(old),
                (old, new) => new.or(old),
            };
        }
        ending = next;
    }
    match word.is_empty() {
        true => Some(0),
        false => ending.into_iter().flatten().max(),
    }
}

/// What it is worth that a word or the name begins at this place.
fn begins(name: &[char], place: usize) -> i32 {
    let before = place.checked_sub(1).and_then(|it| name.get(it));
    match (before, name.get(place)) {
        (None, _) => BEGINS_WORD + BEGINS_NAME,
        (Some(before), Some(_)) if !before.is_alphanumeric() => BEGINS_WORD,
        (Some(before), Some(here)) if before.is_ascii_digit() != here.is_ascii_digit() => {
            BEGINS_WORD / 2
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(typed: &str, names: &[&'a str]) -> Vec<&'a str> {
        let found = ranked(typed, names, |it| it);
        found.into_iter().copied().collect()
    }

    #[test]
    fn letters_fit_in_their_order_alone() {
        let names = ["acme/quick-4-mini", "acme/deep-4", "other/mini"];
        assert_eq!(of("q4m", &names), ["acme/quick-4-mini"]);
        assert_eq!(of("4q", &names), [""; 0]);
        assert_eq!(of("Q4M", &names), ["acme/quick-4-mini"]);
        assert_eq!(of("", &names), names);
        assert_eq!(of("mini acme", &names), ["acme/quick-4-mini"]);
    }

    #[test]
    fn the_nearest_comes_first() {
        // What stands together, then what begins words, then what is strewn about.
        let names = ["adenet/sonde", "acme/deep-one-small", "acme/sonnet-5"];
        assert_eq!(of("sonne", &names), ["acme/sonnet-5"]);
        assert_eq!(
            of(
                "dos",
                &["acme/do-it-as-well", "acme/xdyoxs", "acme/deep-one-small"]
            ),
            ["acme/deep-one-small", "acme/do-it-as-well", "acme/xdyoxs"]
        );
        // Of two that fit alike, the shorter one.
        assert_eq!(
            of("quick", &["acme/quick-1-20260101", "acme/quick-1"]),
            ["acme/quick-1", "acme/quick-1-20260101"]
        );
        assert_eq!(
            of("mini", &["acme/m-i-n-i", "acme/gemini", "acme/mini"]),
            ["acme/mini", "acme/gemini", "acme/m-i-n-i"]
        );
    }

    #[test]
    fn the_best_way_counts_not_the_first() {
        let of = |word: &str, name: &str| fit(&folded(word), &folded(name));
        // The first `m` isn't the one that `mini` begins with.
        assert_eq!(of("mini", "acme/a-mini"), of("mini", "xxxx/b-mini"));
        assert_eq!(of("ab", "ba"), None);
        assert_eq!(of("a", ""), None);
        assert_eq!(of("é", "É"), of("e", "e"));
    }
}

//! "Did you mean": the known names nearest to one that isn't known.

/// Names less alike than this aren't suggested; 1 is equal, 0 has nothing in common.
const THRESHOLD: f64 = 0.6;

/// How much likeness it is worth that a name can be used at once.
const PREFERENCE: f64 = 0.05;

/// The most bytes of a name that is compared: clients of a service make names up, and comparing
/// takes time with the square of their length.
const LONGEST: usize = 256;

/// A name that may be suggested.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The name, such as `acme/quick-1`.
    pub name: &'a str,
    /// Whether the name can be used at once, because its provider is
    /// configured. Such a name is put before others that are about as near.
    pub preferred: bool,
}

/// The names nearest to `wanted`, best first, at most `limit`.
///
/// Case, `:` and `/` don't count; a name is compared whole, by its last segment
/// (the model without its provider), by a prefix as long as what was typed, and
/// as a substring. Names that are as near as each other keep their order. A name of more than 256
/// bytes is near to none.
pub fn suggest<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = Candidate<'a>>,
    limit: usize,
) -> Vec<&'a str> {
    if wanted.len() > LONGEST {
        return Vec::new();
    }
    let wanted = fold(wanted);
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut near: Vec<(f64, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let likeness = likeness(&wanted, &fold(candidate.name));
            let bonus = if candidate.preferred { PREFERENCE } else { 0.0 };
            (likeness >= THRESHOLD).then_some((likeness + bonus, candidate.name))
        })
        .collect();
    // Stable: names that are as near stay in their order.
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let mut names: Vec<&str> = Vec::with_capacity(limit.min(near.len()));
    for (_, name) in near {
        if names.len() == limit {
            break;
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn fold(name: &str) -> String {
    name.trim().to_lowercase().replace(':', "/")
}

fn likeness(wanted: &str, name: &str) -> f64 {
    let (wanted_end, name_end) = (last_segment(wanted), last_segment(name));
    let mut best = alike(wanted, name).max(alike(wanted_end, name_end));
    let length = wanted_end.chars().count();
    let prefix: String = name_end.chars().take(length).collect();
    if prefix.len() < name_end.len() {
        let share = share(wanted_end, name_end);
        best = best.max(alike(wanted_end, &prefix) * (0.8 + 0.15 * share));
    }
    if length >= 3
        && let Some(segment) = name.split('/').find(|part| part.contains(wanted_end))
    {
        best = best.max(0.7 + 0.2 * share(wanted_end, segment));
    }
    best
}

/// How much of a name was typed: what follows it was not asked for.
fn share(typed: &str, name: &str) -> f64 {
    typed.len() as f64 / name.len().max(1) as f64
}

fn last_segment(name: &str) -> &str {
    name.rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or(name)
}

fn alike(a: &str, b: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(a, b)
}

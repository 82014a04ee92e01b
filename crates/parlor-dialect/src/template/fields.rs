//! The fields of a frame, told apart.

use std::ops::Range;

/// The most fields of a frame that is looked at so. None known has twelve.
const MAX_FIELDS: usize = 16;

/// The fields of an object without its closing brace; none where it can't be
/// read in another order, or wasn't looked at.
#[derive(Debug, Default)]
pub(super) struct Fields {
    list: [Field; MAX_FIELDS],
    count: u8,
}

/// Where a field stands in the frame, which is short: see
/// [`MAX_FRAME`](super::MAX_FRAME).
#[derive(Debug, Default, Clone, Copy)]
struct Field {
    start: u16,
    /// Behind the name and its quote.
    name: u16,
    end: u16,
}

impl Field {
    fn name(&self) -> Range<usize> {
        usize::from(self.start)..usize::from(self.name)
    }

    fn whole(&self) -> Range<usize> {
        usize::from(self.start)..usize::from(self.end)
    }
}

impl Fields {
    pub(super) fn forget(&mut self) {
        self.count = 0;
    }

    /// Finds the fields of an object that was read as JSON.
    pub(super) fn split(&mut self, object: &[u8]) {
        if self.count == 0 && self.find(object).is_none() {
            self.forget();
        }
    }

    fn find(&mut self, object: &[u8]) -> Option<()> {
        let mut at = 0;
        while at < object.len() {
            // The brace before the first field, a comma before each other.
            let start = behind_blanks(object, at.checked_add(1)?);
            let name = behind_string(object, start)?;
            at = behind_value(object, name)?;
            let field = Field {
                start: start.try_into().ok()?,
                name: name.try_into().ok()?,
                end: at.try_into().ok()?,
            };
            let text = object.get(field.name())?;
            let same = |other: &Field| {
                let other = object.get(other.name()).unwrap_or_default();
                is_same_name(text, other)
            };
            if text.contains(&b'\\') || self.known().iter().any(same) {
                return None;
            }
            *self.list.get_mut(usize::from(self.count))? = field;
            self.count += 1;
        }
        Some(())
    }

    fn known(&self) -> &[Field] {
        self.list.get(..self.count.into()).unwrap_or_default()
    }

    /// Reads an object without its closing brace that has the fields of this one
    /// in any order, each once: `read` is given a field of this one's and the
    /// data that should begin with it, and gives what follows.
    pub(super) fn each<'a>(
        &self,
        object: &[u8],
        data: &'a [u8],
        mut read: impl FnMut(Range<usize>, &'a [u8]) -> Option<&'a [u8]>,
    ) -> Option<()> {
        let mut rest = data.strip_prefix(b"{")?;
        let (mut seen, mut next) = (0_u32, 0);
        for _ in self.known() {
            let (before, from) = self.known().split_at_checked(next)?;
            let is_next = |(_, field): &(usize, &Field)| {
                let name = object.get(field.name());
                name.is_some_and(|name| rest.starts_with(name))
            };
            // Mostly the one that follows the last one here, too.
            let mut fields = (next..).zip(from).chain((0..).zip(before));
            let (at, field) = fields.find(is_next)?;
            if seen & (1 << at) != 0 {
                return None;
            }
            seen |= 1 << at;
            next = at + 1;
            rest = read(field.whole(), rest)?;
            if let Some(tail) = rest.strip_prefix(b",") {
                rest = tail.trim_ascii_start();
            } else {
                let is_whole = rest.is_empty() && seen.count_ones() == u32::from(self.count);
                return is_whole.then_some(());
            }
        }
        None
    }
}

/// Whether two names may mean one field: some hosts know a field by several
/// names that differ in case and underscores.
fn is_same_name(one: &[u8], other: &[u8]) -> bool {
    fn letters(name: &[u8]) -> impl Iterator<Item = u8> {
        let letters = name.iter().filter(|it| **it != b'_');
        letters.map(u8::to_ascii_lowercase)
    }
    letters(one).eq(letters(other))
}

fn behind_blanks(object: &[u8], at: usize) -> usize {
    let rest = object.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .take_while(|it| it.is_ascii_whitespace())
        .count()
}

/// Where the string ends that begins there.
fn behind_string(object: &[u8], at: usize) -> Option<usize> {
    let inside = object.get(at..)?.strip_prefix(b"\"")?;
    let mut is_escaped = false;
    let end = inside.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    })?;
    Some(at + end + 2)
}

/// Where the comma stands that ends the value behind this name, or the end of
/// the object.
fn behind_value(object: &[u8], name: usize) -> Option<usize> {
    let (mut at, mut depth) = (name, 0_usize);
    loop {
        match object.get(at) {
            None => return (depth == 0).then_some(at),
            Some(b',') if depth == 0 => return Some(at),
            Some(b'"') => at = behind_string(object, at)?,
            Some(byte) => {
                match byte {
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth = depth.checked_sub(1)?,
                    _ => {}
                }
                at += 1;
            }
        }
    }
}

//! Names for conversations and turns that nobody has to hand out.

use parlor_agent::TurnId;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

/// Letters and digits that aren't taken for one another.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// A conversation's name of so many letters.
pub(crate) fn conversation(length: usize) -> String {
    let letter = || LETTERS[usize::from(fastrand::u8(..32))];
    (0..length).map(|_| char::from(letter())).collect()
}

/// Bits below the time in a turn's id.
const CHANCE: u32 = 20;

/// A turn's id: the time it was made, and chance. Those of one program grow.
pub(crate) fn turn() -> TurnId {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let new = (now_ms() << CHANCE) | fastrand::i64(0..1 << CHANCE);
    let grown = |last: i64| Some(new.max(last.saturating_add(1)));
    let before = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown);
    let before = before.unwrap_or_else(|before| before);
    TurnId(new.max(before.saturating_add(1)))
}

/// An id of a turn of another time.
pub(crate) fn turn_at(ms: i64) -> TurnId {
    let most = i64::MAX >> CHANCE;
    TurnId((ms.clamp(0, most) << CHANCE) | fastrand::i64(0..1 << CHANCE))
}

/// The one name of what comes from elsewhere: longer than those of chance, and the
/// same whenever it comes. FNV-1a of 64 bits has it.
pub(crate) fn of_origin(origin: &str) -> String {
    let hash = origin
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    let letter = |at: u32| LETTERS[(hash >> (at * 5) & 31) as usize];
    (0..10).map(|at| char::from(letter(at))).collect()
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let passed = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(passed.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_turns_grow() {
        let ids: Vec<TurnId> = (0..10_000).map(|_| turn()).collect();
        assert!(ids.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn a_name_is_easy_to_type() {
        let name = conversation(4);
        assert_eq!(name.len(), 4);
        assert!(name.bytes().all(|letter| LETTERS.contains(&letter)));
    }
}

//! One account: what is in it by slot or period, and when that goes.

use super::Window;
use std::collections::VecDeque;
use std::time::Duration;

/// Into how many slots a rolling window is cut.
const SLOTS: u64 = 64;

const DAY: u64 = 86_400_000;

/// Times are milliseconds of whichever clock the window goes by.
pub(super) struct Account {
    pub(super) window: Window,
    slots: VecDeque<Slot>,
    /// What is in all slots.
    used: u64,
    /// What the provider says is gone beyond that, and until when.
    held: u64,
    held_until: u64,
}

struct Slot {
    number: u64,
    amount: u64,
}

impl Account {
    pub(super) fn new(window: Window) -> Self {
        Self {
            window,
            slots: VecDeque::new(),
            used: 0,
            held: 0,
            held_until: 0,
        }
    }

    pub(super) fn used(&self) -> u64 {
        self.used.saturating_add(self.held)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.used == 0 && self.held == 0
    }

    /// Forgets what doesn't count any more.
    pub(super) fn renew(&mut self, now: u64) {
        while let Some(slot) = self.slots.front()
            && self.end_of(slot.number).is_some_and(|end| end <= now)
        {
            self.used = self.used.saturating_sub(slot.amount);
            self.slots.pop_front();
        }
        if self.held_until <= now {
            self.held = 0;
        }
    }

    /// Whether there is room, or else when there will be.
    pub(super) fn room(&self, limit: u64, amount: u64, now: u64) -> Result<(), Option<Duration>> {
        let fits = |used: u64| used.checked_add(amount).is_some_and(|sum| sum <= limit);
        if amount == 0 || fits(self.used()) {
            return Ok(());
        }
        let (mut used, mut held) = (self.used, self.held);
        for slot in &self.slots {
            let Some(end) = self.end_of(slot.number) else {
                break;
            };
            if held > 0 && self.held_until <= end {
                held = 0;
                if fits(used) {
                    return Err(wait(now, self.held_until));
                }
            }
            used = used.saturating_sub(slot.amount);
            if fits(used.saturating_add(held)) {
                return Err(wait(now, end));
            }
        }
        match held > 0 && fits(used) {
            true => Err(wait(now, self.held_until)),
            false => Err(None),
        }
    }

    /// When the first of what is in it goes.
    pub(super) fn renews(&self, now: u64) -> Option<Duration> {
        let end = self.slots.front().and_then(|it| self.end_of(it.number));
        let held = (self.held > 0).then_some(self.held_until);
        let next = end.into_iter().chain(held).min();
        next.and_then(|next| wait(now, next))
    }

    /// Adds to the present slot, and says which it is.
    pub(super) fn add(&mut self, amount: u64, now: u64) -> u64 {
        let number = self.number(now);
        if amount > 0 {
            self.used = self.used.saturating_add(amount);
            // A wall clock that was set back adds to the latest there is.
            match self.slots.back_mut() {
                Some(slot) if slot.number >= number => {
                    slot.amount = slot.amount.saturating_add(amount);
                    return slot.number;
                }
                _ => self.slots.push_back(Slot { number, amount }),
            }
        }
        number
    }

    /// Gives back what was taken in a slot, if that still counts.
    pub(super) fn take_back(&mut self, amount: u64, number: u64) {
        if let Some(slot) = self.slots.iter_mut().find(|it| it.number == number) {
            let amount = amount.min(slot.amount);
            slot.amount -= amount;
            self.used = self.used.saturating_sub(amount);
        }
        // So that an account in which nothing is can be told by its sum.
        self.slots.retain(|slot| slot.amount > 0);
    }

    pub(super) fn hold(&mut self, at_least: u64, until: u64) {
        self.held = at_least.saturating_sub(self.used);
        self.held_until = until;
    }

    fn number(&self, now: u64) -> u64 {
        match self.window {
            Window::Rolling(length) => now / slot_length(length),
            Window::Day => now / DAY,
            Window::Month => month(now / DAY),
            Window::Life => 0,
        }
    }

    /// When a slot stops to count; `None` is never.
    fn end_of(&self, number: u64) -> Option<u64> {
        match self.window {
            Window::Rolling(length) => {
                let end = number.saturating_add(1).saturating_mul(slot_length(length));
                Some(end.saturating_add(millis(length)))
            }
            Window::Day => Some(number.saturating_add(1).saturating_mul(DAY)),
            Window::Month => Some(first_day(number.saturating_add(1)).saturating_mul(DAY)),
            Window::Life => None,
        }
    }
}

fn wait(now: u64, until: u64) -> Option<Duration> {
    Some(Duration::from_millis(until.saturating_sub(now)))
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn slot_length(window: Duration) -> u64 {
    (millis(window) / SLOTS).max(1)
}

/// The month that a day of the Gregorian calendar is in: months since January
/// of the year 0, days since 1970.
fn month(day: u64) -> u64 {
    // An average month is 30.436875 days; the guess is off by one at most.
    let guess = 1970 * 12 + day.saturating_mul(10_000) / 304_369;
    let late = guess.saturating_add(1);
    match (first_day(guess) > day, first_day(late) <= day) {
        (true, _) => guess - 1,
        (_, true) => late,
        _ => guess,
    }
}

/// The first day of a month.
fn first_day(month: u64) -> u64 {
    // Years begin in March, so that the leap day is the last.
    let (year, month) = (month / 12, month % 12);
    let (year, month) = match month {
        0 | 1 => (year.saturating_sub(1), month + 10),
        _ => (year, month - 2),
    };
    let days = year.saturating_mul(365) + year / 4 - year / 100 + year / 400;
    // March to January have 31 days but for four of them; 719,468 days lie
    // between 1 March of the year 0 and 1970.
    (days + (153 * month + 2) / 5).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_on_their_first_day() {
        let leap = |year: u64| {
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
        };
        let mut day = 0;
        for year in 1970..2410 {
            for (index, days) in (0..).zip([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
                let number = year * 12 + index;
                assert_eq!(first_day(number), day, "{year}-{index}");
                let days = days + u64::from(index == 1 && leap(year));
                for day in day..day + days {
                    assert_eq!(month(day), number, "day {day}");
                }
                day += days;
            }
        }
    }
}

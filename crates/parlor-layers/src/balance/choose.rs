//! Which target gets a call.

use super::target::{Target, Ticket};
use super::{BalanceChoice, BalanceLayer};
use tokio::time::Instant;

impl BalanceLayer {
    /// A ticket to one of the targets that aren't left out and weren't tried.
    pub(super) fn take(&self, streamed: bool, tried: &[usize]) -> Option<Ticket> {
        let now = Instant::now();
        let targets = self.state.targets.iter().enumerate();
        let mut open: Vec<(usize, &Target)> = targets
            .filter(|(at, target)| !tried.contains(at) && target.is_passable(now))
            .collect();
        loop {
            let at = self.choose(&open, streamed, now)?;
            if let Some(ticket) = Ticket::take(self, at, now) {
                return Some(ticket);
            }
            // Another call has begun to probe it meanwhile.
            open.retain(|(it, _)| *it != at);
        }
    }

    /// The place of one of these targets.
    fn choose(&self, open: &[(usize, &Target)], streamed: bool, now: Instant) -> Option<usize> {
        let (first, second) = self.draw(open)?;
        let least = |cost: &dyn Fn(&Target) -> f64, among: &[(usize, &Target)]| {
            let cheaper = |best: (usize, f64), it: &(usize, &Target)| match cost(it.1) {
                lower if lower < best.1 => (it.0, lower),
                _ => best,
            };
            among.iter().fold((first.0, cost(first.1)), cheaper).0
        };
        Some(match self.policy.choice {
            BalanceChoice::Weighted => first.0,
            BalanceChoice::LeastBusy => {
                let busy = |it: &Target| f64::from(it.in_flight()) / it.weight;
                least(&busy, &[second])
            }
            BalanceChoice::LeastLatency => {
                let latency = |it: &Target| it.latency(streamed, &self.policy, now);
                let known = open.iter().filter_map(|it| latency(it.1));
                // One that is unknown is taken for twice as quick as the
                // quickest, so that it is asked, but not by all at once.
                let unknown = known.reduce(f64::min).map_or(1.0, |it| it / 2.0);
                let cost = |it: &Target| {
                    let with_this = f64::from(it.in_flight()) + 1.0;
                    latency(it).unwrap_or(unknown) * with_this
                };
                least(&cost, open)
            }
        })
    }

    /// Two of these targets by chance, in proportion to their weights: different
    /// ones, where there are.
    fn draw<'a>(&self, open: &[(usize, &'a Target)]) -> Option<Pair<'a>> {
        let draw = |but: Option<usize>| {
            let open = || open.iter().filter(|it| Some(it.0) != but).copied();
            let mut left = self.state.random.share() * open().map(|it| it.1.weight).sum::<f64>();
            let found = open().find(|it| {
                left -= it.1.weight;
                left < 0.0
            });
            // Rounding may leave a rest at the end.
            found.or_else(|| open().next_back())
        };
        let first = draw(None)?;
        Some((first, draw(Some(first.0)).unwrap_or(first)))
    }
}

/// Two targets, each with its place.
type Pair<'a> = ((usize, &'a Target), (usize, &'a Target));

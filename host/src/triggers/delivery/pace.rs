//! How many invocations of one source run at a time: fewer while the function fails, more while it does not.

use std::collections::VecDeque;

/// Invocations over which the share of failures counts.
const WINDOW: usize = 10;
/// Failures one after the other that make the source back off.
const STRAIGHT: u32 = 10;
/// Milliseconds between two attempts while it does.
const PROBE_MS: u64 = 5_000;
/// Milliseconds without a failure that allow one invocation more.
const CLEAN_MS: u64 = 1_000;

/// Additive increase, multiplicative decrease. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pace {
    most: u32,
    limit: u32,
    recent: VecDeque<bool>,
    straight: u32,
    /// When the limit was looked at last for raising it.
    clean_since: u64,
    next_probe: u64,
}

/// What an outcome changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Slower {
        limit: u32,
    },
    /// One attempt every 5 s from now on.
    BackingOff,
    Recovered,
}

impl Pace {
    pub(super) fn new(most: u32) -> Self {
        let most = most.max(1);
        Self { most, limit: most, recent: VecDeque::new(), straight: 0, clean_since: 0, next_probe: 0 }
    }

    /// How many more may start now that `running` do; when none may, and it is not because so many run, the time to look
    /// again.
    pub(super) fn places(&mut self, running: u32, now: u64) -> Result<u32, u64> {
        if self.is_backing_off() {
            return match running {
                0 if now >= self.next_probe => Ok(1),
                0 => Err(self.next_probe),
                _ => Ok(0),
            };
        }
        self.rise(now);
        Ok(self.limit.saturating_sub(running))
    }

    pub(super) fn record(&mut self, fine: bool, now: u64) -> Option<Turn> {
        let was_backing_off = self.is_backing_off();
        self.straight = if fine { 0 } else { self.straight.saturating_add(1) };
        if fine && was_backing_off {
            (self.limit, self.clean_since) = (1, now);
            self.recent.clear();
            return Some(Turn::Recovered);
        }
        if self.is_backing_off() {
            self.next_probe = now.saturating_add(PROBE_MS);
            self.limit = 1;
            return (!was_backing_off).then_some(Turn::BackingOff);
        }
        self.recent.push_back(fine);
        if self.recent.len() > WINDOW {
            self.recent.pop_front();
        }
        if !fine {
            self.clean_since = now;
        }
        self.fall()
    }

    fn is_backing_off(&self) -> bool {
        self.straight >= STRAIGHT
    }

    /// Halves the limit when most of the last invocations failed; those are then done with.
    fn fall(&mut self) -> Option<Turn> {
        let failed = self.recent.iter().filter(|fine| !**fine).count();
        if self.recent.len() < WINDOW || failed * 2 <= WINDOW || self.limit == 1 {
            return None;
        }
        self.recent.clear();
        self.limit /= 2;
        Some(Turn::Slower { limit: self.limit })
    }

    fn rise(&mut self, now: u64) {
        if self.limit == self.most {
            return;
        }
        let seconds = u32::try_from(now.saturating_sub(self.clean_since) / CLEAN_MS).unwrap_or(u32::MAX);
        if seconds > 0 {
            self.limit = self.limit.saturating_add(seconds).min(self.most);
            self.clean_since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn failing(pace: &mut Pace, times: usize, now: u64) -> Vec<Turn> {
        (0..times).filter_map(|_| pace.record(false, now)).collect()
    }

    #[test]
    fn a_source_starts_with_all_its_places() {
        let mut pace = Pace::new(8);
        assert_eq!(pace.places(0, 0), Ok(8));
        assert_eq!(pace.places(8, 0), Ok(0));
        assert_eq!(pace.places(9, 0), Ok(0));
    }

    #[test]
    fn most_failing_halves_the_places_and_each_clean_second_adds_one() {
        let mut pace = Pace::new(8);
        for fine in [true, true, true, true, false, false, false, false, false] {
            assert_eq!(pace.record(fine, 1_000), None);
        }
        assert_eq!(pace.record(false, 1_000), Some(Turn::Slower { limit: 4 }));
        assert_eq!(pace.places(0, 1_999), Ok(4));
        assert_eq!(pace.places(0, 2_000), Ok(5));
        assert_eq!(pace.places(0, 4_500), Ok(7));
        assert_eq!(pace.places(0, 60_000), Ok(8));
    }

    #[test]
    fn ten_failures_in_a_row_leave_one_attempt_every_five_seconds() {
        let mut pace = Pace::new(64);
        assert_eq!(failing(&mut pace, 10, 1_000).last(), Some(&Turn::BackingOff));
        assert_eq!(pace.places(0, 1_000), Err(6_000));
        assert_eq!(pace.places(0, 6_000), Ok(1));
        assert_eq!(pace.places(1, 6_000), Ok(0), "one at a time");
        assert_eq!(pace.record(false, 6_100), None, "told once");
        assert_eq!(pace.places(0, 6_100), Err(11_100));
        assert_eq!(pace.record(true, 11_200), Some(Turn::Recovered));
        assert_eq!(pace.places(0, 11_200), Ok(1));
        assert_eq!(pace.places(0, 13_200), Ok(3));
    }

    proptest! {
        /// Whatever happens, there is a place or a time to look again, never more places than asked for, and enough clean
        /// time brings all of them back.
        #[test]
        fn it_never_stalls(most in 1_u32..200, outcomes in prop::collection::vec((any::<bool>(), 0_u64..3_000), 0..300)) {
            let (mut pace, mut now) = (Pace::new(most), 1_u64);
            for (fine, passed) in outcomes {
                now += passed;
                pace.record(fine, now);
                match pace.places(0, now) {
                    Ok(places) => prop_assert!((1..=most).contains(&places)),
                    Err(at) => prop_assert!(at > now && at <= now + PROBE_MS),
                }
            }
            now += PROBE_MS;
            pace.record(true, now);
            now += u64::from(most) * CLEAN_MS;
            prop_assert_eq!(pace.places(0, now), Ok(most));
        }
    }
}

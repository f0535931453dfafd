//! The ticks of one schedule: each planned time puts one message into the schedule's queue, whatever happens to the host.

use std::sync::Arc;
use std::time::Duration;

use super::event::PLANNED;
use super::notice::{Notice, Tell, What};
use crate::config::{Missed, Schedule, Ticks};
use crate::services::message::Attribute;
use crate::services::{Clock, queue};

/// A tick that is no later than this is not missed.
const LATE_MS: u64 = 10_000;
/// Ticks that are made up for at most.
const MADE_UP: usize = 1_000;
/// Before the next attempt at a store that does not answer.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Ticker {
    pub(super) ticks: Ticks,
    pub(super) queue: String,
    /// That the ticks are for.
    pub(super) function: String,
    pub(super) backend: Arc<dyn queue::Backend>,
    pub(super) clock: Clock,
    pub(super) tell: Tell,
}

impl Ticker {
    /// Until there is no planned time any more.
    pub(super) async fn run(self) {
        let mut last = loop {
            match self.backend.last_tick(&self.queue, self.clock.now_ms()).await {
                Ok(last) => break last,
                Err(error) => self.pause("read the last tick of", &error).await,
            }
        };
        loop {
            let now = self.clock.now_ms();
            for planned in due(&self.ticks.schedule, self.ticks.missed, last, now) {
                self.send(planned).await;
            }
            // A clock that was set back does not bring ticks back.
            last = last.max(now);
            let Some(next) = self.ticks.schedule.next_after(last) else { return };
            self.clock.sleep_until(next).await;
        }
    }

    /// Goes on until the store has it, or it is sent already.
    async fn send(&self, planned_ms: u64) {
        while let Err(error) =
            self.backend.tick(&self.queue, planned_ms, self.ticks.overlap, self.message(planned_ms)).await
        {
            self.pause("send a tick to", &error).await;
        }
    }

    fn message(&self, planned_ms: u64) -> queue::Message {
        let data = &self.ticks.data;
        let json = !data.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(data).is_ok();
        let content_type = if json { "application/json" } else { "text/plain" };
        queue::Message {
            body: data.clone().into_bytes(),
            content_type: (!data.is_empty()).then(|| content_type.into()),
            attributes: vec![Attribute { name: PLANNED.into(), value: planned_ms.to_string() }],
            ..queue::Message::default()
        }
    }

    async fn pause(&self, doing: &'static str, error: &crate::services::Error) {
        let what = What::Trouble { doing, why: error.to_string() };
        (self.tell)(&Notice { queue: &self.queue, function: &self.function, what });
        self.clock.sleep(PAUSE).await;
    }
}

/// The planned times after `last` up to `now` that are to be sent, in order.
fn due(schedule: &Schedule, missed: Missed, last: u64, now: u64) -> Vec<u64> {
    let mut planned = Vec::new();
    let mut until = now;
    while let Some(at) = schedule.last_until(until).filter(|at| *at > last && planned.len() < MADE_UP) {
        let late = now - at > LATE_MS;
        if late && (missed == Missed::Skip || (missed == Missed::Last && !planned.is_empty())) {
            break;
        }
        planned.push(at);
        let Some(before) = at.checked_sub(1) else { break };
        until = before;
    }
    planned.reverse();
    planned
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    const NOW: u64 = 1_800_000_000_000;

    fn every(text: &str) -> Schedule {
        Schedule::parse(text, TimeZone::UTC).unwrap()
    }

    #[test]
    fn what_is_due_now_is_sent_whatever_the_policy() {
        for missed in [Missed::Skip, Missed::Last, Missed::All] {
            let found = due(&every("rate(1s)"), missed, NOW - 3_000, NOW + 10);
            assert_eq!(found, [NOW - 2_000, NOW - 1_000, NOW]);
            assert_eq!(due(&every("rate(1s)"), missed, NOW, NOW + 999), [0; 0]);
        }
    }

    #[test]
    fn missed_ticks_follow_the_policy() {
        let hourly = every("cron(0 0 * * * *)");
        let hour = 3_600_000;
        assert_eq!(due(&hourly, Missed::Skip, NOW - 5 * hour, NOW + 60_000), [0; 0]);
        assert_eq!(due(&hourly, Missed::Last, NOW - 5 * hour, NOW + 60_000), [NOW]);
        let all: Vec<u64> = (1..=5).rev().map(|hours| NOW - (hours - 1) * hour).collect();
        assert_eq!(due(&hourly, Missed::All, NOW - 5 * hour, NOW + 60_000), all);
    }

    #[test]
    fn no_more_than_a_thousand_are_made_up_for() {
        let found = due(&every("cron(* * * * * *)"), Missed::All, 0, NOW);
        assert_eq!((found.len(), found.last().copied()), (MADE_UP, Some(NOW)));
    }
}

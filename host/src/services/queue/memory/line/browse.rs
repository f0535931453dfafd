use std::collections::BTreeSet;
use std::ops::Bound;

use super::{Due, Line};
use crate::services::queue::browse::{Content, State};
use crate::services::queue::memory::stored::{Place, Stored};

/// The last message of a page: its state, and its time and row within it.
pub(in crate::services::queue::memory) type Cursor = (State, Due);

impl Line {
    /// Up to `limit` messages past `after`, with their places in the order: ready, delayed, leased, waiting.
    pub(in crate::services::queue::memory) fn browse(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Vec<(Cursor, &Stored)> {
        let waiting = self.waiting();
        let sets = [
            (State::Ready, &self.ready),
            (State::Delayed, &self.delayed),
            (State::Leased, &self.leased),
            (State::Waiting, &waiting),
        ];
        let first = sets.iter().position(|(state, _)| after.is_some_and(|(last, _)| last == *state)).unwrap_or(0);
        let places = sets.iter().skip(first).flat_map(|(state, set)| {
            let past =
                after.filter(|(last, _)| last == state).map_or(Bound::Unbounded, |(_, due)| Bound::Excluded(due));
            set.range((past, Bound::Unbounded)).map(move |due| (*state, *due))
        });
        places.take(limit).filter_map(|place| Some((place, self.messages.get(&place.1.1)?))).collect()
    }

    /// Messages behind the heads of their groups, by the time they were sent.
    fn waiting(&self) -> BTreeSet<Due> {
        if !self.fifo {
            return BTreeSet::new();
        }
        let waiting = self.messages.iter().filter(|(_, stored)| stored.place == Place::Waiting);
        waiting.map(|(row, stored)| (stored.sent_at_ms, *row)).collect()
    }

    pub(in crate::services::queue::memory) fn get(&self, row: i64) -> Option<&Stored> {
        self.messages.get(&row)
    }

    pub(in crate::services::queue::memory) fn replace(&mut self, row: i64, content: Content) {
        if let Some(stored) = self.messages.get_mut(&row) {
            let Content { body, content_type, attributes } = content;
            (stored.body, stored.content_type, stored.attributes) = (body, content_type, attributes);
        }
    }
}

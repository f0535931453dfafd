use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::services::memory::later;
use crate::services::queue::Message;
use crate::services::topic::REPLAY_STEP;

/// The messages published within a time, the oldest first.
pub(super) struct Log {
    retention: Duration,
    entries: VecDeque<Entry>,
    /// The number of the next message.
    next: u64,
}

struct Entry {
    number: u64,
    sent_at_ms: u64,
    expires_at_ms: u64,
    id: String,
    message: Arc<Message>,
}

/// Where a replay is: the numbers of the messages to come.
pub(super) struct Place {
    from_ms: u64,
    rest: std::ops::Range<u64>,
}

impl Log {
    pub(super) fn new(retention: Duration) -> Self {
        Self { retention, entries: VecDeque::new(), next: 0 }
    }

    pub(super) fn keep(&mut self, id: &str, message: Message, now_ms: u64) {
        self.forget(now_ms);
        self.entries.push_back(Entry {
            number: self.next,
            sent_at_ms: now_ms,
            expires_at_ms: later(now_ms, self.retention),
            id: id.into(),
            message: Arc::new(message),
        });
        self.next += 1;
    }

    /// All that is kept now and was published at `from_ms` or later.
    pub(super) fn since(&self, from_ms: u64) -> Place {
        Place { from_ms, rest: 0..self.next }
    }

    /// The next messages; none at the end.
    pub(super) fn page(&mut self, place: &mut Place, now_ms: u64) -> Vec<(String, Arc<Message>)> {
        self.forget(now_ms);
        let start = self.entries.partition_point(|entry| entry.number < place.rest.start);
        let entries = self.entries.range(start..).take_while(|entry| entry.number < place.rest.end);
        let page: Vec<&Entry> = entries.filter(|entry| entry.sent_at_ms >= place.from_ms).take(REPLAY_STEP).collect();
        place.rest.start = page.last().map_or(place.rest.end, |entry| entry.number + 1);
        page.into_iter().map(|entry| (entry.id.clone(), Arc::clone(&entry.message))).collect()
    }

    fn forget(&mut self, now_ms: u64) {
        while self.entries.pop_front_if(|entry| entry.expires_at_ms <= now_ms).is_some() {}
    }
}

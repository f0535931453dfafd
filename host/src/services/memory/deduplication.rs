use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::later;

/// The deduplication ids accepted within a window.
#[derive(Debug)]
pub(in crate::services) struct Deduplication {
    window: Duration,
    accepted: HashMap<String, String>,
    /// When each accepted id is forgotten, the earliest first.
    forgotten_at: VecDeque<(u64, String)>,
}

impl Deduplication {
    pub(in crate::services) fn new(window: Duration) -> Self {
        Self { window, accepted: HashMap::new(), forgotten_at: VecDeque::new() }
    }

    /// The message accepted with `deduplication_id` within the window.
    pub(in crate::services) fn first(&mut self, deduplication_id: &str, now_ms: u64) -> Option<&str> {
        while let Some((_, id)) = self.forgotten_at.pop_front_if(|(at, _)| *at <= now_ms) {
            self.accepted.remove(&id);
        }
        self.accepted.get(deduplication_id).map(String::as_str)
    }

    pub(in crate::services) fn remember(&mut self, deduplication_id: String, message_id: String, now_ms: u64) {
        self.forgotten_at.push_back((later(now_ms, self.window), deduplication_id.clone()));
        self.accepted.insert(deduplication_id, message_id);
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_past_the_window_is_forgotten() {
        let mut accepted = Deduplication::new(Duration::from_millis(10));
        for now_ms in 0..20 {
            assert_eq!(accepted.first(&now_ms.to_string(), now_ms), None);
            accepted.remember(now_ms.to_string(), "message".into(), now_ms);
        }
        assert_eq!(accepted.first("9", 19), None);
        assert_eq!(accepted.first("10", 19), Some("message"));
        assert_eq!((accepted.accepted.len(), accepted.forgotten_at.len()), (10, 10));
    }

    #[test]
    fn a_window_of_nothing_knows_no_duplicates() {
        let mut accepted = Deduplication::new(Duration::ZERO);
        accepted.remember("once".into(), "message".into(), 5);
        assert_eq!(accepted.first("once", 5), None);
    }
}

//! The messages of one queue, and what time does to them.

mod browse;

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use tokio::sync::Notify;

use super::stored::{Place, Stored, lease_token};
use crate::services::message::{Attribute, BATCH_BYTES};
use crate::services::queue::{Delivered, Receipt, Stats};

/// A time in milliseconds and a message's row.
pub(super) type Due = (u64, i64);

pub(super) struct Line {
    fifo: bool,
    max_receives: u32,
    messages: HashMap<i64, Stored>,
    last_row: i64,
    /// By the time they became visible.
    ready: BTreeSet<Due>,
    /// By the time they will.
    delayed: BTreeSet<Due>,
    /// By the end of the lease.
    leased: BTreeSet<Due>,
    /// By expiry; a leased message does not expire before its lease ends.
    expiring: BTreeSet<Due>,
    /// In a fifo queue the rows of each group; only the first is ever visible.
    groups: HashMap<String, BTreeSet<i64>>,
    /// Wakes who waits for a message here.
    changed: Arc<Notify>,
}

impl Line {
    pub(super) fn new(fifo: bool, max_receives: u32, changed: Arc<Notify>) -> Self {
        Self {
            fifo,
            max_receives,
            messages: HashMap::new(),
            last_row: 0,
            ready: BTreeSet::new(),
            delayed: BTreeSet::new(),
            leased: BTreeSet::new(),
            expiring: BTreeSet::new(),
            groups: HashMap::new(),
            changed,
        }
    }

    pub(super) fn push(&mut self, stored: Stored, now_ms: u64) {
        self.last_row += 1;
        let row = self.last_row;
        if let Some(group) = self.group_of(&stored) {
            self.groups.entry(group.clone()).or_default().insert(row);
        }
        self.expiring.insert((stored.expires_at_ms, row));
        self.messages.insert(row, stored);
        self.settle(row, now_ms);
    }

    /// Lets everything happen that is due. Returns the messages whose last lease ended.
    pub(super) fn advance(&mut self, now_ms: u64) -> Vec<Stored> {
        let mut dead = Vec::new();
        while let Some((until, row)) = pop_due(&mut self.leased, now_ms) {
            dead.extend(self.end_lease(row, until, now_ms));
        }
        while let Some((_, row)) = pop_due(&mut self.delayed, now_ms) {
            self.settle(row, now_ms);
        }
        while let Some((_, row)) = pop_due(&mut self.expiring, now_ms) {
            self.remove(row, now_ms);
        }
        dead
    }

    /// Up to `max` messages, until their bodies pass the limit of a batch.
    pub(super) fn lease(&mut self, max: u32, until_ms: u64, now_ms: u64) -> Vec<Delivered> {
        let (mut delivered, mut bytes) = (Vec::new(), 0);
        while delivered.len() < max as usize
            && let Some(&(_, row)) = self.ready.first()
            && let Some(stored) = self.messages.get_mut(&row)
        {
            bytes += stored.body.len();
            if bytes > BATCH_BYTES && !delivered.is_empty() {
                break;
            }
            self.ready.remove(&(stored.visible_at_ms, row));
            self.expiring.remove(&(stored.expires_at_ms, row));
            let token = lease_token();
            stored.place = Place::Leased(token);
            stored.receives += 1;
            stored.visible_at_ms = until_ms;
            stored.first_received_at_ms.get_or_insert(now_ms);
            self.leased.insert((until_ms, row));
            delivered.push(stored.delivered(row, token));
        }
        delivered
    }

    /// Whether the lease went on until now, in which case the message is gone.
    pub(super) fn acknowledge(&mut self, receipt: Receipt, now_ms: u64) -> bool {
        self.has_lease(receipt) && self.remove(receipt.row, now_ms).is_some()
    }

    /// Ends a lease that [`Line::has_lease`]; the message is visible again at `visible_at_ms`, or returned as dead when
    /// this was its last receive.
    pub(super) fn release(&mut self, receipt: Receipt, visible_at_ms: u64, now_ms: u64) -> Option<Stored> {
        self.unplace(receipt.row);
        self.end_lease(receipt.row, visible_at_ms, now_ms)
    }

    /// Takes the receive back that began a lease that [`Line::has_lease`].
    pub(super) fn uncount(&mut self, receipt: Receipt) {
        if let Some(stored) = self.messages.get_mut(&receipt.row) {
            stored.receives = stored.receives.saturating_sub(1);
            stored.first_received_at_ms = stored.first_received_at_ms.filter(|_| stored.receives > 0);
        }
    }

    /// What is to be told of a message with a lease that [`Line::has_lease`] once it is dead.
    pub(super) fn report(&mut self, receipt: Receipt, report: Vec<Attribute>) {
        if let Some(stored) = self.messages.get_mut(&receipt.row) {
            stored.report = report;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Moves the end of a lease that [`Line::has_lease`].
    pub(super) fn extend(&mut self, receipt: Receipt, until_ms: u64) {
        self.unplace(receipt.row);
        if let Some(stored) = self.messages.get_mut(&receipt.row) {
            stored.visible_at_ms = until_ms;
            self.leased.insert((until_ms, receipt.row));
            self.changed.notify_waiters();
        }
    }

    pub(super) fn has_lease(&self, receipt: Receipt) -> bool {
        self.messages.get(&receipt.row).is_some_and(|stored| stored.place == Place::Leased(receipt.lease))
    }

    /// Takes a message out, wherever it is; the next one of its group moves up.
    pub(super) fn remove(&mut self, row: i64, now_ms: u64) -> Option<Stored> {
        self.unplace(row);
        let stored = self.messages.remove(&row)?;
        self.expiring.remove(&(stored.expires_at_ms, row));
        if let Some(name) = self.group_of(&stored)
            && let Some(rows) = self.groups.get_mut(name)
        {
            let was_first = rows.first() == Some(&row);
            rows.remove(&row);
            match rows.first().copied() {
                None => drop(self.groups.remove(name)),
                Some(next) if was_first => self.settle(next, now_ms),
                Some(_) => {}
            }
        }
        Some(stored)
    }

    /// Drops what is not leased and returns how many.
    pub(super) fn purge(&mut self, now_ms: u64) -> u64 {
        let leased = |stored: &Stored| matches!(stored.place, Place::Leased(_));
        let rows: Vec<i64> = self.messages.iter().filter(|(_, stored)| !leased(stored)).map(|(row, _)| *row).collect();
        for row in &rows {
            self.remove(*row, now_ms);
        }
        rows.len() as u64
    }

    pub(super) fn next_ready(&self, after: Due) -> Option<(Due, &Stored)> {
        let due = *self.ready.range((Bound::Excluded(after), Bound::Unbounded)).next()?;
        Some((due, self.messages.get(&due.1)?))
    }

    pub(super) fn stats(&self, now_ms: u64) -> Stats {
        let count = |set: &BTreeSet<Due>| set.len() as u64;
        let sent = self.ready.iter().filter_map(|(_, row)| self.messages.get(row)).map(|stored| stored.sent_at_ms);
        Stats {
            ready: count(&self.ready),
            delayed: self.messages.len() as u64 - count(&self.ready) - count(&self.leased),
            leased: count(&self.leased),
            oldest_age_ms: sent.min().map_or(0, |sent| now_ms.saturating_sub(sent)),
            exact: true,
        }
    }

    pub(super) fn next_lease_end(&self) -> Option<u64> {
        self.leased.first().map(|(until, _)| *until)
    }

    /// When time alone may next make a message visible. An expiry can, where it lets the next of a group move up.
    pub(super) fn next_change(&self) -> Option<u64> {
        let expiring = self.expiring.first().filter(|_| self.fifo);
        [self.delayed.first(), self.leased.first(), expiring].into_iter().flatten().map(|(at, _)| *at).min()
    }

    /// The message, no longer in `leased`, is visible again at `visible_at_ms`, or returned as dead. One whose time is over
    /// expires with the next advance.
    fn end_lease(&mut self, row: i64, visible_at_ms: u64, now_ms: u64) -> Option<Stored> {
        let stored = self.messages.get_mut(&row)?;
        if stored.receives >= self.max_receives {
            return self.remove(row, now_ms);
        }
        stored.visible_at_ms = visible_at_ms;
        self.expiring.insert((stored.expires_at_ms, row));
        self.settle(row, now_ms);
        None
    }

    /// Finds the place of a message that is in none.
    fn settle(&mut self, row: i64, now_ms: u64) {
        let is_first = self.is_first_of_group(row);
        let Some(stored) = self.messages.get_mut(&row) else { return };
        let due = (stored.visible_at_ms, row);
        stored.place = if !is_first {
            Place::Waiting
        } else if stored.visible_at_ms > now_ms {
            self.delayed.insert(due);
            Place::Delayed
        } else {
            self.ready.insert(due);
            Place::Ready
        };
        if is_first {
            self.changed.notify_waiters();
        }
    }

    fn unplace(&mut self, row: i64) {
        let Some(stored) = self.messages.get(&row) else { return };
        let due = (stored.visible_at_ms, row);
        match stored.place {
            Place::Waiting => false,
            Place::Delayed => self.delayed.remove(&due),
            Place::Ready => self.ready.remove(&due),
            Place::Leased(_) => self.leased.remove(&due),
        };
    }

    /// Outside fifo queues, and without a group, a message stands alone.
    fn group_of<'a>(&self, stored: &'a Stored) -> Option<&'a String> {
        stored.group.as_ref().filter(|_| self.fifo)
    }

    fn is_first_of_group(&self, row: i64) -> bool {
        let group = self.messages.get(&row).and_then(|stored| self.group_of(stored));
        group.and_then(|name| self.groups.get(name)).is_none_or(|rows| rows.first() == Some(&row))
    }
}

fn pop_due(set: &mut BTreeSet<Due>, now_ms: u64) -> Option<Due> {
    let due = set.first().copied().filter(|(at, _)| *at <= now_ms)?;
    set.remove(&due);
    Some(due)
}

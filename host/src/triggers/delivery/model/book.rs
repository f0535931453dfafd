//! The model: what each message went through, and what may come next.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::callee::{Given, Invocation};
use super::{Answer, End, Setting};
use crate::services::queue::browse::{State, Stored};
use crate::services::queue::{RELEASE_DELAY_MAX, dead};

/// What a lease has left at the least while its host lives: it lasts 30 s and is prolonged every 10 s.
const LEASE_LEFT_MS: u64 = 20_000;
const LEASE_MS: u64 = 30_000;
/// Failures in a row that leave one attempt every [`PROBE_MS`].
const STRAIGHT: u32 = 10;
const PROBE_MS: u64 = 5_000;
/// Fewer failures than this never make a source slower.
const SLOWING: u32 = 6;

pub(super) struct Book {
    setting: Setting,
    messages: Vec<Message>,
    engines: Vec<Engine>,
    /// The order of the latest message.
    last: usize,
    /// Ids of messages that died of how their invocation ended, since they were asked for.
    died: Vec<String>,
}

#[derive(Debug)]
struct Message {
    id: String,
    group: Option<String>,
    bytes: usize,
    /// Its place in the queue.
    order: usize,
    /// Attempts that count.
    receives: u32,
    life: Life,
}

#[derive(Debug, Clone, PartialEq)]
enum Life {
    /// It becomes visible within this time, or did.
    Waits(RangeInclusive<u64>),
    /// A function has it.
    Runs,
    Done,
    Dead {
        reason: &'static str,
    },
    /// Its host died with it, which has it until then.
    Orphaned {
        until: u64,
    },
}

/// The sources from a start of them to the next.
#[derive(Debug, Default)]
pub(super) struct Engine {
    pub(super) runs: u32,
    failures: u32,
    /// In a row.
    straight: u32,
    last_outcome: u64,
}

impl Message {
    fn is_live(&self) -> bool {
        matches!(self.life, Life::Waits(_) | Life::Runs | Life::Orphaned { .. })
    }
}

impl Book {
    pub(super) fn new(setting: Setting) -> Self {
        Self { setting, messages: Vec::new(), engines: Vec::new(), last: 0, died: Vec::new() }
    }

    /// The number of the next engine.
    pub(super) fn start_engine(&mut self) -> usize {
        self.engines.push(Engine::default());
        self.engines.len() - 1
    }

    pub(super) fn next_number(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn take_died(&mut self) -> Vec<String> {
        std::mem::take(&mut self.died)
    }

    pub(super) fn is_done(&self) -> bool {
        !self.messages.iter().any(Message::is_live)
    }

    pub(super) fn send(&mut self, id: String, group: Option<String>, bytes: usize, visible: u64) {
        self.last += 1;
        let life = Life::Waits(visible..=visible);
        self.messages.push(Message { id, group, bytes, order: self.last, receives: 0, life });
    }

    /// An invocation began.
    pub(super) fn begin(&mut self, invocation: &Invocation, now: u64) {
        let Invocation { engine, attempt, given, .. } = invocation;
        assert_eq!(*attempt, given[0].receive_count, "a function is told the attempt of its first event");
        self.pass(now);
        self.check_batch(given);
        for given in given {
            self.check_turn(given, now);
            let message = &mut self.messages[given.number];
            (message.receives, message.life) = (given.receive_count, Life::Runs);
        }
        self.check_pace(*engine, now);
        self.engines[*engine].runs += 1;
        let (of_engine, of_host) = (self.engines[*engine].runs, self.engines.iter().map(|engine| engine.runs).sum());
        assert!(of_engine <= self.setting.concurrency, "{of_engine} run at a time");
        assert!((1..=self.setting.room).contains(&of_host), "{of_host} run at a time on one host");
    }

    fn check_batch(&self, given: &[Given]) {
        let Some(batch) = &self.setting.batch else { return assert_eq!(given.len(), 1) };
        assert!(given.len() <= batch.size as usize, "{} in one batch", given.len());
        let bytes: usize = given.iter().map(|given| given.bytes).sum();
        assert!(given.len() == 1 || bytes as u64 <= batch.bytes.as_u64(), "{bytes} bytes in one batch");
        let all_fresh = given.iter().all(|given| given.receive_count == 1);
        assert!(given.len() == 1 || all_fresh, "what failed before comes alone: {given:?}");
    }

    /// Whether a message may come now.
    fn check_turn(&self, given: &Given, now: u64) {
        let message = &self.messages[given.number];
        let Life::Waits(visible) = &message.life else { panic!("{given:?} comes, and it is {message:?}") };
        assert!(now >= *visible.start(), "{given:?} comes at {now}, before its time: {message:?}");
        assert_eq!(given.receive_count, message.receives + 1, "attempts are counted one by one: {message:?}");
        assert!(given.receive_count <= self.setting.max_receives, "{given:?} comes too often");
        assert_eq!((&given.id, &given.group, given.bytes), (&message.id, &message.group, message.bytes));
        let ahead = self.ahead_of(given.number);
        assert!(ahead.is_none(), "{given:?} comes before {ahead:?} of its group");
    }

    /// An earlier message of the same group that is not settled, where that counts.
    fn ahead_of(&self, number: usize) -> Option<&Message> {
        let message = &self.messages[number];
        let is_ahead =
            |other: &&Message| other.is_live() && other.order < message.order && other.group == message.group;
        self.messages.iter().filter(|_| self.setting.fifo && message.group.is_some()).find(is_ahead)
    }

    /// Only failures: one attempt now and then. What was promised a place before is not counted here.
    fn check_pace(&self, number: usize, now: u64) {
        let engine = &self.engines[number];
        let alone = self.engines.iter().enumerate().all(|(other, engine)| other == number || engine.runs == 0);
        let promised = self.setting.batch.is_some() || self.setting.room < self.setting.concurrency || !alone;
        if engine.straight >= STRAIGHT && !promised {
            assert_eq!(engine.runs, 0, "one attempt at a time while all fail");
            assert!(now >= engine.last_outcome + PROBE_MS, "an attempt at {now} while all fail: {engine:?}");
        }
    }

    /// An invocation comes to its end.
    pub(super) fn end(&mut self, invocation: &Invocation, end: &End, now: u64) {
        let answers: Vec<Answer> = (0..invocation.given.len()).map(|index| end.answer(index)).collect();
        let all_done = answers.iter().all(|answer| matches!(answer, Answer::Done));
        let undone = self.setting.transactional && !all_done;
        for (given, answer) in invocation.given.iter().zip(&answers) {
            match answer {
                Answer::Done if undone => self.come_again(given.number, now),
                _ => self.settle(given.number, *answer, now),
            }
            let message = &self.messages[given.number];
            self.died.extend(matches!(message.life, Life::Dead { .. }).then(|| message.id.clone()));
        }
        let engine = &mut self.engines[invocation.engine];
        let is_fine = answers.iter().all(|answer| matches!(answer, Answer::Done | Answer::Rejected));
        engine.runs -= 1;
        engine.failures += u32::from(!is_fine);
        engine.straight = if is_fine { 0 } else { engine.straight + 1 };
        engine.last_outcome = now;
    }

    fn settle(&mut self, number: usize, answer: Answer, now: u64) {
        let Setting { max_receives, backoff, .. } = self.setting;
        let message = &mut self.messages[number];
        let at = |delay: Duration| now + millis(delay);
        message.life = match answer {
            Answer::Done => Life::Done,
            Answer::Rejected => Life::Dead { reason: dead::REJECTED },
            Answer::NotRun => return self.come_again(number, now + 1_000),
            Answer::Retry(_) if message.receives >= max_receives => Life::Dead { reason: dead::MAX_RECEIVES },
            Answer::Retry(Some(after)) => {
                let at = at(after.min(RELEASE_DELAY_MAX));
                Life::Waits(at..=at)
            }
            Answer::Retry(None) => {
                let whole = backoff.max.min(backoff.min * 2_u32.pow(message.receives - 1));
                Life::Waits(at(whole / 2)..=at(whole))
            }
        };
    }

    /// The attempt does not count.
    fn come_again(&mut self, number: usize, at: u64) {
        let message = &mut self.messages[number];
        message.receives -= 1;
        message.life = Life::Waits(at..=at);
    }

    /// The engines were drained with this in the store: what they had is as if it had not been received.
    pub(super) fn give_back(&mut self, stored: &[Stored], now: u64) {
        for stored in leased(stored) {
            let message = &mut self.messages[number(stored)];
            match message.life {
                Life::Orphaned { .. } => continue,
                Life::Runs => message.receives -= 1,
                _ => {}
            }
            message.life = Life::Waits(now..=now);
        }
        self.let_go();
    }

    /// The host died with this in its store; where leases do not outlive it they end at once.
    pub(super) fn crash(&mut self, stored: &[Stored], leases_stay: bool, now: u64) {
        for stored in leased(stored) {
            let until = if leases_stay { stored.visible_at_ms.unwrap() } else { now };
            let message = &mut self.messages[number(stored)];
            (message.receives, message.life) = (stored.receives, Life::Orphaned { until });
        }
        self.let_go();
    }

    fn let_go(&mut self) {
        for engine in &mut self.engines {
            engine.runs = 0;
        }
    }
    /// Dead messages went back, in this order.
    pub(super) fn redrive(&mut self, stored: &[Stored], now: u64) {
        for stored in stored {
            self.last += 1;
            let message = &mut self.messages[number(stored)];
            (message.order, message.receives, message.life) = (self.last, 0, Life::Waits(now..=now));
        }
    }

    /// What was sent inside transactions is there once for each message that is done, and for no other.
    pub(super) fn compare_effects(&self, sent: &[Stored]) {
        let mut found: Vec<usize> = sent.iter().map(number).collect();
        found.sort_unstable();
        let is_done = |number: &usize| self.messages[*number].life == Life::Done;
        assert_eq!(found, (0..self.messages.len()).filter(is_done).collect::<Vec<_>>());
    }

    /// What the queue and its dead letters hold is what the model says, each message once.
    pub(super) fn compare(&mut self, stored: &[Stored], dead: &[Stored], now: u64) {
        self.pass(now);
        let mut places = vec![0; self.messages.len()];
        for stored in stored {
            places[number(stored)] += 1;
            self.check_stored(stored, now);
        }
        for dead in dead {
            places[number(dead)] += 1;
            self.check_dead(dead);
        }
        for (message, places) in self.messages.iter().zip(places) {
            let is_kept = message.is_live() || (self.setting.keeps_dead && matches!(message.life, Life::Dead { .. }));
            assert_eq!(places, usize::from(is_kept), "times that it is stored: {message:?}");
        }
        if self.is_at_once() {
            let ready = stored.iter().find(|stored| stored.state == State::Ready);
            let engine = self.engines.last().unwrap();
            let of_host: u32 = self.engines.iter().map(|engine| engine.runs).sum();
            let is_full = engine.runs == self.setting.concurrency || of_host == self.setting.room;
            assert!(ready.is_none() || is_full, "there is room, and nobody takes {ready:?}");
        }
    }

    /// Whether what is ready starts as soon as there is room.
    fn is_at_once(&self) -> bool {
        let waits = self.setting.batch.as_ref().is_some_and(|batch| !batch.window.is_zero());
        !waits && self.engines.last().unwrap().failures < SLOWING
    }

    /// The leases of hosts that died end.
    fn pass(&mut self, now: u64) {
        for message in &mut self.messages {
            if let Life::Orphaned { until } = message.life
                && until <= now
            {
                let is_last = message.receives == self.setting.max_receives;
                let dead = Life::Dead { reason: dead::MAX_RECEIVES };
                message.life = if is_last { dead } else { Life::Waits(until..=until) };
            }
        }
    }

    fn check_stored(&self, stored: &Stored, now: u64) {
        let message = &self.messages[number(stored)];
        let told = || format!("at {now} {message:?} is {stored:?}");
        match &message.life {
            Life::Runs => {
                assert_eq!((stored.state, stored.receives), (State::Leased, message.receives), "{}", told());
                self.check_lease(stored, now);
            }
            Life::Orphaned { until } => {
                assert_eq!((stored.state, stored.visible_at_ms), (State::Leased, Some(*until)), "{}", told());
            }
            Life::Waits(visible) if stored.state == State::Leased => {
                // It was received with others, and it is not its turn yet.
                assert!(self.setting.batch.is_some() && now >= *visible.start(), "{}", told());
                assert_eq!(stored.receives, message.receives + 1, "{}", told());
                self.check_lease(stored, now);
            }
            Life::Waits(visible) => {
                assert_eq!(stored.receives, message.receives, "{}", told());
                let behind = self.ahead_of(number(stored)).is_some();
                assert_eq!(stored.state == State::Waiting, behind, "{}", told());
                // A store may count from when it became the first of its group.
                let latest = if message.group.is_some() { now.max(*visible.end()) } else { *visible.end() };
                let at = stored.visible_at_ms.unwrap_or(*visible.start());
                assert!((*visible.start()..=latest).contains(&at), "{}", told());
            }
            Life::Done | Life::Dead { .. } => panic!("{}", told()),
        }
    }

    fn check_lease(&self, stored: &Stored, now: u64) {
        let window = self.setting.batch.as_ref().map_or(0, |batch| millis(batch.window));
        let left = stored.visible_at_ms.unwrap() - now;
        assert!((LEASE_LEFT_MS..=LEASE_MS + window).contains(&left), "a lease of {left} ms: {stored:?}");
    }

    fn check_dead(&self, dead: &Stored) {
        let message = &self.messages[number(dead)];
        let Life::Dead { reason } = message.life else { panic!("dead is {message:?}") };
        let attribute = |name: &str| dead.attributes.iter().find(|attribute| attribute.name == name).unwrap();
        let (told, receives) = (&attribute(dead::REASON).value, &attribute(dead::RECEIVES).value);
        assert_eq!((told.as_str(), receives), (reason, &message.receives.to_string()), "{message:?}");
        if reason == dead::REJECTED {
            assert_eq!((&*attribute(dead::ERROR).value, &*attribute(dead::VERSION).value), ("told to", "1"));
        }
    }
}

fn leased(stored: &[Stored]) -> impl Iterator<Item = &Stored> {
    stored.iter().filter(|stored| stored.state == State::Leased)
}

fn number(stored: &Stored) -> usize {
    super::callee::number(&stored.body)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

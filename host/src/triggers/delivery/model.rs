//! The engine under random commands, held against a model of what delivery promises (docs/delivery.md): the engine, the
//! queue and the permits are real, the clock is moved by hand, and the function does what the commands say.

mod book;
mod callee;
mod world;

use std::time::Duration;

use bytesize::ByteSize;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::config::{Backoff, Batch};
use crate::engine::CallError;
use crate::event::{Failure, Response};
use crate::invoke::Ending;
use world::World;

/// What one case is about.
#[derive(Debug, Clone, Copy)]
struct Setting {
    fifo: bool,
    max_receives: u32,
    /// Whether there is a queue for dead letters.
    keeps_dead: bool,
    /// `None` for a function that takes single events.
    batch: Option<Batch>,
    concurrency: u32,
    /// Invocations that the host runs at a time.
    room: u32,
    backoff: Backoff,
    transactional: bool,
}

#[derive(Debug, Clone)]
enum Command {
    Send {
        count: usize,
        group: Option<u8>,
        delay: Duration,
        bytes: usize,
    },
    Advance(Duration),
    /// Of one invocation.
    End {
        which: Index,
        end: End,
    },
    /// Every invocation ends the same way, from one instant to the next.
    Pass {
        instants: u8,
        end: End,
    },
    Reload,
    /// With all that runs given back.
    Stop,
    Crash,
    Redrive(u32),
}

/// How an invocation ends.
#[derive(Debug, Clone)]
enum End {
    /// With an answer for each message, over and over.
    Answered(&'static [Answer]),
    Trapped,
    /// The host could not run it.
    NoRoom,
}

/// What is to become of a message.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Done,
    Rejected,
    Retry(Option<Duration>),
    NotRun,
}

impl End {
    const DONE: Self = Self::Answered(&[Answer::Done]);

    /// For the message at this place of the batch.
    fn answer(&self, index: usize) -> Answer {
        match self {
            Self::Answered(answers) => answers[index % answers.len()],
            Self::Trapped => Answer::Retry(None),
            Self::NoRoom => Answer::NotRun,
        }
    }

    fn ending(&self, count: usize, is_batch: bool) -> Ending {
        let reason = || "told to".to_owned();
        match self {
            Self::Trapped => Ending::Stopped(CallError::Trap { message: reason(), backtrace: Vec::new() }),
            Self::NoRoom => Ending::Stopped(CallError::NoRoom),
            Self::Answered(_) if is_batch => Ending::Batch((0..count).map(|index| self.answer(index).said()).collect()),
            Self::Answered(_) => match self.answer(0).said() {
                Ok(()) => Ending::Ok(Response::default()),
                Err(Failure::Rejected(reason)) => Ending::Rejected(reason),
                Err(Failure::Retry { reason, after }) => Ending::Retry { reason, after },
            },
        }
    }
}

impl Answer {
    fn said(self) -> Result<(), Failure> {
        match self {
            Self::Done => Ok(()),
            Self::Rejected => Err(Failure::Rejected("told to".into())),
            Self::Retry(after) => Err(Failure::Retry { reason: "told to".into(), after }),
            Self::NotRun => unreachable!("a function that did not run says nothing"),
        }
    }
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn batches() -> impl Strategy<Value = Option<Batch>> {
    let batch = (1_u32..5, prop::sample::select(vec![20_u64, 1_000]), prop::sample::select(vec![0, 0, 5, 60]));
    prop::option::of(batch.prop_map(|(size, bytes, window)| Batch {
        size,
        bytes: ByteSize::b(bytes),
        window: secs(window),
    }))
}

fn settings() -> impl Strategy<Value = Setting> {
    let backoff = prop::sample::select(vec![(10, 10), (1_000, 60_000), (7_001, 20_000)]);
    let queue = (any::<bool>(), 1_u32..5, prop::bool::weighted(0.8));
    (queue, batches(), 1_u32..5, 1_u32..5, backoff).prop_map(|(queue, batch, concurrency, room, (min, max))| {
        let (fifo, max_receives, keeps_dead) = queue;
        let backoff = Backoff { min: Duration::from_millis(min), max: Duration::from_millis(max) };
        Setting { fifo, max_receives, keeps_dead, batch, concurrency, room, backoff, transactional: false }
    })
}

fn ends() -> impl Strategy<Value = End> {
    const LATER: Answer = Answer::Retry(Some(secs(3)));
    const MUCH_LATER: Answer = Answer::Retry(Some(secs(20 * 3600)));
    const FAILED: Answer = Answer::Retry(None);
    prop_oneof![
        6 => Just(End::DONE),
        1 => Just(End::Answered(&[Answer::Rejected])),
        3 => Just(End::Answered(&[FAILED])),
        2 => Just(End::Answered(&[LATER])),
        1 => Just(End::Answered(&[MUCH_LATER])),
        3 => Just(End::Answered(&[Answer::Done, FAILED, Answer::Rejected, LATER])),
        2 => Just(End::Trapped),
        1 => Just(End::NoRoom),
    ]
}

fn commands() -> impl Strategy<Value = Command> {
    let delay = prop::sample::select(vec![0, 0, 0, 1, 500, 45_000]).prop_map(Duration::from_millis);
    let bytes = prop::sample::select(vec![4_usize, 9, 30]);
    let send = (1_usize..6, prop::option::of(0_u8..3), delay, bytes);
    let by = prop::sample::select(vec![1, 999, 5_000, 31_000, 600_000]).prop_map(Duration::from_millis);
    prop_oneof![
        10 => send.prop_map(|(count, group, delay, bytes)| Command::Send { count, group, delay, bytes }),
        4 => by.prop_map(Command::Advance),
        8 => (any::<Index>(), ends()).prop_map(|(which, end)| Command::End { which, end }),
        3 => (1_u8..12, ends()).prop_map(|(instants, end)| Command::Pass { instants, end }),
        1 => Just(Command::Reload),
        1 => Just(Command::Stop),
        2 => Just(Command::Crash),
        2 => (1_u32..5).prop_map(Command::Redrive),
    ]
}

fn play(mut world: World, commands: &[Command]) {
    // The random part of a backoff is to be the same when a case is tried again.
    fastrand::seed(7);
    for command in commands {
        world.play(command);
    }
    world.finish();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn delivery_does_as_the_model(setting in settings(), commands in prop::collection::vec(commands(), 1..60)) {
        play(World::in_memory(setting), &commands);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn delivery_from_the_embedded_store_does_as_the_model(
        setting in settings(),
        transactional in any::<bool>(),
        commands in prop::collection::vec(commands(), 1..30),
    ) {
        play(World::in_folder(Setting { transactional, ..setting }), &commands);
    }
}

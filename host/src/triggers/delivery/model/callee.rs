//! A function that does what it is told: each invocation runs until the test ends it, and as the test says.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, oneshot};

use crate::config::Advice;
use crate::engine::Request;
use crate::event::{Event, Trigger};
use crate::invoke::{Admission, Caller, Ending, Outcome, Reservation, Start};
use crate::services::queue::Message;
use crate::triggers::delivery::notice::What;
use crate::triggers::delivery::{Callee, Notice};

/// The queue that gets a message for each one that is handled, inside the transaction if there is one.
pub(super) const EFFECTS: &str = "effects";

/// What the engine did since it was looked at last.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) started: Vec<Invocation>,
    /// Ids of messages that were told to be dead.
    pub(super) dead: Vec<String>,
    /// That a queue did not do as it should.
    pub(super) troubles: Vec<String>,
}

/// One that began.
pub(super) struct Invocation {
    /// Which of the engines that ran one after the other began it.
    pub(super) engine: usize,
    /// The first event's.
    pub(super) attempt: u32,
    pub(super) given: Vec<Given>,
    /// Ends it. Closed when the engine let go of it.
    pub(super) end: oneshot::Sender<Ending>,
}

/// A message as the function got it.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) id: String,
    pub(super) number: usize,
    pub(super) bytes: usize,
    pub(super) group: Option<String>,
    pub(super) receive_count: u32,
}

#[derive(Clone, Default)]
pub(super) struct Watch(Arc<Mutex<Seen>>);

impl Watch {
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap()
    }

    pub(super) fn notice(&self, notice: &Notice<'_>) {
        match notice.what {
            What::Trouble { .. } => self.seen().troubles.push(notice.to_string()),
            What::Dead { message, .. } => self.seen().dead.push(message.into()),
            _ => {}
        }
    }
}

pub(super) struct Puppet {
    engine: usize,
    takes_batches: bool,
    admission: Admission,
    watch: Watch,
}

impl Puppet {
    pub(super) fn new(engine: usize, takes_batches: bool, host: Arc<Semaphore>, watch: Watch) -> Self {
        Self { engine, takes_batches, admission: Admission::new(u32::MAX >> 4, Duration::ZERO, None, host), watch }
    }
}

#[async_trait]
impl Callee for Puppet {
    fn name(&self) -> &'static str {
        "puppet"
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn advice(&self) -> &Advice {
        &Advice::Flags
    }

    fn takes_batches(&self) -> bool {
        self.takes_batches
    }

    async fn reserve(&self, most: u32) -> Vec<Reservation> {
        self.admission.reserve(most).await
    }

    async fn run(&self, permit: Option<Reservation>, request: Request, caller: Caller) -> Outcome {
        let events = match request {
            Request::Event(event) => vec![*event],
            Request::Batch(events) => events,
            Request::Http(_) | Request::Run => unreachable!("no event source asks for that"),
        };
        let (end, ended) = oneshot::channel();
        let (engine, given): (_, Vec<Given>) = (self.engine, events.into_iter().map(given).collect());
        if let Some(transaction) = &caller.transaction {
            let effect = |given: &Given| Message { body: body(given.number, 1), ..Message::default() };
            transaction.send(EFFECTS, given.iter().map(effect).collect()).await.unwrap();
        }
        self.watch.seen().started.push(Invocation { engine, attempt: caller.attempt, given, end });
        let ending = ended.await.expect("the test ends it, or the engine lets go of it");
        drop(permit);
        Outcome {
            id: String::new(),
            function: self.name().into(),
            ending,
            duration: Duration::ZERO,
            fuel: None,
            memory: 0,
            start: Start::Warm,
            log_tail: String::new(),
        }
    }
}

fn given(event: Event) -> Given {
    let Trigger::Queue(delivery) = event.trigger else { panic!("it is no message: {event:?}") };
    assert_eq!(delivery.message_id, event.id);
    Given {
        number: number(&event.data),
        bytes: event.data.len(),
        id: event.id,
        group: delivery.group,
        receive_count: delivery.receive_count,
    }
}

/// The body of a message, which is its number.
pub(super) fn body(number: usize, bytes: usize) -> Vec<u8> {
    format!("{number:0bytes$}").into_bytes()
}

pub(super) fn number(body: &[u8]) -> usize {
    std::str::from_utf8(body).unwrap().parse().unwrap()
}

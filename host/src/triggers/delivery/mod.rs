//! Delivery: events that wait in queues go to functions, and nothing acknowledged is lost.
//!
//! Each event source has a queue, its own or an internal one, and a loop that takes from it ([`source`]): it waits until a
//! message is ready, takes permits, receives, invokes, and settles each message by its outcome. A message is acknowledged
//! only after its handler's result is known.

mod batch;
mod callee;
mod destination;
mod event;
#[cfg(test)]
mod model;
mod notice;
mod pace;
mod schedule;
mod source;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use callee::Callee;
pub use notice::{Notice, Tell};

use crate::config::{EventSource, Origin, QueueSettings, Service};
use crate::services::{Clock, Placement};
use destination::Outcomes;

/// An event source with all that it needs.
pub struct Mapping {
    pub source: EventSource,
    /// Of the queue that its events wait in.
    pub settings: QueueSettings,
    pub function: Arc<dyn Callee>,
}

/// The sources that are at work. Dropping it leaves them at it.
pub struct Sources {
    /// Nothing more is received.
    stop: CancellationToken,
    /// What still runs is given back.
    cut: CancellationToken,
    tasks: TaskTracker,
    sources: Vec<Arc<source::Source>>,
}

impl Sources {
    /// Starts a loop for each source.
    pub fn start(mappings: Vec<Mapping>, placement: &Placement, clock: &Clock, tell: &Tell) -> Self {
        let (stop, cut, tasks) = (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
        let mut sources = Vec::new();
        for mapping in mappings {
            let backends = placement.of(Service::Queue, &mapping.source.queue);
            if let Origin::Schedule(ticks) = &mapping.source.origin {
                let schedule = schedule::Ticker {
                    ticks: ticks.as_ref().clone(),
                    queue: mapping.source.queue.clone(),
                    function: mapping.source.function.clone(),
                    backend: Arc::clone(&backends.queue),
                    clock: clock.clone(),
                    tell: Arc::clone(tell),
                };
                let stop = stop.clone();
                tasks.spawn(async move { stop.run_until_cancelled(schedule.run()).await });
            }
            let outcomes = Outcomes::of(&mapping.source.origin, placement);
            let at_work = Arc::new(source::Source::new(mapping, backends, outcomes, clock.clone(), Arc::clone(tell)));
            sources.push(Arc::clone(&at_work));
            tasks.spawn(at_work.run(stop.clone(), cut.clone(), tasks.clone()));
        }
        Self { stop, cut, tasks, sources }
    }

    /// Deliveries at work.
    pub fn running(&self) -> u32 {
        self.sources.iter().map(|source| source.running()).sum()
    }

    /// Whether nothing is received and nothing runs any more.
    pub fn has_ended(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Receives nothing more; what runs goes on.
    pub fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
    }

    /// Lets what runs end within `grace`, then gives the rest back: it will be delivered again and the attempt does not count.
    pub async fn drain(&self, grace: Duration) {
        self.stop();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }
}

//! Goal 14: durable send, handled, acknowledged, beside the store's own send, receive and acknowledge without a guest.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use wasm_faas::config::Origin;
use wasm_faas::services::queue::{Backend, LEASE_DEFAULT, Stats};

use super::{AtWork, CALLERS, LOOK, Site, message, queues, runtime, send, together};
use crate::measure::{Compared, Effort, compare, per_operation};
use crate::report::{Figure, Goal};

/// Its source is at work.
const DELIVERED: &str = "delivered";
/// Its callers receive themselves.
const BARE: &str = "bare";
/// Messages of a turn.
const MESSAGES: usize = 8 * 1024;
/// The batch guest says yes to it.
const BODY: &[u8] = b"ok";

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let single = compared("guests/rust/echo", 1, effort)?;
    let batches = compared("guests/rust/batch", 10, effort)?;
    let what = "durable send, handled, acknowledged, 64 producers, wall clock (ratio of the rates)";
    let in_batches = "the same in batches of 10, a message";
    Ok(vec![
        Figure::new("14", what, "send, receive, acknowledge, 64 callers", single, Goal::AtLeast(0.5)),
        Figure::new("14", in_batches, "the same with 10 at a time", batches, Goal::AtLeast(0.7)),
    ])
}

/// Per message, with `each` of them sent and handled at a time.
fn compared(guest: &str, each: usize, effort: Effort) -> anyhow::Result<Compared> {
    let runtime = runtime()?;
    let site = Site::new(&runtime, &queues([DELIVERED, BARE]))?;
    let at_work = AtWork::start(&runtime, &site, guest, [(Origin::Queue, DELIVERED.to_owned())])?;
    // At least one for each caller.
    let rounds = (effort.operations(MESSAGES) / CALLERS / each).max(1);
    let turns = Turns { runtime: &runtime, queue: site.queue(), rounds, each };
    Ok(compare(effort, || turns.bare(), || turns.delivered(&at_work))?.as_rates())
}

struct Turns<'a> {
    runtime: &'a Runtime,
    queue: Arc<dyn Backend>,
    /// Of each caller.
    rounds: usize,
    /// Messages that a caller sends at a time.
    each: usize,
}

impl Turns<'_> {
    fn messages(&self) -> usize {
        CALLERS * self.rounds * self.each
    }

    /// Wall-clock nanoseconds per message.
    fn bare(&self) -> anyhow::Result<f64> {
        let took = self.runtime.block_on(together(|| round_trips(Arc::clone(&self.queue), self.rounds, self.each)))?;
        Ok(per_operation(took, self.messages()))
    }

    /// The same; the turn ends when nothing is left in the queue.
    fn delivered(&self, at_work: &AtWork) -> anyhow::Result<f64> {
        let took = self.runtime.block_on(async {
            let (start, before) = (Instant::now(), at_work.seen.handled.load(Relaxed));
            together(|| sends(Arc::clone(&self.queue), self.rounds, self.each)).await?;
            at_work.seen.handled(before + self.messages()).await?;
            emptied(&*self.queue).await?;
            anyhow::Ok(start.elapsed())
        })?;
        Ok(per_operation(took, self.messages()))
    }
}

async fn sends(queue: Arc<dyn Backend>, rounds: usize, each: usize) -> anyhow::Result<()> {
    for _ in 0..rounds {
        send(&*queue, DELIVERED, vec![message(BODY); each]).await?;
    }
    Ok(())
}

async fn round_trips(queue: Arc<dyn Backend>, rounds: usize, each: usize) -> anyhow::Result<()> {
    for _ in 0..rounds {
        send(&*queue, BARE, vec![message(BODY); each]).await?;
        // Nobody takes more than it has sent: there are as many for each.
        let messages = queue.receive(BARE, u32::try_from(each)?, Duration::ZERO, LEASE_DEFAULT).await?;
        anyhow::ensure!(messages.len() == each, "{} messages were received, {each} were sent", messages.len());
        let receipts: Vec<_> = messages.iter().map(|message| message.receipt).collect();
        for answer in queue.acknowledge(BARE, &receipts).await? {
            answer?;
        }
    }
    Ok(())
}

/// All is acknowledged.
async fn emptied(queue: &dyn Backend) -> anyhow::Result<()> {
    let empty = Stats { exact: true, ..Stats::default() };
    while queue.stats(DELIVERED).await? != empty {
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

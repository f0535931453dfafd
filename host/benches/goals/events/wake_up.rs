//! How soon an event is with its handler when the host was idle.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use wasm_faas::config::Origin;

use super::{AtWork, Site, message, queues, runtime, send};
use crate::measure::{Effort, Spread};
use crate::report::{Figure, Goal};

const QUEUE: &str = "orders";
/// Sends of a round.
const SENDS: usize = 40;
/// Long enough for everybody to have fallen asleep.
const IDLE: Duration = Duration::from_millis(25);

/// From the answer to the send, when the message is durable, to the start of its invocation; below 0 when that is first.
pub(crate) fn measure(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let runtime = runtime()?;
    let site = Site::new(&runtime, &queues([QUEUE]))?;
    let at_work = AtWork::start(&runtime, &site, "guests/rust/echo", [(Origin::Queue, QUEUE.to_owned())])?;
    let (mut sends, mut waits, mut slowest) = (Vec::new(), Vec::new(), Vec::new());
    runtime.block_on(wake(&site, &at_work))?;
    for _ in 0..effort.rounds {
        let wake = |_| runtime.block_on(wake(&site, &at_work));
        let round = (0..effort.operations(SENDS)).map(wake).collect::<anyhow::Result<Vec<_>>>()?;
        let wait = Spread::of(round.iter().map(|woken| woken.wait).collect());
        waits.push(wait.median);
        slowest.push(wait.max);
        sends.push(Spread::of(round.iter().map(|woken| woken.send).collect()).median);
    }
    let figure = |what: &str, values, goal| Figure {
        number: "-",
        what: what.into(),
        baseline: format!("the durable send, {:.2} ms", Spread::of(sends.clone()).median),
        ratio: Spread::of(values),
        unit: " ms",
        goal,
    };
    Ok(vec![
        figure("from a send's answer to the handler's start, idle host, median", waits, Goal::AtMost(3.0)),
        figure("the same, the slowest of 40", slowest, Goal::None),
    ])
}

/// In milliseconds.
struct Woken {
    send: f64,
    wait: f64,
}

async fn wake(site: &Site, at_work: &AtWork) -> anyhow::Result<Woken> {
    tokio::time::sleep(IDLE).await;
    let (begin, before) = (Instant::now(), at_work.seen.handled.load(Relaxed));
    send(&*site.queue(), QUEUE, vec![message(b"hello")]).await?;
    let answered = Instant::now();
    at_work.seen.handled(before + 1).await?;
    let started = at_work.seen.started()?;
    Ok(Woken { send: millis(answered, begin), wait: millis(started, answered) })
}

/// From `before` to `after`, which may be the other way round.
fn millis(after: Instant, before: Instant) -> f64 {
    let forth = after.saturating_duration_since(before).as_secs_f64();
    let back = before.saturating_duration_since(after).as_secs_f64();
    (forth - back) * 1e3
}

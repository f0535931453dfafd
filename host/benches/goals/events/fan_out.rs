//! One message published to a hundred subscriptions, beside a hundred messages sent in one transaction: to the same
//! queues, and to a single one, which touches a page of the database where the others touch a hundred.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use tokio::runtime::Runtime;
use wasm_faas::config::{Subscription, TopicSettings};
use wasm_faas::services::{Backends, topic};

use super::{CALLERS, Site, message, queues, runtime, send, together};
use crate::measure::{Compared, Effort, compare, per_operation, process_cpu};
use crate::report::{Figure, Goal};

const SUBSCRIPTIONS: usize = 100;
const TOPIC: &str = "news";
/// Without a subscription.
const ONE: &str = "one";
/// Publications of a turn.
const TURN: usize = 40;
const BODY: [u8; 100] = [b'x'; 100];

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let runtime = runtime()?;
    let site = Site::new(&runtime, &resources())?;
    let turn = effort.operations(TURN);
    let cpu = |side: Side| cpu(&runtime, &site, turn, side);
    let same = compare(effort, || cpu(Side::Publish), || cpu(Side::SendEach))?;
    let one = compare(effort, || cpu(Side::Publish), || cpu(Side::SendOne))?;
    let crowd = |side: Side| crowd(&runtime, &site, side);
    // A turn is one of each caller.
    let crowded = compare(effort, || crowd(Side::Publish), || crowd(Side::SendOne))?;
    let wall = |side: Side| wall(&runtime, &site, turn, side);
    let in_time = compare(effort, || wall(Side::Publish), || wall(Side::SendOne))?;
    Ok(vec![
        figure("CPU time", "a message sent to each of the 100 queues in one transaction", same, GOAL),
        figure("CPU time", "100 messages sent to one queue in one transaction", one, GOAL),
        figure("wall clock", "the same", in_time, Goal::None),
        figure("64 publishers, CPU time", "the same, 64 callers", crowded, Goal::None),
    ])
}

const GOAL: Goal = Goal::AtMost(1.5);

fn figure(measure: &str, baseline: &str, compared: Compared, goal: Goal) -> Figure {
    Figure::new("-", &format!("a message published to 100 subscriptions, {measure}"), baseline, compared, goal)
}

fn resources() -> wasm_faas::config::Resources {
    let names: Vec<String> = (0..SUBSCRIPTIONS).map(subscriber).collect();
    let mut resources = queues(names.iter().map(String::as_str).chain([ONE]));
    let subscriptions = names.into_iter().map(|queue| Subscription { queue, filter: None }).collect();
    resources.topics.insert(TOPIC.into(), TopicSettings { subscriptions, ..TopicSettings::default() });
    resources
}

fn subscriber(number: usize) -> String {
    format!("subscriber-{number}")
}

/// Each durably puts a hundred messages into queues.
#[derive(Clone, Copy)]
enum Side {
    Publish,
    SendEach,
    SendOne,
}

impl Side {
    async fn run(self, backends: &Backends) -> anyhow::Result<()> {
        match self {
            Self::Publish => publish(backends).await,
            Self::SendEach => send_each(backends).await,
            Self::SendOne => send(&*backends.queue, ONE, vec![message(&BODY); SUBSCRIPTIONS]).await,
        }
    }

    async fn repeat(self, backends: &Backends, times: usize) -> anyhow::Result<()> {
        for _ in 0..times {
            self.run(backends).await?;
        }
        Ok(())
    }
}

async fn publish(backends: &Backends) -> anyhow::Result<()> {
    let content_type = Some("text/plain".to_owned());
    let message = topic::Message { body: BODY.to_vec(), content_type, ..topic::Message::default() };
    for answer in backends.topic.publish(TOPIC, vec![message]).await? {
        answer?;
    }
    Ok(())
}

async fn send_each(backends: &Backends) -> anyhow::Result<()> {
    let transaction = backends.transactions.as_ref().context("the store has no transactions")?.begin();
    for number in 0..SUBSCRIPTIONS {
        for answer in transaction.send(&subscriber(number), vec![message(&BODY)]).await? {
            answer?;
        }
    }
    Ok(transaction.commit(Vec::new()).await?)
}

/// CPU nanoseconds of the process per run, one after the other.
fn cpu(runtime: &Runtime, site: &Site, turn: usize, side: Side) -> anyhow::Result<f64> {
    let start = process_cpu();
    runtime.block_on(side.repeat(&site.backends, turn))?;
    Ok(per_operation(process_cpu() - start, turn))
}

/// Wall-clock nanoseconds of the same.
fn wall(runtime: &Runtime, site: &Site, turn: usize, side: Side) -> anyhow::Result<f64> {
    let start = Instant::now();
    runtime.block_on(side.repeat(&site.backends, turn))?;
    Ok(per_operation(start.elapsed(), turn))
}

/// CPU nanoseconds of the process per run, by many at a time.
fn crowd(runtime: &Runtime, site: &Site, side: Side) -> anyhow::Result<f64> {
    let (start, backends) = (process_cpu(), Arc::new(site.backends.clone()));
    runtime.block_on(together(|| {
        let backends = Arc::clone(&backends);
        async move { side.run(&backends).await }
    }))?;
    Ok(per_operation(process_cpu() - start, CALLERS))
}

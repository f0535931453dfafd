//! One message published to a hundred subscriptions, beside a hundred messages put into one queue.

use tokio::runtime::Runtime;
use wasm_faas::config::{Subscription, TopicSettings};
use wasm_faas::services::topic;

use super::{Site, message, queues, runtime, send};
use crate::measure::{Compared, Effort, compare, per_operation, process_cpu};
use crate::report::{Figure, Goal};

const SUBSCRIPTIONS: usize = 100;
const TOPIC: &str = "news";
/// Without a subscription.
const ONE: &str = "one";
/// Publications of a turn.
const TURN: usize = 40;

/// In CPU time of the process: both sides sync once.
pub(crate) fn measure(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let runtime = runtime()?;
    let names: Vec<String> = (0..SUBSCRIPTIONS).map(|number| format!("subscriber-{number}")).collect();
    let mut resources = queues(names.iter().map(String::as_str).chain([ONE]));
    let subscriptions = names.into_iter().map(|queue| Subscription { queue, filter: None }).collect();
    resources.topics.insert(TOPIC.into(), TopicSettings { subscriptions, ..TopicSettings::default() });
    let site = Site::new(&runtime, &resources)?;
    let turn = effort.operations(TURN);
    let compared = compare(effort, || publish(&runtime, &site, turn), || send_many(&runtime, &site, turn))?;
    Ok(vec![figure(compared)])
}

fn figure(compared: Compared) -> Figure {
    let what = "a message published to 100 subscriptions, CPU time";
    Figure::new("-", what, "100 messages sent to one queue in one transaction", compared, Goal::AtMost(1.5))
}

fn publish(runtime: &Runtime, site: &Site, turn: usize) -> anyhow::Result<f64> {
    let start = process_cpu();
    runtime.block_on(async {
        for _ in 0..turn {
            let message = topic::Message { body: vec![b'x'; 100], ..topic::Message::default() };
            for answer in site.backends.topic.publish(TOPIC, vec![message]).await? {
                answer?;
            }
        }
        anyhow::Ok(())
    })?;
    Ok(per_operation(process_cpu() - start, turn))
}

fn send_many(runtime: &Runtime, site: &Site, turn: usize) -> anyhow::Result<f64> {
    let start = process_cpu();
    runtime.block_on(async {
        for _ in 0..turn {
            send(&*site.queue(), ONE, vec![message(&[b'x'; 100]); SUBSCRIPTIONS]).await?;
        }
        anyhow::Ok(())
    })?;
    Ok(per_operation(process_cpu() - start, turn))
}

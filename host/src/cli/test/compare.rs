//! What was expected against what is.

use std::fmt;

use super::world::{World, all_keys};
use crate::config::scenario::{Expect, Texts};
use crate::services::queue::browse::PAGE_MESSAGES;
use crate::services::{Result, blob};

/// What came back from a step.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) status: Option<u16>,
    pub(super) body: String,
    /// The outcome's word; empty where there is none.
    pub(super) outcome: &'static str,
}

/// All that is not as expected, each in a line.
pub(super) async fn problems(world: &World, expect: &Expect, answer: &Answer) -> Vec<String> {
    let mut problems = of_answer(expect, answer);
    problems.extend(of_invocations(world, expect));
    match of_state(world, expect).await {
        Ok(found) => problems.extend(found),
        Err(error) => problems.push(format!("the stores cannot be looked at: {error}")),
    }
    problems
}

fn differs(what: &str, expected: &str, is: &str) -> Option<String> {
    (expected != is).then(|| format!("{what}: expected {expected}, got {is}"))
}

fn quoted(text: impl fmt::Display) -> String {
    format!("`{text}`")
}

fn all<T: fmt::Display>(texts: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| text.to_string()).collect();
    if texts.is_empty() { "nothing".into() } else { texts.join(", ") }
}

fn entries(texts: &Texts) -> String {
    all(texts.iter().map(|(key, value)| format!("`{key}` = `{value}`")))
}

fn of_answer(expect: &Expect, answer: &Answer) -> Vec<String> {
    let given = answer.status.map_or_else(|| "none".into(), |status| status.to_string());
    let status = expect.status.and_then(|status| differs("status", &status.to_string(), &given));
    let outcome = expect.outcome.as_ref().and_then(|outcome| differs("outcome", outcome, answer.outcome));
    let body = expect.body.as_ref().and_then(|body| differs("body", &quoted(body), &quoted(&answer.body)));
    status.into_iter().chain(outcome).chain(body).collect()
}

fn of_invocations(world: &World, expect: &Expect) -> Vec<String> {
    let record = world.seen.record();
    let mut problems = Vec::new();
    if record.is_endless {
        problems.push("there is no end of invocations at one instant, of which each brings about the next".into());
    }
    for (function, expected) in &expect.invocations {
        let is = record.invocations.get(function).copied().unwrap_or_default();
        problems.extend(differs(&format!("invocations of `{function}`"), &expected.to_string(), &is.to_string()));
    }
    if let (Some(most), Some((fuel, function))) = (expect.fuel_at_most, &record.most_fuel)
        && *fuel > most
    {
        problems.push(format!("fuel: expected at most {most}, an invocation of `{function}` burnt {fuel}"));
    }
    let lacking = expect.logs.iter().filter(|part| !record.logs.iter().any(|line| line.contains(part.as_str())));
    problems.extend(
        lacking.map(|part| format!("log: no line has `{part}`, there is {}", all(record.logs.iter().map(quoted)))),
    );
    problems
}

async fn of_state(world: &World, expect: &Expect) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (bucket, expected) in &expect.state.kv {
        let is = values(world, bucket).await?;
        problems.extend(differs(&format!("bucket `{bucket}`"), &entries(expected), &entries(&is)));
    }
    for (queue, expected) in &expect.state.queue {
        let mut expected = expected.clone();
        expected.sort();
        let (expected, is) = (expected.iter().map(quoted), bodies(world, queue).await?.into_iter().map(quoted));
        problems.extend(differs(&format!("queue `{queue}`"), &all(expected), &all(is)));
    }
    for (container, expected) in &expect.state.blob {
        let is = objects(world, container).await?;
        problems.extend(differs(&format!("container `{container}`"), &entries(expected), &entries(&is)));
    }
    Ok(problems)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn values(world: &World, bucket: &str) -> Result<Texts> {
    let mut values = Texts::new();
    for key in all_keys(&world.backends, bucket).await? {
        if let Some(entry) = world.backends.kv.get(bucket, &key).await? {
            values.insert(key, text(&entry.value));
        }
    }
    Ok(values)
}

/// Of all messages, sorted.
async fn bodies(world: &World, queue: &str) -> Result<Vec<String>> {
    let (mut bodies, mut after) = (Vec::new(), None);
    loop {
        let page = world.backends.queue.browse(queue, after.as_deref(), PAGE_MESSAGES, usize::MAX).await?;
        bodies.extend(page.messages.iter().map(|message| text(&message.body)));
        after = page.cursor;
        if after.is_none() {
            bodies.sort();
            return Ok(bodies);
        }
    }
}

async fn objects(world: &World, container: &str) -> Result<Texts> {
    let (mut objects, mut after) = (Texts::new(), None);
    loop {
        let page = world.backends.blob.list(container, "", None, after.as_deref(), blob::PAGE_OBJECTS).await?;
        for object in page.objects {
            if let Some(mut reader) = world.backends.blob.reader(container, &object.key, None).await? {
                let mut data = Vec::new();
                loop {
                    let chunk = reader.read(blob::CHUNK_BYTES).await?;
                    if chunk.is_empty() {
                        break;
                    }
                    data.extend(chunk);
                }
                objects.insert(object.key, text(&data));
            }
        }
        after = page.cursor;
        if after.is_none() {
            return Ok(objects);
        }
    }
}

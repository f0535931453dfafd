//! One scenario, from what is given to what is expected in the end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::compare::{Answer, problems};
use super::world::World;
use crate::cli::error::CliError;
use crate::cli::event;
use crate::config::Manifest;
use crate::config::scenario::{Action, Call, Scenario, State, Texts};
use crate::engine::{Loader, Request};
use crate::event::Event;
use crate::invoke::{self, Caller, Ending};
use crate::services::functions::{Later, Queued};
use crate::services::message::{Accepted, Attribute, only};
use crate::services::{Result, blob, kv, queue, topic};

/// Where the events of scenarios come from.
const SOURCE: &str = "/test";

/// How one run went.
pub(super) struct Played {
    pub(super) simulated: Duration,
    /// What was not as expected, at the first step where something was not.
    pub(super) problems: Vec<String>,
}

/// Plays in one thread, so that the same seed brings the same order.
pub(super) fn play(
    loader: &Arc<Loader>,
    manifest: &Manifest,
    scenario: &Scenario,
    seed: u32,
) -> Result<Played, CliError> {
    fastrand::seed(seed.into());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| CliError::Runtime { source })?;
    runtime.block_on(async {
        let (mut world, deployment) = World::open(loader, manifest, scenario, seed).await?;
        let mut problems = match give(&world, &scenario.given).await {
            Ok(()) => {
                world.start(manifest, &deployment);
                through(&world, scenario).await
            }
            Err(error) => vec![format!("what is given cannot be: {error}")],
        };
        if !problems.is_empty() {
            problems.extend(world.seen.record().notices.iter().map(|notice| format!("told: {notice}")));
        }
        let simulated = Duration::from_millis(world.clock.now_ms().saturating_sub(scenario.starts_ms));
        Ok(Played { simulated, problems })
    })
}

/// Puts into the stores what is there in the beginning; those who watch are not told.
async fn give(world: &World, given: &State) -> Result<()> {
    for (bucket, texts) in &given.kv {
        for (key, value) in texts {
            set(world, bucket, key, value, None).await?;
        }
    }
    for (container, texts) in &given.blob {
        for (key, body) in texts {
            put(world, container, key, body).await?;
        }
    }
    for (_, _, queue) in world.resources.watches() {
        world.backends.queue.purge(queue).await?;
    }
    for (queue, bodies) in &given.queue {
        for body in bodies {
            send(world, queue, body, None, &Texts::new()).await?;
        }
    }
    Ok(())
}

/// Step by step, until something is not as expected.
async fn through(world: &World, scenario: &Scenario) -> Vec<String> {
    world.quiet().await;
    for (index, step) in scenario.steps.iter().enumerate() {
        let number = index + 1;
        let answer = match act(world, &step.action).await {
            Ok(answer) => answer,
            Err(why) => return vec![format!("step {number} cannot be done: {why}")],
        };
        world.quiet().await;
        let found = problems(world, &step.expect, &answer).await;
        if !found.is_empty() {
            return found.into_iter().map(|problem| format!("step {number}: {problem}")).collect();
        }
    }
    let found = problems(world, &scenario.expect, &Answer::default()).await;
    found.into_iter().map(|problem| format!("in the end: {problem}")).collect()
}

async fn act(world: &World, action: &Action) -> Result<Answer, String> {
    let done = match action {
        Action::Invoke(call) => return invoke(world, call).await,
        Action::Http { method, path, headers, body } => {
            return http(world, method, path, headers, body).await.map_err(|error| error.to_string());
        }
        Action::Send { queue, body, group, attributes } => {
            send(world, queue, body, group.clone(), attributes).await.map(drop)
        }
        Action::Publish { topic, body, attributes } => publish(world, topic, body, attributes).await.map(drop),
        Action::InvokeAsync(call) => leave(world, call).await.map(drop),
        Action::Set { bucket, key, value, ttl } => set(world, bucket, key, value, *ttl).await,
        Action::Remove { bucket, key } => world.backends.kv.delete(bucket, key, kv::Condition::Always).await.map(drop),
        Action::Put { container, key, body } => put(world, container, key, body).await,
        Action::Delete { container, key } => {
            world.backends.blob.delete(container, key, blob::Condition::Always).await.map(drop)
        }
        Action::Advance(by) => world.advance(*by).await,
    };
    done.map(|()| Answer::default()).map_err(|error| error.to_string())
}

async fn set(world: &World, bucket: &str, key: &str, value: &str, ttl: Option<Duration>) -> Result<()> {
    let (key, value, when) = (key.to_owned(), value.as_bytes().to_vec(), kv::Condition::Always);
    world.backends.kv.set(bucket, kv::Write { key, value, ttl, when }).await.map(drop)
}

async fn put(world: &World, container: &str, key: &str, body: &str) -> Result<()> {
    world.backends.blob.put(container, key, body.as_bytes().to_vec(), blob::PutOptions::default()).await.map(drop)
}

async fn send(world: &World, queue: &str, body: &str, group: Option<String>, texts: &Texts) -> Result<Accepted> {
    let (body, attributes) = (body.as_bytes().to_vec(), attributes(texts));
    let message = queue::Message { body, group, attributes, ..queue::Message::default() };
    only(world.backends.queue.send(queue, vec![message]).await?)
}

async fn publish(world: &World, topic: &str, body: &str, texts: &Texts) -> Result<Accepted> {
    let (body, attributes) = (body.as_bytes().to_vec(), attributes(texts));
    let message = topic::Message { body, attributes, ..topic::Message::default() };
    only(world.backends.topic.publish(topic, vec![message]).await?)
}

fn attributes(texts: &Texts) -> Vec<Attribute> {
    texts.iter().map(|(name, value)| Attribute { name: name.clone(), value: value.clone() }).collect()
}

async fn leave(world: &World, call: &Call) -> Result<Accepted> {
    let event = match event_of(world, call) {
        Ok(event) => event,
        Err(error) => return Err(crate::services::Error::Invalid(error.to_string())),
    };
    let queued = Queued { event, traceparent: None, depth: 0 };
    world.functions.leave(&call.function, queued, Later::default(), None).await
}

async fn invoke(world: &World, call: &Call) -> Result<Answer, String> {
    let event = event_of(world, call).map_err(|error| error.to_string())?;
    let function = world.functions.get(&call.function);
    let function = function.ok_or_else(|| format!("there is no function `{}`", call.function))?;
    let invoked = invoke::invoke(&function, Request::Event(Box::new(event)), Caller::default()).await;
    let outcome = invoked.map_err(|error| error.to_string())?;
    let body = match &outcome.ending {
        Ending::Ok(response) => String::from_utf8_lossy(&response.data).into_owned(),
        other => other.complaint().unwrap_or_default(),
    };
    Ok(Answer { status: None, body, outcome: outcome.ending.word() })
}

fn event_of(world: &World, call: &Call) -> Result<Event, CliError> {
    let mut event = event::from_text(&call.data, SOURCE, call.kind.clone())?;
    event.time_ms = world.clock.now_ms();
    event.subject.clone_from(&call.subject);
    Ok(event)
}

type HttpError = Box<dyn std::error::Error>;

/// Through the door, as from outside.
async fn http(world: &World, method: &str, path: &str, headers: &Texts, body: &str) -> Result<Answer, HttpError> {
    let stream = TcpStream::connect(world.address).await?;
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = http::Request::builder().method(method).uri(path).header(http::header::HOST, "localhost");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes())))?;
    let response = client.send_request(request).await?;
    let status = Some(response.status().as_u16());
    let body = response.into_body().collect().await?.to_bytes();
    Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned(), outcome: "" })
}

use std::time::Duration;

use serde_json::json;

use super::{Body, Session, attribute, line, shown};
use crate::cli::dead_letters::show_message;
use crate::cli::error::CliError;
use crate::cli::table::{preview, span};
use crate::cli::{is_printed, print, tell};
use crate::config::units::duration;
use crate::services::context::printable;
use crate::services::message::Attribute;
use crate::services::{Clock, queue::browse::State};
use crate::triggers::control::{
    Data, Message, QueueAcknowledge, QueueBrowse, QueueFind, QueuePurge, QueueReceive, QueueSend, QueueStats, Received,
    StatsOf, Stored,
};

/// Characters of a body in a table.
const PREVIEW: usize = 48;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Send a message; prints its id
    Send {
        queue: String,
        #[command(flatten)]
        body: Body,
        #[command(flatten)]
        message: MessageFlags,
        /// How long nobody gets it
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        delay: Option<Duration>,
        /// How long it lives
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        ttl: Option<Duration>,
    },
    /// Take messages out: they are acknowledged when they are printed
    Receive {
        queue: String,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
        max: u32,
        /// How long to wait for the first one
        #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s")]
        wait: Duration,
    },
    /// Look at messages without taking them
    Peek {
        queue: String,
        /// One message, whole
        id: Option<String>,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Count messages, of all queues when none is named
    Stats { queue: Option<String> },
    /// Drop all messages but those that somebody works on
    Purge { queue: String },
}

/// What a message has besides its body.
#[derive(clap::Args)]
pub(super) struct MessageFlags {
    /// What the content is
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Give it an attribute
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<Attribute>,
    /// The group it belongs to, within which a fifo queue keeps the order
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Messages with the same one are taken once
    #[arg(long, value_name = "ID")]
    deduplication_id: Option<String>,
}

impl MessageFlags {
    pub(super) fn with(self, body: Data) -> Message {
        let Self { content_type, attributes, group, deduplication_id } = self;
        Message { body, content_type, attributes, group, deduplication_id }
    }
}

impl Command {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::Send { queue, body, message, delay, ttl } => {
                let message = message.with(body.read()?);
                let sent = session.client.call(QueueSend { queue, message, delay, ttl }).await?;
                session.one(&sent, &sent.id)
            }
            Self::Receive { queue, max, wait } => receive(session, queue, max, wait).await,
            Self::Peek { queue, id: Some(id), .. } => {
                let stored = session.client.call(QueueFind { queue, id }).await?;
                if session.json { print(line(&stored).as_bytes()) } else { show_message(&stored) }
            }
            Self::Peek { queue, id: None, limit } => peek(session, queue, limit).await,
            Self::Stats { queue } => {
                let all = session.client.call(QueueStats { queue }).await?;
                session.list(["QUEUE", "READY", "DELAYED", "LEASED", "OLDEST"], &all, |stats: &StatsOf| {
                    let oldest = if stats.ready > 0 { span(stats.oldest_age_ms) } else { String::new() };
                    let count = |count: u64| count.to_string();
                    [stats.queue.clone(), count(stats.ready), count(stats.delayed), count(stats.leased), oldest]
                })
            }
            Self::Purge { queue } => {
                let purged = session.client.call(QueuePurge { queue }).await?;
                session.done(&json!({ "purged": purged }), format_args!("{purged} dropped"))
            }
        }
    }
}

/// What was printed is acknowledged; what could not be comes back when its lease ends.
async fn receive(session: &Session, queue: String, max: u32, wait: Duration) -> Result<(), CliError> {
    let received = session.client.call(QueueReceive { queue: queue.clone(), max, wait }).await?;
    if received.is_empty() {
        tell(format_args!("queue `{queue}` has no message that is ready"));
        return Ok(());
    }
    let (mut receipts, several) = (Vec::new(), received.len() > 1);
    for message in received {
        let text = if session.json { line(&message).into_bytes() } else { text(&message, several) };
        if !is_printed(&text)? {
            break;
        }
        receipts.push(message.receipt);
    }
    match receipts.as_slice() {
        [] => Ok(()),
        _ => Ok(session.client.call(QueueAcknowledge { queue, receipts }).await?),
    }
}

/// The body as it is, a line of its own for each of several; what else there is goes to standard error.
fn text(message: &Received, several: bool) -> Vec<u8> {
    let age = span(Clock::System.now_ms().saturating_sub(message.sent_at_ms));
    tell(format_args!("{} sent {age} ago, delivery {}", message.id, message.receives));
    for Attribute { name, value } in &message.attributes {
        tell(format_args!("    {name}: {}", printable(value)));
    }
    let mut text = shown(&message.body.0);
    if several && text.last() != Some(&b'\n') {
        text.push(b'\n');
    }
    text
}

async fn peek(session: &Session, queue: String, limit: u32) -> Result<(), CliError> {
    let body = if session.json { WHOLE } else { PREVIEW * 4 };
    let (messages, more) = browse(session, &queue, limit, body).await?;
    let now = Clock::System.now_ms();
    session.list(["ID", "STATE", "AGE", "RECEIVES", "GROUP", "TYPE", "BODY"], &messages, |message: &Stored| {
        [
            message.id.clone(),
            state(message, now),
            span(now.saturating_sub(message.sent_at_ms)),
            message.receives.to_string(),
            message.group.clone().unwrap_or_default(),
            message.content_type.clone().unwrap_or_default(),
            preview(&message.body.0, message.size, PREVIEW),
        ]
    })?;
    if more {
        tell(format_args!("these are the first {limit}, there may be more: ask for them with `--limit`"));
    }
    Ok(())
}

/// A body's length when all of it is wanted.
pub(in crate::cli) const WHOLE: usize = u32::MAX as usize;
/// Whole messages that are asked for at once: what their bodies take in memory is bounded.
const PAGE: u32 = 16;

/// Up to `limit` messages of a queue with up to `body` bytes of their bodies, and whether there may be more.
pub(in crate::cli) async fn browse(
    session: &Session,
    queue: &str,
    limit: u32,
    body: usize,
) -> Result<(Vec<Stored>, bool), CliError> {
    let (mut messages, mut cursor) = (Vec::new(), None);
    loop {
        let left = limit.saturating_sub(u32::try_from(messages.len()).unwrap_or(u32::MAX));
        if left == 0 {
            return Ok((messages, true));
        }
        let page = if body == WHOLE { left.min(PAGE) } else { left };
        let asked = QueueBrowse { queue: queue.to_owned(), cursor, limit: page, body };
        let (found, next) = session.client.call(asked).await?;
        messages.extend(found);
        cursor = next;
        if cursor.is_none() {
            return Ok((messages, false));
        }
    }
}

/// `ready`, or for how long it is not.
fn state(message: &Stored, now_ms: u64) -> String {
    let left = span(message.visible_at_ms.unwrap_or_default().saturating_sub(now_ms));
    match message.state {
        State::Ready => "ready".into(),
        State::Delayed => format!("delayed {left}"),
        State::Leased => format!("leased {left}"),
        State::Waiting => "waiting".into(),
    }
}

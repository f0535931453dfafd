//! `dead-letters`: messages that nobody could handle.

mod edit;
mod show;

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::data::queue::{WHOLE, browse};
use super::data::{Session, line};
use super::error::CliError;
use super::table::{cut, span, table};
use super::{print, reach, tell};
use crate::services::Clock;
use crate::triggers::control::{
    Dead, DeadLetterQueues, DeadLetterRemove, QueueFind, QueuePurge, Redrive, RedriveAll, Stored,
};

pub(super) use show::show_message;

/// Look at messages that nobody could handle, mend them, and send them back
///
/// They lie in the queues that others name as their `dead-letter`.
///
/// Exit status: 0 ok, 1 the message is not there, 2 bad arguments, or the data cannot be reached.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    place: reach::Flags,
    /// Print JSON: an object, or one in each line of a list
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum What {
    /// List dead letters, of all queues that take any when none is named
    List {
        queue: Option<String>,
        /// How many of a queue at most
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Show all that is known of one
    Show { queue: String, id: String },
    /// Send some back to the queues they died in
    Redrive {
        queue: String,
        #[arg(value_name = "ID", required_unless_present = "all")]
        ids: Vec<String>,
        /// All of them
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
    /// Change what one says; it stays here until it is sent back
    Edit(edit::Arguments),
    /// Delete some for good
    Drop {
        queue: String,
        #[arg(value_name = "ID", required_unless_present = "all")]
        ids: Vec<String>,
        /// All of them
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, CliError> {
    let Arguments { what, place, json } = arguments;
    super::block_on(async {
        let session = Session { client: place.client().await?, json };
        match what {
            What::List { queue, limit } => list(&session, queue, limit).await?,
            What::Show { queue, id } => show(&session, queue, id).await?,
            What::Redrive { queue, ids, all } => redrive(&session, queue, ids, all).await?,
            What::Edit(arguments) => Box::pin(edit::run(&session, arguments)).await?,
            What::Drop { queue, ids, all } => remove(&session, queue, ids, all).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Characters of an error in a table.
const ERROR: usize = 60;

/// The error of a message that died without a report, because its last receiver did, or let its lease end.
const UNTOLD: &str = "no receiver told";

async fn list(session: &Session, queue: Option<String>, limit: u32) -> Result<(), CliError> {
    let body = if session.json { WHOLE } else { 0 };
    let mut letters = Vec::new();
    for queue in session.client.call(DeadLetterQueues { queue }).await? {
        let (found, more) = browse(session, &queue, limit, body).await?;
        if more {
            tell(format_args!(
                "these are the first {limit} of queue `{queue}`, there may be more: ask for them with `--limit`"
            ));
        }
        letters.extend(found.into_iter().map(|message| (queue.clone(), message)));
    }
    if session.json {
        return print(
            letters.iter().map(|(queue, message)| line(&json(queue, message))).collect::<String>().as_bytes(),
        );
    }
    let now = Clock::System.now_ms();
    let header = ["QUEUE", "ID", "DIED IN", "REASON", "ATTEMPTS", "AGE", "ERROR"];
    print(table(header, letters.iter().map(|(queue, message)| row(queue, message, now))).as_bytes())
}

fn row(queue: &str, message: &Stored, now_ms: u64) -> [String; 7] {
    let dead = Dead::of(message);
    let told = |name| dead.get(name).unwrap_or("-").to_owned();
    let age = span(now_ms.saturating_sub(message.sent_at_ms));
    let error = cut(dead.get("error").unwrap_or(UNTOLD), ERROR);
    [queue.to_owned(), message.id.clone(), told("source"), told("reason"), told("receives"), age, error]
}

/// The message, and what is known of its death for itself.
fn json(queue: &str, message: &Stored) -> Value {
    let mut object = json!(message);
    object["queue"] = queue.into();
    object["dead"] = json!(Dead::of(message));
    object
}

async fn show(session: &Session, queue: String, id: String) -> Result<(), CliError> {
    let message = session.client.call(QueueFind { queue: queue.clone(), id }).await?;
    if session.json { print(line(&json(&queue, &message)).as_bytes()) } else { show_message(&message) }
}

async fn redrive(session: &Session, queue: String, ids: Vec<String>, all: bool) -> Result<(), CliError> {
    let mut moved = ids.len() as u64;
    if all {
        moved = session.client.call(RedriveAll { queue: queue.clone() }).await?;
    }
    for id in ids {
        session.client.call(Redrive { queue: queue.clone(), id }).await?;
    }
    session.done(&json!({ "redriven": moved }), format_args!("{moved} sent back"))
}

async fn remove(session: &Session, queue: String, ids: Vec<String>, all: bool) -> Result<(), CliError> {
    let mut dropped = ids.len() as u64;
    if all {
        session.client.call(DeadLetterQueues { queue: Some(queue.clone()) }).await?;
        dropped = session.client.call(QueuePurge { queue: queue.clone() }).await?;
    }
    for id in ids {
        session.client.call(DeadLetterRemove { queue: queue.clone(), id }).await?;
    }
    session.done(&json!({ "dropped": dropped }), format_args!("{dropped} dropped"))
}

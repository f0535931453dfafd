use serde_json::json;

use super::queue::MessageFlags;
use super::{Body, Session};
use crate::cli::error::CliError;
use crate::config::units::duration;
use crate::services::Clock;
use crate::triggers::control::{Publish, Replay};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Publish a message; prints its id
    Publish {
        topic: String,
        #[command(flatten)]
        body: Body,
        #[command(flatten)]
        message: MessageFlags,
    },
    /// Send what a topic keeps to one of its subscribers again
    Replay {
        topic: String,
        /// The queue of the subscription
        queue: String,
        /// From when on: `2h` for two hours ago, or a time such as `2026-01-31T12:00:00Z`
        #[arg(long, value_name = "TIME", value_parser = since)]
        since: u64,
    },
}

impl Command {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::Publish { topic, body, message } => {
                let sent = session.client.call(Publish { topic, message: message.with(body.read()?) }).await?;
                session.one(&sent, &sent.id)
            }
            Self::Replay { topic, queue, since } => {
                let replayed = session.client.call(Replay { topic, queue, from_ms: since }).await?;
                session.done(&json!({ "replayed": replayed }), format_args!("{replayed} sent again"))
            }
        }
    }
}

/// Milliseconds since the Unix epoch.
fn since(text: &str) -> Result<u64, String> {
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if let Ok(ago) = duration(text) {
        return Ok(Clock::System.now_ms().saturating_sub(millis(ago)));
    }
    let time = humantime::parse_rfc3339_weak(text).map_err(|_| {
        format!("`{text}` is no time: expected how long ago, such as `2h`, or a time such as `2026-01-31T12:00:00Z`")
    })?;
    Ok(millis(time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default()))
}

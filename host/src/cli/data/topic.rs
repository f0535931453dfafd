use super::queue::MessageFlags;
use super::{Body, Session};
use crate::cli::error::CliError;
use crate::triggers::control::Publish;

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
}

impl Command {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let Self::Publish { topic, body, message } = self;
        let sent = session.client.call(Publish { topic, message: message.with(body.read()?) }).await?;
        session.one(&sent, &sent.id)
    }
}

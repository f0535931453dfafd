use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::error::CliError;
use crate::cli::{INTERRUPTED, break_off, tell};

/// Turns the first ctrl-C or SIGTERM into a cancelled token, and the second into the end of the process.
pub(super) fn watch() -> Result<CancellationToken, CliError> {
    let fail = |source| CliError::Runtime { source };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(fail)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(fail)?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        next(&mut interrupt, &mut terminate).await;
        told.cancel();
        next(&mut interrupt, &mut terminate).await;
        tell("stopped at once: requests that were running are cut off");
        break_off();
        std::process::exit(INTERRUPTED.into());
    });
    Ok(stop)
}

async fn next(interrupt: &mut tokio::signal::unix::Signal, terminate: &mut tokio::signal::unix::Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

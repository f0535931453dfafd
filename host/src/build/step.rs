use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::process::{Child, Command};

use super::BuildError;
use crate::child::{Running, is_interrupted};

/// A line with the time that passes, on a terminal's standard error; nothing elsewhere. Gone when dropped.
pub struct Progress(ProgressBar);

impl Progress {
    pub fn start(what: &str) -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What a tool printed.
pub(super) struct Printed {
    pub(super) stdout: String,
}

/// Runs one tool of a build to its end. What it prints is shown when it fails.
///
/// It runs in a process group of its own, which ends as a whole with this process: no compiler is left behind.
pub(super) async fn run(step: &str, folder: &Path, command: &mut Command) -> Result<Printed, BuildError> {
    let _progress = Progress::start(step);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.process_group(0);
    let ended = output(step, command).await;
    if is_interrupted() {
        // The process is ending; the tool did not fail.
        std::future::pending::<()>().await;
    }
    let failed = |output| BuildError::Failed { step: step.to_owned(), folder: folder.to_owned(), output };
    let Output { status, stdout, stderr } = ended.map_err(|error| failed(error.to_string()))?;
    let stdout = String::from_utf8_lossy(&stdout).into_owned();
    if status.success() {
        return Ok(Printed { stdout });
    }
    let complaints = String::from_utf8_lossy(&stderr);
    let output = if complaints.trim().is_empty() { stdout.trim() } else { complaints.trim() };
    let output = if output.is_empty() { format!("it ended with {status}") } else { output.to_owned() };
    Err(failed(output))
}

async fn output(step: &str, command: &mut Command) -> std::io::Result<Output> {
    let (child, _running) = Running::start(step, || command.spawn(), Child::id)?;
    child.wait_with_output().await
}

/// Whether a program can be started.
pub(super) async fn exists(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

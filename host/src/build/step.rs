use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use super::BuildError;

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
/// It runs in a process group of its own, which [`interrupt`] ends as a whole: no compiler is left behind.
pub(super) async fn run(step: &str, folder: &Path, command: &mut Command) -> Result<Printed, BuildError> {
    let _progress = Progress::start(step);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let failed = |output| BuildError::Failed { step: step.to_owned(), folder: folder.to_owned(), output };
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let running = Running::new(step, child.id());
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let (mut printed, mut complaints) = (Vec::new(), Vec::new());
    let ended = wait(&mut child, &mut stdout, &mut printed, &mut stderr, &mut complaints).await;
    if running.was_interrupted() {
        // The process is ending; the tool did not fail.
        std::future::pending::<()>().await;
    }
    drop(running);
    let status = ended.map_err(|error| failed(error.to_string()))?;
    let stdout = String::from_utf8_lossy(&printed).into_owned();
    if status.success() {
        return Ok(Printed { stdout });
    }
    let complaints = String::from_utf8_lossy(&complaints);
    let output = if complaints.trim().is_empty() { stdout.trim() } else { complaints.trim() };
    let output = if output.is_empty() { format!("it ended with {status}") } else { output.to_owned() };
    Err(failed(output))
}

async fn wait(
    child: &mut Child,
    stdout: &mut Option<tokio::process::ChildStdout>,
    printed: &mut Vec<u8>,
    stderr: &mut Option<tokio::process::ChildStderr>,
    complaints: &mut Vec<u8>,
) -> std::io::Result<ExitStatus> {
    let read_stdout = async {
        match stdout {
            Some(stdout) => stdout.read_to_end(printed).await,
            None => Ok(0),
        }
    };
    let read_stderr = async {
        match stderr {
            Some(stderr) => stderr.read_to_end(complaints).await,
            None => Ok(0),
        }
    };
    let (read, complained) = tokio::join!(read_stdout, read_stderr);
    read.and(complained)?;
    child.wait().await
}

/// The step that runs now: one at a time, as the project's lock has it.
static RUNNING: Mutex<Option<(String, Option<u32>)>> = Mutex::new(None);

struct Running;

impl Running {
    fn new(step: &str, group: Option<u32>) -> Self {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = Some((step.to_owned(), group));
        Self
    }

    fn was_interrupted(&self) -> bool {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Ends the tool that a build is running, with all its children, and returns what to tell of it; `None` when no build runs.
/// The process must end after this.
pub fn interrupt() -> Option<BuildError> {
    let (step, group) = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    end_group(group);
    Some(BuildError::Interrupted { step })
}

fn end_group(group: Option<u32>) {
    #[cfg(unix)]
    if let Some(group) = group.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw) {
        // It may have ended by itself.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    #[cfg(not(unix))]
    let _ = group;
}

/// Whether a program can be started.
pub(super) async fn exists(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
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
    let (child, running) = Running::start(step, command).map_err(|error| failed(error.to_string()))?;
    let ended = child.wait_with_output().await;
    if INTERRUPTED.load(Ordering::SeqCst) {
        // The process is ending; the tool did not fail.
        std::future::pending::<()>().await;
    }
    drop(running);
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

/// The tools that run now, by step and process group.
static RUNNING: Mutex<Vec<(String, Option<u32>)>> = Mutex::new(Vec::new());
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// A tool that runs, until dropped.
struct Running(Option<u32>);

impl Running {
    /// Starts the tool; an interrupt meanwhile waits until it is known.
    fn start(step: &str, command: &mut Command) -> std::io::Result<(Child, Self)> {
        let mut running = lock();
        let child = command.spawn()?;
        running.push((step.to_owned(), child.id()));
        let group = child.id();
        Ok((child, Self(group)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        lock().retain(|(_, group)| *group != self.0);
    }
}

fn lock() -> std::sync::MutexGuard<'static, Vec<(String, Option<u32>)>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the tools that builds are running, with all their children, and returns what to tell of the first; `None` when no
/// build runs. The process must end after this.
pub fn interrupt() -> Option<BuildError> {
    INTERRUPTED.store(true, Ordering::SeqCst);
    let running = lock();
    running.iter().for_each(|(_, group)| end_group(*group));
    running.first().map(|(step, _)| BuildError::Interrupted { step: step.clone() })
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

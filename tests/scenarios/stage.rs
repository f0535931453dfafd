//! A folder of its own for each scenario, and the binary run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use tempfile::TempDir;

use super::{failed, support};

/// Bounds what should take a moment, on a machine that has other work: whoever waits longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// The working directory of the commands of one scenario, with the files they need.
pub struct Stage {
    folder: TempDir,
    path: PathBuf,
}

impl Stage {
    pub fn new() -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().canonicalize()?;
        Ok(Self { folder, path })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes a file and the folders it is in.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<PathBuf, Failed> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.path))?;
        fs::write(&path, contents)?;
        Ok(path)
    }

    /// Brings the component of `guests/<language>/<guest>` here, as `<guest>.wasm`.
    pub fn guest(&self, language: &str, guest: &str) -> Result<PathBuf, Failed> {
        let here = self.path(&format!("{guest}.wasm"));
        fs::copy(support::guest(language, guest)?, &here)?;
        Ok(here)
    }

    /// The binary with arguments, in this folder, its output caught. Compiled code is shared by all scenarios.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_wasm-faas")), arguments)
    }

    /// The same of a binary that is elsewhere, or of one that starts it.
    pub fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.path);
        command.env("WASM_FAAS_CACHE", support::root().join(".wasm-faas/cache"));
        command.env_remove("RUST_BACKTRACE").env_remove("CLICOLOR_FORCE");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, arguments: &[&str]) -> Result<Ran, Failed> {
        self.end(self.command(arguments))
    }

    /// Runs a command to its end.
    pub fn end(&self, command: Command) -> Result<Ran, Failed> {
        let shown = format!("{command:?}");
        let mut command = tokio::process::Command::from(command);
        command.kill_on_drop(true);
        let ended = support::runtime().block_on(async { tokio::time::timeout(PATIENCE, command.output()).await });
        Ok(Ran::new(ended.map_err(|_| format!("{shown} hangs"))??, self))
    }

    /// What differs from run to run, taken out of a text.
    pub fn redact(&self, text: &str) -> String {
        let (root, data) = (support::root().canonicalize().unwrap_or_default(), self.folder.path());
        let known = [(&*self.path, "[stage]"), (data, "[stage]"), (&*root, "[project]")];
        let redact = |text: String, (path, name): &(&Path, &str)| text.replace(&*path.to_string_lossy(), name);
        known.iter().fold(text.to_owned(), redact)
    }
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    /// `None` when a signal ended it.
    pub status: Option<i32>,
    pub stdout: Vec<u8>,
    /// Redacted.
    pub stderr: String,
}

impl Ran {
    pub fn new(output: Output, stage: &Stage) -> Self {
        let stderr = stage.redact(&String::from_utf8_lossy(&output.stderr));
        Self { status: output.status.code(), stdout: output.stdout, stderr }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The value that was printed.
    pub fn json(&self) -> Result<serde_json::Value, Failed> {
        serde_json::from_slice(&self.stdout).map_err(|error| format!("{error} in {self:?}").into())
    }

    /// Fails unless it ended with `status`.
    pub fn ended(self, status: i32) -> Result<Self, Failed> {
        if self.status == Some(status) {
            return Ok(self);
        }
        Err(format!("expected exit status {status}, got {:?}; it told:\n{}{}", self.status, self.text(), self.stderr)
            .into())
    }

    /// Fails unless standard error holds `part`.
    pub fn told(self, part: &str) -> Result<Self, Failed> {
        if self.stderr.contains(part) {
            return Ok(self);
        }
        Err(format!("{part:?} is not in:\n{}", self.stderr).into())
    }
}

/// Commands as typed and all they answered, for a snapshot.
pub struct Transcript<'a> {
    stage: &'a Stage,
    text: String,
}

impl<'a> Transcript<'a> {
    pub fn new(stage: &'a Stage) -> Self {
        Self { stage, text: String::new() }
    }

    /// What is particular about the next command.
    pub fn note(&mut self, text: &str) {
        self.text += &format!("# {}\n", if text.is_empty() { "nothing" } else { text.trim_end() });
    }

    pub fn run(&mut self, arguments: &[&str]) -> Result<(), Failed> {
        let ran = self.stage.run(arguments)?;
        self.add(arguments, &ran);
        Ok(())
    }

    pub fn add(&mut self, arguments: &[&str], ran: &Ran) {
        let quote = |word: &&str| {
            let plain = !word.is_empty() && !word.contains([' ', '"', '*', '&', '|', '<', '>', '{']);
            if plain { (*word).to_owned() } else { format!("'{word}'") }
        };
        let words: Vec<String> = arguments.iter().map(quote).collect();
        self.text += &format!("$ wasm-faas {}\n", words.join(" ")).replace(" \n", "\n");
        self.text += &self.stage.redact(&String::from_utf8_lossy(&ran.stdout));
        if !self.text.ends_with('\n') {
            self.text += "⏎\n";
        }
        self.text += &ran.stderr;
        let status = ran.status.map_or_else(|| "a signal".into(), |status| status.to_string());
        self.text += &format!("[exit status {status}]\n\n");
    }

    /// Fails unless it is as `snapshots/<name>.snap` has it.
    pub fn matches(self, name: &str) -> Result<(), Failed> {
        assert_snapshot(name, &self.text);
        Ok(())
    }
}

/// Panics unless `text` is as `snapshots/<name>.snap` has it; identifiers, measured values and versions aside.
pub fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(support::root().join("tests/scenarios/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"REPORT (\S+) [0-9A-Z]{26}: ([a-z-]+), .*", "REPORT $1 [id]: $2, [usage]");
    settings.add_filter(r"in use by process \d+", "in use by process [pid]");
    settings.add_filter(r"^wasm-faas \d+\.\d+\.\d+", "wasm-faas [version]");
    settings.add_filter(r"message [0-9A-Z]{26}", "message [id]");
    settings.add_filter(r" \(os error \d+\)", "");
    settings.add_filter(r"wasm-faas\.exe", "wasm-faas");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Looks again and again until there is something to see.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T, Failed> {
    let started = Instant::now();
    loop {
        if let Some(seen) = look() {
            return Ok(seen);
        }
        if started.elapsed() > PATIENCE {
            return Err(failed(format_args!("waited for {what} in vain")));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

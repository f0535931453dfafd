//! What people and machines read of scenarios.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::print;
use crate::config::scenario::Scenario;

/// How a scenario went.
pub(super) struct Verdict {
    /// Of the last run.
    pub(super) seed: u32,
    pub(super) runs: u32,
    /// In the last run.
    pub(super) simulated: Duration,
    /// What was not as expected; nothing when it passed.
    pub(super) problems: Vec<String>,
}

/// Prints each scenario as it ends.
pub(super) struct Report {
    json: bool,
    /// The application, where the call named it.
    manifest: Option<PathBuf>,
    passed: u32,
    failed: u32,
}

impl Report {
    pub(super) fn new(json: bool, manifest: Option<PathBuf>) -> Self {
        Self { json, manifest, passed: 0, failed: 0 }
    }

    pub(super) fn add(&mut self, file: &Path, scenario: &Scenario, verdict: &Verdict) -> Result<(), CliError> {
        match verdict.problems.is_empty() {
            true => self.passed += 1,
            false => self.failed += 1,
        }
        let line = if self.json { to_json(file, scenario, verdict) } else { self.to_text(file, scenario, verdict) };
        print(line.as_bytes())
    }

    /// Whether there was any.
    pub(super) fn is_empty(&self) -> bool {
        self.passed + self.failed == 0
    }

    pub(super) fn end(self) -> Result<ExitCode, CliError> {
        if !self.json {
            print(format!("\n{} passed, {} failed\n", self.passed, self.failed).as_bytes())?;
        }
        Ok(if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn to_text(&self, file: &Path, scenario: &Scenario, verdict: &Verdict) -> String {
        let (path, name) = (file.display(), &scenario.name);
        if verdict.problems.is_empty() {
            let simulated = humantime::format_duration(verdict.simulated);
            let runs = if verdict.runs == 1 { String::new() } else { format!(", {} seeds", verdict.runs) };
            return format!("ok      {path}: {name} ({simulated}{runs})\n");
        }
        let mut text = format!("FAILED  {path}: {name}\n");
        for problem in &verdict.problems {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "        {}", problem.replace('\n', "\n        "));
        }
        let _ = writeln!(text, "        again: {}", self.again(file, name, verdict.seed));
        text
    }

    /// The command that plays a scenario once more, the same way.
    fn again(&self, file: &Path, name: &str, seed: u32) -> String {
        let manifest = self.manifest.as_ref().map(|path| format!(" --manifest {}", word(&path.to_string_lossy())));
        let (file, name, manifest) = (word(&file.to_string_lossy()), word(name), manifest.unwrap_or_default());
        format!("wasm-faas test {file}{manifest} --name={name} --seed {seed}")
    }
}

/// As a shell takes it for one word.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn to_json(file: &Path, scenario: &Scenario, verdict: &Verdict) -> String {
    let object = json!({
        "file": file,
        "scenario": scenario.name,
        "ok": verdict.problems.is_empty(),
        "seed": verdict.seed,
        "runs": verdict.runs,
        "simulatedMs": u64::try_from(verdict.simulated.as_millis()).unwrap_or(u64::MAX),
        "problems": verdict.problems,
    });
    format!("{object}\n")
}

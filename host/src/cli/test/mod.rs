//! `test`: an application in scenarios, on a clock that is moved by hand.

mod compare;
mod faults;
mod files;
mod play;
mod report;
mod stores;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::error::CliError;
use super::serve::loader;
use crate::config::scenario::Scenario;
use crate::engine::Loader;
use report::{Report, Verdict};

/// Play scenarios against an application, without serving it
///
/// A scenario says what there is, what happens and what is expected then. Time is simulated: days of retries and schedules
/// take milliseconds. Nothing that the application has stored is touched.
///
/// Exit status: 0 ok, 1 a scenario failed, 2 a file is wrong, 3 a component cannot be loaded.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Files of scenarios, or folders with `*.test.toml` in them or in their folder `tests`
    #[arg(value_name = "FILE | FOLDER", default_value = ".")]
    targets: Vec<PathBuf>,
    /// The application [default: wasm-faas.toml beside a file of scenarios, or in a folder above]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Play only scenarios with this text in their name
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Repeat what is left to chance as it was with this seed
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// Play each scenario so often, each time with another seed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Print a JSON object for each scenario
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, CliError> {
    let loader = loader()?;
    // Its own: playing begins that of the thread anew with each seed.
    let mut chance = fastrand::Rng::new();
    let mut report = Report::new(arguments.json, arguments.manifest.clone());
    for file in files::find(&arguments.targets)? {
        let application = files::Application::of(&file, arguments.manifest.as_deref())?;
        let scenarios = Scenario::read(&file, &application.manifest)?;
        if scenarios.is_empty() {
            return Err(CliError::EmptyScenarios { file });
        }
        let is_meant = |scenario: &Scenario| arguments.name.as_ref().is_none_or(|name| scenario.name.contains(name));
        for scenario in scenarios.into_iter().filter(is_meant) {
            let first = arguments.seed.or(scenario.seed).unwrap_or_else(|| chance.u32(..));
            let verdict = verdict(&loader, &application, &scenario, first, arguments.runs)?;
            report.add(&file, &scenario, &verdict)?;
        }
    }
    match &arguments.name {
        Some(name) if report.is_empty() => Err(CliError::NoScenarioNamed { text: name.clone() }),
        _ => report.end(),
    }
}

/// Plays the scenario with one seed after the other, from `first` on, until it fails.
fn verdict(
    loader: &Arc<Loader>,
    application: &files::Application,
    scenario: &Scenario,
    first: u32,
    runs: u32,
) -> Result<Verdict, CliError> {
    let mut passed = Verdict { seed: first, runs: 0, simulated: std::time::Duration::ZERO, problems: Vec::new() };
    for run in 0..runs {
        let seed = first.wrapping_add(run);
        let played = play::play(loader, &application.manifest, scenario, seed)?;
        passed = Verdict { seed, runs: run + 1, simulated: played.simulated, problems: played.problems };
        if !passed.problems.is_empty() {
            break;
        }
    }
    Ok(passed)
}

use std::process::ExitCode;

use super::error::CliError;

/// Print the JSON schema of manifests
///
/// For editors, which complete and explain keys with it: `wasm-faas schema > wasm-faas.schema.json`.
#[derive(clap::Args)]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments) -> Result<ExitCode, CliError> {
    super::print(format!("{:#}\n", crate::config::schema()).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

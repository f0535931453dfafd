use std::path::PathBuf;
use std::process::ExitCode;

use super::error::CliError;

/// Build the function in a folder and print its component's path
///
/// Rust, JavaScript, TypeScript and Python are recognised by their files. What is missing of a toolchain is installed below
/// `.wasm-faas/` of the project.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The function's folder
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, CliError> {
    if arguments.folder.is_file() {
        return Err(CliError::NoFolder { path: arguments.folder });
    }
    if !arguments.folder.is_dir() {
        return Err(CliError::NoTarget { path: arguments.folder });
    }
    let component = super::block_on(async { Ok(crate::build::build(&arguments.folder).await?) })?;
    super::print(format!("{}\n", component.display()).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bytesize::ByteSize;

use super::error::CliError;
use crate::engine::{CompileError, Order, Profile};

/// Compile a component to machine code and print that; the host starts this to load a function
#[derive(clap::Args)]
pub(super) struct Arguments {
    component: PathBuf,
    /// SHA-256 of the component, in hex
    #[arg(long)]
    digest: String,
    /// Code that counts fuel
    #[arg(long)]
    metered: bool,
    /// Code with component-model concurrency
    #[arg(long)]
    concurrent: bool,
    /// Most time on the processor
    #[arg(long)]
    cpu_seconds: u64,
    /// Most private memory
    #[arg(long)]
    memory_bytes: u64,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, CliError> {
    let profile = Profile { metered: arguments.metered, concurrent: arguments.concurrent };
    let order = Order { path: &arguments.component, digest: &arguments.digest, profile };
    match order.run_as_child(Duration::from_secs(arguments.cpu_seconds), ByteSize(arguments.memory_bytes)) {
        Ok(code) => super::print(&code).map(|()| ExitCode::SUCCESS),
        Err(error) => {
            super::tell(&error);
            Ok(ExitCode::from(CompileError::EXIT))
        }
    }
}

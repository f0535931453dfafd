//! The command line: one file per verb.

mod build;
mod check;
mod compile;
mod data;
mod dead_letters;
mod error;
mod event;
mod function;
mod input;
mod inspect;
mod invoke;
mod reach;
mod request;
mod response;
mod run;
mod schema;
mod serve;
mod sources;
mod table;
mod target;
mod test;
mod units;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::CliError;

/// Runs serverless functions that are WebAssembly components, in any language, anywhere.
#[derive(Parser)]
#[command(name = "wasm-faas", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(Box<run::Arguments>),
    Serve(Box<serve::Arguments>),
    Invoke(Box<invoke::Arguments>),
    Data(Box<data::Arguments>),
    DeadLetters(Box<dead_letters::Arguments>),
    Build(build::Arguments),
    Inspect(inspect::Arguments),
    Check(check::Arguments),
    Test(test::Arguments),
    Schema(schema::Arguments),
    #[command(hide = true)]
    Compile(compile::Arguments),
}

/// As shells tell an end by ctrl-C.
const INTERRUPTED: u8 = 130;

/// Runs what the process's arguments say.
///
/// Exit status: 0 ok, 1 the handler failed, 2 bad arguments or data, 3 not loadable, 4 stopped by a limit or a trap, 130
/// ended by ctrl-C.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A compiler bounds itself before anything else, and ends with the process that started it; a server ends what runs first.
    if !matches!(arguments.command, Command::Compile(_) | Command::Serve(_)) {
        end_on_interrupt();
    }
    let ended = match arguments.command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Invoke(arguments) => invoke::run(&arguments),
        Command::Data(arguments) => data::run(*arguments),
        Command::DeadLetters(arguments) => dead_letters::run(*arguments),
        Command::Build(arguments) => build::run(arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Compile(arguments) => compile::run(&arguments),
    };
    ended.unwrap_or_else(|error| error.report())
}

/// Ctrl-C ends the process at once, whatever it does: a build's tools with it, and a store is safe at any instant.
fn end_on_interrupt() {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        // Where signals cannot be had, ctrl-C does what the system's default is.
        if runtime.is_ok_and(|runtime| runtime.block_on(tokio::signal::ctrl_c()).is_ok()) {
            break_off();
            std::process::exit(INTERRUPTED.into());
        }
    });
}

/// Ends the tools that run, with the process that must end after this, and tells what they did.
fn break_off() {
    if let Some(error) = crate::child::interrupt() {
        tell(format_args!("error: {error}"));
    }
}

/// The runtime of a command. Guests run inline on its workers.
fn block_on<T>(future: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|source| CliError::Runtime { source })?;
    let done = runtime.block_on(future);
    // A look-up or a copy that still blocks a thread must not hold up the end; a store is safe at any instant.
    runtime.shutdown_background();
    done
}

/// Writes to standard output, which carries data only. A reader that went away ends the command quietly.
fn print(bytes: &[u8]) -> Result<(), CliError> {
    is_printed(bytes).map(drop)
}

/// The same; false when the reader went away.
fn is_printed(bytes: &[u8]) -> Result<bool, CliError> {
    use std::io::Write as _;
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(source) => Err(CliError::Output { source }),
    }
}

/// Writes a line for people to standard error. That nobody reads it is no reason to stop.
fn tell(line: impl std::fmt::Display) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

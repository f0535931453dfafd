use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::data::line;
use super::error::CliError;
use super::{event, print, reach, run, tell};
use crate::config::units::duration;
use crate::event::Event;
use crate::triggers::control::{Invoke, InvokeLater, Invoked};

/// Call a function of a running host
///
/// The response goes to standard output; the end of the function's log and a line with what it used go to standard error.
///
/// Exit status: 0 ok, 1 the handler failed, 2 bad arguments or no host, 4 stopped by a limit or a trap.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Its name in the manifest
    function: String,
    /// The event's data
    #[arg(long, value_name = "TEXT", conflicts_with = "event")]
    data: Option<String>,
    /// Read the event in CloudEvents JSON from a file, or from standard input for `-`
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
    /// The event's type [default: faas.invoke]
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Leave the event for the function and do not wait; prints its id
    #[arg(long = "async")]
    later: bool,
    /// How long the function does not get the event
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "later")]
    delay: Option<Duration>,
    /// Events with the same one are taken once
    #[arg(long, value_name = "ID", requires = "later")]
    deduplication_id: Option<String>,
    /// Print the outcome, or what was left, as a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: reach::Flags,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, CliError> {
    let kind = arguments.kind.clone();
    let event = match &arguments.event {
        Some(path) => event::from_file(path, "/invoke", kind)?,
        None => event::from_text(arguments.data.as_deref().unwrap_or_default(), "/invoke", kind)?,
    };
    if arguments.later {
        return leave(arguments, event);
    }
    let asked = Invoke { function: arguments.function.clone(), event: event.into() };
    let invoked = super::block_on(async { Ok(arguments.place.host().await?.call(asked).await?) })?;
    show(&invoked, arguments.json)?;
    Ok(run::exit_code(&invoked.word))
}

fn leave(arguments: &Arguments, event: Event) -> Result<ExitCode, CliError> {
    let asked = InvokeLater {
        function: arguments.function.clone(),
        event: event.into(),
        delay: arguments.delay,
        deduplication_id: arguments.deduplication_id.clone(),
    };
    let left = super::block_on(async { Ok(arguments.place.host().await?.call(asked).await?) })?;
    print(if arguments.json { line(&left) } else { format!("{}\n", left.id) }.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn show(invoked: &Invoked, json: bool) -> Result<(), CliError> {
    invoked.log.lines().for_each(tell);
    if let Some(complaint) = &invoked.complaint {
        run::tell_failure(complaint, &invoked.backtrace);
    }
    tell(&invoked.report);
    match &invoked.data {
        _ if json => print(format!("{}\n", invoked.json).as_bytes()),
        Some(data) => run::show(&data.0),
        None => Ok(()),
    }
}

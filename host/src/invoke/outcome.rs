use std::fmt;
use std::time::Duration;

use bytesize::ByteSize;

use super::Called;
use crate::engine::{CallError, Reply};
use crate::event::{Failure, Response};
use crate::services::context::printable;

/// How one invocation went: the only record of it.
#[derive(Debug)]
pub struct Outcome {
    /// The invocation's own id.
    pub id: String,
    pub function: String,
    pub ending: Ending,
    /// From admission to the result.
    pub duration: Duration,
    /// Burnt by the call; `None` when unmetered.
    pub fuel: Option<u64>,
    /// Most memory and tables in use, in bytes.
    pub memory: u64,
    pub start: Start,
    /// The end of the function's log.
    pub log_tail: String,
}

/// Each way an invocation can end.
#[derive(Debug)]
pub enum Ending {
    /// The handler answered.
    Ok(Response),
    /// The batch handler answered for each event, in order.
    Batch(Vec<Result<(), Failure>>),
    /// A `wasi:http` function answered; its response went to the caller.
    Http,
    /// A command ran to its end, with this exit code.
    Exited(i32),
    Rejected(String),
    Retry {
        reason: String,
        after: Option<Duration>,
    },
    /// It did not come to an answer.
    Stopped(CallError),
}

impl Ending {
    /// The word in reports: `ok`, `rejected`, `out-of-fuel`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ok(_) | Self::Http | Self::Exited(0) => "ok",
            Self::Batch(answers) if answers.iter().all(Result::is_ok) => "ok",
            Self::Batch(_) => "partial",
            Self::Exited(_) => "failed",
            Self::Rejected(_) => "rejected",
            Self::Retry { .. } => "retry",
            Self::Stopped(error) => error.word(),
        }
    }

    /// What went wrong, in one line for people; `None` when nothing did.
    pub fn complaint(&self) -> Option<String> {
        match self {
            Self::Ok(_) | Self::Batch(_) | Self::Http | Self::Exited(0) => None,
            Self::Exited(code) => Some(format!("the command exited with code {code}")),
            Self::Rejected(reason) => Some(format!("the handler rejected the event: {}", printable(reason))),
            Self::Retry { reason, after } => {
                let after = after.map(|after| format!(", not before {}", humantime::format_duration(after)));
                let (after, reason) = (after.unwrap_or_default(), printable(reason));
                Some(format!("the handler wants to try again{after}: {reason}"))
            }
            Self::Stopped(error) => Some(error.to_string()),
        }
    }

    /// Where in the guest a trap came up, the innermost frame first.
    pub fn backtrace(&self) -> &[String] {
        match self {
            Self::Stopped(error) => error.backtrace(),
            _ => &[],
        }
    }
}

/// Whether the instance was made for this invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Cold,
    Warm,
}

impl Start {
    pub fn word(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
        }
    }
}

impl Outcome {
    pub(super) fn new(id: String, function: &str, duration: Duration, called: Called) -> Self {
        let ending = match called.reply {
            Ok(Reply::Event(Ok(response))) => Ending::Ok(response),
            Ok(Reply::Event(Err(Failure::Rejected(reason)))) => Ending::Rejected(reason),
            Ok(Reply::Event(Err(Failure::Retry { reason, after }))) => Ending::Retry { reason, after },
            Ok(Reply::Batch(answers)) => Ending::Batch(answers),
            Ok(Reply::Http) => Ending::Http,
            Ok(Reply::Run(code)) => Ending::Exited(code),
            Err(error) => Ending::Stopped(error),
        };
        Self {
            id,
            function: function.to_owned(),
            ending,
            duration,
            fuel: called.usage.fuel,
            memory: called.usage.memory,
            start: called.start,
            log_tail: called.log_tail,
        }
    }
}

/// The REPORT line.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let duration = self.duration.as_secs_f64() * 1e3;
        write!(f, "REPORT {} {}: {}, {duration:.2} ms", self.function, self.id, self.ending.word())?;
        match self.fuel {
            Some(fuel) => write!(f, ", fuel {fuel}")?,
            None => f.write_str(", unmetered")?,
        }
        write!(f, ", memory {:#}, {}", ByteSize(self.memory), self.start.word())
    }
}

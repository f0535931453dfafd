//! From an outcome to what becomes of each message of it.

use std::time::Duration;

use crate::config::Advice;
use crate::engine::CallError;
use crate::event::Failure;
use crate::invoke::{Ending, Outcome};
use crate::services::context::printable;
use crate::services::message::Attribute;
use crate::services::queue::dead;

/// Of the text of a report; the end is cut.
const ERROR_BYTES: usize = 1 << 10;
const BACKTRACE_BYTES: usize = 4 << 10;
/// Before the next attempt after a fault of the host's own.
const HOST_FAULT_DELAY: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was handled.
    Done,
    /// It is dead: the handler said never again.
    Rejected(String),
    /// It failed; `after` is the earliest time for the next attempt, where the handler named one.
    Failed { why: String, after: Option<Duration> },
    /// The attempt does not count: nobody's fault but the host's.
    NotCounted { why: String, delay: Duration },
}

impl Verdict {
    /// One for each of `count` messages.
    pub(super) fn of(ending: &Ending, count: usize, advice: &Advice) -> Vec<Self> {
        match ending {
            Ending::Batch(answers) if answers.len() == count => {
                answers.iter().map(|answer| answer.as_ref().map_or_else(Self::failed, |()| Self::Done)).collect()
            }
            Ending::Ok(_) | Ending::Batch(_) | Ending::Http | Ending::Exited(_) => vec![Self::Done; count],
            Ending::Rejected(reason) => vec![Self::Rejected(printable(reason)); count],
            Ending::Retry { reason, after } => {
                vec![Self::Failed { why: printable(reason), after: *after }; count]
            }
            Ending::Stopped(error) => vec![Self::stopped(error, advice); count],
        }
    }

    fn failed(failure: &Failure) -> Self {
        match failure {
            Failure::Rejected(reason) => Self::Rejected(printable(reason)),
            Failure::Retry { reason, after } => Self::Failed { why: printable(reason), after: *after },
        }
    }

    fn stopped(error: &CallError, advice: &Advice) -> Self {
        let why = error.told(advice);
        match error {
            CallError::Cancelled => Self::NotCounted { why, delay: Duration::ZERO },
            CallError::Unloadable { .. } | CallError::NoRoom => Self::NotCounted { why, delay: HOST_FAULT_DELAY },
            CallError::Trap { .. }
            | CallError::Exit(_)
            | CallError::OutOfFuel { .. }
            | CallError::OutOfMemory { .. }
            | CallError::Deadline { .. }
            | CallError::CallerDeadline { .. }
            | CallError::StackOverflow
            | CallError::TooLarge { .. }
            | CallError::NoReply
            | CallError::NoSuchExport { .. } => Self::Failed { why, after: None },
        }
    }

    /// Whether the function works: what it rejects it has understood.
    pub(super) fn is_fine(&self) -> bool {
        matches!(self, Self::Done | Self::Rejected(_))
    }
}

/// What a dead letter tells of the last attempt.
pub(super) fn report(outcome: &Outcome, why: &str, version: &str) -> Vec<Attribute> {
    let backtrace = match &outcome.ending {
        Ending::Stopped(error) => error.backtrace().join("\n"),
        _ => String::new(),
    };
    let told = [
        (dead::ERROR, cut(why, ERROR_BYTES)),
        (dead::FUNCTION, outcome.function.clone()),
        (dead::VERSION, version.to_owned()),
        (dead::FUEL, outcome.fuel.map(|fuel| fuel.to_string()).unwrap_or_default()),
        (dead::MEMORY, outcome.memory.to_string()),
        (dead::BACKTRACE, cut(&backtrace, BACKTRACE_BYTES)),
        // It is bounded where it is kept.
        (dead::LOG, outcome.log_tail.clone()),
    ];
    let told = told.into_iter().filter(|(_, value)| !value.is_empty());
    told.map(|(name, value)| Attribute { name: name.into(), value }).collect()
}

fn cut(text: &str, bytes: usize) -> String {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ending: &Ending, count: usize) -> Vec<Verdict> {
        Verdict::of(ending, count, &Advice::Flags)
    }

    #[test]
    fn a_batch_is_judged_one_by_one() {
        let retry = Failure::Retry { reason: "later".into(), after: Some(Duration::from_secs(2)) };
        let ending = Ending::Batch(vec![Ok(()), Err(Failure::Rejected("bad\u{1b}".into())), Err(retry)]);
        let verdicts = of(&ending, 3);
        assert_eq!(verdicts[0], Verdict::Done);
        assert!(matches!(&verdicts[1], Verdict::Rejected(why) if !why.contains('\u{1b}')), "{verdicts:?}");
        let later = Verdict::Failed { why: "later".into(), after: Some(Duration::from_secs(2)) };
        assert_eq!(verdicts[2], later);
    }

    #[test]
    fn a_stopped_batch_failed_whole() {
        let verdicts = of(&Ending::Stopped(CallError::OutOfFuel { limit: 9 }), 2);
        assert_eq!(verdicts.len(), 2);
        assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Failed { after: None, .. })));
    }

    #[test]
    fn a_fault_of_the_host_does_not_count() {
        for error in [CallError::Cancelled, CallError::NoRoom, CallError::Unloadable { message: "gone".into() }] {
            assert!(matches!(&of(&Ending::Stopped(error), 1)[..], [Verdict::NotCounted { .. }]));
        }
    }
}

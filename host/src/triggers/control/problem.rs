use serde::{Deserialize, Serialize};

use crate::services::Error;

/// Why an operation was not done: one line for whoever asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    pub kind: Kind,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What was asked for is not there, or not as it was said to be.
    Absent,
    /// What was asked cannot be meant, or needs something else first.
    Invalid,
    /// It could not be done now.
    Unavailable,
}

pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    pub(super) fn absent(message: impl Into<String>) -> Self {
        Self { kind: Kind::Absent, message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { kind: Kind::Invalid, message: message.into() }
    }

    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self { kind: Kind::Unavailable, message: message.into() }
    }

    /// What an error of a service comes to; `what` says what it happened to: "key `a` of bucket `visits`".
    pub(super) fn of(what: &str, error: &Error) -> Self {
        match error {
            Error::NotFound => Self::absent(format!("there is no {what}")),
            Error::Conflict(Some(version)) => Self::absent(format!("{what} is not as asked: its version is {version}")),
            Error::Conflict(None) => Self::absent(format!("{what} is not as asked")),
            Error::LeaseLost => Self::absent(format!("{what}: the lease is lost, another receiver may have it")),
            Error::TooLarge(limit) => Self::invalid(format!("{what} is too large: the limit is {limit}")),
            Error::Invalid(why) => Self::invalid(format!("{what}: {why}")),
            Error::AccessDenied(_) | Error::Unsupported(_) => Self::invalid(format!("{what}: {error}")),
            Error::Throttled(_) | Error::Unavailable(_) | Error::UnknownOutcome(_) => {
                Self::unavailable(format!("{what}: {error}"))
            }
        }
    }
}

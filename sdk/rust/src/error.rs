use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::bindings::function::wasm_faas::function::types as raw;
use crate::time::millis;

/// What a handler returns, and with another `E` what a service operation returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an event was not handled.
///
/// `?` turns every `std::error::Error` into one. [`Rejected`] and [`Retry`] say what happens to the event; any other
/// error is logged at level error with its causes, and the event is tried again as its source's retry policy says.
pub struct Error(Box<dyn StdError + Send + Sync>);

impl Error {
    /// An error that is only a message.
    pub fn msg(message: impl Into<String>) -> Self {
        Self(message.into().into())
    }

    /// The error inside, where it is a `T`: `error.downcast_ref::<ServiceError>()`.
    pub fn downcast_ref<T: StdError + 'static>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }

    /// What led to this error, the nearest cause first.
    pub fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        std::iter::successors(self.0.source(), |cause| (*cause).source())
    }
}

// `Error` itself is no `std::error::Error`: this conversion would then overlap with that of a type into itself.
impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The event is wrong for good: it is not tried again and is dead-lettered at once, the reason with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub reason: String,
}

impl Rejected {
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rejected: {}", self.reason)
    }
}

impl StdError for Rejected {}

/// Not now: the event is tried again, not before `after` has passed, or after its source's own backoff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    pub reason: String,
    pub after: Option<Duration>,
}

impl Retry {
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), after: None }
    }

    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.after = Some(delay);
        self
    }
}

impl fmt::Display for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "retry: {}", self.reason)
    }
}

impl StdError for Retry {}

impl From<Error> for raw::Failure {
    fn from(error: Error) -> Self {
        if let Some(Rejected { reason }) = error.downcast_ref() {
            return Self::Rejected(reason.clone());
        }
        if let Some(Retry { reason, after }) = error.downcast_ref() {
            return Self::Retry(raw::Retry { reason: reason.clone(), after_ms: after.map(millis) });
        }
        Self::Retry(raw::Retry { reason: error.to_string(), after_ms: None })
    }
}

/// What a service operation answers instead of its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceError {
    /// The function has no grant for this; the text names the flag or manifest line that would give it.
    AccessDenied(String),
    /// The bucket, queue, topic, container or object does not exist.
    NotFound,
    /// A condition did not hold, or an increment would overflow. Carries the version that is there now, when known.
    Conflict(Option<u64>),
    /// The lease ended: another receiver may have the message.
    LeaseLost,
    /// Over a limit; carries the limit in bytes or entries.
    TooLarge(u64),
    /// An argument is malformed; the text says which and why.
    Invalid(String),
    /// Over a rate; carries the time to wait.
    Throttled(Duration),
    /// This backend cannot do it; the text names the feature.
    Unsupported(String),
    /// The backend is away. The operation was not applied.
    Unavailable(String),
    /// The backend went away in the middle. The operation may have been applied.
    UnknownOutcome(String),
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AccessDenied(missing) => write!(f, "access denied: {missing}"),
            Self::NotFound => f.write_str("not found"),
            Self::Conflict(Some(version)) => write!(f, "conflict: version `{version}` is there now"),
            Self::Conflict(None) => f.write_str("conflict: the condition does not hold"),
            Self::LeaseLost => f.write_str("the lease has ended: another receiver may have the message"),
            Self::TooLarge(limit) => write!(f, "too large: the limit is `{limit}`"),
            Self::Invalid(why) => write!(f, "invalid: {why}"),
            Self::Throttled(wait) => write!(f, "throttled: try again in {wait:?}"),
            Self::Unsupported(feature) => write!(f, "not supported by this backend: {feature}"),
            Self::Unavailable(why) => write!(f, "unavailable, nothing was applied: {why}"),
            Self::UnknownOutcome(why) => write!(f, "unknown outcome, it may have been applied: {why}"),
        }
    }
}

impl StdError for ServiceError {}

impl From<raw::Error> for ServiceError {
    fn from(error: raw::Error) -> Self {
        match error {
            raw::Error::AccessDenied(missing) => Self::AccessDenied(missing),
            raw::Error::NotFound => Self::NotFound,
            raw::Error::Conflict(version) => Self::Conflict(version),
            raw::Error::LeaseLost => Self::LeaseLost,
            raw::Error::TooLarge(limit) => Self::TooLarge(limit),
            raw::Error::Invalid(why) => Self::Invalid(why),
            raw::Error::Throttled(wait_ms) => Self::Throttled(Duration::from_millis(wait_ms)),
            raw::Error::Unsupported(feature) => Self::Unsupported(feature),
            raw::Error::Unavailable(why) => Self::Unavailable(why),
            raw::Error::UnknownOutcome(why) => Self::UnknownOutcome(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(error: impl Into<Error>) -> raw::Failure {
        error.into().into()
    }

    #[test]
    fn a_rejection_is_final_and_carries_its_reason() {
        assert!(
            matches!(failure(Rejected::new("no such user")), raw::Failure::Rejected(reason) if reason == "no such user")
        );
    }

    #[test]
    fn a_retry_carries_its_reason_and_delay() {
        let raw::Failure::Retry(retry) = failure(Retry::new("busy").after(Duration::from_millis(1500))) else {
            panic!("not a retry");
        };
        assert_eq!((retry.reason.as_str(), retry.after_ms), ("busy", Some(1500)));
    }

    #[test]
    fn any_other_error_is_a_retry_with_its_message() {
        for error in [Error::from("x".parse::<u8>().unwrap_err()), Error::msg("invalid digit found in string")] {
            let raw::Failure::Retry(retry) = raw::Failure::from(error) else { panic!("not a retry") };
            assert_eq!((retry.reason.as_str(), retry.after_ms), ("invalid digit found in string", None));
        }
    }

    #[test]
    fn causes_are_listed_from_the_nearest() {
        #[derive(Debug)]
        struct Outer(std::num::ParseIntError);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("cannot read the order")
            }
        }
        impl StdError for Outer {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        let error = Error::from(Outer("x".parse::<u8>().unwrap_err()));
        let causes: Vec<_> = error.causes().map(ToString::to_string).collect();
        assert_eq!(causes, ["invalid digit found in string"]);
    }
}

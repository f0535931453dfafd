/// What every service operation can answer besides success; `types.error` of the WIT, case by case.
///
/// [`Error::Unavailable`] and [`Error::UnknownOutcome`] are kept apart because a caller may safely repeat only the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No grant; the text names the flag or manifest line that would give it.
    #[error("access denied: {0}")]
    AccessDenied(String),
    /// No such bucket, queue, topic, container or object.
    #[error("not found")]
    NotFound,
    /// A condition did not hold; the version that is there now, when known.
    #[error("conflict{}", .0.map(|version| format!(": the version is now {version}")).unwrap_or_default())]
    Conflict(Option<u64>),
    /// The lease ended; another receiver may have the message.
    #[error("the lease is lost")]
    LeaseLost,
    /// Over a limit, in bytes or entries.
    #[error("too large: the limit is {0}")]
    TooLarge(u64),
    /// A malformed argument: which, and why.
    #[error("invalid: {0}")]
    Invalid(String),
    /// Over a rate; milliseconds to wait.
    #[error("throttled: try again in {0} ms")]
    Throttled(u64),
    /// The backend cannot do this; the feature's name.
    #[error("unsupported: {0}")]
    Unsupported(String),
    /// Not applied.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// May have been applied.
    #[error("unknown outcome: {0}")]
    UnknownOutcome(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

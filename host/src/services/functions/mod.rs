//! Functions as other functions see them: what invokes them, the checked call, and how an event waits in a queue until its
//! function takes it.

pub mod host;
mod queued;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

pub use queued::{Queued, from_message, queue_name, send, to_message};

use super::message::{self, Accepted, Attribute};
use super::transaction::Transaction;
use super::{Access, Error, Result, denied, queue};
use crate::config::{Grant, Right, Service};
use crate::event::{Event, Response, Trigger};

/// Data, content type, attributes, type and subject of one call.
pub const CALL_BYTES: usize = 8 << 20;
pub const KIND_BYTES: usize = 256;
pub const SUBJECT_BYTES: usize = 1024;
/// Functions in a chain of functions that invoke each other, the first included.
pub const CHAIN: u8 = 16;

/// What the callee's event is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    pub data: Vec<u8>,
    pub content_type: Option<String>,
    pub attributes: Vec<Attribute>,
    pub kind: Option<String>,
    pub subject: Option<String>,
}

/// The invocation that calls.
#[derive(Debug, Clone, Copy)]
pub struct Calling<'a> {
    pub function: &'a str,
    pub deadline: Instant,
    /// W3C trace context.
    pub traceparent: Option<&'a str>,
    /// Functions before it in its chain.
    pub depth: u8,
    /// Its own, in which asynchronous calls wait, too. What it invokes at once is not part of it.
    pub transaction: Option<&'a Arc<dyn Transaction>>,
}

/// When an asynchronous call is delivered; as for a queue's message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Later {
    pub delay: Option<Duration>,
    pub deduplication_id: Option<String>,
}

/// Why a call has no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvokeError {
    Rejected(String),
    Retry {
        reason: String,
        after: Option<Duration>,
    },
    /// One line that may leave the host.
    Stopped(String),
    /// It was not invoked.
    Service(Error),
}

impl From<Error> for InvokeError {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

/// Runs functions by name. Calls have passed the checks of [`invoke`] and [`invoke_async`]; a function that is not there
/// answers [`Error::NotFound`].
#[async_trait]
pub trait Invoker: Send + Sync {
    /// Runs it to its end, at most until the caller's deadline; stops it when the future is dropped.
    async fn invoke(&self, name: &str, call: Call, from: Calling<'_>) -> Result<Response, InvokeError>;
    /// Puts the call into the function's queue; durable when it returns.
    async fn enqueue(&self, name: &str, call: Call, later: Later, from: Calling<'_>) -> Result<Accepted>;
}

/// A call as one function may make it.
pub async fn invoke(access: &Access, name: &str, call: Call, from: Calling<'_>) -> Result<Response, InvokeError> {
    check(access, name, Right::Invoke, &call, from)?;
    access.functions()?.invoke(name, call, from).await
}

/// The same for one that is handled later.
pub async fn invoke_async(
    access: &Access,
    name: &str,
    call: Call,
    later: Later,
    from: Calling<'_>,
) -> Result<Accepted> {
    check(access, name, Right::InvokeAsync, &call, from)?;
    queue::check_delay(later.delay)?;
    message::check_id("deduplication id", later.deduplication_id.as_deref())?;
    access.functions()?.enqueue(name, call, later, from).await
}

fn check(access: &Access, name: &str, right: Right, call: &Call, from: Calling<'_>) -> Result<()> {
    crate::config::check_name(Service::Function, name).map_err(|error| Error::Invalid(error.to_string()))?;
    let wanted = Grant::new(Service::Function, name, &[right]);
    match access.granted(Service::Function, name) {
        Some(grant) if grant.has(right) => {}
        Some(grant) => return Err(denied(&grant.clone().union(&wanted))),
        None => return Err(denied(&wanted.advised(access.advice().clone()))),
    }
    call.check()?;
    if from.depth.saturating_add(1) >= CHAIN {
        let length = u16::from(from.depth) + 2;
        let text = format!(
            "`{name}` would be the {length}th of functions that invoke each other, one after the other; {CHAIN} may"
        );
        return Err(Error::Invalid(text));
    }
    Ok(())
}

impl Call {
    /// Bytes that count against the limit.
    fn size(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let rest = text(&self.kind) + text(&self.subject);
        message::size(&self.data, self.content_type.as_deref(), &self.attributes) + rest
    }

    fn check(&self) -> Result<()> {
        message::check_attributes(&self.attributes)?;
        if self.kind.as_ref().is_some_and(String::is_empty) {
            return Err(Error::Invalid("the type is empty".into()));
        }
        let too_long = |text: &Option<String>, limit| text.as_ref().is_some_and(|text| text.len() > limit);
        let limits = [
            (too_long(&self.kind, KIND_BYTES), KIND_BYTES),
            (too_long(&self.subject, SUBJECT_BYTES), SUBJECT_BYTES),
            (self.size() > CALL_BYTES, CALL_BYTES),
        ];
        match limits.into_iter().find(|(over, _)| *over) {
            Some((_, limit)) => Err(Error::TooLarge(limit as u64)),
            None => Ok(()),
        }
    }

    /// The event that the callee gets, its id new.
    pub fn into_event(self, caller: &str, time_ms: u64) -> Event {
        Event {
            id: ulid::Ulid::generate().to_string(),
            source: format!("/functions/{caller}"),
            kind: self.kind.unwrap_or_else(|| KIND.into()),
            subject: self.subject,
            time_ms,
            content_type: self.content_type,
            attributes: self.attributes.into_iter().map(|attribute| (attribute.name, attribute.value)).collect(),
            trigger: Trigger::Invoke,
            data: self.data,
        }
    }
}

/// An event's type when nobody says otherwise.
const KIND: &str = "faas.invoke";

impl Calling<'_> {
    /// The trace context for what it invokes: the same trace, a span of its own. `None` where there is none, or none that
    /// W3C's trace context level 1 would have.
    pub fn onward_trace(&self) -> Option<String> {
        let mut parts = self.traceparent?.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |part: &str, len| {
            part.len() == len && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let fits = version == "00" && hex(trace, 32) && hex(span, 16) && hex(flags, 2) && parts.next().is_none();
        fits.then(|| format!("00-{trace}-{:016x}-{flags}", fastrand::u64(1..)))
    }
}

#[cfg(test)]
mod tests;

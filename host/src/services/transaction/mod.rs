//! Transactions: what one invocation sends and sets, held back until the message it handles is acknowledged, and
//! committed together with that acknowledgement or not at all.
//!
//! Reads see the transaction's own writes over what others have committed. Nothing is locked: the commit checks that
//! each key and object that was read, or written under a condition, is still the one that was seen, and otherwise refuses
//! everything. What a list showed is not checked.

mod overlay;
pub mod sqlite;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::message::Accepted;
use super::queue::{Message, Receipt};
use super::{Access, Error, Result, blob, kv, topic};
use crate::config::Grant;

/// Keys and objects written and messages sent in one transaction.
pub const EFFECTS: usize = 1_000;
/// Keys, values, messages and small objects that one transaction holds until its end.
pub const BYTES: usize = 16 << 20;
/// Keys and objects read or written in one transaction.
pub const KEYS: usize = 10_000;

/// A backend whose resources can take part in transactions.
pub trait Backend: Send + Sync {
    /// A transaction for one invocation, or for one delivery without any.
    fn begin(&self) -> Arc<dyn Transaction>;
}

/// Takes the place of the backends of buckets and containers, and of sending and publishing. Dropped without
/// [`Transaction::commit`] it leaves nothing behind. Past one of its limits an operation answers [`Error::TooLarge`].
///
/// The version that a set answers, and a get of what was set, is provisional: good for conditions in this transaction and
/// of no use after it. Ids of messages and etags of objects are those that will be stored.
#[async_trait]
pub trait Transaction: fmt::Debug + Send + Sync {
    /// The buckets as the transaction sees them.
    fn kv(&self) -> Arc<dyn kv::Backend>;
    /// The containers as the transaction sees them.
    fn blob(&self) -> Arc<dyn blob::Backend>;
    /// As [`queue::Backend::send`](super::queue::Backend::send). Delays begin with the commit.
    async fn send(&self, queue: &str, messages: Vec<Message>) -> Result<Vec<Result<Accepted>>>;
    /// As [`topic::Backend::publish`]. What the filters say now counts.
    async fn publish(&self, topic: &str, messages: Vec<topic::Message>) -> Result<Vec<Result<Accepted>>>;
    /// Ends the transaction: acknowledges the messages, each of its queue, and applies all effects, in one step. Durable
    /// when it returns. Whatever comes later answers [`Error::Unavailable`].
    async fn commit(&self, acknowledged: Vec<(String, Receipt)>) -> Result<(), NotCommitted>;
}

/// Why a transaction did not commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCommitted {
    /// Another attempt sees what is there now.
    #[error("{what} by somebody else in the meantime, so that nothing was applied")]
    Conflict { what: String },
    #[error("the lease of the message ended before its effects were committed, so that nothing was applied")]
    LeaseLost,
    /// Nothing was applied, but for [`Error::UnknownOutcome`]: then all of it may have been.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// A checked handle that can work inside a transaction.
pub trait Handle: Clone {
    fn grant(&self) -> &Grant;
    /// The same resource as the transaction sees it.
    fn within(&self, transaction: &Arc<dyn Transaction>) -> Self;
}

impl Access {
    /// The handle inside the transaction, if there is one and the resource is kept where there are any.
    pub(super) fn joined<H: Handle>(&self, handle: H, transaction: Option<&Arc<dyn Transaction>>) -> H {
        match transaction.filter(|_| self.backends(handle.grant()).transactions.is_some()) {
            Some(transaction) => handle.within(transaction),
            None => handle,
        }
    }
}

//! Transactions of the embedded store: the effects wait in memory, and one operation of the writer checks and applies
//! them with the functions that the backends use.

mod blob;
mod kv;
mod messages;

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::overlay::{Held, Overlay};
use super::{Backend, NotCommitted, Transaction};
use crate::services::kv::Entry;
use crate::services::memory::lock;
use crate::services::message::Accepted;
use crate::services::queue::sqlite::acknowledge;
use crate::services::queue::{Message, Receipt};
use crate::services::sqlite::{Durability, Queue, Shared, Step, Writing};
use crate::services::{self, Error, Result, topic};
use blob::Object;
use messages::Outbox;

pub(crate) struct Transactions(pub(crate) Arc<Shared>);

impl Backend for Transactions {
    fn begin(&self) -> Arc<dyn Transaction> {
        let state = Arc::new(Mutex::new(Some(State::default())));
        Arc::new(Pending { shared: Arc::clone(&self.0), state })
    }
}

/// One transaction, and those of its handles that outlive a call.
#[derive(Clone)]
struct Pending {
    shared: Arc<Shared>,
    /// `None` once it is over.
    state: Arc<Mutex<Option<State>>>,
}

#[derive(Default)]
struct State {
    kv: Overlay<u64, Entry>,
    blobs: Overlay<String, Arc<Object>>,
    outbox: Outbox,
    held: Held,
    /// How many provisional versions were given.
    versions: u64,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if lock(&self.state).is_some() { "Transaction(open)" } else { "Transaction(over)" })
    }
}

impl Pending {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        work(lock(&self.state).as_mut().ok_or_else(over)?)
    }
}

fn over() -> Error {
    Error::Unavailable("the transaction that this belongs to is over".into())
}

#[async_trait]
impl Transaction for Pending {
    fn kv(&self) -> Arc<dyn services::kv::Backend> {
        Arc::new(self.clone())
    }

    fn blob(&self) -> Arc<dyn services::blob::Backend> {
        Arc::new(self.clone())
    }

    async fn send(&self, queue: &str, messages: Vec<Message>) -> Result<Vec<Result<Accepted>>> {
        let queue = self.shared.catalog.queue(queue)?;
        self.with(|state| Ok(messages.into_iter().map(|message| state.send(&self.shared, &queue, message)).collect()))
    }

    async fn publish(&self, topic: &str, messages: Vec<topic::Message>) -> Result<Vec<Result<Accepted>>> {
        let topic = self.shared.catalog.topic(topic)?;
        self.with(|state| {
            Ok(messages.into_iter().map(|message| state.publish(&self.shared, &topic, message)).collect())
        })
    }

    async fn commit(&self, acknowledged: Vec<(String, Receipt)>) -> Result<(), NotCommitted> {
        let state = lock(&self.state).take().ok_or_else(over)?;
        let queue = |(name, receipt): (String, Receipt)| Ok((self.shared.catalog.queue(&name)?, receipt));
        let acknowledged: Vec<(Arc<Queue>, Receipt)> = acknowledged.into_iter().map(queue).collect::<Result<_>>()?;
        let bytes = state.held.bytes();
        let commit = move |writing: &mut Writing<'_>| state.commit(writing, &acknowledged);
        match self.shared.writer.write(Durability::Power, bytes, commit).await {
            Ok(None) => Ok(()),
            Ok(Some(what)) => Err(NotCommitted::Conflict { what }),
            Err(Error::LeaseLost) => Err(NotCommitted::LeaseLost),
            Err(error) => Err(error.into()),
        }
    }
}

impl State {
    /// Applies everything; or nothing, and says what has changed since it was seen.
    fn commit(&self, writing: &mut Writing<'_>, acknowledged: &[(Arc<Queue>, Receipt)]) -> Step<Option<String>> {
        if let Some(what) = self.changed(writing)? {
            return Ok(Some(what));
        }
        // Before the sends: a message for the group of the one acknowledged is its new head.
        for (queue, receipt) in acknowledged {
            acknowledge(writing, queue, *receipt)??;
        }
        self.apply_kv(writing)?;
        self.apply_blobs(writing)?;
        self.outbox.apply(writing)?;
        Ok(None)
    }

    fn changed(&self, writing: &Writing<'_>) -> Step<Option<String>> {
        if let Some(what) = self.changed_key(writing)? {
            return Ok(Some(what));
        }
        if let Some(what) = self.changed_object(writing)? {
            return Ok(Some(what));
        }
        self.outbox.overtaken(writing)
    }
}

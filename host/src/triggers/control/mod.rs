//! The way in for operators: to look at and change what is stored, and to call functions, in the process that has them.
//!
//! An operation is written once, as what is asked for and how it is done ([`Operation`]). A [`Client`] does it in its own
//! process, or has the host do it that has the store, through a socket in the data folder.

mod blob;
mod client;
mod data;
mod dead_letters;
mod invoke;
mod kv;
mod problem;
mod queue;
mod resources;
mod socket;
mod topic;
mod wire;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use blob::{Delete as BlobDelete, Get as BlobGet, List as BlobList, Object, Put as BlobPut};
pub use client::{Client, Download, Upload, Watched};
pub use data::Data;
pub use dead_letters::{
    Dead, Edit as DeadLetterEdit, Queues as DeadLetterQueues, Redrive, RedriveAll, Remove as DeadLetterRemove,
};
pub use invoke::{Event, Invoke, InvokeLater, Invoked};
pub use kv::{Delete as KvDelete, Entry, Get as KvGet, List as KvList, Seen, Set as KvSet, Watch as KvWatch};
pub use problem::{Kind, Problem, Result};
pub use queue::{
    Acknowledge as QueueAcknowledge, Browse as QueueBrowse, Find as QueueFind, Message, Purge as QueuePurge,
    Receive as QueueReceive, Received, Send as QueueSend, Sent, Stats as QueueStats, StatsOf, Stored,
};
pub use resources::{Beyond, Control, List as ResourceList, Named};
pub use socket::{Socket, SocketError, Trace};
pub use topic::{Publish, Replay};

/// What an operator can ask for. What is asked and what is answered can be written as JSON.
#[async_trait]
pub trait Operation: Serialize + DeserializeOwned + Sized {
    /// Its name on the socket.
    const NAME: &'static str;
    type Answer: Serialize + DeserializeOwned + Send;

    async fn run(self, control: &Control) -> Result<Self::Answer>;
}

//! `wasm-faas:function/queue` for guests.

use wasmtime::component::Resource;

use super::{Delivered, Message, Queue, Stats};
use crate::config::Service;
use crate::services::bindings::types::{self, Accepted};
use crate::services::bindings::{GuestError, queue};
use crate::services::host::{View, accepted, each, from_guest, millis, to_guest};

type Result<T, E = GuestError> = std::result::Result<T, E>;

impl queue::Host for View<'_> {}

impl queue::HostQueue for View<'_> {
    async fn open(&mut self, name: String) -> Result<Resource<Queue>> {
        let grant = self.access.grant(Service::Queue, &name)?;
        let queue = Queue::open(self.access.backends(&grant).queue.clone(), grant).await?;
        Ok(self.table.push(queue)?)
    }

    async fn send(&mut self, queue: Resource<Queue>, message: queue::Message) -> Result<Accepted> {
        Ok(accepted(self.handle(&queue)?.send(message.into()).await?))
    }

    async fn send_batch(
        &mut self,
        queue: Resource<Queue>,
        messages: Vec<queue::Message>,
    ) -> Result<Vec<Result<Accepted, types::Error>>> {
        let messages = messages.into_iter().map(Into::into).collect();
        Ok(each(self.handle(&queue)?.send_batch(messages).await?, accepted))
    }

    async fn receive(
        &mut self,
        queue: Resource<Queue>,
        max: u32,
        wait_ms: u32,
        lease_ms: Option<u32>,
    ) -> Result<Vec<queue::Delivered>> {
        let (wait, lease) = (millis(wait_ms.into()), lease_ms.map(|ms| millis(ms.into())));
        let messages = self.handle(&queue)?.receive(max, wait, lease).await?;
        Ok(messages.into_iter().map(delivered).collect())
    }

    async fn acknowledge(
        &mut self,
        queue: Resource<Queue>,
        receipts: Vec<String>,
    ) -> Result<Vec<Result<(), types::Error>>> {
        Ok(each(self.handle(&queue)?.acknowledge(&receipts).await?, |()| ()))
    }

    async fn release(&mut self, queue: Resource<Queue>, receipt: String, delay_ms: u64) -> Result<()> {
        Ok(self.handle(&queue)?.release(&receipt, millis(delay_ms)).await?)
    }

    async fn extend(&mut self, queue: Resource<Queue>, receipt: String, lease_ms: u32) -> Result<()> {
        Ok(self.handle(&queue)?.extend(&receipt, millis(lease_ms.into())).await?)
    }

    async fn stats(&mut self, queue: Resource<Queue>) -> Result<queue::Stats> {
        let Stats { ready, delayed, leased, oldest_age_ms, exact } = self.handle(&queue)?.stats().await?;
        Ok(queue::Stats { ready, delayed, leased, oldest_age_ms, exact })
    }

    async fn drop(&mut self, queue: Resource<Queue>) -> wasmtime::Result<()> {
        self.table.delete(queue)?;
        Ok(())
    }
}

impl From<queue::Message> for Message {
    fn from(message: queue::Message) -> Self {
        Self {
            body: message.body,
            content_type: message.content_type,
            attributes: from_guest(message.attributes),
            delay: message.delay_ms.map(millis),
            group: message.group,
            deduplication_id: message.deduplication_id,
            ttl: message.ttl_ms.map(millis),
        }
    }
}

fn delivered(message: Delivered) -> queue::Delivered {
    queue::Delivered {
        id: message.id,
        receipt: message.receipt.to_string(),
        body: message.body,
        content_type: message.content_type,
        attributes: to_guest(message.attributes),
        group: message.group,
        receive_count: message.receive_count,
        sent_at_ms: message.sent_at_ms,
        first_received_at_ms: message.first_received_at_ms,
    }
}

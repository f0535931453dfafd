//! `wasm-faas:function/topic` for guests.

use wasmtime::component::Resource;

use super::{Message, Topic};
use crate::config::Service;
use crate::services::bindings::types::{self, Accepted};
use crate::services::bindings::{GuestError, topic};
use crate::services::host::{View, accepted, each, from_guest};

type Result<T, E = GuestError> = std::result::Result<T, E>;

impl topic::Host for View<'_> {}

impl topic::HostTopic for View<'_> {
    async fn open(&mut self, name: String) -> Result<Resource<Topic>> {
        let grant = self.access.grant(Service::Topic, &name)?;
        let topic = Topic::open(self.access.backends(&grant).topic.clone(), grant).await?;
        Ok(self.table.push(topic)?)
    }

    async fn publish(&mut self, topic: Resource<Topic>, message: topic::Message) -> Result<Accepted> {
        Ok(accepted(self.handle(&topic)?.publish(message.into()).await?))
    }

    async fn publish_batch(
        &mut self,
        topic: Resource<Topic>,
        messages: Vec<topic::Message>,
    ) -> Result<Vec<Result<Accepted, types::Error>>> {
        let messages = messages.into_iter().map(Into::into).collect();
        Ok(each(self.handle(&topic)?.publish_batch(messages).await?, accepted))
    }

    async fn drop(&mut self, topic: Resource<Topic>) -> wasmtime::Result<()> {
        self.table.delete(topic)?;
        Ok(())
    }
}

impl From<topic::Message> for Message {
    fn from(message: topic::Message) -> Self {
        Self {
            body: message.body,
            content_type: message.content_type,
            attributes: from_guest(message.attributes),
            group: message.group,
            deduplication_id: message.deduplication_id,
        }
    }
}

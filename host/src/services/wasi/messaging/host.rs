//! `wasi:messaging` for guests.

use wasmtime::component::Resource;

use super::{Client, Message, RequestOptions, disconnected, no_replies};
use crate::services::Error;
use crate::services::bindings::GuestError;
use crate::services::host::View;
use crate::services::wasi::bindings::wasi::messaging::{producer, request_reply, types};

type Result<T, E = GuestError> = std::result::Result<T, E>;

impl types::Host for View<'_> {
    fn convert_error(&mut self, error: GuestError) -> wasmtime::Result<types::Error> {
        Ok(match error {
            GuestError::Trap(error) => return Err(error),
            GuestError::Answer(Error::AccessDenied(text)) => types::Error::PermissionDenied(text),
            GuestError::Answer(error @ (Error::Unavailable(_) | Error::UnknownOutcome(_))) => {
                types::Error::Connection(error.to_string())
            }
            GuestError::Answer(error) => types::Error::Other(error.to_string()),
        })
    }
}

impl types::HostClient for View<'_> {
    fn connect(&mut self, _name: String) -> Result<Resource<Client>> {
        Ok(self.table.push(Client { connected: true })?)
    }

    fn disconnect(&mut self, client: Resource<Client>) -> Result<()> {
        self.table.get_mut(&client)?.connected = false;
        Ok(())
    }

    fn drop(&mut self, client: Resource<Client>) -> wasmtime::Result<()> {
        self.table.delete(client)?;
        Ok(())
    }
}

/// None of these can answer an error: what is over the budget ends the invocation.
impl types::HostMessage for View<'_> {
    fn new(&mut self, data: Vec<u8>) -> wasmtime::Result<Resource<Message>> {
        let message = Message::new(data, self.budget).map_err(|error| unsent(&error))?;
        Ok(self.table.push(message)?)
    }

    /// Only a message that was received has one.
    fn topic(&mut self, message: Resource<Message>) -> wasmtime::Result<Option<String>> {
        self.table.get(&message)?;
        Ok(None)
    }

    fn content_type(&mut self, message: Resource<Message>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&message)?.content_type.clone())
    }

    fn set_content_type(&mut self, message: Resource<Message>, content_type: String) -> wasmtime::Result<()> {
        self.change(&message, |message| message.content_type = Some(content_type))
    }

    fn data(&mut self, message: Resource<Message>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.table.get(&message)?.data.clone())
    }

    fn set_data(&mut self, message: Resource<Message>, data: Vec<u8>) -> wasmtime::Result<()> {
        self.change(&message, |message| message.data = data)
    }

    fn metadata(&mut self, message: Resource<Message>) -> wasmtime::Result<Option<types::Metadata>> {
        Ok(self.table.get(&message)?.metadata.clone())
    }

    fn add_metadata(&mut self, message: Resource<Message>, key: String, value: String) -> wasmtime::Result<()> {
        self.change(&message, |message| message.add_metadata(key, value))
    }

    fn set_metadata(&mut self, message: Resource<Message>, metadata: types::Metadata) -> wasmtime::Result<()> {
        self.change(&message, |message| message.metadata = Some(metadata))
    }

    fn remove_metadata(&mut self, message: Resource<Message>, key: String) -> wasmtime::Result<()> {
        self.change(&message, |message| message.remove_metadata(&key))
    }

    fn drop(&mut self, message: Resource<Message>) -> wasmtime::Result<()> {
        self.table.delete(message)?;
        Ok(())
    }
}

impl View<'_> {
    fn change(&mut self, message: &Resource<Message>, change: impl FnOnce(&mut Message)) -> wasmtime::Result<()> {
        self.table.get_mut(message)?.change(change).map_err(|error| unsent(&error))
    }
}

fn unsent(error: &Error) -> wasmtime::Error {
    wasmtime::format_err!("the function holds too many messages that it did not send: {error}")
}

impl producer::Host for View<'_> {
    async fn send(&mut self, client: Resource<Client>, topic: String, message: Resource<Message>) -> Result<()> {
        let message = self.table.delete(message)?;
        if !self.table.get(&client)?.connected {
            return Err(disconnected().into());
        }
        Ok(message.send(self.access, self.context.transaction(), &topic).await?)
    }
}

impl request_reply::Host for View<'_> {
    fn request(
        &mut self,
        _client: Resource<Client>,
        _topic: String,
        _message: Resource<Message>,
        options: Option<Resource<RequestOptions>>,
    ) -> Result<Vec<Resource<Message>>> {
        if let Some(options) = options {
            self.table.delete(options)?;
        }
        Err(no_replies().into())
    }

    fn reply(&mut self, _reply_to: Resource<Message>, message: Resource<Message>) -> Result<()> {
        self.table.delete(message)?;
        Err(no_replies().into())
    }
}

impl request_reply::HostRequestOptions for View<'_> {
    fn new(&mut self) -> wasmtime::Result<Resource<RequestOptions>> {
        Ok(self.table.push(RequestOptions)?)
    }

    fn set_timeout_ms(&mut self, options: Resource<RequestOptions>, _timeout_ms: u32) -> wasmtime::Result<()> {
        self.table.get(&options)?;
        Ok(())
    }

    fn set_expected_replies(&mut self, options: Resource<RequestOptions>, _replies: u32) -> wasmtime::Result<()> {
        self.table.get(&options)?;
        Ok(())
    }

    fn drop(&mut self, options: Resource<RequestOptions>) -> wasmtime::Result<()> {
        self.table.delete(options)?;
        Ok(())
    }
}

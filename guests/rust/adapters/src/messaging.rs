use serde::Deserialize;
use serde_json::{Value, json};

use crate::bindings::wasi::messaging::types::{Client, Error, Message};
use crate::bindings::wasi::messaging::{producer, request_reply};
use crate::values::{Failure, bytes, text};

#[derive(Deserialize)]
#[serde(tag = "op")]
enum Op {
    #[serde(rename = "messaging.send")]
    Send {
        topic: String,
        #[serde(deserialize_with = "bytes")]
        data: Vec<u8>,
        content_type: Option<String>,
        metadata: Option<Vec<(String, String)>>,
    },
    #[serde(rename = "messaging.message")]
    Message,
    #[serde(rename = "messaging.hoard")]
    Hoard { count: usize, size: usize },
    #[serde(rename = "messaging.send_disconnected")]
    SendDisconnected { topic: String },
    #[serde(rename = "messaging.request")]
    Request { topic: String },
    #[serde(rename = "messaging.reply")]
    Reply,
}

pub(crate) fn run(step: Value) -> Result<Value, Failure> {
    let client = Client::connect("any")?;
    Ok(match serde_json::from_value(step)? {
        Op::Send { topic, data, content_type, metadata } => {
            let message = Message::new(&data);
            content_type.iter().for_each(|content_type| message.set_content_type(content_type));
            metadata.iter().for_each(|metadata| message.set_metadata(metadata));
            json!(producer::send(&client, &topic, message)?)
        }
        Op::Message => every_function(),
        Op::Hoard { count, size } => (0..count).map(|_| Message::new(&vec![0; size])).collect::<Vec<_>>().len().into(),
        Op::SendDisconnected { topic } => {
            client.disconnect()?;
            json!(producer::send(&client, &topic, Message::new(b""))?)
        }
        Op::Request { topic } => {
            let options = request_reply::RequestOptions::new();
            options.set_timeout_ms(10);
            options.set_expected_replies(1);
            request_reply::request(&client, &topic, &Message::new(b""), Some(options))?.len().into()
        }
        Op::Reply => json!(request_reply::reply(&Message::new(b""), Message::new(b""))?),
    })
}

/// What a message says of itself after each change.
fn every_function() -> Value {
    let message = Message::new(b"one");
    let describe = || json!([message.topic(), message.content_type(), text(message.data()), message.metadata()]);
    let fresh = describe();
    message.set_data(b"two");
    message.set_content_type("text/plain");
    message.add_metadata("a", "1");
    message.add_metadata("b", "2");
    message.add_metadata("a", "3");
    let filled = describe();
    message.remove_metadata("a");
    let removed = describe();
    message.set_metadata(&[]);
    json!([fresh, filled, removed, describe()])
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Timeout => Self::new("timeout", ""),
            Error::Connection(text) => Self::new("connection", text),
            Error::PermissionDenied(text) => Self::new("permission-denied", text),
            Error::Other(text) => Self::new("other", text),
        }
    }
}

//! Outcomes for machines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Ending, Outcome};
use crate::event::Response;

impl Outcome {
    /// As one JSON object, without the log.
    pub fn to_json(&self) -> Value {
        let mut object = json!({
            "id": self.id,
            "function": self.function,
            "outcome": self.ending.word(),
            "durationMs": self.duration.as_secs_f64() * 1e3,
            "fuel": self.fuel,
            "memoryBytes": self.memory,
            "start": self.start.word(),
        });
        let more = match &self.ending {
            Ending::Ok(response) => json!({ "response": response_json(response) }),
            Ending::Http | Ending::Batch(_) => json!({}),
            Ending::Exited(code) => json!({ "exitCode": code }),
            Ending::Rejected(reason) => json!({ "reason": reason }),
            Ending::Retry { reason, after } => {
                json!({ "reason": reason, "afterMs": after.map(|after| after.as_millis()) })
            }
            Ending::Stopped(error) => json!({ "reason": error.to_string(), "backtrace": error.backtrace() }),
        };
        if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
            object.extend(more);
        }
        object
    }
}

/// Data that is UTF-8 stands as `data`, other data as `dataBase64`.
fn response_json(response: &Response) -> Value {
    let mut object = json!({
        "status": response.status.unwrap_or(200),
        "contentType": response.content_type,
        "attributes": response.attributes,
    });
    match std::str::from_utf8(&response.data) {
        Ok(text) => object["data"] = text.into(),
        Err(_) => object["dataBase64"] = STANDARD.encode(&response.data).into(),
    }
    object
}

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use wasm_faas::functions::{self, Answer, AsyncOptions};
use wasm_faas::{Call, InvokeError};

use crate::values::{Bytes, Failure, Names, accepted, milliseconds, names};

#[derive(Deserialize)]
struct Step {
    op: String,
    function: String,
    data: Bytes,
    content_type: Option<String>,
    attributes: Option<Names>,
    r#type: Option<String>,
    subject: Option<String>,
    delay_ms: Option<u64>,
    deduplication_id: Option<String>,
}

pub(crate) fn run(step: Value) -> Result<Value, Failure> {
    let step: Step = serde_json::from_value(step)?;
    let mut call = Call::new(step.data.0);
    for (name, value) in step.attributes.unwrap_or_default() {
        call = call.attribute(name, value);
    }
    call = step.content_type.into_iter().fold(call, Call::content_type);
    call = step.r#type.into_iter().fold(call, Call::r#type);
    call = step.subject.into_iter().fold(call, Call::subject);
    if step.op == "functions.invoke" {
        return Ok(answer(functions::invoke(&step.function, call)?));
    }
    let options =
        AsyncOptions { delay: step.delay_ms.map(Duration::from_millis), deduplication_id: step.deduplication_id };
    Ok(accepted(&functions::invoke_async_with(&step.function, call, options)?))
}

fn answer(answer: Answer) -> Value {
    let Answer { status, content_type, attributes, data } = answer;
    json!({ "status": status, "content_type": content_type, "attributes": names(&attributes), "data": Bytes(data) })
}

impl From<InvokeError> for Failure {
    fn from(error: InvokeError) -> Self {
        match error {
            InvokeError::Rejected(reason) => Self::new("rejected", reason),
            InvokeError::Retry { reason, after } => {
                Self::new("retry", json!({ "reason": reason, "after_ms": after.map(milliseconds) }))
            }
            InvokeError::Stopped(line) => Self::new("stopped", line),
            InvokeError::Service(error) => error.into(),
        }
    }
}

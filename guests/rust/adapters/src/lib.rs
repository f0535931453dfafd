//! Calls the proposals of WASI that the host serves besides its own interfaces, as a component does that was written for
//! another host: without our SDK. An event holds a list of steps, the response an answer for each: `{"ok": ...}` or
//! `{"error": {"code", "detail"}}`.

mod blobstore;
mod keyvalue;
mod messaging;
mod settings;
mod values;

use bindings::exports::wasm_faas::function::handler::{Event, Failure, Guest, Response};
use serde_json::{Value, json};

#[allow(unsafe_code, reason = "generated")]
mod bindings {
    use super::Adapters;

    wit_bindgen::generate!({
        path: [
            "../../../wit/adapters/io-0.2.2",
            "../../../wit/adapters/keyvalue-0.2.0-draft",
            "../../../wit/adapters/keyvalue-0.2.0-draft2",
            "../../../wit/adapters/blobstore-0.2.0-draft",
            "../../../wit/adapters/messaging-0.2.0-draft",
            "../../../wit/adapters/config-0.2.0-rc.1",
            "../../../wit/adapters/config-0.2.0-draft",
            "../../../wit/adapters/config-0.2.0-draft-2024-09-27",
            "../../../wit/adapters/logging-0.1.0-draft",
            "../../../wit",
        ],
        inline: "
            package wasm-faas:guests;

            world adapters {
                import wasi:keyvalue/store@0.2.0-draft;
                import wasi:keyvalue/atomics@0.2.0-draft;
                import wasi:keyvalue/batch@0.2.0-draft;
                import wasi:keyvalue/store@0.2.0-draft2;
                import wasi:keyvalue/atomics@0.2.0-draft2;
                import wasi:keyvalue/batch@0.2.0-draft2;
                import wasi:blobstore/blobstore@0.2.0-draft;
                import wasi:messaging/producer@0.2.0-draft;
                import wasi:messaging/request-reply@0.2.0-draft;
                import wasi:config/store@0.2.0-rc.1;
                import wasi:config/store@0.2.0-draft;
                import wasi:config/store@0.2.0-draft-2024-09-27;
                import wasi:logging/logging@0.1.0-draft;
                export wasm-faas:function/handler@0.1.0;
            }
        ",
        world: "wasm-faas:guests/adapters",
        generate_all,
    });

    export!(Adapters);
}

struct Adapters;

impl Guest for Adapters {
    fn handle(event: Event) -> Result<Response, Failure> {
        let steps: Vec<Value> =
            serde_json::from_slice(&event.data).map_err(|error| Failure::Rejected(error.to_string()))?;
        let answers: Vec<Value> = steps.into_iter().map(answer).collect();
        Ok(Response {
            status: None,
            content_type: None,
            attributes: Vec::new(),
            data: json!(answers).to_string().into(),
        })
    }
}

fn answer(step: Value) -> Value {
    match run(step) {
        Ok(value) => json!({ "ok": value }),
        Err(failure) => json!({ "error": failure }),
    }
}

fn run(step: Value) -> Result<Value, values::Failure> {
    match step["op"].as_str().and_then(|op| op.split('.').next()) {
        Some("draft") => keyvalue::draft::run(step),
        Some("draft2") => keyvalue::draft2::run(step),
        Some("blobstore") => blobstore::run(step),
        Some("messaging") => messaging::run(step),
        Some("config") => settings::run(&step),
        Some("logging") => settings::log(&step),
        _ => Err(values::Failure::new("invalid", "no such op")),
    }
}

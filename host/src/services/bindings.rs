//! Rust types and traits for what guests import, generated from `wit/`.

use super::Error;

wasmtime::component::bindgen!({
    path: "../wit",
    world: "imports",
    imports: {
        "wasm-faas:function/context.remaining-fuel": store | trappable,
        "wasm-faas:function/context.sleep": async | trappable,
        "wasm-faas:function/context": trappable,
        "wasm-faas:function/config": trappable,
        default: async | trappable,
    },
    with: {
        "wasm-faas:function/kv.bucket": super::kv::Bucket,
        "wasm-faas:function/queue.queue": super::queue::Queue,
        "wasm-faas:function/topic.topic": super::topic::Topic,
        "wasm-faas:function/blob.container": super::blob::Container,
        "wasm-faas:function/blob.reader": super::blob::host::GuestReader,
        "wasm-faas:function/blob.writer": super::blob::host::GuestWriter,
    },
    trappable_error_type: { "wasm-faas:function/types.error" => GuestError },
    require_store_data_send: true,
});

pub use wasm_faas::function::{blob, config, context, functions, kv, queue, topic, types};

/// How a host function ends without a result: an answer for the guest, or a trap when the guest broke a rule of its own
/// handles (their table is full, or one is used after its drop).
#[derive(Debug)]
pub enum GuestError {
    Answer(Error),
    Trap(wasmtime::Error),
}

impl From<Error> for GuestError {
    fn from(error: Error) -> Self {
        Self::Answer(error)
    }
}

impl From<wasmtime::component::ResourceTableError> for GuestError {
    fn from(error: wasmtime::component::ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::AccessDenied(text) => Self::AccessDenied(text),
            Error::NotFound => Self::NotFound,
            Error::Conflict(version) => Self::Conflict(version),
            Error::LeaseLost => Self::LeaseLost,
            Error::TooLarge(limit) => Self::TooLarge(limit),
            Error::Invalid(text) => Self::Invalid(text),
            Error::Throttled(ms) => Self::Throttled(ms),
            Error::Unsupported(feature) => Self::Unsupported(feature),
            Error::Unavailable(text) => Self::Unavailable(text),
            Error::UnknownOutcome(text) => Self::UnknownOutcome(text),
        }
    }
}

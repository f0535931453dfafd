//! Rust types and traits of the proposals in `wit/adapters/`.

use super::blobstore::Told;
use crate::services::Error;
use crate::services::bindings::GuestError;

wasmtime::component::bindgen!({
    path: [
        "../wit/adapters/io-0.2.2",
        "../wit/adapters/keyvalue-0.2.0-draft",
        "../wit/adapters/keyvalue-0.2.0-draft2",
        "../wit/adapters/blobstore-0.2.0-draft",
        "../wit/adapters/messaging-0.2.0-draft",
        "../wit/adapters/config-0.2.0-rc.1",
        "../wit/adapters/config-0.2.0-draft",
        "../wit/adapters/config-0.2.0-draft-2024-09-27",
        "../wit/adapters/logging-0.1.0-draft",
    ],
    inline: "
        package wasm-faas:adapters;

        world adapters {
            import wasi:keyvalue/store@0.2.0-draft;
            import wasi:keyvalue/atomics@0.2.0-draft;
            import wasi:keyvalue/batch@0.2.0-draft;
            import wasi:keyvalue/store@0.2.0-draft2;
            import wasi:keyvalue/atomics@0.2.0-draft2;
            import wasi:keyvalue/batch@0.2.0-draft2;
            import wasi:blobstore/types@0.2.0-draft;
            import wasi:blobstore/container@0.2.0-draft;
            import wasi:blobstore/blobstore@0.2.0-draft;
            import wasi:messaging/types@0.2.0-draft;
            import wasi:messaging/producer@0.2.0-draft;
            import wasi:messaging/request-reply@0.2.0-draft;
            import wasi:config/store@0.2.0-rc.1;
            import wasi:config/store@0.2.0-draft;
            import wasi:config/store@0.2.0-draft-2024-09-27;
            import wasi:logging/logging@0.1.0-draft;
        }
    ",
    world: "wasm-faas:adapters/adapters",
    imports: {
        "wasi:config/store@0.2.0-rc.1": trappable,
        "wasi:config/store@0.2.0-draft": trappable,
        "wasi:config/store@0.2.0-draft-2024-09-27": trappable,
        "wasi:logging/logging@0.1.0-draft": trappable,
        "wasi:messaging/types@0.2.0-draft": trappable,
        "wasi:messaging/request-reply@0.2.0-draft": trappable,
        default: async | trappable,
    },
    with: {
        "wasi:io": wasmtime_wasi::p2::bindings::io,
        "wasi:keyvalue/store@0.2.0-draft.bucket": super::keyvalue::Bucket,
        "wasi:keyvalue/store@0.2.0-draft2.bucket": super::keyvalue::Bucket,
        "wasi:keyvalue/atomics@0.2.0-draft2.cas": super::keyvalue::Cas,
        "wasi:blobstore/container@0.2.0-draft.container": crate::services::blob::Container,
        "wasi:blobstore/container@0.2.0-draft.stream-object-names": super::blobstore::Names,
        "wasi:blobstore/types@0.2.0-draft.outgoing-value": super::blobstore::Outgoing,
        "wasi:blobstore/types@0.2.0-draft.incoming-value": super::blobstore::Incoming,
        "wasi:messaging/types@0.2.0-draft.client": super::messaging::Client,
        "wasi:messaging/types@0.2.0-draft.message": super::messaging::Message,
        "wasi:messaging/request-reply@0.2.0-draft.request-options": super::messaging::RequestOptions,
    },
    trappable_error_type: {
        "wasi:keyvalue/store@0.2.0-draft.error" => GuestError,
        "wasi:keyvalue/store@0.2.0-draft2.error" => GuestError,
        "wasi:messaging/types@0.2.0-draft.error" => GuestError,
        "wasi:blobstore/types@0.2.0-draft.error" => BlobError,
    },
    require_store_data_send: true,
});

/// How a function of the blob store ends without a result: a text for the guest, or a trap.
#[derive(Debug)]
pub enum BlobError {
    Answer(String),
    Trap(wasmtime::Error),
}

impl From<Told> for BlobError {
    fn from(Told(text): Told) -> Self {
        Self::Answer(text)
    }
}

impl From<Error> for BlobError {
    fn from(error: Error) -> Self {
        Told::from(error).into()
    }
}

impl From<wasmtime::component::ResourceTableError> for BlobError {
    fn from(error: wasmtime::component::ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

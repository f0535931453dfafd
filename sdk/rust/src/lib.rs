#![doc = include_str!("../README.md")]

#[doc(hidden)]
pub mod bindings;
pub mod blob;
pub mod config;
pub mod context;
pub mod functions;
pub mod kv;
pub mod log;
pub mod queue;
#[doc(hidden)]
pub mod runtime;
pub mod topic;

mod attributes;
mod error;
mod event;
mod executor;
mod response;
mod time;

pub use attributes::Attributes;
pub use blob::Container;
pub use error::{Error, Rejected, Result, Retry, ServiceError};
pub use event::{BlobChange, BlobChangeKind, Delivery, Event, HttpRequest, KvChange, KvChangeKind, Tick, Trigger};
pub use executor::sleep;
pub use functions::{Call, InvokeError};
pub use kv::Bucket;
pub use queue::Queue;
#[cfg(feature = "json")]
pub use response::Json;
pub use response::{IntoResponse, Response};
pub use topic::{Accepted, Topic};
/// # Example
///
/// ```
/// # use wasm_faas::{Bucket, Event, Result};
/// #[wasm_faas::batch_function]
/// fn handle(events: Vec<Event>) -> Vec<Result<()>> {
///     events.iter().map(store).collect()
/// }
///
/// fn store(event: &Event) -> Result<()> {
///     Bucket::open("seen")?.set(&event.id, &event.data)?;
///     Ok(())
/// }
/// ```
pub use wasm_faas_sdk_macros::batch_function;
/// # Example
///
/// ```
/// # use std::time::Duration;
/// # use wasm_faas::Event;
/// #[wasm_faas::function]
/// async fn handle(event: Event) -> Vec<u8> {
///     wasm_faas::sleep(Duration::from_millis(10)).await;
///     event.data
/// }
/// ```
pub use wasm_faas_sdk_macros::function;

//! Runs components: from bytes to machine code to an instance to an answer. Beside the WIT glue of the services, the
//! only place that names wasmtime.

mod cache;
mod call;
mod compile;
mod component;
mod error;
mod fair;
mod file;
mod http;
mod index;
mod instance;
mod limits;
mod linker;
mod loader;
mod mapped;
mod outgoing;
mod pool;
mod profile;
pub mod shape;
mod state;
mod stdio;

pub use cache::{Cache, CacheError};
pub use compile::{CompileError, CompileLimits, Compiler, Order};
pub use component::{Component, Registered};
pub use error::{CallError, LoadError};
pub use instance::{HttpAnswer, HttpBody, HttpCall, HttpError, Instance, Reply, Request, Usage};
pub use loader::Loader;
pub use pool::{Lease, Pool, SWEEP, Source};
pub use profile::Profile;
pub use state::{FunctionSpec, lane};

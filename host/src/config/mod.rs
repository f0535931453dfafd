//! Plain checked data about functions and resources: no async, no I/O.

mod grant;
mod http;
mod limits;
mod manifest;
mod pool;
mod resources;
mod secret;
mod server;

pub use grant::{Grant, GrantError, Right, Service};
pub use http::{Cors, HttpTrigger, Target};
pub use limits::Limits;
pub use manifest::{FunctionSettings, Manifest};
pub use pool::{Isolation, PoolSettings, Rate};
pub use resources::{NAME_BYTES, NameError, QueueSettings, Resources, Subscription, TopicSettings, check_name};
pub use secret::SecretSource;
pub use server::{Server, Tls};

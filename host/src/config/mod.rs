//! Plain checked data about functions and resources: no async, and no I/O but reading the manifest.

mod advice;
mod allow_rule;
mod event_source;
mod filter;
mod grant;
mod http;
mod limits;
mod manifest;
mod pool;
mod resources;
pub mod scenario;
mod schedule;
mod secret;
mod server;
mod transactional;
pub mod units;

pub use advice::Advice;
pub use allow_rule::{AllowError, AllowRule, bare};
pub use event_source::{Backoff, Batch, Delivery, Destination, Destinations, EventSource, Missed, Origin, Ticks};
pub use filter::{Filter, FilterError};
pub use grant::{Grant, GrantError, Right, Service};
pub use http::{Cors, HttpTrigger, Target};
pub use limits::Limits;
pub use manifest::{ConfigError, FunctionSettings, Manifest, Report, schema};
pub(crate) use manifest::{list, near};
pub use pool::{Isolation, PoolSettings, Rate};
pub use resources::{
    BlobWatch, KvWatch, NAME_BYTES, NameError, QueueSettings, Resources, Subscription, TopicSettings,
    check_function_name, check_name,
};
pub use schedule::{Schedule, ScheduleError};
pub use secret::SecretSource;
pub use server::{Server, Tls};
pub use transactional::transactional_refusal;

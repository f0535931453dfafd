//! Plain checked data about functions and resources: no async, no I/O.

mod grant;
mod limits;
mod resources;
mod secret;

pub use grant::{Grant, GrantError, Right, Service};
pub use limits::Limits;
pub use resources::{NAME_BYTES, NameError, QueueSettings, Resources, Subscription, TopicSettings, check_name};
pub use secret::SecretSource;

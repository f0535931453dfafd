//! What a dead message carries besides its own attributes.

use crate::services::message::Attribute;

/// Why it is dead: [`MAX_RECEIVES`], [`REJECTED`] or [`EXPIRED`].
pub const REASON: &str = "faas-dead-reason";
/// The queue it died in.
pub const SOURCE: &str = "faas-dead-source";
/// How often it was delivered there.
pub const RECEIVES: &str = "faas-dead-receives";
/// When it was first sent, milliseconds since the Unix epoch.
pub const FIRST_SENT: &str = "faas-dead-first-sent";
/// What went wrong the last time, in one line. This one and those below come from the report of a release.
pub const ERROR: &str = "faas-dead-error";
/// The function that handled it.
pub const FUNCTION: &str = "faas-dead-function";
/// The function's version.
pub const VERSION: &str = "faas-dead-version";
/// Fuel that the last attempt used.
pub const FUEL: &str = "faas-dead-fuel";
/// Bytes of memory that the last attempt used.
pub const MEMORY: &str = "faas-dead-memory";
/// Where the last attempt trapped.
pub const BACKTRACE: &str = "faas-dead-backtrace";
/// The end of the last attempt's log.
pub const LOG: &str = "faas-dead-log";

/// The reason of a message that was received as often as its queue allows.
pub const MAX_RECEIVES: &str = "max-receives";
/// The reason of a message that its receiver refused for good.
pub const REJECTED: &str = "rejected";
/// The reason of a message whose next delivery would have come after its retention.
pub const EXPIRED: &str = "expired";

const PREFIX: &str = "faas-dead-";

/// The end of a message.
pub(in crate::services) struct Death<'a> {
    pub(in crate::services) reason: &'a str,
    pub(in crate::services) queue: &'a str,
    pub(in crate::services) receives: u32,
    pub(in crate::services) sent_at_ms: u64,
    pub(in crate::services) report: &'a [Attribute],
}

impl Death<'_> {
    /// The dead message's attributes, `attributes` being those that it died with. Dead for the second time, it tells of
    /// the second death, but still when it was first sent.
    pub(in crate::services) fn recorded(&self, attributes: &[Attribute]) -> Vec<Attribute> {
        let first_sent = find(attributes, FIRST_SENT).map_or_else(|| self.sent_at_ms.to_string(), String::from);
        let added = [
            (REASON, self.reason.to_owned()),
            (SOURCE, self.queue.to_owned()),
            (RECEIVES, self.receives.to_string()),
            (FIRST_SENT, first_sent),
        ];
        let added = added.into_iter().map(|(name, value)| Attribute { name: name.into(), value });
        living(attributes).chain(added).chain(self.report.iter().cloned()).collect()
    }
}

/// The queue a dead message died in.
pub(in crate::services) fn source(attributes: &[Attribute]) -> Option<&str> {
    find(attributes, SOURCE)
}

/// The attributes of a message that tell nothing of a death.
pub(in crate::services) fn living(attributes: &[Attribute]) -> impl Iterator<Item = Attribute> {
    attributes.iter().filter(|attribute| !attribute.name.starts_with(PREFIX)).cloned()
}

fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.value.as_str())
}

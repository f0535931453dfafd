use std::path::Path;

use super::{OpenError, schema};
use crate::config::{QueueSettings, Resources, TopicSettings};

/// The resources that a data folder has, by name alone: how queues and topics behave is not kept there. Opens nothing for
/// long; none in a folder that has no store.
pub fn names(dir: &Path) -> Result<Resources, OpenError> {
    let mut resources = Resources::default();
    if !dir.join(schema::FILE).exists() {
        return Ok(resources);
    }
    let failed = |error| OpenError::engine(dir, error);
    let db = schema::open_reader(dir).map_err(failed)?;
    schema::identify(&db, dir)?;
    let mut statement = db.prepare("SELECT kind, name FROM resource").map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let (kind, name): (String, String) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        match kind.as_str() {
            "bucket" => drop(resources.buckets.insert(name)),
            "queue" => drop(resources.queues.insert(name, QueueSettings::default())),
            "topic" => drop(resources.topics.insert(name, TopicSettings::default())),
            "container" => drop(resources.containers.insert(name)),
            _ => {}
        }
    }
    Ok(resources)
}

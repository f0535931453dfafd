use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Control, Operation, Problem, Result};
use crate::config::Service;
use crate::services::Error;
use crate::services::blob::{Condition, Container, Listing, ObjectInfo, PAGE_OBJECTS, PutOptions, Reader, Writer};
use crate::services::message::Attribute;

async fn container(control: &Control, name: &str) -> Result<Container> {
    let (backends, grant) = control.resource(Service::Blob, name)?;
    Control::opened(Service::Blob, name, Container::open(backends.blob.clone(), grant).await)
}

pub(super) fn problem(container: &str, key: &str, error: &Error) -> Problem {
    let object = format!("object `{key}` in container `{container}`");
    match error {
        Error::Conflict(_) => Problem::absent(format!("{object} is not as the condition says, nothing was done")),
        error => Problem::of(&object, error),
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    pub key: String,
    /// In bytes.
    pub size: u64,
    pub etag: String,
    pub content_type: Option<String>,
    pub modified_ms: u64,
    pub metadata: Vec<Attribute>,
}

impl From<ObjectInfo> for Object {
    fn from(info: ObjectInfo) -> Self {
        let ObjectInfo { key, size, etag, content_type, modified_ms, metadata } = info;
        Self { key, size, etag, content_type, modified_ms, metadata }
    }
}

/// Reads an object; its content comes in pieces.
#[derive(Debug, Serialize, Deserialize)]
pub struct Get {
    pub container: String,
    pub key: String,
}

impl Get {
    pub(super) const NAME: &'static str = "blob.get";

    pub(super) async fn open(self, control: &Control) -> Result<Box<dyn Reader>> {
        let Self { container: name, key } = self;
        let reader = container(control, &name).await?.reader(&key, None).await;
        reader.map_err(|error| problem(&name, &key, &error))
    }
}

/// Stores an object; its content goes in pieces.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Put {
    pub container: String,
    pub key: String,
    pub content_type: Option<String>,
    pub metadata: Vec<Attribute>,
    pub if_absent: bool,
    pub if_match: Option<String>,
}

impl Put {
    pub(super) const NAME: &'static str = "blob.put";

    pub(super) async fn open(self, control: &Control) -> Result<Box<dyn Writer>> {
        let Self { container: name, key, content_type, metadata, if_absent, if_match } = self;
        let when = if if_absent { Condition::IfAbsent } else { condition(if_match) };
        let options = PutOptions { content_type, metadata, when };
        let writer = container(control, &name).await?.writer(&key, options).await;
        writer.map_err(|error| problem(&name, &key, &error))
    }
}

fn condition(etag: Option<String>) -> Condition {
    etag.map_or(Condition::Always, Condition::IfMatch)
}

/// A page of objects and common prefixes in byte order.
#[derive(Debug, Serialize, Deserialize)]
pub struct List {
    pub container: String,
    pub prefix: String,
    pub delimiter: Option<String>,
    pub cursor: Option<String>,
}

#[async_trait]
impl Operation for List {
    const NAME: &'static str = "blob.list";
    /// Objects, common prefixes, and the cursor of the next page.
    type Answer = (Vec<Object>, Vec<String>, Option<String>);

    async fn run(self, control: &Control) -> Result<Self::Answer> {
        let Self { container: name, prefix, delimiter, cursor } = self;
        let opened = container(control, &name).await?;
        let listed = opened.list(&prefix, delimiter.as_deref(), cursor.as_deref(), PAGE_OBJECTS).await;
        let listed = listed.map_err(|error| Problem::of(&format!("container `{name}`"), &error))?;
        let Listing { objects, prefixes, cursor } = listed;
        Ok((objects.into_iter().map(Object::from).collect(), prefixes, cursor))
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Delete {
    pub container: String,
    pub key: String,
    pub if_match: Option<String>,
}

#[async_trait]
impl Operation for Delete {
    const NAME: &'static str = "blob.delete";
    type Answer = ();

    async fn run(self, control: &Control) -> Result<()> {
        let Self { container: name, key, if_match } = self;
        match container(control, &name).await?.delete(&key, condition(if_match)).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(problem(&name, &key, &Error::NotFound)),
            Err(error) => Err(problem(&name, &key, &error)),
        }
    }
}

use std::path::PathBuf;

use serde_json::json;

use super::{Session, attribute, copy, line};
use crate::cli::error::CliError;
use crate::cli::print;
use crate::cli::table::{self, time};
use crate::services::message::Attribute;
use crate::triggers::control::{BlobDelete, BlobGet, BlobList, BlobPut, Object};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Store a file as an object
    Put {
        container: String,
        key: String,
        /// The file, or `-` for standard input
        file: PathBuf,
        /// What the content is
        #[arg(long, value_name = "TYPE")]
        content_type: Option<String>,
        /// Give it a pair of metadata
        #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
        metadata: Vec<Attribute>,
        /// Only if there is no such object
        #[arg(long, conflicts_with = "if_match")]
        if_absent: bool,
        /// Only if the object is there with this etag
        #[arg(long, value_name = "ETAG")]
        if_match: Option<String>,
    },
    /// Write an object to a file
    Get {
        container: String,
        key: String,
        /// The file, or `-` for standard output
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// List objects, in the order of their keys' bytes
    List {
        container: String,
        /// Only keys that start with this
        #[arg(long, value_name = "TEXT", default_value = "")]
        prefix: String,
        /// Show keys up to this character after the prefix, once for all that begin alike
        #[arg(long, value_name = "CHARACTER")]
        delimiter: Option<String>,
    },
    /// Delete an object
    Delete {
        container: String,
        key: String,
        /// Only if the object has this etag
        #[arg(long, value_name = "ETAG")]
        if_match: Option<String>,
    },
}

impl Command {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::Put { container, key, file, content_type, metadata, if_absent, if_match } => {
                let put = BlobPut { container, key, content_type, metadata, if_absent, if_match };
                let stored = copy::upload(&file, session.client.put(put).await?).await?;
                let Object { size, etag, .. } = &stored;
                session.done(&stored, format_args!("stored {size} bytes, the etag is {etag}"))
            }
            Self::Get { container, key, file } => {
                let (object, download) = session.client.get(BlobGet { container, key }).await?;
                copy::download(&file, object.size, download).await?;
                // What goes to standard output is the content alone.
                if session.json && file.as_os_str() != "-" { print(line(&object).as_bytes()) } else { Ok(()) }
            }
            Self::List { container, prefix, delimiter } => list(session, container, prefix, delimiter).await,
            Self::Delete { container, key, if_match } => {
                session.client.call(BlobDelete { container, key, if_match }).await?;
                session.done(&json!({ "deleted": true }), "deleted")
            }
        }
    }
}

/// Page by page, so that a large container is shown as it comes; each page is a table of its own.
async fn list(session: &Session, container: String, prefix: String, delimiter: Option<String>) -> Result<(), CliError> {
    let mut cursor = None;
    loop {
        let asked =
            BlobList { container: container.clone(), prefix: prefix.clone(), delimiter: delimiter.clone(), cursor };
        let (objects, prefixes, next) = session.client.call(asked).await?;
        let text = if session.json { lines(&objects, &prefixes) } else { text(&objects, &prefixes) };
        print(text.as_bytes())?;
        cursor = next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn lines(objects: &[Object], prefixes: &[String]) -> String {
    let prefixes = prefixes.iter().map(|prefix| line(&json!({ "prefix": prefix })));
    objects.iter().map(line).chain(prefixes).collect()
}

fn text(objects: &[Object], prefixes: &[String]) -> String {
    let rows = objects.iter().map(|object| {
        let content_type = object.content_type.clone().unwrap_or_default();
        [object.key.clone(), object.size.to_string(), time(object.modified_ms), content_type]
    });
    let prefixes = prefixes.iter().map(|prefix| [prefix.clone(), String::new(), String::new(), String::new()]);
    table::table(["KEY", "SIZE", "MODIFIED", "TYPE"], rows.chain(prefixes))
}

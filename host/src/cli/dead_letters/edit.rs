use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::cli::data::{Session, attribute};
use crate::cli::error::CliError;
use crate::cli::input;
use crate::services::message::Attribute;
use crate::triggers::control::{Data, DeadLetterEdit, QueueFind};

/// Change what a dead letter says; it stays where it is until it is sent back
///
/// Without `--data`, `--file` and the others, the body is opened in the editor that `VISUAL` or `EDITOR` names.
#[derive(clap::Args)]
pub(super) struct Arguments {
    queue: String,
    id: String,
    /// The new body
    #[arg(long, value_name = "TEXT", conflicts_with = "file")]
    data: Option<String>,
    /// Read the new body from a file, or from standard input for `-`
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// What the body is
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Set an attribute
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<Attribute>,
}

pub(super) async fn run(session: &Session, arguments: Arguments) -> Result<(), CliError> {
    let Arguments { queue, id, data, file, content_type, attributes } = arguments;
    let body = match (data, file) {
        (Some(data), _) => Some(data.into_bytes()),
        (None, Some(file)) => Some(input::read(&file)?),
        (None, None) if content_type.is_some() || !attributes.is_empty() => None,
        (None, None) => {
            let before = session.client.call(QueueFind { queue: queue.clone(), id: id.clone() }).await?.body.0;
            let after = in_editor(&id, &before)?;
            if after == before {
                return session.done(&json!({ "edited": false }), "nothing was changed");
            }
            Some(after)
        }
    };
    let edit = DeadLetterEdit { queue, id, body: body.map(Data), content_type, attributes };
    session.client.call(edit).await?;
    session.done(&json!({ "edited": true }), "changed; send it back with `wasm-faas dead-letters redrive`")
}

/// What the person's editor makes of a body.
fn in_editor(id: &str, before: &[u8]) -> Result<Vec<u8>, CliError> {
    let editor = ["VISUAL", "EDITOR"].into_iter().find_map(|name| std::env::var(name).ok());
    let editor = editor.filter(|editor| !editor.trim().is_empty()).ok_or(CliError::NoEditor)?;
    let draft = Draft::write(id, before).map_err(|source| CliError::Editor { editor: editor.clone(), source })?;
    let failed = |source| CliError::Editor { editor: editor.clone(), source };
    // An editor may come with arguments, as `code --wait` does.
    let status = Command::new("sh").args(["-c", &format!("{editor} \"$1\""), "sh"]).arg(&draft.0).status();
    let status = status.map_err(failed)?;
    if !status.success() {
        return Err(failed(io::Error::other(format!("it ended with {status}"))));
    }
    let mut after = fs::read(&draft.0).map_err(failed)?;
    // Editors end the last line; the body may have had no end there.
    if after.last() == Some(&b'\n') && before.last() != Some(&b'\n') {
        after.pop();
    }
    Ok(after)
}

/// A file that this user alone can read; gone when dropped.
struct Draft(PathBuf);

impl Draft {
    fn write(id: &str, body: &[u8]) -> io::Result<Self> {
        let name = format!("wasm-faas-{}-{}", Path::new(id).display(), std::process::id());
        let draft = Self(std::env::temp_dir().join(name.replace('/', "-")));
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft.0)?.write_all(body)?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Somebody may have moved it away.
        let _ = fs::remove_file(&self.0);
    }
}

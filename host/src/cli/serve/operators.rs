//! The way in for operators, beside the door.

use std::path::Path;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Source;
use super::deployment::Host;
use crate::cli::tell;
use crate::config::Manifest;
use crate::triggers::control::{Control, Socket, SocketError, Trace};

/// Operators are served from its start on. Dropped, it leaves nothing behind.
pub(super) struct Operators {
    /// `None` where nobody can come in.
    serving: Option<(JoinHandle<()>, Trace)>,
}

impl Operators {
    /// Listens in the data folder; why it cannot is told, and nothing else suffers from it.
    pub(super) fn start(source: &Source, manifest: &Manifest, host: &Host, stop: CancellationToken) -> Self {
        let (stored, in_memory) = (manifest.resources.clone(), manifest.memory.clone());
        let functions = Arc::clone(&host.functions);
        let control = Arc::new(Control::of_host(host.placement().clone(), stored, in_memory, functions));
        let listening = listen(source, &manifest.data_dir).map_err(|error| {
            tell(format_args!("warning: {error}; `wasm-faas data` and `wasm-faas invoke` cannot reach this host"));
        });
        let serving = listening.ok().flatten().map(|socket| {
            let (trace, serving) = socket.serve(control, stop, manifest.server.grace);
            (tokio::spawn(serving), trace)
        });
        Self { serving }
    }

    /// What they asked for is done, once a stop was asked for.
    pub(super) async fn end(&mut self) {
        if let Some((serving, _)) = &mut self.serving {
            // It panicked if this fails, and has told so itself.
            let _ = serving.await;
        }
    }
}

/// A folder is made for a manifest, which says where data is kept, and not for a function that keeps none.
fn listen(source: &Source, folder: &Path) -> Result<Option<Socket>, SocketError> {
    if matches!(source, Source::Flags(_)) && !folder.is_dir() {
        return Ok(None);
    }
    Socket::bind(folder).map(Some)
}

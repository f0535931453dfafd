//! `wasi:logging` for guests: lines of the function's log.

use crate::services::context::Level;
use crate::services::host::View;
use crate::services::wasi::bindings::wasi::logging::logging;

impl logging::Host for View<'_> {
    fn log(&mut self, level: logging::Level, context: String, message: String) -> wasmtime::Result<()> {
        let level = match level {
            logging::Level::Trace => Level::Trace,
            logging::Level::Debug => Level::Debug,
            logging::Level::Info => Level::Info,
            logging::Level::Warn => Level::Warn,
            logging::Level::Error | logging::Level::Critical => Level::Error,
        };
        match context.as_str() {
            "" => self.log.write(level, &message),
            context => self.log.write(level, &format!("{message} context={context:?}")),
        }
        Ok(())
    }
}

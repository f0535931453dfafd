//! `wasm-faas:function/config` for guests.

use crate::services::bindings::{GuestError, config};
use crate::services::host::View;

impl config::Host for View<'_> {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        Ok(self.access.setting(&key).map(str::to_owned))
    }

    fn secret(&mut self, name: String) -> Result<String, GuestError> {
        Ok(self.access.secret(&name)?)
    }
}

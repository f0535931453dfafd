//! `wasi:config` for guests, in its three versions: the function's settings. None of them can fail here.

use crate::services::host::View;
use crate::services::wasi::bindings::wasi;

macro_rules! serve {
    ($($package:ident),+) => {$(
        impl wasi::$package::store::Host for View<'_> {
            fn get(
                &mut self,
                key: String,
            ) -> wasmtime::Result<Result<Option<String>, wasi::$package::store::Error>> {
                Ok(Ok(self.access.setting(&key).map(str::to_owned)))
            }

            fn get_all(
                &mut self,
            ) -> wasmtime::Result<Result<Vec<(String, String)>, wasi::$package::store::Error>> {
                Ok(Ok(self.access.settings().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()))
            }
        }
    )+};
}

serve!(config0_2_0_rc_1, config0_2_0_draft, config0_2_0_draft_2024_09_27);

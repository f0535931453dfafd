//! `wasm-faas:function/context` for guests.

use std::fmt::Write as _;

use wasmtime::AsContext as _;
use wasmtime::component::{Access, HasData};

use super::{Context, Level, RANDOM_BYTES};
use crate::services::bindings::context::{self, Invocation};
use crate::services::bindings::types::Attribute;
use crate::services::host::millis;

/// Names the context to the linker.
pub struct HasContext;

impl HasData for HasContext {
    type Data<'a> = &'a mut Context;
}

impl<T> context::HostWithStore<T> for HasContext {
    fn remaining_fuel(store: Access<'_, T, Self>) -> wasmtime::Result<Option<u64>> {
        Ok(store.as_context().get_fuel().ok())
    }
}

impl context::Host for &mut Context {
    fn current(&mut self) -> wasmtime::Result<Invocation> {
        let identity = &self.identity;
        let remaining = u64::try_from(self.remaining().as_millis()).unwrap_or(u64::MAX);
        Ok(Invocation {
            id: self.invocation.id.clone(),
            function: identity.function.clone(),
            version: identity.version.clone(),
            attempt: self.invocation.attempt,
            deadline_ms: identity.clock.now_ms().saturating_add(remaining),
            memory_limit: identity.limits.memory.as_u64(),
            fuel_limit: identity.limits.fuel,
            traceparent: self.invocation.traceparent.clone(),
        })
    }

    fn remaining_time_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(u64::try_from(self.remaining().as_millis()).unwrap_or(u64::MAX))
    }

    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(self.identity.clock.now_ms())
    }

    fn random_bytes(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        let mut bytes = vec![0; count.min(RANDOM_BYTES) as usize];
        getrandom::fill(&mut bytes).map_err(|error| wasmtime::format_err!("no random bytes: {error}"))?;
        Ok(bytes)
    }

    async fn sleep(&mut self, duration_ms: u64) -> wasmtime::Result<()> {
        tokio::time::sleep(millis(duration_ms).min(self.remaining() + millis(1000))).await;
        Ok(())
    }

    fn log(&mut self, level: context::Level, message: String, fields: Vec<Attribute>) -> wasmtime::Result<()> {
        let level = match level {
            context::Level::Trace => Level::Trace,
            context::Level::Debug => Level::Debug,
            context::Level::Info => Level::Info,
            context::Level::Warn => Level::Warn,
            context::Level::Error => Level::Error,
        };
        let mut line = message;
        for Attribute { name, value } in fields {
            // Writing to a string cannot fail.
            let _ = write!(line, " {name}={value:?}");
        }
        self.log.write(level, &line);
        Ok(())
    }
}

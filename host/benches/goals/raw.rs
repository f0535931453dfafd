//! The baseline: wasmtime with the host's settings and the same limits, and nothing of the host around it.

use std::path::Path;

use wasm_faas::config::Limits;
use wasm_faas::engine::Profile;
use wasm_faas::event::Event;
use wasm_faas::services::bindings::types;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, ResourceTable, TypedFunc};
use wasmtime::{Config, Engine, Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::host::INSTANCES;

/// Fuel between two yields, as the host has it.
const FUEL_SLICE: u64 = 10_000_000;

type Answer = Result<types::Response, types::Failure>;
type Handle = TypedFunc<(types::Event,), (Answer,)>;

/// A component that is ready to be instantiated.
pub(crate) struct Raw {
    pre: InstancePre<State>,
    handle: ComponentExportIndex,
    /// `None` on an engine without fuel.
    fuel: Option<u64>,
}

/// A live instance.
pub(crate) struct Live {
    store: Store<State>,
    handle: Handle,
    fuel: Option<u64>,
}

struct State {
    table: ResourceTable,
    /// Made when first asked for: a guest that only computes never does.
    wasi: Option<WasiCtx>,
    limits: StoreLimits,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let ctx = self.wasi.get_or_insert_with(|| WasiCtx::builder().build());
        WasiCtxView { ctx, table: &mut self.table }
    }
}

impl Raw {
    /// On an engine with the host's own settings.
    pub(crate) fn metered(path: &Path) -> anyhow::Result<Self> {
        Self::with(path, |_| {})
    }

    /// The same settings but for the fuel, and no epochs in its place.
    pub(crate) fn unmetered(path: &Path) -> anyhow::Result<Self> {
        let raw = Self::with(path, |config| {
            config.consume_fuel(false);
        })?;
        Ok(Self { fuel: None, ..raw })
    }

    /// With the host's settings, some of them changed; still metered.
    pub(crate) fn with(path: &Path, change: impl FnOnce(&mut Config)) -> anyhow::Result<Self> {
        let host = Profile { metered: true, concurrent: false }.engine(INSTANCES).map_err(error)?;
        let mut config = host.config().clone();
        change(&mut config);
        let engine = Engine::new(&config).map_err(error)?;
        let component = Component::from_file(&engine, path).map_err(error)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(error)?;
        linker.define_unknown_imports_as_traps(&component).map_err(error)?;
        let handle = component
            .get_export_index(None, "wasm-faas:function/handler@0.1.0")
            .and_then(|instance| component.get_export_index(Some(&instance), "handle"))
            .ok_or_else(|| anyhow::anyhow!("`{}` exports no handler", path.display()))?;
        Ok(Self { pre: linker.instantiate_pre(&component).map_err(error)?, handle, fuel: Limits::default().fuel })
    }

    pub(crate) async fn instantiate(&self) -> anyhow::Result<Live> {
        let limits = StoreLimitsBuilder::new().memory_size(128 << 20).build();
        let state = State { table: ResourceTable::new(), wasi: None, limits };
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.limits);
        // Far off: where epochs are counted, their checks are measured and not their interrupts.
        store.set_epoch_deadline(u64::MAX / 2);
        if let Some(fuel) = self.fuel {
            store.set_fuel(fuel).map_err(error)?;
            store.fuel_async_yield_interval(Some(FUEL_SLICE)).map_err(error)?;
        }
        let instance = self.pre.instantiate_async(&mut store).await.map_err(error)?;
        let handle = instance.get_typed_func(&mut store, self.handle).map_err(error)?;
        Ok(Live { store, handle, fuel: self.fuel })
    }
}

impl Live {
    /// One call with its fuel set afresh; anything but an answer is an error.
    pub(crate) async fn call(&mut self, event: types::Event) -> anyhow::Result<types::Response> {
        if let Some(fuel) = self.fuel {
            self.store.set_fuel(fuel).map_err(error)?;
        }
        let (answer,) = self.handle.call_async(&mut self.store, (event,)).await.map_err(error)?;
        answer.map_err(|failure| anyhow::anyhow!("the guest answered {failure:?}"))
    }
}

/// As the guest gets it.
pub(crate) fn event(event: Event) -> types::Event {
    event.into()
}

#[allow(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn error(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:?}")
}

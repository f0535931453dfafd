use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::limits::MemoryLimiter;
use super::outgoing::Outgoing;
use crate::config::AllowRule;
use crate::services::Access;
use crate::services::context::{Context, Identity, Invocation, LogSink, SharedLog};
use crate::services::host::View;
use crate::services::wasi::Budget;

/// Live handles of one instance: buckets, readers, streams.
const HANDLES: usize = 4096;
const HEADER_BYTES: usize = 64 << 10;
const WASI_RANDOM_BYTES: u64 = 1 << 20;

/// What all instances of one function share.
pub struct FunctionSpec {
    pub identity: Arc<Identity>,
    pub access: Access,
    /// Hosts that `wasi:http` may reach.
    pub allow: Vec<AllowRule>,
    pub sink: LogSink,
    /// For `wasi:cli/run`: standard input, and standard output goes to the host's own. Other functions have an empty
    /// input, and their output is log lines.
    pub command_input: Option<Vec<u8>>,
    /// Variables of `wasi:cli/environment`.
    pub environment: Vec<(String, String)>,
    /// How many of its guests compute at a time, past their first slice of it; [`lane`] makes one.
    pub lane: Arc<Semaphore>,
}

/// A place for each processor: one function can use all of them while nobody else needs one.
pub fn lane() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)))
}

/// The data of a store: all that the host keeps for one instance. Lives as long as the instance; what belongs to one
/// invocation is set by [`Context::begin`].
pub(super) struct State {
    table: ResourceTable,
    /// Made when the guest first asks for it: a function that only computes never does.
    wasi: Option<WasiCtx>,
    http: WasiHttpCtx,
    outgoing: Outgoing,
    pub(super) limiter: MemoryLimiter,
    pub(super) context: Context,
    budget: Budget,
    spec: Arc<FunctionSpec>,
}

impl State {
    pub(super) fn new(spec: Arc<FunctionSpec>, invocation: Invocation) -> Self {
        let identity = &spec.identity;
        let log = SharedLog::new(identity.function.clone(), spec.sink.clone());
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(HEADER_BYTES);
        Self {
            table,
            wasi: None,
            http,
            outgoing: Outgoing::new(Arc::clone(&spec), log.clone()),
            limiter: MemoryLimiter::new(identity.limits.memory.as_u64()),
            context: Context::new(Arc::clone(identity), invocation, log),
            budget: Budget::default(),
            spec,
        }
    }

    pub(super) fn view(&mut self) -> View<'_> {
        let Self { table, spec, context, budget, .. } = self;
        View { table, access: &spec.access, log: &context.log, context, budget }
    }

    pub(super) fn context(&mut self) -> &mut Context {
        &mut self.context
    }

    /// The same as `WasiHttpView::http`, as a function of its own.
    pub(super) fn http_view(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpView::http(self)
    }

    /// Whether the guest kept handles of a request or response, which keep its connection, or simply too many.
    pub(super) fn holds_on(&mut self) -> bool {
        let mut handles = 0;
        self.table.iter_mut().any(|handle| {
            handles += 1;
            handles > HANDLES / 2 || super::http::belongs_to_exchange(handle)
        })
    }
}

/// No files, no sockets, and only the environment that was set. Nothing is stubbed: a frozen clock or a repeated seed gives wrong results
/// silently.
fn wasi(spec: &FunctionSpec, log: &SharedLog) -> WasiCtx {
    let mut wasi = WasiCtx::builder();
    wasi.max_random_size(WASI_RANDOM_BYTES);
    match &spec.command_input {
        Some(input) => wasi.stdin(MemoryInputPipe::new(input.clone())).inherit_stdout(),
        None => wasi.stdout(super::stdio::LogStream::stdout(log)),
    };
    wasi.envs(&spec.environment).stderr(super::stdio::LogStream::stderr(log)).build()
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let ctx = self.wasi.get_or_insert_with(|| wasi(&self.spec, &self.context.log));
        WasiCtxView { ctx, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outgoing, table: &mut self.table, ctx: &mut self.http }
    }
}

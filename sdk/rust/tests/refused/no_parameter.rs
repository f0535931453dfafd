/// Documented, and public.
#[wasm_faas::function]
pub(crate) fn handle() -> &'static str {
    "hello"
}

fn main() {}

#[wasm_faas::function]
fn handle<T: From<wasm_faas::Event>>(event: T) {
    drop(event);
}

fn main() {}

#[wasm_faas::function]
fn handle(event: wasm_faas::Event) -> usize {
    event.data.len()
}

fn main() {}

#[wasm_faas::function]
unsafe fn handle(event: wasm_faas::Event) -> Vec<u8> {
    event.data
}

fn main() {}

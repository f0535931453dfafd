#[wasm_faas::function(batch)]
fn handle(event: wasm_faas::Event) -> Vec<u8> {
    event.data
}

fn main() {}

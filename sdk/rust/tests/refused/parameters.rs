use std::collections::HashMap;

#[wasm_faas::batch_function]
fn handle(events: Vec<wasm_faas::Event>, _options: HashMap<String, String>) -> Vec<wasm_faas::Result<()>> {
    events.iter().map(|_| Ok(())).collect()
}

fn main() {}

#[wasm_faas::function]
struct Handler {
    name: String,
}

fn main() {}

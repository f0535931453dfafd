struct Handler;

impl Handler {
    #[wasm_faas::function]
    fn handle(&self, event: wasm_faas::Event) {
        drop(event);
    }
}

fn main() {}

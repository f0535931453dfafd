//! Tells cargo that the SDKs and the contract are part of the binary, so that a file added there is noticed.

fn main() {
    for dir in ["../wit", "../sdk/js", "../sdk/python"] {
        println!("cargo::rerun-if-changed={dir}");
    }
}

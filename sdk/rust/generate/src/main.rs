//! Writes the SDK's bindings from the contract, so that no author's build has to: generating them costs half a minute of
//! compilation, the result is read in a second.
//!
//! `cargo run -p wasm-faas-sdk-generate` writes them, `-- --check` fails when a file on disk is not what would be written.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wit_bindgen_core::wit_parser::{Resolve, WorldId, WorldItem};
use wit_bindgen_core::{Files, WorldGenerator};
use wit_bindgen_rust::{Opts, WithOption};

/// Its bindings hold every interface; those of the other worlds refer to them.
const BASE_WORLD: &str = "function";
const OTHER_WORLDS: [&str; 1] = ["batch-function"];

fn main() -> Result<()> {
    let check = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--check") => true,
        Some(other) => bail!("unknown argument `{other}`: give `--check` or nothing"),
    };
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let contract = sdk.join("../../wit");
    let mut stale = Vec::new();
    for world in std::iter::once(BASE_WORLD).chain(OTHER_WORLDS) {
        let path = sdk.join("src/bindings").join(format!("{}.rs", world.replace('-', "_")));
        let source = generate(&contract, world).with_context(|| format!("cannot generate world `{world}`"))?;
        if check {
            stale.extend(is_stale(&path, &source).then_some(path));
        } else {
            fs::write(&path, source).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
    }
    report(&stale)
}

fn is_stale(path: &Path, expected: &str) -> bool {
    fs::read_to_string(path).map_or(true, |found| found != expected)
}

fn report(stale: &[PathBuf]) -> Result<()> {
    if stale.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = stale.iter().map(|path| format!("`{}`", path.display())).collect();
    bail!("{} differs from the contract in wit/: run `cargo run -p wasm-faas-sdk-generate`", names.join(" and "))
}

/// The Rust source of one world's bindings.
fn generate(contract: &Path, world: &str) -> Result<String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(contract).context("the contract does not parse")?;
    let id = resolve.select_world(&[package], Some(world))?;
    let mut files = Files::default();
    options(&resolve, id, world).build().generate(&mut resolve, id, &mut files)?;
    let (_, source) = files.iter().next().context("the generator wrote no file")?;
    Ok(String::from_utf8(source.to_vec())?)
}

fn options(resolve: &Resolve, id: WorldId, world: &str) -> Opts {
    let module = world.replace('-', "_");
    Opts {
        format: false,
        generate_all: true,
        pub_export_macro: true,
        export_macro_name: Some(format!("export_{module}")),
        default_bindings_module: Some(format!("$crate::bindings::{module}")),
        with: if world == BASE_WORLD { Vec::new() } else { shared_interfaces(resolve, id) },
        ..Opts::default()
    }
}

/// Points every interface that the world imports to its bindings in the base world.
fn shared_interfaces(resolve: &Resolve, id: WorldId) -> Vec<(String, WithOption)> {
    let imported = resolve.worlds[id].imports.values().filter_map(|item| match item {
        WorldItem::Interface { id, .. } => resolve.interfaces[*id].name.clone().zip(resolve.id_of(*id)),
        WorldItem::Function(_) | WorldItem::Type { .. } => None,
    });
    imported
        .map(|(name, qualified)| {
            let path = format!("crate::bindings::function::wasm_faas::function::{}", name.replace('-', "_"));
            (qualified, WithOption::Path(path))
        })
        .collect()
}

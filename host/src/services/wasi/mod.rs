//! Proposals of WASI that other hosts have too, over the same backends and grants as our own interfaces: a component
//! written for Spin or wasmCloud finds its buckets, containers and topics here.
//!
//! How each maps, and where it cannot: docs/decisions/0008-wasi-adapters.md.

pub mod bindings;
pub mod blobstore;
mod budget;
mod config {
    mod host;
}
pub mod host;
pub mod keyvalue;
mod logging {
    mod host;
}
pub mod messaging;

pub use budget::Budget;

use crate::config::Service;

/// One package of `wit/adapters/` as it is linked.
struct Package {
    name: &'static str,
    interfaces: &'static [&'static str],
    /// Drafts: nothing else than the very text is the same version.
    versions: &'static [&'static str],
    /// What it reaches: a service and the words of the rights that are of use.
    wants: &'static [(Service, &'static str)],
}

const PACKAGES: [Package; 5] = [
    Package {
        name: "wasi:keyvalue",
        interfaces: &["store", "atomics", "batch"],
        versions: &["0.2.0-draft", "0.2.0-draft2"],
        wants: &[(Service::Kv, "ro|rw")],
    },
    Package {
        name: "wasi:blobstore",
        interfaces: &["types", "container", "blobstore"],
        versions: &["0.2.0-draft"],
        wants: &[(Service::Blob, "ro|rw")],
    },
    Package {
        name: "wasi:messaging",
        interfaces: &["types", "producer", "request-reply"],
        versions: &["0.2.0-draft"],
        wants: &[(Service::Topic, "publish"), (Service::Queue, "send")],
    },
    Package {
        name: "wasi:config",
        interfaces: &["store"],
        versions: &["0.2.0-rc.1", "0.2.0-draft", "0.2.0-draft-2024-09-27"],
        wants: &[],
    },
    Package { name: "wasi:logging", interfaces: &["logging"], versions: &["0.1.0-draft"], wants: &[] },
];

/// Whether `import`, a full name with its version, is one of these.
pub fn knows(import: &str) -> bool {
    package(import).is_some()
}

/// The services that `import` reaches, each with the words of the rights that are of use to it.
pub fn wants(import: &str) -> &'static [(Service, &'static str)] {
    package(import).map_or(&[], |package| package.wants)
}

fn package(import: &str) -> Option<&'static Package> {
    let (path, version) = import.split_once('@')?;
    let (name, interface) = path.split_once('/')?;
    PACKAGES.iter().find(|package| {
        package.name == name && package.interfaces.contains(&interface) && package.versions.contains(&version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_versions_are_known() {
        for import in [
            "wasi:keyvalue/store@0.2.0-draft",
            "wasi:keyvalue/atomics@0.2.0-draft2",
            "wasi:config/store@0.2.0-draft-2024-09-27",
            "wasi:logging/logging@0.1.0-draft",
        ] {
            assert!(knows(import), "{import}");
        }
        for import in [
            "wasi:keyvalue/store@0.2.0",
            "wasi:keyvalue/store@0.2.0-draft3",
            "wasi:keyvalue/watcher@0.2.0-draft",
            "wasi:blobstore/container@0.2.0-draft2",
            "wasi:keyvalue/store",
            "wasi:nn/graph@0.2.0-draft",
        ] {
            assert!(!knows(import), "{import}");
        }
    }

    #[test]
    fn what_an_import_wants_is_a_grant() {
        for (service, words) in PACKAGES.iter().flat_map(|package| package.wants) {
            for word in words.split('|') {
                format!("{service}:name:{word}").parse::<crate::config::Grant>().unwrap();
            }
        }
    }
}

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::*;

/// A command that does nothing; what differs makes another component of the same code.
fn command(difference: usize) -> Vec<u8> {
    let text = format!(
        r#"(component
            (core module $m (func (export "run") (result i32) i32.const 0))
            (core instance $i (instantiate $m))
            (func $run (result (result)) (canon lift (core func $i "run")))
            (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run)))
            (@custom "difference" "{difference}"))"#
    );
    wat::parse_str(text).unwrap()
}

/// A folder with component files and a cache, of which loaders are made as one start of the host after the other.
struct Site(tempfile::TempDir);

impl Site {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn component(&self, difference: usize) -> PathBuf {
        let path = self.0.path().join(format!("{difference}.wasm"));
        std::fs::write(&path, command(difference)).unwrap();
        path
    }

    fn start(&self) -> Loader {
        let cache = Cache::open(&self.0.path().join("cache")).unwrap();
        Loader::new(cache, Compiler::InProcess, 4)
    }

    fn files(&self, extension: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.0.path().join("cache")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|its| its == extension)).collect()
    }
}

/// Waits until files that were just written count as unchanging.
fn settle() {
    thread::sleep(Duration::from_millis(2_100));
}

/// Registers, and tells whether that compiled.
fn register(loader: &Loader, path: &Path) -> (Registered, bool) {
    let mut compiled = false;
    let registered = loader.register(path, true, || compiled = true).unwrap();
    (registered, compiled)
}

#[test]
fn many_threads_that_want_the_same_compile_and_map_it_once() {
    let site = Site::new();
    let (loader, compiled) = (site.start(), AtomicUsize::new(0));
    // Two files, the same bytes.
    let (one, other) = (site.component(1), site.0.path().join("other.wasm"));
    std::fs::copy(&one, &other).unwrap();
    let load = &|path| {
        let component = loader
            .load(path, true, || {
                compiled.fetch_add(1, Ordering::SeqCst);
            })
            .unwrap();
        std::ptr::from_ref(component.inner()) as usize
    };
    let found = thread::scope(|scope| {
        let loads: Vec<_> = [&one, &other].repeat(4).into_iter().map(|path| scope.spawn(move || load(path))).collect();
        loads.into_iter().map(|load| load.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(found.iter().all(|component| *component == found[0]), "it was mapped more than once");
    assert_eq!(compiled.into_inner(), 1);
}

#[test]
fn a_file_that_did_not_change_is_not_read_at_the_next_start() {
    let site = Site::new();
    let path = site.component(1);
    settle();
    let (first, compiled) = register(&site.start(), &path);
    assert!(compiled);

    let loader = site.start();
    let (again, compiled) = register(&loader, &path);
    assert!(!compiled && loader.mapped(&again).is_none(), "it was loaded, not registered");
    assert_eq!((again.digest(), again.shape()), (first.digest(), first.shape()));
    loader.activate(&again).unwrap();
    assert!(loader.mapped(&again).is_some());
}

#[test]
fn a_file_that_changed_is_another_component() {
    let site = Site::new();
    let path = site.component(1);
    settle();
    let (first, _) = register(&site.start(), &path);
    std::fs::write(&path, command(2)).unwrap();
    let (second, compiled) = register(&site.start(), &path);
    assert!(compiled && second.digest() != first.digest());
    // It changed a moment ago, and could again at the same time.
    assert_eq!(register(&site.start(), &path).0.digest(), second.digest());
    std::fs::write(&path, "no component").unwrap();
    assert!(site.start().register(&path, true, || {}).is_err());
}

#[test]
fn code_that_is_gone_is_compiled_again() {
    let site = Site::new();
    let path = site.component(1);
    settle();
    register(&site.start(), &path);
    let remove = || site.files("cwasm").iter().for_each(|code| std::fs::remove_file(code).unwrap());

    remove();
    let loader = site.start().keep_mapped(0);
    let (registered, compiled) = register(&loader, &path);
    assert!(compiled, "it was registered without code");

    remove();
    loader.activate(&registered).unwrap();
    assert_eq!(site.files("cwasm").len(), 1);

    remove();
    std::fs::write(&path, command(2)).unwrap();
    let error = loader.activate(&registered).err().unwrap().to_string();
    let error = error.replace(&*path.to_string_lossy(), "[path]");
    insta::assert_snapshot!(error, @"`[path]` cannot be compiled: its file changed since it was first read; load it again");
}

#[test]
fn components_that_were_not_used_for_long_are_unmapped() {
    let site = Site::new();
    let loader = site.start().keep_mapped(2);
    let all: Vec<_> = (0..3).map(|n| register(&loader, &site.component(n)).0).collect();
    let mapped = || all.iter().map(|registered| registered.deployed.mapped().is_some()).collect::<Vec<_>>();
    assert_eq!(mapped(), [false, true, true]);

    // Whoever uses one keeps it, and it is the same for all.
    let used = loader.activate(&all[0]).unwrap();
    loader.activate(&all[1]).unwrap();
    loader.activate(&all[2]).unwrap();
    assert_eq!(mapped(), [true, true, true]);
    assert!(std::ptr::eq(loader.activate(&all[0]).unwrap().inner(), used.inner()));
    drop(used);
    assert_eq!(mapped(), [false, true, true]);
}

#[test]
fn what_nobody_has_is_forgotten() {
    let site = Site::new();
    let loader = site.start().keep_mapped(0);
    for n in 0..20 {
        register(&loader, &site.component(n));
    }
    assert!(loader.deployed.lock().unwrap().len() < 20);
}

#[test]
fn two_hosts_that_compile_the_same_leave_code_that_fits() {
    let site = Site::new();
    let path = site.component(1);
    drop(site.start());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| register(&site.start(), &path));
        }
    });
    let mut compiled = false;
    site.start().load(&path, true, || compiled = true).unwrap();
    assert!(!compiled, "the code that is kept does not fit");
}

#[test]
fn an_engine_that_cannot_be_had_has_words_of_its_own() {
    let error = LoadError::Engine { path: "fn.wasm".into(), message: "mmap failed: out of memory".into() };
    insta::assert_snapshot!(error, @"cannot set up the engine for `fn.wasm`: mmap failed: out of memory; allow the process more memory or serve fewer instances");
}

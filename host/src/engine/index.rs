//! What was found out about component files, so that a start reads none that did not change.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cache::{Cache, write_whole};
use super::file::{FileId, digest};
use super::shape::Shape;

/// Changes whenever [`Shape`] says something else about the same bytes.
const FORMAT: u32 = 1;
const MAC_BYTES: usize = 32;

/// A component file as it was when it was read.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) file: FileId,
    /// SHA-256 of its bytes, in hex.
    pub(super) digest: String,
    pub(super) shape: Shape,
}

impl Cache {
    /// What is known of a component file, if it is still the same; costs a look at its metadata and a small file.
    pub(super) fn recall(&self, path: &Path) -> Option<Known> {
        let entry = self.entry(path)?;
        let bytes = fs::read(&entry).ok()?;
        let (mac, text) = bytes.split_at_checked(MAC_BYTES)?;
        if !self.is_sealed(&entry, text, mac) {
            return None;
        }
        let known: Known = serde_json::from_slice(text).ok()?;
        let now = FileId::of(&fs::metadata(path).ok()?);
        (known.file == now).then_some(known)
    }

    /// Keeps what was found out. That it cannot be kept makes the next start slower, nothing else.
    pub(super) fn remember(&self, path: &Path, known: &Known) {
        let (Some(entry), Ok(text)) = (self.entry(path), serde_json::to_vec(known)) else { return };
        let mut bytes = self.seal(&entry, &text);
        bytes.extend(text);
        // Its MAC finds what a power cut left of it.
        let _ = write_whole(&entry, &bytes);
    }

    /// The file about a component file, named by where that is and by who reads it.
    fn entry(&self, path: &Path) -> Option<PathBuf> {
        let path = std::path::absolute(path).ok()?;
        let reader = format!("{FORMAT} {}\n", env!("CARGO_PKG_VERSION"));
        let name = digest(&[reader.as_bytes(), path.as_os_str().as_encoded_bytes()].concat());
        Some(self.dir().join(format!("{name}.index")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::{Handler, Producer};
    use super::*;

    fn known(path: &Path) -> Known {
        let handler = Some((Handler::Event, "wasm-faas:function/handler@0.1.0".to_owned()));
        let producers = vec![Producer { field: "language".into(), name: "Rust".into(), version: String::new() }];
        let shape = Shape { handler, producers, imports: vec!["a:b/c".into()], size: 7, ..Shape::default() };
        Known { file: FileId::of(&fs::metadata(path).unwrap()), digest: "0d".into(), shape }
    }

    struct Kept {
        folder: tempfile::TempDir,
        cache: Cache,
        component: PathBuf,
    }

    fn kept() -> Kept {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("cache")).unwrap();
        let component = folder.path().join("a.wasm");
        fs::write(&component, "a component").unwrap();
        cache.remember(&component, &known(&component));
        Kept { folder, cache, component }
    }

    #[test]
    fn a_file_that_did_not_change_is_known() {
        let kept = kept();
        assert_eq!(kept.cache.recall(&kept.component), Some(known(&kept.component)));
        assert_eq!(kept.cache.recall(&kept.folder.path().join("b.wasm")), None);
    }

    #[test]
    fn a_file_that_changed_is_not_known() {
        let kept = kept();
        let other = kept.folder.path().join("other");
        fs::write(&other, "a_component").unwrap();
        fs::rename(&other, &kept.component).unwrap();
        assert_eq!(kept.cache.recall(&kept.component), None);
    }

    #[test]
    fn what_others_wrote_is_not_believed() {
        let kept = kept();
        let entry = kept.cache.entry(&kept.component).unwrap();
        let text = String::from_utf8_lossy(&fs::read(&entry).unwrap()[MAC_BYTES..]).replace("0d", "0e");
        for forged in [text.as_bytes(), &[&[0; MAC_BYTES], text.as_bytes()].concat(), b""] {
            fs::write(&entry, forged).unwrap();
            assert_eq!(kept.cache.recall(&kept.component), None);
        }
        // A MAC is for one file's name.
        let moved = kept.folder.path().join("moved.wasm");
        fs::rename(&kept.component, &moved).unwrap();
        kept.cache.remember(&moved, &known(&moved));
        fs::copy(kept.cache.entry(&moved).unwrap(), &entry).unwrap();
        fs::hard_link(&moved, &kept.component).unwrap();
        assert_eq!(kept.cache.recall(&kept.component), None);
    }
}

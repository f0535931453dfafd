//! Checks what the schema cannot say: units, names, patterns, and what refers to what.

mod destinations;
mod events;
mod function;
mod http;
mod resources;
mod server;

use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;

use super::raw::{self, Located};
use super::source::{self, Problem};
use super::{HttpTrigger, Manifest};
use crate::config::{Filter, units};

/// Collects what is wrong. Where there is nothing right to go on with, a default stands in: nobody sees it.
struct Checker<'a> {
    folder: &'a Path,
    /// As it is written.
    text: &'a str,
    raw: &'a raw::Manifest,
    /// What refers to what is looked at only where nothing was taken out.
    whole: bool,
    /// Where sources are made transactional, their queues and functions.
    transactional: Vec<(Range<usize>, String, String)>,
    problems: Vec<Problem>,
}

/// The checked manifest, or all that is wrong: `problems` are those found before.
pub(super) fn check(
    folder: &Path,
    text: &str,
    raw: &raw::Manifest,
    problems: Vec<Problem>,
) -> Result<Manifest, Vec<Problem>> {
    let mut checker = Checker { folder, text, raw, whole: problems.is_empty(), transactional: Vec::new(), problems };
    let server = checker.server();
    let data_dir = raw.store.folder.as_ref().map(|folder| checker.path(folder));
    let functions = checker.functions();
    let mut kept = checker.resources();
    let events = checker.events(&mut kept);
    checker.transactions(&functions, &kept.memory);
    let resources::Kept { embedded, memory } = kept;
    let mut http = checker.http();
    if !checker.problems.is_empty() {
        return Err(checker.problems);
    }
    if let (true, [name]) = (http.is_empty() && events.is_empty(), functions.keys().collect::<Vec<_>>().as_slice()) {
        http.push(HttpTrigger::every_path(name));
    }
    let data_dir = data_dir.unwrap_or_else(|| folder.join(".wasm-faas"));
    Ok(Manifest { server, data_dir, functions, resources: embedded, memory, http, events })
}

impl Checker<'_> {
    fn wrong(&mut self, span: Range<usize>, what: impl Into<String>) {
        self.problems.push(Problem::new(span, what));
    }

    /// What the text says, or the default when it is absent or wrong.
    fn parsed<T>(
        &mut self,
        text: Option<&Located<String>>,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        match text.map(|text| (parse(text), text.span())) {
            Some((Ok(value), _)) => value,
            Some((Err(what), span)) => {
                self.wrong(span, what);
                default
            }
            None => default,
        }
    }

    fn duration(
        &mut self,
        text: Option<&Located<String>>,
        range: RangeInclusive<Duration>,
        default: Duration,
    ) -> Duration {
        self.parsed(text, default, |text| units::duration_within(text, range))
    }

    fn size(&mut self, text: Option<&Located<String>>, range: RangeInclusive<ByteSize>, default: ByteSize) -> ByteSize {
        self.parsed(text, default, |text| units::size_within(text, range))
    }

    /// The texts that could be parsed.
    fn each<T>(&mut self, texts: &[Located<String>], parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let parsed = texts.iter().map(|text| self.parsed(Some(text), None, |text| parse(text).map(Some)));
        parsed.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// Where a part of a text is written; the whole where that cannot be told.
    fn inside(&self, text: &Located<String>, part: Range<usize>) -> Range<usize> {
        let span = text.span();
        match source::inside(self.text.get(span.clone()).unwrap_or_default(), text, part) {
            Some(part) => span.start + part.start..span.start + part.end,
            None => span,
        }
    }

    fn filter(&mut self, text: Option<&Located<String>>) -> Option<Filter> {
        let text = text?;
        match Filter::parse(text) {
            Ok(filter) => Some(filter),
            Err(error) => {
                self.wrong(self.inside(text, error.place), error.why);
                None
            }
        }
    }

    /// A path that was written relative to the manifest's folder.
    fn path(&mut self, text: &Located<String>) -> PathBuf {
        if text.is_empty() {
            self.wrong(text.span(), "the path is empty");
        }
        self.folder.join(text.as_str())
    }
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = secs(3600);
const DAY: Duration = secs(24 * 3600);

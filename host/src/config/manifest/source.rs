//! A file's text, places in it, and what is wrong there.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A file that was read.
#[derive(Debug, Clone)]
pub(in crate::config) struct Source {
    path: PathBuf,
    text: String,
    /// Whether messages may show its lines.
    shown: bool,
}

/// One thing that is wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct Problem {
    /// In bytes from the text's start.
    pub(in crate::config) span: Range<usize>,
    pub(in crate::config) what: String,
    /// What would be right there; shown below the place.
    pub(in crate::config) expected: String,
    /// What to do, each in a line.
    pub(in crate::config) remedies: Vec<String>,
}

impl Problem {
    pub(in crate::config) fn new(span: Range<usize>, what: impl Into<String>) -> Self {
        Self { span, what: what.into(), expected: String::new(), remedies: Vec::new() }
    }

    pub(in crate::config) fn expected(mut self, what: impl fmt::Display) -> Self {
        self.expected = format!("expected {what}");
        self
    }

    pub(in crate::config) fn remedy(mut self, what: impl Into<String>) -> Self {
        self.remedies.push(what.into());
        self
    }

    /// Names the known word that is meant, when one is near.
    pub(in crate::config) fn near<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match near(word, known) {
            Some(known) => self.remedy(format!("did you mean `{known}`?")),
            None => self,
        }
    }
}

/// The known word that `word` was probably meant to be.
pub(crate) fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let likeness = |known: &str| strsim::jaro_winkler(&word, &known.to_lowercase());
    let scored = known.into_iter().map(|known| (likeness(known), known));
    scored.filter(|(likeness, _)| *likeness > 0.8).max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, known)| known)
}

/// `a`, `b` or `c`.
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    alternatives(&quoted)
}

/// a, b or c.
pub(in crate::config) fn alternatives(texts: &[String]) -> String {
    match texts {
        [] => "nothing".into(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// Where a part of a TOML string's value stands in the string as it is written, with its quotes; `None` where that cannot
/// be told, because variables were replaced before it.
pub(in crate::config) fn inside(written: &str, value: &str, part: Range<usize>) -> Option<Range<usize>> {
    let long = written.starts_with("\"\"\"") || written.starts_with("'''");
    let text = written.get(if long { 3 } else { 1 }..)?;
    // A line break right after three quotes is no part of the value.
    let text = text.strip_prefix('\n').filter(|_| long).unwrap_or(text);
    let start = written.len() - text.len();
    let place = |at| Some(start + width(text, value.get(..at)?, written.starts_with('"'))?);
    Some(place(part.start)?..place(part.end)?)
}

/// How many bytes of the text make up `value`, which it begins with.
fn width(text: &str, value: &str, escapes: bool) -> Option<usize> {
    let rest = value.chars().try_fold(text, |rest, c| match rest.strip_prefix('\\').filter(|_| escapes) {
        Some(escaped) => escaped.strip_prefix(['"', '\\', 'b', 'e', 'f', 'n', 'r', 't']),
        None => rest.strip_prefix(c),
    })?;
    Some(text.len() - rest.len())
}

/// Why a manifest, or the `.env` beside it, cannot be used: everything that was found, rendered with the places.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("error: there is no `{}`: expected a manifest; give its path or make one", path.display())]
    Missing { path: PathBuf },
    #[error("error: cannot read `{}`: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Wrong(Report),
}

/// What is wrong in one file, in the order of the places.
#[derive(Debug, Clone)]
pub struct Report {
    source: Source,
    problems: Vec<Problem>,
}

impl Source {
    pub(in crate::config) fn new(path: &Path, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), shown: true }
    }

    /// A file whose values are nobody's business.
    pub(in crate::config) fn secret(path: &Path, text: &str) -> Self {
        Self { shown: false, ..Self::new(path, text) }
    }

    pub(in crate::config) fn text(&self) -> &str {
        &self.text
    }

    pub(in crate::config) fn wrong(self, mut problems: Vec<Problem>) -> ConfigError {
        problems.sort_by_key(|problem| problem.span.start);
        problems.dedup();
        ConfigError::Wrong(Report { source: self, problems })
    }

    /// The line a byte is in, counted from 1, and where that line starts.
    fn line(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(&self.text);
        (before.matches('\n').count() + 1, before.rfind('\n').map_or(0, |end| end + 1))
    }

    fn render(&self, problem: &Problem, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { span, what, expected, remedies } = problem;
        let (number, start) = self.line(span.start);
        let line = self.text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
        let from = span.start.saturating_sub(start).min(line.len());
        let to = span.end.saturating_sub(start).clamp(from, line.len());
        let count = |range: Range<usize>| line.get(range).map_or(0, |part| part.chars().count());
        let (indent, marked) = (count(0..from), count(from..to).max(1));
        let margin = " ".repeat(number.to_string().len());
        writeln!(f, "error: {what}")?;
        write!(f, "{margin}--> {}:{number}:{}", self.path.display(), indent + 1)?;
        if self.shown {
            let marks = format!("{margin} | {}{} {expected}", " ".repeat(indent), "^".repeat(marked));
            let line = format!("{number} | {}", visible(line));
            write!(f, "\n{margin} |\n{}\n{}", line.trim_end(), marks.trim_end())?;
        }
        remedies.iter().try_for_each(|remedy| write!(f, "\n{margin} = {remedy}"))
    }
}

/// One cell for each character, whatever it would do to a terminal.
fn visible(line: &str) -> String {
    let cell = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    line.chars().map(cell).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            self.source.render(problem, f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str, problems: Vec<Problem>) -> String {
        Source::new(Path::new("wasm-faas.toml"), text).wrong(problems).to_string()
    }

    /// Where `x` of a text is written, which TOML reads from `written`.
    fn x_inside(written: &str) -> Option<&str> {
        let read: std::collections::BTreeMap<String, String> = toml::from_str(&format!("a = {written}")).unwrap();
        let at = read["a"].find('x').unwrap();
        written.get(inside(written, &read["a"], at..at + 1)?)
    }

    #[test]
    fn a_part_of_a_text_is_found_whatever_its_quotes() {
        let texts = [r#""ax""#, r#"'ax\'"#, r#""\"ä\\\t x\"""#, "'''\nä\nx'''", "'''x'''", "\"\"\"\n\\\"\n\"x\"\"\""];
        for text in texts {
            assert_eq!(x_inside(text), Some("x"), "{text}");
        }
        assert_eq!(x_inside(r#""\u0061x""#), None);
        assert_eq!(inside("\"${NAME} x\"", "Zürich x", 8..9), None);
        assert_eq!(inside("\"\"", "", 0..0), Some(1..1));
        assert_eq!(inside("", "x", 0..1), None);
    }

    #[test]
    fn places_are_shown_in_their_order() {
        let text = "a = 1\nb = [\n\t\"Zürich\", 'x\u{7}'\n]\n";
        let x = text.find("'x").unwrap();
        let problems = vec![
            Problem::new(x..x + 4, "`x` is wrong")
                .expected("`y`")
                .near("lett", ["later", "letter"])
                .remedy("write `y`"),
            Problem::new(0..1, "`a` is wrong"),
            Problem::new(text.find('[').unwrap()..text.len(), "`b` goes over lines"),
            Problem::new(text.len()..text.len(), "something is missing at the end"),
        ];
        insta::assert_snapshot!(rendered(text, problems), @r#"
        error: `a` is wrong
         --> wasm-faas.toml:1:1
          |
        1 | a = 1
          | ^

        error: `b` goes over lines
         --> wasm-faas.toml:2:5
          |
        2 | b = [
          |     ^

        error: `x` is wrong
         --> wasm-faas.toml:3:12
          |
        3 |  "Zürich", 'x�'
          |            ^^^^ expected `y`
          = did you mean `letter`?
          = write `y`

        error: something is missing at the end
         --> wasm-faas.toml:5:1
          |
        5 |
          | ^
        "#);
    }

    #[test]
    fn the_margin_fits_the_line_number() {
        let text = "\n".repeat(99) + "x = 1";
        insta::assert_snapshot!(rendered(&text, vec![Problem::new(99..100, "no such key").expected("`y`")]), @r"
        error: no such key
           --> wasm-faas.toml:100:1
            |
        100 | x = 1
            | ^ expected `y`
        ");
    }

    #[test]
    fn places_outside_the_text_do_no_harm() {
        insta::assert_snapshot!(rendered("", vec![Problem::new(7..9, "what was there is gone")]), @r"
        error: what was there is gone
         --> wasm-faas.toml:1:1
          |
        1 |
          | ^
        ");
    }

    #[test]
    fn only_near_words_are_suggested() {
        assert_eq!(near("timout", ["fuel", "memory", "timeout"]), Some("timeout"));
        assert_eq!(near("GRANTS", ["grants"]), Some("grants"));
        assert_eq!(near("colour", ["fuel", "memory", "timeout"]), None);
    }
}

/// A text in which `*` stands for any characters, also none.
///
/// Matching takes the leftmost place for each part, so its time is linear in the text whatever the pattern is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wildcard {
    /// Literal parts; a star stands between each two.
    parts: Vec<String>,
}

impl Wildcard {
    /// `\*` is a star and `\\` a backslash. The error says why the text is no wildcard.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = vec![String::new()];
        let (mut chars, mut after_star) = (text.chars(), false);
        while let Some(char) = chars.next() {
            let literal = match char {
                '*' if after_star => return Err("two stars in a row, one stands for any characters already".into()),
                '*' => None,
                '\\' => Some(escaped(chars.next())?),
                char => Some(char),
            };
            after_star = literal.is_none();
            match (literal, parts.last_mut()) {
                (Some(literal), Some(part)) => part.push(literal),
                _ => parts.push(String::new()),
            }
        }
        Ok(Self { parts })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let (first, rest) = match self.parts.split_first() {
            Some((only, [])) => return text == only,
            Some((first, [middle @ .., last])) => (first, (middle, last)),
            None => return text.is_empty(),
        };
        let (middle, last) = rest;
        let Some(inner) = text.strip_prefix(first.as_str()).and_then(|text| text.strip_suffix(last.as_str())) else {
            return false;
        };
        let after = |text: &str, part: &str| text.find(part).map(|at| at + part.len());
        let mut at = 0;
        middle.iter().all(|part| {
            let found = inner.get(at..).and_then(|text| after(text, part));
            at += found.unwrap_or_default();
            found.is_some()
        })
    }
}

fn escaped(char: Option<char>) -> Result<char, String> {
    match char {
        Some(char @ ('*' | '\\')) => Ok(char),
        Some(char) => Err(format!("`\\{char}` is no escape, only `\\*` and `\\\\` are")),
        None => Err("it ends in a lone `\\`".into()),
    }
}

use std::ops::Deref;

use crate::bindings::function::wasm_faas::function::types as raw;

/// Names and their values, in order: the attributes of an event or a message, the headers and the query of a request. A
/// name may come more than once. Reads as a slice of `(name, value)` pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(String, String)>);

impl Attributes {
    pub fn new() -> Self {
        Self::default()
    }

    /// The first value of that name, compared as it is written.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// Every value of that name, in order.
    pub fn get_all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Adds a pair at the end, whether or not the name is there.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }
}

impl Deref for Attributes {
    type Target = [(String, String)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<N: Into<String>, V: Into<String>, const LEN: usize> From<[(N, V); LEN]> for Attributes {
    fn from(pairs: [(N, V); LEN]) -> Self {
        pairs.into_iter().collect()
    }
}

impl IntoIterator for Attributes {
    type Item = (String, String);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Attributes {
    type Item = &'a (String, String);
    type IntoIter = std::slice::Iter<'a, (String, String)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl From<Vec<raw::Attribute>> for Attributes {
    fn from(attributes: Vec<raw::Attribute>) -> Self {
        attributes.into_iter().map(|raw::Attribute { name, value }| (name, value)).collect()
    }
}

impl From<Attributes> for Vec<raw::Attribute> {
    fn from(attributes: Attributes) -> Self {
        attributes.into_iter().map(|(name, value)| raw::Attribute { name, value }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_name_keeps_every_value_in_order() {
        let attributes = Attributes::from([("accept", "a"), ("host", "h"), ("accept", "b")]);
        assert_eq!(attributes.get("accept"), Some("a"));
        assert_eq!(attributes.get_all("accept").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(attributes.get("Accept"), None);
        let raw: Vec<raw::Attribute> = attributes.clone().into();
        assert_eq!(Attributes::from(raw), attributes);
    }
}

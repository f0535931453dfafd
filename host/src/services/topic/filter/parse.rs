//! From the JSON of a pattern to its conditions, with the place of whatever is wrong.

use std::net::IpAddr;

use serde_json::{Map, Number, Value};

use super::wildcard::Wildcard;
use super::{Clause, Fields, FilterError, Network, Sign, Test, Text};

type Result<T> = std::result::Result<T, FilterError>;

/// A value of the pattern and where it stands.
#[derive(Clone)]
struct At<'a> {
    path: String,
    value: &'a Value,
}

pub(super) fn pattern(text: &str) -> Result<Fields> {
    let root = |why: String| FilterError { path: "$".into(), why };
    let value: Value = serde_json::from_str(text).map_err(|error| root(format!("it is no JSON: {error}")))?;
    let at = At { path: "$".into(), value: &value };
    let fields = fields(&at)?;
    check_top_level(&fields, &at)?;
    Ok(fields)
}

/// A message has two fields; a condition on any other could never hold.
fn check_top_level(fields: &Fields, at: &At<'_>) -> Result<()> {
    for clause in &fields.0 {
        match clause {
            Clause::Leaf(name, _) if name == "attributes" => {
                return Err(at.member(name, at.value).error("attributes are an object: write `{\"name\": [..]}`"));
            }
            Clause::Object(name, _) | Clause::Leaf(name, _) if name != "attributes" && name != "body" => {
                return Err(at.member(name, at.value).error("a message has only `attributes` and `body`"));
            }
            Clause::Object(..) | Clause::Leaf(..) => {}
            Clause::Or(branches) => {
                let or = at.member("$or", at.value);
                branches
                    .iter()
                    .enumerate()
                    .try_for_each(|(index, branch)| check_top_level(branch, &or.element(index, at.value)))?;
            }
        }
    }
    Ok(())
}

fn fields(at: &At<'_>) -> Result<Fields> {
    let object = at.value.as_object().ok_or_else(|| at.error("expected an object"))?;
    if object.is_empty() {
        return Err(at.error("the object is empty: name a field, or leave the pattern out to take everything"));
    }
    object.iter().map(|(name, value)| clause(name, &at.member(name, value))).collect::<Result<_>>().map(Fields)
}

fn clause(name: &str, at: &At<'_>) -> Result<Clause> {
    if name == "$or" {
        return or(at);
    }
    match at.value {
        Value::Object(_) => Ok(Clause::Object(name.into(), fields(at)?)),
        Value::Array(_) => Ok(Clause::Leaf(name.into(), at.elements()?.iter().map(test).collect::<Result<_>>()?)),
        other => Err(at.error(format!("`{other}` must stand in an array: `[{other}]`"))),
    }
}

fn or(at: &At<'_>) -> Result<Clause> {
    let branches = at.elements()?;
    if branches.len() < 2 {
        return Err(at.error("`$or` needs at least two patterns"));
    }
    branches.iter().map(fields).collect::<Result<_>>().map(Clause::Or)
}

fn test(at: &At<'_>) -> Result<Test> {
    match at.value {
        Value::Object(object) => operator(object, at),
        Value::Array(_) => Err(at.error("an array cannot stand in an array")),
        value => Ok(Test::Equals(value.clone())),
    }
}

fn operator(object: &Map<String, Value>, at: &At<'_>) -> Result<Test> {
    let (name, operand) = at.only(object)?;
    match name {
        "prefix" => text_or_ignoring_case(&operand).map(Test::Prefix),
        "suffix" => text_or_ignoring_case(&operand).map(Test::Suffix),
        "equals-ignore-case" => operand.text().map(|text| Test::EqualsIgnoreCase(text.to_lowercase())),
        "wildcard" => wildcard(&operand),
        "numeric" => numeric(&operand),
        "cidr" => cidr(&operand),
        "exists" => operand.value.as_bool().map(Test::Exists).ok_or_else(|| operand.error("expected true or false")),
        "anything-but" => anything_but(&operand).map(Test::AnythingBut),
        _ => Err(at.error(format!(
            "`{name}` is no operator: expected `prefix`, `suffix`, `equals-ignore-case`, `wildcard`, `numeric`, `cidr`, \
             `exists` or `anything-but`"
        ))),
    }
}

fn text_or_ignoring_case(at: &At<'_>) -> Result<Text> {
    let Value::Object(object) = at.value else {
        return Ok(Text { text: at.text()?.into(), ignore_case: false });
    };
    match at.only(object)? {
        ("equals-ignore-case", operand) => Ok(Text { text: operand.text()?.to_lowercase(), ignore_case: true }),
        (name, _) => Err(at.error(format!("`{name}` cannot stand here, only `equals-ignore-case`"))),
    }
}

fn wildcard(at: &At<'_>) -> Result<Test> {
    Wildcard::parse(at.text()?).map(Test::Wildcard).map_err(|why| at.error(why))
}

fn numeric(at: &At<'_>) -> Result<Test> {
    let parts = at.elements()?;
    let bounds: Vec<_> = match parts.as_slice() {
        [sign, number] => vec![bound(sign, number)?],
        [low_sign, low, high_sign, high] => vec![bound(low_sign, low)?, bound(high_sign, high)?],
        _ => return Err(at.error("expected `[sign, number]` or `[sign, number, sign, number]`")),
    };
    if let [(low_sign, low), (high_sign, high)] = bounds.as_slice() {
        let lower = matches!(low_sign, Sign::Greater | Sign::GreaterOrEqual);
        if !lower || !matches!(high_sign, Sign::Less | Sign::LessOrEqual) {
            return Err(at.error("a range is written lower bound first: `[\">\", low, \"<=\", high]`"));
        }
        if super::compare(low, high).is_ge() {
            return Err(at.error(format!("the range is empty: {low} is not below {high}")));
        }
    }
    Ok(Test::Numeric(bounds))
}

fn bound(sign: &At<'_>, number: &At<'_>) -> Result<(Sign, Number)> {
    let sign = match sign.value.as_str() {
        Some("=") => Sign::Equal,
        Some("!=") => Sign::NotEqual,
        Some("<") => Sign::Less,
        Some("<=") => Sign::LessOrEqual,
        Some(">") => Sign::Greater,
        Some(">=") => Sign::GreaterOrEqual,
        _ => return Err(sign.error(format!("`{}` is none of `=`, `!=`, `<`, `<=`, `>`, `>=`", sign.value))),
    };
    match number.value {
        Value::Number(number) => Ok((sign, number.clone())),
        other => Err(number.error(format!("`{other}` is no number"))),
    }
}

fn cidr(at: &At<'_>) -> Result<Test> {
    let text = at.text()?;
    let network = || {
        let (address, bits) = text.split_once('/')?;
        let (address, bits): (IpAddr, u32) = (address.parse().ok()?, bits.parse().ok()?);
        let width = if address.is_ipv4() { 32 } else { 128 };
        (bits <= width).then_some(Network { address, bits })
    };
    network()
        .map(Test::Cidr)
        .ok_or_else(|| at.error(format!("`{text}` is no network: expected one like `10.0.0.0/8` or `2001:db8::/32`")))
}

/// The tests of which none may hold.
fn anything_but(at: &At<'_>) -> Result<Vec<Test>> {
    let Value::Object(object) = at.value else { return unlike_values(at) };
    let (name, operand) = at.only(object)?;
    let one: fn(&At<'_>) -> Result<Test> = match name {
        "prefix" => |at| Ok(Test::Prefix(filled_text(at)?)),
        "suffix" => |at| Ok(Test::Suffix(filled_text(at)?)),
        "equals-ignore-case" => |at| at.text().map(|text| Test::EqualsIgnoreCase(text.to_lowercase())),
        "wildcard" => wildcard,
        _ => {
            let known = "`prefix`, `suffix`, `equals-ignore-case` or `wildcard`";
            return Err(at.error(format!("`{name}` cannot stand in `anything-but`: expected {known}")));
        }
    };
    match operand.value {
        Value::Array(_) => operand.elements()?.iter().map(one).collect(),
        _ => one(&operand).map(|test| vec![test]),
    }
}

/// Every text begins and ends with the empty one, so that nothing could match.
fn filled_text(at: &At<'_>) -> Result<Text> {
    match at.text()? {
        "" => Err(at.error("the text is empty, which excludes every text")),
        text => Ok(Text { text: text.into(), ignore_case: false }),
    }
}

fn unlike_values(at: &At<'_>) -> Result<Vec<Test>> {
    let values = match at.value {
        Value::Array(_) => at.elements()?,
        _ => vec![at.clone()],
    };
    if let Some(other) = values.iter().find(|at| !at.value.is_string() && !at.value.is_number()) {
        return Err(other.error("expected a text or a number"));
    }
    if values.iter().any(|at| at.value.is_string()) && values.iter().any(|at| at.value.is_number()) {
        return Err(at.error("texts and numbers cannot stand in one list"));
    }
    Ok(values.iter().map(|at| Test::Equals(at.value.clone())).collect())
}

impl<'a> At<'a> {
    fn error(&self, why: impl Into<String>) -> FilterError {
        FilterError { path: self.path.clone(), why: why.into() }
    }

    fn member<'b>(&self, name: &str, value: &'b Value) -> At<'b> {
        let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$'));
        let path = if plain { format!("{}.{name}", self.path) } else { format!("{}[{name:?}]", self.path) };
        At { path, value }
    }

    fn element<'b>(&self, index: usize, value: &'b Value) -> At<'b> {
        At { path: format!("{}[{index}]", self.path), value }
    }

    fn text(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.error(format!("`{}` is no text", self.value)))
    }

    /// The elements of an array that has some.
    fn elements(&self) -> Result<Vec<At<'a>>> {
        match self.value {
            Value::Array(elements) if elements.is_empty() => Err(self.error("the array is empty, nothing could match")),
            Value::Array(elements) => {
                Ok((0..).zip(elements).map(|(index, value)| self.element(index, value)).collect())
            }
            other => Err(self.error(format!("`{other}` is no array"))),
        }
    }

    /// The operator and its operand: the only member of `object`, which is this value.
    fn only<'b>(&self, object: &'b Map<String, Value>) -> Result<(&'b str, At<'b>)> {
        let mut members = object.iter();
        match (members.next(), members.next()) {
            (Some((name, value)), None) => Ok((name, self.member(name, value))),
            (None, _) => Err(self.error("the object is empty, expected an operator")),
            (Some((first, _)), Some((second, _))) => {
                Err(self.error(format!("`{first}` and `{second}` in one object: each operator needs its own")))
            }
        }
    }
}

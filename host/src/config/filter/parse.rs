//! From the JSON of a pattern to its conditions, with the place of whatever is wrong.

use std::net::IpAddr;

use serde_json::{Number, Value};

use super::json::{Json, Kind, Member};
use super::wildcard::Wildcard;
use super::{Clause, Fields, FilterError, Network, Sign, Test, Text};

pub(super) type Result<T, E = FilterError> = std::result::Result<T, E>;

pub(super) fn pattern(text: &str) -> Result<Fields> {
    let json = Json::read(text)?;
    let fields = fields(&json)?;
    check_top_level(&json)?;
    Ok(fields)
}

/// A message has two fields; a condition on any other could never hold.
fn check_top_level(pattern: &Json<'_>) -> Result<()> {
    pattern.members()?.iter().try_for_each(|member| match (member.name.as_str(), &member.value.kind) {
        ("$or", Kind::Array(branches)) => branches.iter().try_for_each(check_top_level),
        ("attributes", Kind::Array(_)) => Err(member.value.error("attributes are an object: write `{\"name\": [..]}`")),
        ("attributes" | "body", _) => Ok(()),
        _ => Err(member.error("a message has only `attributes` and `body`")),
    })
}

fn fields(json: &Json<'_>) -> Result<Fields> {
    let members = json.members()?;
    if members.is_empty() {
        return Err(json.error("the object is empty: name a field, or leave the pattern out to take everything"));
    }
    members.iter().map(clause).collect::<Result<_>>().map(Fields)
}

fn clause(member: &Member<'_>) -> Result<Clause> {
    let Member { name, value, .. } = member;
    match &value.kind {
        _ if name == "$or" => or(value),
        Kind::Object(_) => Ok(Clause::Object(name.clone(), fields(value)?)),
        Kind::Array(_) => Ok(Clause::Leaf(name.clone(), value.elements()?.iter().map(test).collect::<Result<_>>()?)),
        Kind::Plain(_) => Err(value.error(format!("`{0}` must stand in an array: `[{0}]`", value.text))),
    }
}

fn or(json: &Json<'_>) -> Result<Clause> {
    match json.elements()? {
        [_] => Err(json.error("`$or` needs at least two patterns")),
        branches => branches.iter().map(fields).collect::<Result<_>>().map(Clause::Or),
    }
}

fn test(json: &Json<'_>) -> Result<Test> {
    match &json.kind {
        Kind::Object(_) => operator(json.only()?),
        Kind::Array(_) => Err(json.error("an array cannot stand in an array")),
        Kind::Plain(value) => Ok(Test::Equals(value.clone())),
    }
}

fn operator(member: &Member<'_>) -> Result<Test> {
    let operand = &member.value;
    match member.name.as_str() {
        "prefix" => text_or_ignoring_case(operand).map(Test::Prefix),
        "suffix" => text_or_ignoring_case(operand).map(Test::Suffix),
        "equals-ignore-case" => ignoring_case(operand),
        "wildcard" => wildcard(operand),
        "numeric" => numeric(operand),
        "cidr" => cidr(operand),
        "exists" => match operand.kind {
            Kind::Plain(Value::Bool(wanted)) => Ok(Test::Exists(wanted)),
            _ => Err(operand.error(format!("`{}` is neither true nor false", operand.text))),
        },
        "anything-but" => anything_but(operand).map(Test::AnythingBut),
        name => Err(member.error(format!(
            "`{name}` is no operator: expected `prefix`, `suffix`, `equals-ignore-case`, `wildcard`, `numeric`, `cidr`, \
             `exists` or `anything-but`"
        ))),
    }
}

fn text_or_ignoring_case(json: &Json<'_>) -> Result<Text> {
    let Kind::Object(_) = json.kind else {
        return Ok(Text { text: json.string()?.into(), ignore_case: false });
    };
    match json.only()? {
        Member { name, value, .. } if name == "equals-ignore-case" => {
            Ok(Text { text: value.string()?.to_lowercase(), ignore_case: true })
        }
        other => Err(other.error(format!("`{}` cannot stand here, only `equals-ignore-case`", other.name))),
    }
}

fn ignoring_case(json: &Json<'_>) -> Result<Test> {
    json.string().map(|text| Test::EqualsIgnoreCase(text.to_lowercase()))
}

fn wildcard(json: &Json<'_>) -> Result<Test> {
    Wildcard::parse(json.string()?).map(Test::Wildcard).map_err(|why| json.error(why))
}

fn numeric(json: &Json<'_>) -> Result<Test> {
    match json.elements()? {
        [sign, number] => Ok(Test::Numeric(vec![bound(sign, number)?])),
        [low_sign, low, high_sign, high] => {
            range(json, bound(low_sign, low)?, bound(high_sign, high)?).map(Test::Numeric)
        }
        _ => Err(json.error("this is no comparison: expected `[sign, number]` or `[sign, number, sign, number]`")),
    }
}

fn range(json: &Json<'_>, low: (Sign, Number), high: (Sign, Number)) -> Result<Vec<(Sign, Number)>> {
    let lower = matches!(low.0, Sign::Greater | Sign::GreaterOrEqual);
    if !lower || !matches!(high.0, Sign::Less | Sign::LessOrEqual) {
        return Err(json.error("a range is written lower bound first: `[\">\", low, \"<=\", high]`"));
    }
    if super::compare(&low.1, &high.1).is_ge() {
        return Err(json.error(format!("the range is empty: {} is not below {}", low.1, high.1)));
    }
    Ok(vec![low, high])
}

fn bound(sign: &Json<'_>, number: &Json<'_>) -> Result<(Sign, Number)> {
    let known = match &sign.kind {
        Kind::Plain(Value::String(text)) => Sign::parse(text),
        _ => None,
    };
    let known =
        known.ok_or_else(|| sign.error(format!("`{}` is none of `=`, `!=`, `<`, `<=`, `>`, `>=`", sign.text)))?;
    match &number.kind {
        Kind::Plain(Value::Number(number)) => Ok((known, number.clone())),
        _ => Err(number.error(format!("`{}` is no number", number.text))),
    }
}

impl Sign {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "=" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }
}

fn cidr(json: &Json<'_>) -> Result<Test> {
    let text = json.string()?;
    let network = || {
        let (address, bits) = text.split_once('/')?;
        let (address, bits): (IpAddr, u32) = (address.parse().ok()?, bits.parse().ok()?);
        let width = if address.is_ipv4() { 32 } else { 128 };
        (bits <= width).then_some(Network { address, bits })
    };
    let wrong = || json.error(format!("`{text}` is no network: expected one like `10.0.0.0/8` or `2001:db8::/32`"));
    network().map(Test::Cidr).ok_or_else(wrong)
}

/// The tests of which none may hold.
fn anything_but(json: &Json<'_>) -> Result<Vec<Test>> {
    match &json.kind {
        Kind::Object(_) => unlike_texts(json.only()?),
        Kind::Array(_) => unlike_values(json, &json.elements()?.iter().collect::<Vec<_>>()),
        Kind::Plain(_) => unlike_values(json, &[json]),
    }
}

fn unlike_texts(member: &Member<'_>) -> Result<Vec<Test>> {
    let one: fn(&Json<'_>) -> Result<Test> = match member.name.as_str() {
        "prefix" => |json| filled_text(json).map(Test::Prefix),
        "suffix" => |json| filled_text(json).map(Test::Suffix),
        "equals-ignore-case" => ignoring_case,
        "wildcard" => wildcard,
        name => {
            let known = "`prefix`, `suffix`, `equals-ignore-case` or `wildcard`";
            return Err(member.error(format!("`{name}` cannot stand in `anything-but`: expected {known}")));
        }
    };
    match member.value.kind {
        Kind::Array(_) => member.value.elements()?.iter().map(one).collect(),
        _ => one(&member.value).map(|test| vec![test]),
    }
}

/// Every text begins and ends with the empty one, so that nothing could match.
fn filled_text(json: &Json<'_>) -> Result<Text> {
    match json.string()? {
        "" => Err(json.error("the text is empty, which excludes every text")),
        text => Ok(Text { text: text.into(), ignore_case: false }),
    }
}

fn unlike_values(json: &Json<'_>, values: &[&Json<'_>]) -> Result<Vec<Test>> {
    let mut tests = Vec::new();
    for value in values {
        match &value.kind {
            Kind::Plain(plain @ (Value::String(_) | Value::Number(_))) => tests.push(Test::Equals(plain.clone())),
            _ => return Err(value.error(format!("`{}` is neither a text nor a number", value.text))),
        }
    }
    let texts = tests.iter().filter(|test| matches!(test, Test::Equals(Value::String(_)))).count();
    if texts > 0 && texts < tests.len() {
        return Err(json.error("texts and numbers cannot stand in one list"));
    }
    Ok(tests)
}

impl<'a> Json<'a> {
    fn string(&self) -> Result<&str> {
        match &self.kind {
            Kind::Plain(Value::String(text)) => Ok(text),
            _ => Err(self.error(format!("`{}` is no text", self.text))),
        }
    }

    /// The elements of an array that has some.
    fn elements(&self) -> Result<&[Json<'a>]> {
        match &self.kind {
            Kind::Array(elements) if elements.is_empty() => Err(self.error("the array is empty, nothing could match")),
            Kind::Array(elements) => Ok(elements),
            _ => Err(self.error(format!("`{}` is no array", self.text))),
        }
    }

    /// The members of an object, each with a name of its own.
    fn members(&self) -> Result<&[Member<'a>]> {
        let Kind::Object(members) = &self.kind else {
            return Err(self.error(format!("`{}` is no object", self.text)));
        };
        for (index, member) in members.iter().enumerate() {
            if members.iter().take(index).any(|before| before.name == member.name) {
                return Err(member.error(format!("`{}` stands here twice", member.name)));
            }
        }
        Ok(members)
    }

    /// The operator and its operand: the only member of an object.
    fn only(&self) -> Result<&Member<'a>> {
        match self.members()? {
            [only] => Ok(only),
            [] => Err(self.error("the object is empty, expected an operator")),
            [first, second, ..] => Err(second
                .error(format!("`{}` and `{}` in one object: each operator needs its own", first.name, second.name))),
        }
    }
}

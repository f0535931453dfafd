use std::collections::BTreeMap;

use super::super::FunctionSettings;
use super::super::raw::{self, Located};
use super::super::source::Problem;
use super::{Checker, DAY, Duration, HOUR, MILLISECOND, secs};
use crate::config::{Advice, Grant, Limits, PoolSettings, Rate, Right, SecretSource, check_function_name, units};

impl Checker<'_> {
    pub(super) fn functions(&mut self) -> BTreeMap<String, FunctionSettings> {
        let raw = &self.raw.functions;
        raw.iter().map(|(name, function)| (name.to_string(), self.function(name, function))).collect()
    }

    fn function(&mut self, name: &Located<String>, raw: &raw::Function) -> FunctionSettings {
        if let Err(error) = check_function_name(name) {
            self.wrong(name.span(), error.to_string());
        }
        FunctionSettings {
            component: raw.component.as_ref().map(|path| self.path(path)).unwrap_or_default(),
            limits: self.limits(&raw.limits),
            pool: self.pool(&raw.pool),
            rate: raw.rate.as_ref().map(|rate| self.rate(rate)),
            grants: self.grants(&raw.grants),
            allow_hosts: self.each(&raw.allow_hosts, |text| text.parse().map_err(to_string)),
            config: raw.config.iter().map(|(name, text)| (name.to_string(), text.clone())).collect(),
            secrets: self.secrets(&raw.secrets),
            environment: self.environment(&raw.environment),
            advice: Advice::Manifest { function: name.as_str().into() },
        }
    }

    fn limits(&mut self, raw: &raw::Limits) -> Limits {
        let default = Limits::default();
        Limits {
            memory: self.parsed(raw.memory.as_ref(), default.memory, units::memory),
            fuel: match &raw.fuel {
                Some(raw::Fuel::Limit(limit)) => Some(*limit),
                Some(raw::Fuel::Word(word)) => units::fuel(word).ok().and_then(units::Fuel::limit),
                None => default.fuel,
            },
            timeout: self.parsed(raw.timeout.as_ref(), default.timeout, units::timeout),
        }
    }

    fn pool(&mut self, raw: &raw::Pool) -> PoolSettings {
        let default = PoolSettings::default();
        let max = raw.max.unwrap_or(default.max);
        if let Some(min) = raw.min.as_ref().filter(|min| self.whole && ***min > max) {
            let what = format!("`min` is {}, above `max`, which is {max}", **min);
            self.problems.push(Problem::new(min.span(), what).expected(format!("at most {max}")));
        }
        PoolSettings {
            min: raw.min.as_deref().copied().unwrap_or(default.min),
            max,
            idle: self.duration(raw.idle.as_ref(), Duration::ZERO..=DAY, default.idle),
            max_invocations: raw.max_invocations.unwrap_or(default.max_invocations),
            max_age: self.duration(raw.max_age.as_ref(), secs(1)..=30 * DAY, default.max_age),
            isolation: raw.isolation.unwrap_or(default.isolation),
            wait: self.duration(raw.wait.as_ref(), Duration::ZERO..=HOUR, default.wait),
        }
    }

    fn rate(&mut self, raw: &raw::Rate) -> Rate {
        let per = self.duration(raw.per.as_ref(), MILLISECOND..=DAY, secs(1));
        Rate { invocations: raw.invocations.unwrap_or(1), per }
    }

    fn grants(&mut self, texts: &[Located<String>]) -> Vec<Grant> {
        let mut grants = Vec::new();
        for text in texts {
            match text.parse::<Grant>() {
                Ok(grant) => {
                    if grant.has(Right::InvokeAsync) {
                        self.refer_async(&grant.name, text.span());
                    } else {
                        self.refer(grant.service, &grant.name, text.span());
                    }
                    grants.push(grant);
                }
                Err(error) => self.wrong(text.span(), error.to_string()),
            }
        }
        grants
    }

    fn secrets(&mut self, raw: &raw::Named<Located<String>>) -> BTreeMap<String, SecretSource> {
        let mut secrets = BTreeMap::new();
        for (name, text) in raw {
            let source = self.parsed(Some(text), SecretSource::Environment(String::new()), str::parse);
            let source = match source {
                SecretSource::File(path) => SecretSource::File(self.folder.join(path)),
                variable @ SecretSource::Environment(_) => variable,
            };
            secrets.insert(name.to_string(), source);
        }
        secrets
    }

    fn environment(&mut self, raw: &raw::Named<Located<String>>) -> BTreeMap<String, String> {
        for (name, value) in raw {
            if name.is_empty() || name.contains(['=', '\0']) {
                let what = format!("{:?} cannot name a variable: expected a text without `=` and NUL", **name);
                self.wrong(name.span(), what);
            }
            if value.contains('\0') {
                self.wrong(value.span(), "a variable's value cannot hold NUL");
            }
        }
        raw.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }
}

fn to_string(error: impl std::fmt::Display) -> String {
    error.to_string()
}

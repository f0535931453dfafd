//! The example applications in `guests/patterns`: each passes its own scenarios, and when it is served it does what its
//! README says.

use std::fs;
use std::os::unix::fs::symlink;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::served::{Chunks, Client, Server};
use super::stage::{Ran, Stage, until};
use super::{Verdict, failed, support};

/// A function of a pattern and its language.
type Function = (&'static str, &'static str);

/// A folder, its functions, and what its README promises.
type Pattern = (&'static str, &'static [Function], fn(&Served) -> Verdict);

const PATTERNS: [Pattern; 4] = [
    ("command", &[("dispatch", "rust"), ("price", "javascript"), ("report", "javascript")], command),
    ("fan-out", &[("upload", "python"), ("pictures", "javascript"), ("texts", "javascript")], fan_out),
    ("messaging", &[("order", "javascript"), ("bill", "rust")], messaging),
    ("pipes-and-filters", &[("parse", "python"), ("enrich", "javascript"), ("store", "rust")], pipes_and_filters),
];

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test("patterns/every_function_is_served", every_function_is_served)];
    for (pattern, functions, run) in PATTERNS {
        let missing = functions.iter().find_map(|(_, language)| support::missing(language));
        let serve = move || run(&Served::start(pattern, functions)?);
        trials.push(support::trial(format!("patterns/{pattern}"), missing, serve));
        let play = move || staged(pattern, functions)?.run(&["test"])?.ended(0).map(drop);
        trials.push(support::trial(format!("patterns/{pattern}/scenarios"), missing, play));
    }
    trials
}

/// What is a folder in `guests/patterns/<pattern>` is one of its functions, and in its manifest.
fn every_function_is_served() -> Verdict {
    let folder = support::root().join("guests/patterns");
    let mut found = folders(&folder)?;
    found.sort();
    assert_eq!(found, PATTERNS.map(|(pattern, ..)| pattern));
    for (pattern, functions, _) in PATTERNS {
        let manifest = fs::read_to_string(folder.join(pattern).join("wasm-faas.toml"))?;
        let mut known: Vec<&str> = functions.iter().map(|(name, _)| *name).collect();
        known.sort_unstable();
        let mut found = folders(&folder.join(pattern))?;
        found.sort();
        assert_eq!(found, known, "of {pattern}");
        assert!(known.iter().all(|name| manifest.contains(&component(name))), "{manifest}");
    }
    Ok(())
}

/// Names of the folders in one, those that start with a dot aside.
fn folders(folder: &std::path::Path) -> Result<Vec<String>, Failed> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !name.starts_with('.') {
            names.push(name);
        }
    }
    Ok(names)
}

fn component(function: &str) -> String {
    format!("component = \"{function}\"\n")
}

/// A pattern's manifest and scenarios in a folder of its own, beside the components of its functions.
fn staged(pattern: &str, functions: &[Function]) -> Result<Stage, Failed> {
    let stage = Stage::new()?;
    let folder = support::root().join("guests/patterns").join(pattern);
    share_toolchains(&folder, functions)?;
    let mut manifest = fs::read_to_string(folder.join("wasm-faas.toml"))?;
    for (name, _) in functions {
        let built = support::runtime().block_on(wasm_faas::build::build(&folder.join(name))).map_err(failed)?;
        fs::copy(built, stage.path(&format!("{name}.wasm")))?;
        manifest = manifest.replace(&component(name), &component(&format!("{name}.wasm")));
    }
    stage.write("wasm-faas.toml", manifest)?;
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".test.toml"))
        {
            fs::copy(&path, stage.path(name))?;
        }
    }
    Ok(stage)
}

/// An application at work, with data of its own.
struct Served {
    stage: Stage,
    server: Server,
}

impl Served {
    fn start(pattern: &str, functions: &[Function]) -> Result<Self, Failed> {
        let stage = staged(pattern, functions)?;
        let server = Server::start(&stage, &[])?;
        Ok(Self { stage, server })
    }

    /// A request's status and answer.
    fn request(&self, method: &str, path: &str, content_type: &str, data: &str) -> Result<(u16, String), Failed> {
        let (sender, body) = Chunks::channel();
        sender.send(data.to_owned().into())?;
        drop(sender);
        let request = http::Request::builder().method(method).uri(path).header("host", "localhost");
        let response =
            Client::connect(self.server.address)?.send(request.header("content-type", content_type).body(body)?)?;
        let status = response.status().as_u16();
        Ok((status, String::from_utf8_lossy(&super::served::whole(response.into_body())?).into_owned()))
    }

    /// Posts JSON: the status, and the answer where it is JSON.
    fn post(&self, path: &str, data: &Value) -> Result<(u16, Value), Failed> {
        let (status, answer) = self.request("POST", path, "application/json", &data.to_string())?;
        Ok((status, serde_json::from_str(&answer).unwrap_or(Value::String(answer))))
    }

    /// A command of the binary that goes well.
    fn run(&self, arguments: &[&str]) -> Result<Ran, Failed> {
        self.stage.run(arguments)?.ended(0)
    }

    /// Waits until a key is there with this value.
    fn holds(&self, bucket: &str, key: &str, value: &str) -> Verdict {
        let what = format!("`{value}` under {bucket}/{key}");
        let told = || self.stage.run(&["data", "kv", "get", bucket, key]);
        until(&what, || told().ok().filter(|ran| ran.text().trim_end() == value).map(drop))
            .map_err(|error| format!("{error:?}: {:?}\n{}", told(), self.server.log()).into())
    }

    /// Waits until the dead letters are these, each with its queue, reason and error.
    fn dead(&self, expected: &Value) -> Verdict {
        let list = || -> Result<Value, Failed> {
            let text = self.run(&["dead-letters", "list", "--json"])?.text();
            let letters = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
            Ok(letters
                .iter()
                .map(|letter| json!([letter["queue"], letter["dead"]["reason"], letter["dead"]["error"]]))
                .collect())
        };
        until("dead letters", || list().ok().filter(|letters| letters == expected).map(drop))
            .map_err(|error| format!("{error:?}: {:?}, not {expected}\n{}", list(), self.server.log()).into())
    }
}

/// The folder is a project of its own, but has no need of toolchains of its own: those of the other guests are linked to.
fn share_toolchains(folder: &std::path::Path, functions: &[Function]) -> Verdict {
    for (_, language) in functions {
        support::guest(language, "hello")?;
    }
    let own = folder.join(".wasm-faas/toolchains");
    if !own.exists() {
        fs::create_dir_all(folder.join(".wasm-faas"))?;
        symlink("../../../../.wasm-faas/toolchains", own)?;
    }
    Ok(())
}

fn command(served: &Served) -> Verdict {
    let basket = json!([{ "count": 2, "price": 7 }, { "count": 1, "price": 5 }]);
    assert_eq!(served.post("/", &json!({ "command": "price", "data": basket }))?, (200, json!({ "total": 19 })));
    let (status, answer) = served.post("/", &json!({ "command": "report", "data": { "title": "week 47" } }))?;
    assert_eq!(status, 202, "{answer}");
    served.holds("reports", answer["accepted"].as_str().unwrap_or_default(), "report: week 47")?;
    assert_eq!(served.post("/", &json!({ "command": "dance" }))?.0, 400);
    Ok(())
}

fn fan_out(served: &Served) -> Verdict {
    let upload = |name: &str, kind, data| served.request("PUT", &format!("/uploads/{name}"), kind, data);
    assert_eq!(upload("note", "text/plain", "three short words")?, (201, r#"{"stored":"note"}"#.into()));
    assert_eq!(upload("dot", "image/png", "not really")?, (201, r#"{"stored":"dot"}"#.into()));
    served.holds("catalogue", "note", "text of 3 words")?;
    served.holds("catalogue", "dot", "picture of 10 bytes")?;
    let stats = served.run(&["data", "queue", "stats", "archive", "--json"])?.json()?;
    assert_eq!(stats["ready"], 2, "{stats}");
    Ok(())
}

fn messaging(served: &Served) -> Verdict {
    let (status, answer) = served.post("/orders", &json!({ "card": "4711", "amount": 30 }))?;
    assert_eq!(status, 202, "{answer}");
    served.dead(&json!([["orders-dead", "max-receives", "nobody knows the card `4711`"]]))?;
    served.run(&["data", "kv", "set", "cards", "4711", "known"])?;
    served.run(&["dead-letters", "redrive", "orders-dead", "--all"])?;
    served.holds("bills", answer["order"].as_str().unwrap_or_default(), "30")?;
    served.dead(&json!([]))
}

fn pipes_and_filters(served: &Served) -> Verdict {
    served.run(&["data", "kv", "set", "prices", "tea", "4"])?;
    for line in ["anna; tea; 3", "anna; tea; 2", "anna bought tea"] {
        served.run(&["data", "queue", "send", "lines", line])?;
    }
    served.holds("totals", "anna", "20")?;
    served.dead(&json!([["bad-lines", "rejected", "a line is `who; what; count`"]]))
}

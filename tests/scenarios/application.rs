//! An application with event sources, driven from outside: a function that runs steps for the scenario, and functions that
//! tell a queue what they get.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::served::{Client, Server};
use super::stage::{PATIENCE, Stage, until};

/// A served manifest that has the functions `driver` and `record`, and the queue `seen`.
pub struct Application {
    pub stage: Stage,
    pub server: Server,
}

impl Application {
    /// `record` of a language; the manifest's own part comes at the end. `grants` are those of the driver besides `seen`.
    pub fn start(language: &str, grants: &[&str], manifest: &str) -> Result<Self, Failed> {
        let stage = Stage::new()?;
        stage.guest(language, "record")?;
        Self::on(stage, grants, manifest)
    }

    /// In a folder that has the component of `record` already.
    pub fn on(stage: Stage, grants: &[&str], manifest: &str) -> Result<Self, Failed> {
        Self::begin(stage, grants, manifest, |stage| Server::start(stage, &[]))
    }

    /// The same, served in a way of its own.
    pub fn begin(
        stage: Stage,
        grants: &[&str],
        manifest: &str,
        serve: impl FnOnce(&Stage) -> Result<Server, Failed>,
    ) -> Result<Self, Failed> {
        stage.guest("rust", "probe")?;
        stage.write("wasm-faas.toml", text(grants, manifest))?;
        let server = serve(&stage)?;
        Ok(Self { stage, server })
    }

    /// Serves the same again after an end of any kind.
    pub fn restart(self) -> Result<Self, Failed> {
        let Self { stage, server } = self;
        drop(server);
        let server = Server::start(&stage, &[])?;
        Ok(Self { stage, server })
    }

    /// Runs steps of the driver: `{"ok": value}` or `{"error": ..}` of each, in order.
    pub fn answers(&self, steps: &Value) -> Result<Vec<Value>, Failed> {
        let answer = Client::connect(self.server.address)?.post("/driver", &steps.to_string())?;
        serde_json::from_str(answer.body()).map_err(|_| format!("the driver: {answer:?}").into())
    }

    /// Runs steps of the driver: the value of each, in order.
    pub fn steps(&self, steps: &Value) -> Result<Vec<Value>, Failed> {
        let answers = self.answers(steps)?;
        answers.into_iter().map(|answer| answer.get("ok").cloned().ok_or_else(|| format!("{answer}").into())).collect()
    }

    pub fn send(&self, queue: &str, bodies: &[&str]) -> Result<(), Failed> {
        let send = |body: &&str| json!({ "op": "queue.send", "queue": queue, "message": { "body": encoded(body) } });
        self.steps(&bodies.iter().map(send).collect()).map(drop)
    }

    /// Messages of a queue the driver may receive from, as they come in, each acknowledged: until there are `count`.
    pub fn received(&self, queue: &str, count: usize) -> Result<Vec<Value>, Failed> {
        let mut received = Vec::new();
        let what = format!("{count} messages in {queue}");
        until(&what, || match self.take(queue) {
            Ok(messages) => {
                received.extend(messages);
                (received.len() >= count).then_some(Ok(()))
            }
            Err(error) => Some(Err(error)),
        })
        .map_err(|error| -> Failed {
            let error = error.message().unwrap_or_default().to_owned();
            format!("{error}; these came: {received:?}\n{}{}", self.server.log(), self.server.out()).into()
        })??;
        Ok(received)
    }

    /// One of the numbers that a queue tells of itself: `ready`, `delayed` or `leased`.
    pub fn count(&self, queue: &str, name: &str) -> Result<u64, Failed> {
        let stats = self.steps(&json!([{ "op": "queue.stats", "queue": queue }]))?;
        Ok(stats.first().and_then(|stats| stats[name].as_u64()).ok_or("no such number")?)
    }

    /// Waits until the host told `part` of what its sources do.
    pub fn tells(&self, part: &str) -> Result<(), Failed> {
        until(&format!("{part:?}"), || self.server.out().contains(part).then_some(()))
            .map_err(|error| format!("{}; it told:\n{}", error.message().unwrap_or_default(), self.server.out()).into())
    }

    /// What `record` told so far, until there are `count`.
    pub fn seen(&self, count: usize) -> Result<Vec<Value>, Failed> {
        let bodies = self.received("seen", count)?.into_iter().map(|message| body(&message));
        Ok(bodies.map(|body| serde_json::from_str(&body).unwrap_or(Value::String(body))).collect())
    }

    /// What the driver may receive from a queue at once, acknowledged.
    pub fn take(&self, queue: &str) -> Result<Vec<Value>, Failed> {
        let receive = json!([{ "op": "queue.receive", "queue": queue, "max": 100, "wait_ms": 200 }]);
        let messages = self.steps(&receive)?.pop().and_then(|all| all.as_array().cloned()).unwrap_or_default();
        let receipts: Vec<&Value> = messages.iter().map(|message| &message["receipt"]).collect();
        if !receipts.is_empty() {
            self.steps(&json!([{ "op": "queue.acknowledge", "queue": queue, "receipts": receipts }]))?;
        }
        Ok(messages)
    }
}

fn text(grants: &[&str], manifest: &str) -> String {
    let grants = [&["queue:seen:receive"], grants].concat();
    format!(
        "version = 1\n[functions.driver]\ncomponent = \"probe.wasm\"\ngrants = {grants:?}\nlimits.timeout = \"{}s\"\n\
         [functions.record]\ncomponent = \"record.wasm\"\ngrants = [\"queue:seen:send\"]\n\
         [[triggers.http]]\npath = \"/driver\"\nfunction = \"driver\"\n[queues.seen]\n{manifest}",
        PATIENCE.as_secs()
    )
}

pub fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

/// A message's body as text.
pub fn body(message: &Value) -> String {
    let bytes = STANDARD.decode(message["body"].as_str().unwrap_or_default()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

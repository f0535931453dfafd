//! A host whose disk is full while events flow: senders are told, readers are not bothered, the host says so, and once there
//! is room it goes on with all that it accepted.

use std::collections::BTreeSet;
use std::fs;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::application::{Application, body, encoded};
use super::data_folder::{NO_DISKS, on_a_disk};
use super::served::Server;
use super::stage::{Stage, until};
use super::{Verdict, support};

const MANIFEST: &str = r#"
[store]
folder = "data"
[queues.kept]
[queues.orders]
max-receives = 1000
[[triggers.queue]]
queue = "orders"
function = "record"
backoff = { max = "1s" }
[[triggers.schedule]]
name = "often"
schedule = "rate(1s)"
function = "record"
data = "tick"
"#;
const GRANTS: [&str; 2] = ["queue:kept:send+receive", "queue:orders:send"];
/// Removed, it gives room.
const BALLAST: &str = "data/ballast";
const SERVE: [&str; 4] = ["serve", "--listen", "127.0.0.1:0", "--json"];

pub fn trials() -> Vec<Trial> {
    let missing = support::missing("rust").or(*NO_DISKS);
    vec![support::trial("full_disk/events_flow_again_when_there_is_room", missing, events_flow_again)]
}

fn events_flow_again() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "record")?;
    fs::create_dir(stage.path("data"))?;
    // Room for twice of what it can hold with the ballast: whoever takes a message writes it to the log once more.
    let prepare = format!("head -c 16m /dev/zero > {BALLAST}");
    let application = Application::begin(stage, &GRANTS, MANIFEST, |stage| {
        Server::spawn(stage, on_a_disk(stage, "20m", &prepare, &SERVE))
    })?;
    let mut accepted = Accepted::default();
    accepted.send(&application, "orders", 0)?;
    // The last ones fill what is too little for the first.
    for bytes in [64 << 10, 4 << 10, 64] {
        let told = accepted.send_until_refused(&application, bytes)?;
        assert_eq!(told, r#"{"code":"unavailable","detail":"the store's disk is full"}"#);
    }
    assert_eq!(application.count("kept", "ready")?, accepted.kept.len() as u64);
    application.tells("`schedule/often`: unavailable: the store's disk is full")?;
    fs::remove_file(format!("/proc/{}/root/{}", application.server.id(), application.stage.path(BALLAST).display()))?;
    until("room", || accepted.send(&application, "orders", 0).ok())?;
    accepted.check(&application)
}

/// The bodies of messages that were acknowledged, which begin with a number of their own.
#[derive(Default)]
struct Accepted {
    sent: u32,
    kept: BTreeSet<String>,
    orders: BTreeSet<String>,
}

impl Accepted {
    /// A message of so many bytes more than its number has.
    fn send(&mut self, application: &Application, queue: &str, bytes: usize) -> Verdict {
        self.sent += 1;
        let body = format!("{}{}", self.sent, "-".repeat(bytes));
        let message = json!({ "body": encoded(&body) });
        let answers = application.answers(&json!([{ "op": "queue.send", "queue": queue, "message": message }]))?;
        if let Some(error) = answers[0].get("error") {
            return Err(format!("{error}").into());
        }
        if queue == "kept" { &mut self.kept } else { &mut self.orders }.insert(body);
        Ok(())
    }

    /// To both queues; what the sender was told at last.
    fn send_until_refused(&mut self, application: &Application, bytes: usize) -> Result<String, Failed> {
        for _ in 0..1_000 {
            let sent = self.send(application, "kept", bytes).and_then(|()| self.send(application, "orders", 0));
            if let Err(error) = sent {
                return Ok(error.message().unwrap_or_default().into());
            }
        }
        Err("the disk is never full".into())
    }

    /// All of them are there, and no others; those that were to be handled are.
    fn check(&self, application: &Application) -> Verdict {
        let mut handled = BTreeSet::new();
        until("all orders to be handled", || {
            let told = application.take("seen").ok()?;
            let told = told.iter().filter_map(|message| serde_json::from_str::<Value>(&body(message)).ok());
            let data = told.filter_map(|told| told["data"].as_str().map(String::from));
            handled.extend(data.filter(|data| data != "tick"));
            (handled.len() >= self.orders.len()).then_some(())
        })?;
        assert_eq!(handled, self.orders);
        let kept = application.received("kept", self.kept.len())?;
        assert_eq!(kept.iter().map(body).collect::<BTreeSet<_>>(), self.kept);
        Ok(())
    }
}

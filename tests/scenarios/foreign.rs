//! Components that nothing of this project had a hand in are served unmodified.

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use libtest_mimic::{Failed, Trial};

use super::served::{Chunks, Client, Server, next, whole};
use super::stage::Stage;
use super::support::foreign;
use super::{Verdict, support};

/// What to do with a fresh connection to a component.
type Case = (&'static str, fn(&mut Client) -> Verdict);

const CASES: [Case; 5] = [
    ("sees_the_request", sees_the_request),
    ("picks_the_status", picks_the_status),
    ("relays_a_large_body", relays_a_large_body),
    ("streams_both_ways", streams_both_ways),
    ("survives_a_trap", survives_a_trap),
];

/// What 200 requests in a row meet. StarlingMonkey's fetch events answer one request and no second: its instances keep a
/// handle of the request, for which the host drops them.
fn reuse(name: &str) -> Case {
    match name {
        "javascript-http" => ("is_used_once", is_used_once),
        _ => ("is_reused", is_reused),
    }
}

/// One trial for each component: most of its time goes into building and compiling it, once.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![support::trial("foreign/every_folder_is_served", None, every_folder_is_served)];
    for name in foreign::COMPONENTS {
        trials.push(support::trial(format!("foreign/{name}"), foreign::missing(name), move || serve(name)));
    }
    trials
}

fn every_folder_is_served() -> Verdict {
    for entry in std::fs::read_dir(support::root().join("tests/foreign"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && name != "target" && !foreign::COMPONENTS.contains(&name.as_str()) {
            return Err(format!("no scenario serves tests/foreign/{name}").into());
        }
    }
    Ok(())
}

fn serve(name: &str) -> Verdict {
    let component = foreign::component(name)?;
    let stage = Stage::new()?;
    let server = Server::start(&stage, &[&component.to_string_lossy()])?;
    let run = |case: fn(&mut Client) -> Verdict| case(&mut Client::connect(server.address)?);
    let failures: Vec<String> = CASES
        .into_iter()
        .chain([reuse(name)])
        .filter_map(|(case, test)| Some(format!("{case}: {}", run(test).err()?.message().unwrap_or_default())))
        .collect();
    if failures.is_empty() {
        return Ok(());
    }
    Err(format!("{}\nthe server told:\n{}", failures.join("\n"), server.log()).into())
}

fn expect<T: PartialEq + std::fmt::Debug + ?Sized>(got: &T, wanted: &T) -> Verdict {
    if got == wanted {
        return Ok(());
    }
    Err(format!("expected {wanted:?}, got {got:?}").into())
}

fn sees_the_request(client: &mut Client) -> Verdict {
    let request = Request::get("/headers?name=a%20b&x").header("host", "localhost").header("x-colour", "r%C3%B6d, 2");
    let response = client.send(request.body(Chunks::none())?)?;
    expect(&response.status().as_u16(), &200)?;
    expect(&*String::from_utf8_lossy(&whole(response.into_body())?), "GET /headers?name=a%20b&x r%C3%B6d, 2")
}

fn picks_the_status(client: &mut Client) -> Verdict {
    expect(&client.get("/status/418")?.0, &418)?;
    expect(&client.get("/nowhere")?.0, &404)
}

fn echo(client: &mut Client, body: Chunks) -> Result<Response<Incoming>, Failed> {
    client.send(Request::post("/echo").header("host", "localhost").body(body)?)
}

/// 5 MiB in chunks of 64 KiB, each of its own bytes.
fn relays_a_large_body(client: &mut Client) -> Verdict {
    let (sender, body) = Chunks::channel();
    let mut sent = Vec::new();
    for chunk in 0..80_u8 {
        let chunk = Bytes::from(vec![chunk; 64 * 1024]);
        sent.extend_from_slice(&chunk);
        sender.send(chunk)?;
    }
    drop(sender);
    let response = echo(client, body)?;
    expect(&response.status().as_u16(), &200)?;
    let received = whole(response.into_body())?;
    expect(&(received.len(), received == sent), &(sent.len(), true))
}

/// Each chunk comes back before the next is sent.
fn streams_both_ways(client: &mut Client) -> Verdict {
    let (sender, body) = Chunks::channel();
    let mut received = echo(client, body)?.into_body();
    for chunk in ["first", "second", "third"] {
        sender.send(Bytes::from(chunk))?;
        let mut came = String::new();
        while came.len() < chunk.len() {
            came += &String::from_utf8_lossy(&next(&mut received)?.ok_or("the body ended early")?);
        }
        expect(came.as_str(), chunk)?;
    }
    drop(sender);
    expect(&*whole(received)?, b"")
}

/// A few requests find no instance that waits: those that come before the one before them is put back.
fn is_reused(client: &mut Client) -> Verdict {
    let fresh = fresh(client)?;
    if fresh <= 20 {
        return Ok(());
    }
    Err(format!("{fresh} of 200 requests met a new instance").into())
}

fn is_used_once(client: &mut Client) -> Verdict {
    expect(&fresh(client)?, &200)
}

/// How many of 200 requests met a new instance: each answers with the number of its requests.
fn fresh(client: &mut Client) -> Result<usize, Failed> {
    let mut fresh = 0;
    for _ in 0..200 {
        let (status, count) = client.get("/count")?;
        expect(&status, &200)?;
        fresh += usize::from(count == "1");
    }
    Ok(fresh)
}

fn survives_a_trap(client: &mut Client) -> Verdict {
    for _ in 0..3 {
        expect(&client.get("/trap")?.0, &500)?;
        let (status, text) = client.get("/hello")?;
        expect(&(status, text.starts_with("hello from ")), &(200, true))?;
    }
    Ok(())
}

//! More requests than there is room for, busy neighbours, and how instances come and go. What a process uses is read as
//! Linux shows it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

use super::served::{Client, Held, Server};
use super::stage::{PATIENCE, Stage, until};
use super::support::{self, foreign};
use super::{Scenario, Verdict};

pub fn trials() -> Vec<Trial> {
    let cases: [Scenario; 12] = [
        ("function_is_full", function_is_full),
        ("host_is_full", host_is_full),
        ("no_room_for_instances", no_room_for_instances),
        ("rate", rate),
        ("spinning_neighbour", spinning_neighbour),
        ("warm_at_start", warm_at_start),
        ("one_invocation_each", one_invocation_each),
        ("after_a_trap", after_a_trap),
        ("max_invocations", max_invocations),
        ("idle", idle),
        ("handler_does_not_grow", handler_does_not_grow),
        ("http_does_not_grow", http_does_not_grow),
    ];
    let trial = |(name, run)| support::trial(format!("serve/load/{name}"), support::missing("rust"), run);
    cases.into_iter().map(trial).collect()
}

/// Serves the foreign component that counts the requests of an instance and can be held, with these settings of its own;
/// and `hello` as `/quick`.
fn start(server: &str, settings: &str) -> Result<(Stage, Server), Failed> {
    let stage = Stage::new()?;
    stage.guest("rust", "hello")?;
    let foreign = foreign::component("rust-http")?.canonicalize()?;
    let manifest = format!(
        "version = 1\n[server]\n{server}\n[functions.foreign]\ncomponent = {foreign:?}\nlimits.timeout = \"5m\"\n{settings}\n\
         [functions.quick]\ncomponent = \"hello.wasm\"\npool.wait = \"50ms\"\n\
         [[triggers.http]]\npath = \"/{{*rest}}\"\nfunction = \"foreign\"\n\
         [[triggers.http]]\npath = \"/quick\"\nfunction = \"quick\"\n"
    );
    stage.write("wasm-faas.toml", manifest)?;
    let server = Server::start(&stage, &[])?;
    Ok((stage, server))
}

/// Fails unless the answer says that there is no room now, and when to come again.
fn expect_busy(server: &Server, path: &str) -> Verdict {
    let answer = Client::connect(server.address)?.post(path, "")?;
    let (status, later) = (answer.status().as_u16(), answer.headers().get("retry-after"));
    assert_eq!((status, later.map(http::HeaderValue::as_bytes)), (503, Some(&b"1"[..])), "{answer:?}");
    assert_eq!(answer.body(), "the function is busy: no turn came within 50ms; try again later\n");
    Ok(())
}

fn expect_ok(server: &Server, path: &str) -> Verdict {
    assert_eq!(Client::connect(server.address)?.get(path)?.0, 200);
    Ok(())
}

fn function_is_full() -> Verdict {
    let (_stage, server) = start("", "pool = { max = 2, wait = \"50ms\" }")?;
    let held = [Held::start(server.address)?, Held::start(server.address)?];
    for _ in 0..5 {
        expect_busy(&server, "/hello")?;
    }
    expect_ok(&server, "/quick")?;
    held.into_iter().try_for_each(Held::end)?;
    until("a turn", || expect_ok(&server, "/hello").ok())
}

fn host_is_full() -> Verdict {
    let (_stage, server) = start("concurrency = 1", "")?;
    let held = Held::start(server.address)?;
    expect_busy(&server, "/quick")?;
    for own in ["/-/health", "/-/ready"] {
        expect_ok(&server, own)?;
    }
    held.end()?;
    until("a turn", || expect_ok(&server, "/quick").ok())
}

/// As many instances as a host can have wait for requests of one function.
fn no_room_for_instances() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "hello")?;
    let manifest = |min: u32| {
        format!(
            "version = 1\n[functions]\nkept = {{ component = \"hello.wasm\", pool = {{ min = {min}, max = 5000 }} }}\n\
             other.component = \"hello.wasm\"\n[triggers]\nhttp = [{{ path = \"/kept\", function = \"kept\" }}, \
             {{ path = \"/other\", function = \"other\" }}]\n"
        )
    };
    stage.write("wasm-faas.toml", manifest(5000))?;
    let ran = stage.run(&["serve", "--listen", "127.0.0.1:0"])?.ended(4)?;
    assert_eq!(
        ran.stderr,
        "error: function `kept` cannot be started: the host has no room for another instance; lower `pool.min`, `pool.max` \
         or `pool.idle` of functions\n"
    );
    // Half of the room is for instances that wait, and these take all of it; the others come and go.
    stage.write("wasm-faas.toml", manifest(1024))?;
    let server = Server::start(&stage, &[])?;
    ["/other", "/other", "/kept"].iter().try_for_each(|path| expect_ok(&server, path))
}

fn rate() -> Verdict {
    let (_stage, server) = start("", "rate = { invocations = 3, per = \"1h\" }")?;
    let mut client = Client::connect(server.address)?;
    for _ in 0..3 {
        assert_eq!(client.get("/hello")?.0, 200);
    }
    let answer = client.post("/hello", "")?;
    let later: u64 = answer.headers().get("retry-after").ok_or("no retry-after")?.to_str()?.parse()?;
    assert_eq!(answer.status().as_u16(), 429);
    assert!((1000..=1200).contains(&later), "the next of three in an hour comes after {later} s");
    assert_eq!(*answer.body(), format!("the function was called too often; try again in {later} s\n"));
    expect_ok(&server, "/quick")
}

/// Processor time that a process has used until now.
fn processor_time(id: u32) -> Result<Duration, Failed> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap_or_default();
    // The 14th and 15th field, counted from 1; the first two are before the parenthesis. Linux counts a hundred a second.
    Ok(Duration::from_millis(10 * (ticks(11) + ticks(12))))
}

/// How long each of 200 requests takes in the middle, at the client.
fn median(client: &mut Client, path: &str) -> Result<Duration, Failed> {
    let mut took = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        assert_eq!(client.get(path)?.0, 200);
        took.push(started.elapsed());
    }
    took.sort();
    Ok(took[took.len() / 2])
}

fn spinning_neighbour() -> Verdict {
    let stage = Stage::new()?;
    for guest in ["hello", "misbehave"] {
        stage.guest("rust", guest)?;
    }
    let manifest = "version = 1\n[functions]\nspin = { component = \"misbehave.wasm\", limits = { fuel = 1_000_000_000_000, \
                    timeout = \"5m\" } }\nhello.component = \"hello.wasm\"\n[triggers]\nhttp = [{ path = \"/spin\", function = \
                    \"spin\" }, { path = \"/hello\", function = \"hello\" }]\n";
    stage.write("wasm-faas.toml", manifest)?;
    let server = Server::start(&stage, &[])?;
    for _ in 0..4 {
        let mut spinner = Client::connect(server.address)?;
        // It spins until the server is ended.
        thread::spawn(move || spinner.post("/spin", "spin").is_ok());
    }
    let idle = processor_time(server.id())?;
    until("the neighbours to spin", || {
        (processor_time(server.id()).ok()? > idle + Duration::from_millis(500)).then_some(())
    })?;
    let mut client = Client::connect(server.address)?;
    for path in ["/hello", "/-/health"] {
        // Some milliseconds as a rule, of which other programs take most; a neighbour in line behind a spinner waits minutes.
        let took = median(&mut client, path)?;
        assert!(took < Duration::from_millis(500), "{took:?} for {path} beside functions that spin");
    }
    let accesses = server.accesses(400)?;
    assert!(accesses.iter().all(|access| access["path"] != "/spin"), "they did not spin all the while");
    Ok(())
}

/// Whether the instances of so many requests were there before, in turn.
fn starts(server: &Server, count: usize) -> Result<Vec<String>, Failed> {
    let accesses = server.accesses(count)?;
    Ok(accesses.iter().map(|access| access["start"].as_str().unwrap_or("-").to_owned()).collect())
}

fn warm_at_start() -> Verdict {
    let (_stage, server) = start("", "pool.min = 2")?;
    let mut client = Client::connect(server.address)?;
    for path in ["/hello", "/quick", "/quick", "/-/health"] {
        assert_eq!(client.get(path)?.0, 200);
    }
    assert_eq!(starts(&server, 4)?, ["warm", "cold", "warm", "-"]);
    Ok(())
}

/// The number of its requests that the instance has met.
fn count(client: &mut Client) -> Result<u64, Failed> {
    let (status, count) = client.get("/count")?;
    assert_eq!(status, 200);
    Ok(count.parse()?)
}

fn one_invocation_each() -> Verdict {
    let (_stage, server) = start("", "pool = { isolation = \"per-invocation\", min = 1 }")?;
    let mut client = Client::connect(server.address)?;
    for _ in 0..50 {
        assert_eq!(count(&mut client)?, 1);
    }
    assert_eq!(starts(&server, 50)?[0], "warm", "none was made ahead");
    Ok(())
}

/// With one instance at most, which one request has at a time.
fn after_a_trap() -> Verdict {
    let (_stage, server) = start("", "pool.max = 1")?;
    let mut client = Client::connect(server.address)?;
    for _ in 0..3 {
        assert_eq!((count(&mut client)?, count(&mut client)?), (1, 2));
        assert_eq!(client.get("/trap")?.0, 500);
    }
    Ok(())
}

fn max_invocations() -> Verdict {
    let (_stage, server) = start("", "pool = { max = 1, max-invocations = 10 }")?;
    let mut client = Client::connect(server.address)?;
    let counts = (0..40).map(|_| count(&mut client)).collect::<Result<Vec<_>, _>>()?;
    let lives: Vec<&[u64]> = counts.chunk_by(|count, next| count < next).collect();
    for life in &lives[..lives.len() - 1] {
        assert!([9, 10].contains(&life.len()), "{counts:?}");
    }
    Ok(())
}

/// The foreign function's instance goes, the one that is kept always stays.
fn idle() -> Verdict {
    let (_stage, server) = start("", "pool = { max = 1, idle = \"100ms\" }")?;
    let mut client = Client::connect(server.address)?;
    assert_eq!((count(&mut client)?, count(&mut client)?), (1, 2));
    until("the idle instance to go", || {
        thread::sleep(Duration::from_millis(1500));
        (count(&mut client).ok()? == 1).then_some(())
    })?;
    let (_stage, server) = start("", "pool = { min = 1, max = 1, idle = \"100ms\" }")?;
    let mut client = Client::connect(server.address)?;
    assert_eq!((count(&mut client)?, count(&mut client)?), (1, 2));
    thread::sleep(Duration::from_millis(2500));
    assert_eq!(count(&mut client)?, 3, "what is kept always was not");
    Ok(())
}

/// One connection that sends a hundred requests at once, all alike.
struct Pipeline {
    stream: TcpStream,
    requests: String,
    /// Of all their answers, which are as long as the first.
    answers: Vec<u8>,
}

const AT_ONCE: usize = 100;

impl Pipeline {
    fn connect(address: SocketAddr, path: &str) -> Result<Self, Failed> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut first = [0; 4096];
        let mut length = 0;
        // A body of known length, or in chunks.
        while !first[..length].ends_with(b"world!") && !first[..length].ends_with(b"\r\n0\r\n\r\n") {
            length += match stream.read(&mut first[length..])? {
                0 => return Err("the server closed the connection".into()),
                read => read,
            };
        }
        Ok(Self { stream, requests: request.repeat(AT_ONCE), answers: vec![0; AT_ONCE * length] })
    }

    fn run(&mut self, requests: usize) -> Verdict {
        for _ in 0..requests / AT_ONCE {
            self.stream.write_all(self.requests.as_bytes())?;
            self.stream.read_exact(&mut self.answers)?;
            let length = self.answers.len() / AT_ONCE;
            let answers = self.answers.chunks(length);
            assert!(answers.into_iter().all(|answer| answer.starts_with(b"HTTP/1.1 200 OK\r\n")), "not all is well");
        }
        Ok(())
    }
}

/// In bytes.
fn resident(id: u32) -> Result<u64, Failed> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(1024 * line.trim().trim_end_matches(" kB").parse::<u64>()?)
}

fn grows_little(server: &Server, path: &str) -> Verdict {
    let mut pipeline = Pipeline::connect(server.address, path)?;
    pipeline.run(10_000)?;
    let before = resident(server.id())?;
    pipeline.run(90_000)?;
    let after = resident(server.id())?;
    assert!(after < before + (8 << 20), "{before} bytes after 10,000 requests, {after} after 100,000");
    Ok(())
}

fn handler_does_not_grow() -> Verdict {
    let stage = Stage::new()?;
    stage.guest("rust", "hello")?;
    let server = Server::start(&stage, &["hello.wasm", "--quiet"])?;
    grows_little(&server, "/hello")
}

/// All requests meet the only instance.
fn http_does_not_grow() -> Verdict {
    let (_stage, server) = start("", "pool = { min = 1, max = 1 }")?;
    grows_little(&server, "/hello")?;
    assert_eq!(count(&mut Client::connect(server.address)?)?, 100_002);
    Ok(())
}

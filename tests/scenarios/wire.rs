//! A connection whose bytes a scenario writes itself: halves of requests, several at once, none at all.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};

use libtest_mimic::Failed;

use super::Verdict;
use super::stage::PATIENCE;

/// HTTP/1.1. What takes longer than [`PATIENCE`] fails.
pub struct Wire(BufReader<TcpStream>);

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// In order, names in lower case; without `date`.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Wire {
    pub fn connect(address: SocketAddr) -> Result<Self, Failed> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> Verdict {
        Ok(self.0.get_mut().write_all(bytes.as_ref())?)
    }

    /// Sends nothing more; the server's bytes still come.
    pub fn half_close(&self) -> Verdict {
        Ok(self.0.get_ref().shutdown(Shutdown::Write)?)
    }

    /// Sends `GET /path` with headers and a body, and reads the response.
    pub fn exchange(&mut self, request: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, Failed> {
        self.send(written(request, headers, body))?;
        let mut answer = self.head()?;
        if !request.starts_with("HEAD ") {
            answer.body = self.body(&answer)?;
        }
        Ok(answer)
    }

    /// The next response, to a request that has a body in its response.
    pub fn answer(&mut self) -> Result<Answer, Failed> {
        let mut answer = self.head()?;
        answer.body = self.body(&answer)?;
        Ok(answer)
    }

    /// A response's first line and headers.
    pub fn head(&mut self) -> Result<Answer, Failed> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| format!("{first:?} is not the first line of a response"))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            match line.split_once(": ") {
                None => return Ok(Answer { status, headers, body: Vec::new() }),
                Some(("date", _)) => {}
                Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            }
        }
    }

    fn line(&mut self) -> Result<String, Failed> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err("the server closed the connection".into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// Of the length that the head says, or in chunks.
    fn body(&mut self, head: &Answer) -> Result<Vec<u8>, Failed> {
        if matches!(head.status, 204 | 304) {
            return Ok(Vec::new());
        }
        if head.header("transfer-encoding") == Some("chunked") {
            return self.chunks();
        }
        match head.header("content-length") {
            Some(length) => self.take(length.parse()?),
            None => Ok(Vec::new()),
        }
    }

    fn chunks(&mut self) -> Result<Vec<u8>, Failed> {
        let mut body = Vec::new();
        loop {
            let length = usize::from_str_radix(&self.line()?, 16)?;
            body.extend(self.take(length)?);
            self.line()?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    /// The next bytes, so many.
    pub fn take(&mut self, length: usize) -> Result<Vec<u8>, Failed> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// All that comes until the server closes. A reset is an end as well: the server closed with bytes of ours unread.
    pub fn rest(&mut self) -> Result<Vec<u8>, Failed> {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error.into()),
            _ => Ok(bytes),
        }
    }
}

/// A request's bytes, to `localhost` unless the headers say otherwise.
pub fn written(request: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{request} HTTP/1.1\r\n");
    let host = [("host", "localhost")];
    let host = if headers.iter().any(|(name, _)| *name == "host") { &[][..] } else { &host };
    for (name, value) in host.iter().chain(headers) {
        // Writing to a string cannot fail.
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if !body.is_empty() {
        let _ = write!(head, "content-length: {}\r\n", body.len());
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Fails unless it has the status.
    pub fn is(self, status: u16) -> Result<Self, Failed> {
        if self.status == status {
            return Ok(self);
        }
        Err(format!("expected status {status}, got {self:?}").into())
    }
}

/// Requests and their responses, for a snapshot.
#[derive(Default)]
pub struct Log(String);

impl Log {
    /// Exchanges one and writes it down.
    pub fn exchange(
        &mut self,
        wire: &mut Wire,
        request: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, Failed> {
        let answer = wire.exchange(request, headers, body).map_err(|error| named(request, &error))?;
        self.add(request, headers, body, &answer);
        Ok(answer)
    }

    pub fn add(&mut self, request: &str, headers: &[(&str, &str)], body: &[u8], answer: &Answer) {
        let asked = headers.iter().map(|(name, value)| format!("> {name}: {value}\n"));
        self.0 += &format!("> {request}\n{}", asked.collect::<String>());
        if !body.is_empty() {
            self.0 += &format!("> {}\n", String::from_utf8_lossy(body));
        }
        self.add_answer(answer);
    }

    /// What is particular about the next request.
    pub fn note(&mut self, text: &str) {
        self.0 += &format!("# {text}\n");
    }

    pub fn add_answer(&mut self, answer: &Answer) {
        self.0 += &format!("< {}\n", answer.status);
        for (name, value) in &answer.headers {
            self.0 += &format!("< {name}: {value}\n");
        }
        if !answer.body.is_empty() {
            self.0 += &format!("{}\n", answer.text().trim_end());
        }
        self.0 += "\n";
    }

    /// Fails unless it is as `snapshots/<name>.snap` has it.
    pub fn matches(self, name: &str) -> Verdict {
        super::stage::assert_snapshot(name, &self.0);
        Ok(())
    }
}

fn named(request: &str, error: &Failed) -> Failed {
    format!("{request}: {}", error.message().unwrap_or_default()).into()
}

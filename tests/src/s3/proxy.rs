//! A proxy of HTTP/1.1 between a client and a server, which lets a plan say what goes wrong.
//!
//! Each request gets a connection of its own: it is read whole, goes to the server with `Connection: close`, and the
//! answer is read to its end, so that every fault knows exactly what the server did.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::plan::{Fault, Plan, Request};

const HEAD_BYTES_MAX: usize = 64 << 10;

/// A proxy that runs until this is dropped.
pub struct Proxy {
    endpoint: String,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

struct Shared {
    upstream: String,
    plan: Mutex<Plan>,
    requests: AtomicU64,
    faults: AtomicU64,
}

impl Proxy {
    /// Stands before `upstream`, as `http://127.0.0.1:PORT`, on a free port.
    ///
    /// # Errors
    /// No port can be had.
    pub fn start(upstream: &str, plan: Plan) -> io::Result<Proxy> {
        let upstream = upstream.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).thread_name("s3-proxy").enable_all().build()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = runtime.block_on(TcpListener::bind(address))?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let (requests, faults) = (AtomicU64::new(0), AtomicU64::new(0));
        let shared = Arc::new(Shared { upstream, plan: Mutex::new(plan), requests, faults });
        runtime.spawn(accept(listener, shared.clone()));
        Ok(Proxy { endpoint, shared, runtime: Some(runtime) })
    }

    /// Where it listens, as `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Goes on with another plan.
    pub fn set_plan(&self, plan: Plan) {
        *self.shared.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
    }

    /// How many requests have come.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// To how many of them something happened.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.shared.faults.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            // A client that goes away is no fault of ours.
            let _ = shared.pass(client).await;
        });
    }
}

impl Shared {
    async fn pass(&self, mut client: TcpStream) -> io::Result<()> {
        let Some((head, body)) = read_request(&mut client).await? else { return Ok(()) };
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let request = describe(&head, number);
        let fault = (self.plan.lock().unwrap_or_else(PoisonError::into_inner))(&request);
        if fault != Fault::None {
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
        match fault {
            Fault::InternalError => {
                return refuse(&mut client, &request, "500", "InternalError").await;
            }
            Fault::SlowDown => return refuse(&mut client, &request, "503", "SlowDown").await,
            Fault::ResetBefore => return reset(client),
            Fault::StallBefore(time) => sleep(time).await,
            _ => (),
        }
        // From here on the server does its work, even if the client has gone.
        let answer = self.ask(&head, &body).await?;
        match fault {
            Fault::ErrorAfter => refuse(&mut client, &request, "500", "InternalError").await,
            Fault::ResetAfter => reset(client),
            Fault::StallAfter(time) => {
                sleep(time).await;
                send(&mut client, &answer).await
            }
            Fault::Truncate => send(&mut client, half(&answer)).await,
            Fault::WrongEtag => send(&mut client, &other_etag(answer)).await,
            _ => send(&mut client, &answer).await,
        }
    }

    async fn ask(&self, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(&self.upstream).await?;
        let is_kept = |line: &&str| {
            let name = line.split(':').next().unwrap_or_default();
            !["connection", "expect"].iter().any(|it| name.eq_ignore_ascii_case(it))
        };
        let mut text: Vec<_> = head.split("\r\n").filter(|line| !line.is_empty()).collect();
        text.retain(is_kept);
        let head = format!("{}\r\nConnection: close\r\n\r\n", text.join("\r\n"));
        server.write_all(head.as_bytes()).await?;
        server.write_all(body).await?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).await?;
        Ok(answer)
    }
}

/// The head with its empty line, and the body; nothing if the client said nothing.
async fn read_request(client: &mut TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = end_of_head(&bytes) {
            break end;
        }
        if bytes.len() > HEAD_BYTES_MAX || client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let body = bytes.split_off(end);
    let head = String::from_utf8(bytes).map_err(io::Error::other)?;
    if header(&head, "transfer-encoding").is_some() {
        return Err(io::Error::other("a request in chunks is not understood"));
    }
    if header(&head, "expect").is_some() {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let length = header(&head, "content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    let mut body = body;
    while body.len() < length {
        if client.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some((head, body)))
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|it| it == b"\r\n\r\n").map(|at| at + 4)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let mut named = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
    named.next().map(|(_, value)| value.trim())
}

fn describe(head: &str, number: u64) -> Request {
    let mut words = head.split([' ', '\r']).map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_conditional = header(head, "if-none-match").is_some();
    Request { number, method, target, is_conditional }
}

async fn refuse(
    client: &mut TcpStream,
    request: &Request,
    status: &str,
    code: &str,
) -> io::Result<()> {
    let body = format!("<Error><Code>{code}</Code><Message>as planned</Message></Error>");
    let length = body.len();
    let sent = if request.method == "HEAD" { "" } else { &body };
    let head = format!("HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\n");
    let answer = format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{sent}");
    send(client, answer.as_bytes()).await
}

async fn send(client: &mut TcpStream, answer: &[u8]) -> io::Result<()> {
    client.write_all(answer).await?;
    client.shutdown().await
}

fn reset(client: TcpStream) -> io::Result<()> {
    // What is sent when such a socket is closed is not the end of a stream, but a reset.
    client.set_zero_linger()
}

/// Without the second half of the body, or of the head if there is no body.
fn half(answer: &[u8]) -> &[u8] {
    let head = end_of_head(answer).unwrap_or(0);
    let cut = if answer.len() > head { head + (answer.len() - head) / 2 } else { head / 2 };
    &answer[..cut]
}

/// With the first digit of the ETag changed.
fn other_etag(mut answer: Vec<u8>) -> Vec<u8> {
    let head = end_of_head(&answer).unwrap_or(0);
    let lower = answer[..head].to_ascii_lowercase();
    if let Some(at) = lower.windows(7).position(|it| it == b"\r\netag:")
        && let Some(quote) = lower[at..].iter().position(|byte| *byte == b'"')
        && let Some(digit) = answer.get_mut(at + quote + 1)
    {
        *digit = if *digit == b'0' { b'1' } else { b'0' };
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nETag: \"0abc\"\r\nContent-Length: 8\r\n\r\n12345678";

    #[test]
    fn a_truncated_answer_lacks_half_its_body() {
        assert!(half(ANSWER).ends_with(b"\r\n\r\n1234"));
        let empty = b"HTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(half(empty).len(), empty.len() / 2);
    }

    #[test]
    fn a_wrong_etag_is_another_etag() {
        let changed = String::from_utf8(other_etag(ANSWER.to_vec())).unwrap();
        assert!(changed.contains("\"1abc\""), "{changed}");
        assert_eq!(changed.len(), ANSWER.len());
    }

    #[test]
    fn a_request_is_described() {
        let head = "PUT /b/k?x HTTP/1.1\r\nIf-None-Match: *\r\n\r\n";
        let request = describe(head, 3);
        assert_eq!((request.method.as_str(), request.target.as_str()), ("PUT", "/b/k?x"));
        assert!(request.is_conditional);
    }
}

//! A small HTTP server for scrapes and probes. Whoever connects costs it little: connections, requests and time have bounds.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::registry::Registry;
use stream::metrics::Meters;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use super::{Ready, text};

/// Connections at a time; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 32;
/// A request with its headers.
const MAX_REQUEST_BYTES: usize = 16 << 10;
/// Headers of a request.
const MAX_HEADERS: usize = 64;
/// How long a request may take to come in.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// How long a connection may last, whatever it does.
const DONE_WITHIN: Duration = Duration::from_secs(15);
/// How long open answers are waited for at the end.
const END_WITHIN: Duration = Duration::from_secs(2);
/// A pause after the system refused a connection, such as for want of file handles.
const PAUSE: Duration = Duration::from_millis(100);

const PLAIN: &str = "text/plain; charset=utf-8";

type Answer = Response<Full<Bytes>>;

/// A server that answers until it is ended.
pub(crate) struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<()>,
}

/// What answers are made of.
struct Shared {
    meters: Meters,
    registry: Registry,
    ready: Ready,
    token: Option<blake3::Hash>,
}

impl Server {
    /// Listens, and answers on the runtime.
    pub(super) fn start(
        listen: SocketAddr,
        token: Option<&str>,
        meters: Meters,
        ready: Ready,
        handle: &Handle,
    ) -> std::io::Result<Self> {
        let listener = handle.block_on(TcpListener::bind(listen))?;
        let address = listener.local_addr()?;
        let registry = text::registry(meters.clone());
        let token = token.map(|token| blake3::hash(token.as_bytes()));
        let (stop, stopped) = watch::channel(false);
        let serving = handle.spawn(serve(listener, Arc::new(Shared { meters, registry, ready, token }), stopped));
        Ok(Self { address, stop, serving })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, and waits a moment for those it has.
    pub(crate) fn end(self, handle: &Handle) {
        let _ = self.stop.send(true);
        let _ = handle.block_on(async { tokio::time::timeout(END_WITHIN, self.serving).await });
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&free).acquire_owned() => permit,
            _ = stopped.changed() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(DONE_WITHIN, connection(stream, shared)).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a connection was not accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    let _all = free.acquire_many(u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX)).await;
}

/// One request a connection.
async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(&request, &shared).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_WITHIN)
        .max_buf_size(MAX_REQUEST_BYTES)
        .max_headers(MAX_HEADERS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection broke off");
    }
}

async fn answer(request: &Request<Incoming>, shared: &Shared) -> Answer {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return said(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET and HEAD\n".to_owned());
    }
    match request.uri().path() {
        "/healthz" => state(&shared.meters.dead()),
        "/readyz" => state(&shared.ready.lacks(&shared.meters).await),
        "/metrics" if !may(request, shared.token.as_ref()) => {
            let mut answer = said(StatusCode::UNAUTHORIZED, PLAIN, "a bearer token is needed\n".to_owned());
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            answer
        }
        "/metrics" => match text::page(&shared.registry) {
            Ok(page) => said(StatusCode::OK, text::CONTENT_TYPE, page),
            Err(error) => {
                tracing::error!(%error, "the numbers cannot be written");
                said(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, "the numbers cannot be written\n".to_owned())
            }
        },
        _ => said(StatusCode::NOT_FOUND, PLAIN, "there are /metrics, /healthz and /readyz\n".to_owned()),
    }
}

/// Whether the request has the token. Hashes compare in a time that says nothing of where they differ.
fn may(request: &Request<Incoming>, token: Option<&blake3::Hash>) -> bool {
    let Some(token) = token else { return true };
    let given = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    given.and_then(|given| given.strip_prefix(b"Bearer ")).is_some_and(|given| blake3::hash(given) == *token)
}

/// `ok`, or what is not.
fn state(lacks: &[String]) -> Answer {
    if lacks.is_empty() {
        return said(StatusCode::OK, PLAIN, "ok\n".to_owned());
    }
    said(StatusCode::SERVICE_UNAVAILABLE, PLAIN, format!("not ok\n{}\n", lacks.join("\n")))
}

fn said(status: StatusCode, kind: &'static str, text: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    const TOKEN: &str = "a token of some length";

    fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // The server may close on us in the middle of what it does not like.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }

    fn get(address: SocketAddr, path: &str, header: &str) -> (String, String) {
        let answer = ask(address, &format!("GET {path} HTTP/1.1\r\nhost: here\r\n{header}\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }

    fn server(runtime: &tokio::runtime::Runtime, token: Option<&str>) -> Server {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Server::start(listen, token, Meters::of(["score"]), Ready::default(), runtime.handle()).unwrap()
    }

    #[test]
    fn numbers_need_the_whole_token_and_probes_need_none() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = server(&runtime, Some(TOKEN));
        let metrics = |header: &str| get(server.address(), "/metrics", header).0;
        let denied = "HTTP/1.1 401 Unauthorized";
        assert_eq!(metrics(""), denied);
        assert_eq!(metrics("authorization: Bearer a token of some lengt\r\n"), denied);
        assert_eq!(metrics(&format!("authorization: Bearer {TOKEN}x\r\n")), denied);
        assert_eq!(metrics(&format!("authorization: Basic {TOKEN}\r\n")), denied);
        assert_eq!(metrics(&format!("authorization: Bearer {TOKEN}\r\n")), "HTTP/1.1 200 OK");
        assert_eq!(get(server.address(), "/healthz", ""), ("HTTP/1.1 200 OK".to_owned(), "ok\n".to_owned()));
        let (status, why) = get(server.address(), "/readyz", "");
        assert_eq!(
            (status.as_str(), why.as_str()),
            ("HTTP/1.1 503 Service Unavailable", "not ok\nno room has started\n")
        );
        assert!(get(server.address(), "/", "").0.starts_with("HTTP/1.1 404"));
        assert!(ask(server.address(), "POST /metrics HTTP/1.1\r\nhost: here\r\n\r\n").starts_with("HTTP/1.1 405"));
        server.end(runtime.handle());
    }

    #[test]
    fn a_request_without_end_is_refused_and_the_end_does_not_wait_for_it() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = server(&runtime, None);
        let address = server.address();
        let endless = format!("GET /metrics HTTP/1.1\r\nhost: here\r\nx: {}", "y".repeat(4 * MAX_REQUEST_BYTES));
        let answer = ask(address, &endless);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        let many = "a: b\r\n".repeat(2 * MAX_HEADERS);
        assert!(get(address, "/metrics", &many).0.starts_with("HTTP/1.1 431"));
        // Connections that say nothing hold up neither others nor the end.
        let silent: Vec<_> = (0..MAX_CONNECTIONS - 1).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        assert_eq!(get(address, "/healthz", "").1, "ok\n");
        let begun = stream::clock::Stopwatch::start();
        server.end(runtime.handle());
        assert!(begun.elapsed() < END_WITHIN + Duration::from_secs(2));
        drop(silent);
        std::net::TcpStream::connect(address).expect_err("nobody listens any more");
    }
}

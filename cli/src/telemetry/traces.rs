//! Spans of batches, transactions and inserts, sent as OTLP over HTTP. Never of single records.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;

use crate::args::{Cli, Command};
use crate::config::Config;
use crate::show::Spans;

/// How long one export may take; what could not be sent is dropped, and the run goes on.
const SEND_WITHIN: Duration = Duration::from_secs(5);
/// An answer of the receiver larger than this is not read.
const MAX_ANSWER_BYTES: u64 = 64 << 10;
/// The crates whose spans are sent.
const OURS: [&str; 2] = ["stream", "sinks"];

/// Sends spans until it is ended.
pub(crate) struct Traces(SdkTracerProvider);

/// What the settings ask for. Mistakes in them are told by whoever reads them next.
pub(crate) fn layer(cli: &Cli) -> anyhow::Result<Option<(Traces, Spans)>> {
    let Command::Run(args) = &cli.command else { return Ok(None) };
    let Some(telemetry) = Config::telemetry(args.config.as_deref()) else { return Ok(None) };
    telemetry.otlp.as_deref().map(Traces::to).transpose()
}

impl Traces {
    /// Sends to a receiver such as `http://127.0.0.1:4318`.
    fn to(place: &str) -> anyhow::Result<(Self, Spans)> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender::new())
            .with_endpoint(format!("{}/v1/traces", place.trim_end_matches('/')))
            .with_timeout(SEND_WITHIN)
            .build()
            .context("cannot prepare to send spans")?;
        let resource = Resource::builder_empty().with_service_name("overgrant").build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let is_ours = |name: &str| OURS.contains(&name.split("::").next().unwrap_or_default());
        let spans = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("overgrant"))
            .with_filter(filter_fn(move |it| it.is_span() && *it.level() <= Level::DEBUG && is_ours(it.target())))
            .boxed();
        Ok((Self(provider), spans))
    }

    /// Sends what is left.
    pub(crate) fn end(self) {
        if let Err(error) = self.0.shutdown_with_timeout(SEND_WITHIN) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// Sends from the exporter's own thread, so that waiting there holds up nobody.
#[derive(Debug)]
struct Sender(ureq::Agent);

impl Sender {
    fn new() -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(SEND_WITHIN)).http_status_as_error(false);
        Self(config.build().new_agent())
    }
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.0.run(Request::from_parts(parts, body.to_vec()))?;
        let (parts, mut body) = answer.into_parts();
        let body = body.with_config().limit(MAX_ANSWER_BYTES).read_to_vec()?;
        Ok(Response::from_parts(parts, Bytes::from(body)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Takes one export: its head and its body.
    fn take(listener: &TcpListener) -> (String, Vec<u8>) {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
        loop {
            let n = stream.read(&mut part).unwrap();
            bytes.extend_from_slice(&part[..n]);
            let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if bytes.len() == end + 4 + length.parse::<usize>().unwrap() {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
                return (head, bytes.split_off(end + 4));
            }
        }
    }

    #[test]
    fn spans_of_the_belt_are_sent_and_others_are_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = format!("http://{}/", listener.local_addr().unwrap());
        let taken = std::thread::spawn(move || take(&listener));
        let (traces, spans) = Traces::to(&place).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Some(spans)), || {
            tracing::debug_span!(target: "stream::kafka::room", "transaction", room = "score", partition = 3)
                .in_scope(|| {});
            tracing::debug_span!(target: "hyper::client", "foreign").in_scope(|| {});
            tracing::trace_span!(target: "stream::kafka::room", "record").in_scope(|| {});
        });
        traces.end();
        let (head, body) = taken.join().unwrap();
        assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
        assert!(head.contains("content-type: application/x-protobuf"), "{head}");
        let has = |text: &str| body.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(has("transaction") && has("room") && has("score") && has("overgrant"));
        assert!(!has("foreign") && !has("record"));
    }
}

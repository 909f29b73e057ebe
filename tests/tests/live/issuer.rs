//! An issuer of tokens for client credentials, as OAuth 2.0 has it (RFC 6749, 4.4). Its tokens are not signed, which the test
//! broker takes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use stream::clock::Clock;

/// For how long a token is good, in seconds.
const GOOD_FOR_S: i64 = 3_600;

/// Answers until the process ends.
pub(super) struct Issuer {
    pub(super) endpoint: String,
}

impl Issuer {
    /// For one client and its secret.
    pub(super) fn start(client: &str, secret: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}/token", listener.local_addr().unwrap());
        let known = format!("Basic {}", STANDARD.encode(format!("{client}:{secret}")));
        let client = client.to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away in the middle is no matter of ours.
                drop(answer(stream, &client, &known));
            }
        });
        Self { endpoint }
    }
}

fn answer(mut stream: TcpStream, client: &str, known: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut given, mut n_bytes) = (String::new(), String::new(), 0);
    reader.read_line(&mut line)?;
    let is_asked = line.starts_with("POST /token ");
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => value.clone_into(&mut given),
            "content-length" => n_bytes = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = vec![0; n_bytes];
    reader.read_exact(&mut body)?;
    let is_grant = String::from_utf8_lossy(&body).split('&').any(|part| part == "grant_type=client_credentials");
    let (status, said) = if is_asked && is_grant && given == known {
        ("200 OK", format!(r#"{{"access_token":"{}","token_type":"Bearer","expires_in":{GOOD_FOR_S}}}"#, token(client)))
    } else {
        ("401 Unauthorized", r#"{"error":"invalid_client","error_description":"no such client"}"#.to_owned())
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}",
        said.len()
    )
}

fn token(client: &str) -> String {
    let now = Clock::system().now() / 1_000_000;
    let claims = format!(r#"{{"sub":"{client}","iat":{now},"exp":{}}}"#, now + GOOD_FOR_S);
    format!("{}.{}.", URL_SAFE_NO_PAD.encode(br#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(claims))
}

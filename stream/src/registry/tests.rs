//! Against a server of a few lines, which answers what it is told to and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use super::*;

/// What a request was: its first line, its headers in lower case, its body.
struct Asked {
    line: String,
    headers: Vec<String>,
    body: String,
}

/// Answers one connection per scripted answer, and returns what it was asked.
fn server(answers: Vec<&'static str>) -> (String, JoinHandle<Vec<Asked>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/apis/ccompat/v7/", listener.local_addr().unwrap());
    let serve = move || {
        answers
            .into_iter()
            .map(|answer| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut lines = reader.by_ref().lines().map(|line| line.unwrap());
                let line = lines.next().unwrap();
                let headers: Vec<_> =
                    lines.take_while(|line| !line.is_empty()).map(|line| line.to_lowercase()).collect();
                let length = headers.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                reader.read_exact(&mut body).unwrap();
                let (status, text) = answer.split_once('|').unwrap();
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", text.len());
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(text.as_bytes()).unwrap();
                Asked { line, headers, body: String::from_utf8(body).unwrap() }
            })
            .collect()
    };
    (url, std::thread::spawn(serve))
}

fn client(url: String) -> Registry {
    Registry::new(Settings { first_pause: Duration::from_millis(1), max_tries: 3, ..Settings::at(url) }).unwrap()
}

#[test]
fn a_schema_is_registered_under_a_base_with_a_path() {
    let (url, served) = server(vec![r#"200 OK|{"id":7,"version":1}"#]);
    assert_eq!(client(url).register("a/b.v1-value", r#"{"type": "string"}"#).unwrap(), 7);
    let asked = served.join().unwrap().remove(0);
    assert_eq!(asked.line, "POST /apis/ccompat/v7/subjects/a%2Fb.v1-value/versions HTTP/1.1");
    assert_eq!(asked.body, r#"{"schema":"{\"type\": \"string\"}"}"#);
    assert!(asked.headers.contains(&format!("content-type: {MEDIA_TYPE}")), "{:?}", asked.headers);
    assert!(!asked.headers.iter().any(|line| line.starts_with("authorization")));
}

#[test]
fn schemas_are_found_by_id_and_by_guid() {
    let (url, served) =
        server(vec![r#"200 OK|{"schema":"\"string\""}"#, r#"200 OK|{"schema":"{}","schemaType":"AVRO"}"#]);
    let client = client(url);
    assert_eq!(client.schema(41).unwrap(), r#""string""#);
    assert_eq!(client.schema_by_guid(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff).unwrap(), "{}");
    let lines: Vec<_> = served.join().unwrap().into_iter().map(|asked| asked.line).collect();
    assert_eq!(
        lines,
        [
            "GET /apis/ccompat/v7/schemas/ids/41 HTTP/1.1",
            "GET /apis/ccompat/v7/schemas/guids/00112233-4455-6677-8899-aabbccddeeff HTTP/1.1"
        ]
    );
}

#[test]
fn what_fails_for_a_moment_is_tried_again() {
    let (url, served) =
        server(vec!["503 Busy|", r#"429 Slowly|{"error_code":429,"message":"slowly"}"#, r#"200 OK|{"id":1}"#]);
    assert_eq!(client(url).register("x", "{}").unwrap(), 1);
    assert_eq!(served.join().unwrap().len(), 3);
    let (url, served) = server(vec!["500 No|a", "500 No|b", r#"500 No|{"error_code":50001,"message":"store"}"#]);
    let said = client(url.clone()).schema(1).unwrap_err().to_string();
    let base = url.trim_end_matches('/');
    assert_eq!(said, format!("the schema registry refused `GET {base}/schemas/ids/1` with status 500: store (50001)"));
    assert_eq!(served.join().unwrap().len(), 3);
}

#[test]
fn nobody_there_is_said_after_all_tries() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = client(format!("http://{free}")).schema(1).unwrap_err();
    assert_eq!(refused.to_string(), format!("the schema registry `http://{free}` gave no answer in 3 tries"));
}

#[test]
fn what_is_refused_for_good_is_asked_once() {
    let (url, served) = server(vec![
        r#"401 No|{"error_code":401,"message":"who"}"#,
        r#"404 No|{"error_code":40403,"message":"Schema not found"}"#,
        r#"409 No|{"error_code":409,"message":"field x"}"#,
        r#"422 No|{"error_code":42201,"message":"bad schema"}"#,
        "200 OK|<html>",
        r#"200 OK|{"schema":"message A {}","schemaType":"PROTOBUF"}"#,
    ]);
    let client = client(url);
    assert!(matches!(client.schema(1), Err(RegistryError::Forbidden { status: 401, .. })));
    assert!(matches!(client.schema(1), Err(RegistryError::NotFound { .. })));
    assert!(matches!(client.register("x", "{}"), Err(RegistryError::Incompatible { .. })));
    assert!(matches!(client.register("x", "{"), Err(RegistryError::Refused { status: 422, .. })));
    assert!(matches!(client.schema(1), Err(RegistryError::Answer { .. })));
    assert!(matches!(client.schema(1), Err(RegistryError::Answer { .. })));
    assert_eq!(served.join().unwrap().len(), 6);
}

#[test]
fn compatibility_is_set_and_checked() {
    let (url, served) = server(vec![
        r#"200 OK|{"compatibility":"FULL_TRANSITIVE"}"#,
        r#"200 OK|{"is_compatible":false}"#,
        r#"404 No|{"error_code":40401,"message":"Subject not found"}"#,
    ]);
    let client = client(url);
    client.set_compatibility("x", "FULL_TRANSITIVE").unwrap();
    assert!(!client.check("x", "{}").unwrap());
    assert!(client.check("y", "{}").unwrap());
    let asked = served.join().unwrap();
    assert_eq!(asked[0].line, "PUT /apis/ccompat/v7/config/x HTTP/1.1");
    assert_eq!(asked[0].body, r#"{"compatibility":"FULL_TRANSITIVE"}"#);
    assert_eq!(asked[1].line, "POST /apis/ccompat/v7/compatibility/subjects/x/versions HTTP/1.1");
}

#[test]
fn name_and_password_or_token_are_sent_and_never_shown() {
    let (url, served) = server(vec![r#"200 OK|{"id":1}"#, r#"200 OK|{"id":1}"#]);
    let basic = Auth::Basic { user: "alice".into(), password: Secret::new("open sesame") };
    for auth in [basic, Auth::Bearer(Secret::new("t0ken"))] {
        let settings = Settings { auth, ..Settings::at(url.clone()) };
        assert!(!format!("{settings:?}").contains("sesame") && !format!("{settings:?}").contains("t0ken"));
        let client = Registry::new(settings).unwrap();
        assert!(!format!("{client:?}").contains("Basic"));
        client.register("x", "{}").unwrap();
    }
    let asked = served.join().unwrap();
    assert!(asked[0].headers.contains(&"authorization: basic ywxpy2u6b3blbibzzxnhbwu=".to_owned()));
    assert!(asked[1].headers.contains(&"authorization: bearer t0ken".to_owned()));
}

#[test]
fn an_address_that_is_none_is_refused_without_showing_its_secret() {
    for url in ["registry:8081", "ftp://registry", "http://registry/?x=1", ""] {
        assert!(matches!(Registry::new(Settings::at(url)), Err(RegistryError::Url { .. })), "{url}");
    }
    let said = Registry::new(Settings::at("http://alice:sesame@registry:8081")).unwrap_err().to_string();
    assert!(said.starts_with("`http://…@registry:8081` is no address"), "{said}");
    let settings = Settings { ca_pem: Some(b"no certificate".to_vec()), ..Settings::at("https://registry") };
    let said = Registry::new(settings).unwrap_err().to_string();
    assert_eq!(said, "the certificates for the schema registry cannot be read: there are none");
}

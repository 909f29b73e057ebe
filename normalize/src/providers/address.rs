//! The caller's address, and what stands where an address belongs.

use std::net::{IpAddr, SocketAddr};

use schemas::{AccessEvent, Text};

/// Puts what the log calls the caller's address where it belongs: an address without its port and in its canonical
/// spelling into `source_ip`, a name (`gce-internal-ip`, `private`, a service's host) into `source_service`. An address
/// that somebody blanked out (`000.0.000.0`) goes nowhere.
pub(super) fn fill(event: &mut AccessEvent, logged: Option<&str>) {
    let Some(logged) = logged.map(str::trim).filter(|text| !text.is_empty()) else { return };
    if let Some(ip) = ip(logged) {
        event.source_ip = Some(Text::from(ip.to_string()));
    } else if logged.bytes().any(|byte| byte.is_ascii_alphabetic()) && !logged.contains(':') {
        event.source_service = Some(Text::from(logged));
    }
}

fn ip(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_go_and_one_address_has_one_spelling() {
        for (text, expected) in [
            ("5.5.5.5:28915", Some("5.5.5.5")),
            ("5.5.5.5", Some("5.5.5.5")),
            ("2620:15C:0:200:1a75:e914:115b:e970", Some("2620:15c:0:200:1a75:e914:115b:e970")),
            ("[2001:0db8::0001]:443", Some("2001:db8::1")),
            ("[::1]", Some("::1")),
            ("000.0.000.0", None),
            ("69.420.13.37", None),
            ("gce-internal-ip", None),
        ] {
            assert_eq!(ip(text).map(|ip| ip.to_string()).as_deref(), expected, "{text}");
        }
    }
}

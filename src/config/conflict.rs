//! What cannot be meant together, though each value is right on its own.

use std::net::SocketAddr;
use std::time::Duration;

use super::assemble::{ARRIVING_BYTES_MIN, most};
use super::file::ConfigFile;
use super::{diags, size};
use crate::diag::{Diagnostics, Spanned};
use crate::time::parse_duration;
use crate::{admin, gateway, server};

/// Looks at the values that could be read; the others were reported already.
pub(super) fn check(file: &ConfigFile, found: &mut Diagnostics) {
    addresses(file, found);
    unused_backend(file, found);
    nothing_inexpressible(file, found);
    limits_of_addresses(file, found);
    room_for_bodies(file, found);
    time_limits(file, found);
}

/// A backend that speaks canonical has words for everything.
fn nothing_inexpressible(file: &ConfigFile, found: &mut Diagnostics) {
    let Some(upstream) = &file.upstream else { return };
    if let (Some(declared), None) = (&upstream.inexpressible, &upstream.dialect) {
        found.push(diags::inexpressible::inexpressible_in_canonical(declared.span));
    }
}

/// Sockets of one address share its connections, so that some requests would reach the wrong listener.
fn addresses(file: &ConfigFile, found: &mut Diagnostics) {
    let mut asked: Vec<Asked<'_>> = listeners(file).into_iter().chain(admin(file)).collect();
    asked.sort_by_key(|asked| asked.written.map(|text| text.span.start));

    for (index, again) in asked.iter().enumerate() {
        // Port zero is a different free port each time.
        let is_taken = |first: &&Asked<'_>| first.address == again.address && first.address.port() != 0;
        if let (Some(first), Some(text)) = (asked[..index].iter().find(is_taken), again.written) {
            let first_span = first.written.map(|text| text.span);
            found.push(diags::conflict::same_address(text, first.key, first_span));
        }
    }
}

/// An address somebody asked for: written in the file, or else the default.
struct Asked<'f> {
    key: &'static str,
    address: SocketAddr,
    written: Option<&'f Spanned<String>>,
}

impl<'f> Asked<'f> {
    fn written(key: &'static str, text: &'f Spanned<String>) -> Option<Self> {
        Some(Self { key, address: text.value.parse().ok()?, written: Some(text) })
    }

    fn default(key: &'static str, address: SocketAddr) -> Self {
        Self { key, address, written: None }
    }
}

fn listeners(file: &ConfigFile) -> Vec<Asked<'_>> {
    let key = "server.listener.address";
    if file.server.listeners.is_empty() {
        let default = server::Config::default().listeners;
        return default.iter().map(|listener| Asked::default(key, listener.address)).collect();
    }
    let written = file.server.listeners.iter().filter_map(|listener| listener.address.as_ref());
    written.filter_map(|text| Asked::written(key, text)).collect()
}

fn admin(file: &ConfigFile) -> Option<Asked<'_>> {
    let key = "admin.address";
    if file.admin.enabled.is_some_and(|enabled| !enabled.value) {
        return None;
    }
    match &file.admin.address {
        Some(text) => Asked::written(key, text),
        None => admin::Config::default().address.map(|address| Asked::default(key, address)),
    }
}

fn unused_backend(file: &ConfigFile, found: &mut Diagnostics) {
    if let (Some(backend), Some(upstream)) = (&file.backend, &file.upstream) {
        found.push(diags::conflict::unused_backend(backend.header, upstream.header));
    }
    // Nobody is asked for a certificate on a connection without TLS.
    if let Some(upstream) = &file.upstream
        && let Some(base) = &upstream.base
        && base.value.parse().is_ok_and(|base: http::Uri| base.scheme() == Some(&http::uri::Scheme::HTTP))
    {
        let tls = upstream.tls.as_ref().map(|tls| ("tls", tls.header));
        let authorities = upstream.authorities.as_ref().map(|authorities| ("authorities", authorities.span));
        for (key, written) in tls.into_iter().chain(authorities) {
            found.push(diags::conflict::unused_for_tls(key, written, base.span));
        }
    }
}

/// What one address may have is meant to leave something for others. Only what somebody wrote is worth a word: else it is
/// a part of what all may have.
fn limits_of_addresses(file: &ConfigFile, found: &mut Diagnostics) {
    let (file, default) = (&file.server, server::Config::default());
    for (inner, written, outer, all, usual) in [
        (
            "server.connections_per_address_max",
            file.connections_per_address_max,
            "server.connections_max",
            file.connections_max,
            default.connections_max,
        ),
        (
            "server.in_flight_per_address_max",
            file.in_flight_per_address_max,
            "server.in_flight_max",
            file.in_flight_max,
            default.in_flight_max,
        ),
    ] {
        let Some(written) = written else { continue };
        let most = all.map_or(i64::try_from(usual).unwrap_or(i64::MAX), |all| all.value);
        if written.value >= most {
            let all = (most, all.map(|all| all.span));
            found.push(diags::conflict::limit_of_nobody(inner, written.span, outer, all));
        }
    }
}

/// A body that needs all the room there is arrives only if nobody else sends one. Said of what somebody wrote.
fn room_for_bodies(file: &ConfigFile, found: &mut Diagnostics) {
    let size = |written: Option<&Spanned<String>>, default: usize| match written {
        Some(text) => size::parse(&text.value).ok(),
        None => Some(default),
    };
    let room = file.server.arriving_bytes_max.as_ref();
    let body = file.body.bytes_max.as_ref();
    let Some(written) = room.or(body) else { return };
    let room_bytes = size(room, server::Config::default().arriving_bytes_max);
    let body_bytes = size(body, gateway::Config::default().bytes_max);
    // What is out of its range was said already.
    let room_bytes = room_bytes.filter(|bytes| *bytes >= ARRIVING_BYTES_MIN);
    let body_bytes = body_bytes.filter(|bytes| *bytes <= most::BODY_BYTES);
    if let (Some(room_bytes), Some(body_bytes)) = (room_bytes, body_bytes)
        && room_bytes <= body_bytes
    {
        let other = if room.is_some() {
            ("body.bytes_max", body_bytes, body.map(|text| text.span))
        } else {
            ("server.arriving_bytes_max", room_bytes, None)
        };
        found.push(diags::conflict::room_of_one_body(written.span, other));
    }
}

/// A limit inside a shorter one never fires. Only limits somebody wrote are worth a word.
fn time_limits(file: &ConfigFile, found: &mut Diagnostics) {
    let deadline = Limit {
        key: "server.request_deadline",
        written: file.server.request_deadline.as_ref(),
        default: server::Config::default().request_deadline,
    };
    let reading = Limit {
        key: "body.read_timeout",
        written: file.body.read_timeout.as_ref(),
        default: gateway::Config::default().read_timeout,
    };
    reading.must_end_before(&deadline, found);

    let Some(upstream) = &file.upstream else { return };
    let default = crate::upstream::Config::new(http::Uri::default());
    let call =
        Limit { key: "upstream.timeout", written: upstream.timeout.as_ref(), default: default.timeout };
    let connecting = Limit {
        key: "upstream.connect_timeout",
        written: upstream.connect_timeout.as_ref(),
        default: default.connect_timeout,
    };
    call.must_end_before(&deadline, found);
    connecting.must_end_before(&call, found);
    if upstream.breaker.enabled.is_none_or(|enabled| enabled.value) {
        // Else a call that is never answered would make the one before it forgotten.
        let forgetting = Limit {
            key: "upstream.breaker.forget_after",
            written: upstream.breaker.forget_after.as_ref(),
            default: crate::upstream::breaker::Config::default().forget_after,
        };
        call.must_end_before(&forgetting, found);
    }
}

/// A time limit: what was written, or else its default.
struct Limit<'f> {
    key: &'static str,
    written: Option<&'f Spanned<String>>,
    default: Duration,
}

impl Limit<'_> {
    fn must_end_before(&self, outer: &Limit<'_>, found: &mut Diagnostics) {
        let Some(written) = self.written else { return };
        let (Some(inner_length), Some(outer_length)) = (self.length(), outer.length()) else { return };
        if inner_length > outer_length {
            let outer_span = outer.written.map(|written| written.span);
            found.push(diags::conflict::unreachable_limit(
                self.key,
                written.span,
                outer.key,
                outer_span,
                outer_length,
            ));
        }
    }

    /// None if something unreadable was written.
    fn length(&self) -> Option<Duration> {
        match self.written {
            Some(written) => parse_duration(&written.value).ok(),
            None => Some(self.default),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::diag::{Diagnostics, Sources};

    fn is_quiet(text: &str) -> bool {
        let mut found = Diagnostics::default();
        Config::parse(Sources::default().add("config.toml", text), text, &mut found);
        found.is_empty()
    }

    #[test]
    fn two_listeners_may_each_ask_for_any_free_port() {
        let listener = "[[server.listener]]\naddress = \"[::1]:0\"\n";

        assert!(is_quiet(&listener.repeat(2)));
    }

    #[test]
    fn an_admin_page_that_is_off_takes_no_address() {
        let listener = "[[server.listener]]\naddress = \"127.0.0.1:9464\"\n";

        assert!(!is_quiet(listener));
        assert!(is_quiet(&format!("{listener}[admin]\nenabled = false\n")));
    }

    #[test]
    fn one_port_of_two_interfaces_is_two_addresses() {
        let listener = |host| format!("[[server.listener]]\naddress = \"{host}:8080\"\n");

        assert!(is_quiet(&(listener("127.0.0.1") + &listener("127.0.0.2"))));
    }

    #[test]
    fn limits_may_be_equal_and_a_shortened_deadline_is_not_held_against_the_defaults() {
        assert!(is_quiet("[body]\nread_timeout = \"30s\"\n"));
        assert!(is_quiet("[server]\nrequest_deadline = \"1s\"\n"));
    }

    #[test]
    fn there_is_room_for_a_body_if_it_is_less_than_all_of_it() {
        assert!(is_quiet("[server]\narriving_bytes_max = \"1025 KiB\"\n"));
        assert!(is_quiet("[body]\nbytes_max = \"63 MiB\"\n"));
        assert!(is_quiet("[server]\narriving_bytes_max = \"64 KiB\"\n[body]\nbytes_max = \"8 KiB\"\n"));
        assert!(!is_quiet("[server]\narriving_bytes_max = \"64 KiB\"\n[body]\nbytes_max = \"64 KiB\"\n"));
    }

    #[test]
    fn an_unreadable_limit_is_not_compared() {
        let text = "[server]\nrequest_deadline = \"soon\"\n[body]\nread_timeout = \"1h\"\n";
        let mut found = Diagnostics::default();
        Config::parse(Sources::default().add("config.toml", text), text, &mut found);

        assert_eq!(found.len(), 1);
    }
}

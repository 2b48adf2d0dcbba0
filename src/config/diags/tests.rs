//! Each message at the place in the file that it is about, and no other beside it.

use crate::config::{Config, Known};
use crate::diag::code::{self, ALL, Code};
use crate::diag::{Diagnostics, Sources};

/// For each code, files that draw it and nothing else, with the line and column it points at.
#[rustfmt::skip]
const FIXTURES: &[(Code, &str, (usize, usize))] = &[
    (code::C0101, "[server]\nidle_timeout = 10s\n", (2, 16)),
    (code::C0101, "[server\nworkers = 2\n", (1, 8)),
    (code::C0102, "[server]\nidle_timeuot = \"10s\"\n", (2, 1)),
    (code::C0102, "  [servre]\n", (1, 4)),
    (code::C0102, "[[server.listener]]\naddress = \"[::]:80\"\ntls = { certificate = \"c\", key = \"k\", ca = \"a\" }\n", (3, 39)),
    (code::C0103, "[server]\nworkers = \"two\"\n", (2, 11)),
    (code::C0103, "[server]\nidle_timeout = 10\n", (2, 16)),
    (code::C0103, "[limit]\nwindows = [\"300/minute\", 5]\n", (2, 26)),
    (code::C0103, "server = true\n", (1, 10)),
    (code::C0104, "[[server.listener]]\n", (1, 1)),
    (code::C0104, "[upstream]\ntimeout = \"5s\"\n", (1, 1)),
    (code::C0104, "[[server.listener]]\naddress = \"[::]:80\"\ntls = { key = \"k\" }\n", (3, 7)),
    (code::C0105, "[body]\ndepth_max = 1\ndepth_max = 2\n", (3, 1)),
    (code::C0105, "[body]\n[limit]\n[body]\n", (3, 2)),
    (code::C0201, "[server]\nidle_timeout = \"10\"\n", (2, 16)),
    (code::C0207, "[server]\nidle_timeout = \"0s\"\n", (2, 16)),
    (code::C0207, "[server]\ndrain_timeout = \"2d\"\n", (2, 17)),
    (code::C0207, "[body]\nbytes_max = \"0 B\"\n", (2, 13)),
    (code::C0201, "[upstream]\nbase = \"http://b\"\ntimeout = \"2 days\"\n", (3, 11)),
    (code::C0202, "[body]\nbytes_max = \"1 MB\"\n", (2, 13)),
    (code::C0203, "[limit]\nwindows = [\"300/minute\", \"many/day\"]\n", (2, 26)),
    (code::C0204, "[[server.listener]]\naddress = \"localhost:8080\"\n", (2, 11)),
    (code::C0204, "[admin]\naddress = \":9464\"\n", (2, 11)),
    (code::C0205, "[upstream]\nbase = \"backend.example\"\n", (2, 8)),
    (code::C0205, "[upstream]\nbase = \"ftp://backend.example\"\n", (2, 8)),
    (code::C0205, "[upstream]\nbase = \"http://backend.example/?a=b\"\n", (2, 8)),
    (code::C0205, "[upstream]\nbase = \"http://backend.example/#a\"\n", (2, 8)),
    (code::C0205, "[upstream]\nbase = \"http://me:secret@backend.example\"\n", (2, 8)),
    (code::C0205, "[upstream]\nbase = \"http://\"\n", (2, 8)),
    (code::C0206, "[answers]\ncheck = \"on\"\n", (2, 9)),
    (code::C0206, "[answers.dialects]\nacme = \"reprot\"\n", (2, 8)),
    (code::C0206, "[telemetry]\nformat = \"JSON\"\n", (2, 10)),
    (code::C0206, "[upstream]\nbase = \"http://b\"\nidempotency_keys = \"honored\"\n", (3, 20)),
    (code::C0207, "[upstream]\nbase = \"http://b\"\n[upstream.breaker]\nwindow_calls = 10\ncalls_min = 11\n", (5, 13)),
    (code::C0207, "[upstream]\nbase = \"http://b\"\n[upstream.retry]\nretries_max = 4\n", (4, 15)),
    (code::C0207, "[server]\nworkers = 0\n", (2, 11)),
    (code::C0207, "[body]\ndepth_max = -1\n", (2, 13)),
    (code::C0207, "[server]\nheader_bytes_max = \"1 KiB\"\n", (2, 20)),
    (code::C0207, "[server]\narriving_bytes_max = \"1 KiB\"\n", (2, 22)),
    (code::C0207, "[server]\nuntaken_bytes_max = \"1 KiB\"\n", (2, 21)),
    (code::C0208, "[[server.listener]]\naddress = \"[::]:80\"\n[[server.listener]]\naddress = \"[::]:80\"\n", (4, 11)),
    (code::C0208, "[admin]\naddress = \"[::]:80\"\n[[server.listener]]\naddress = \"[::]:80\"\n", (4, 11)),
    (code::C0208, "[admin]\naddress = \"127.0.0.1:8080\"\n", (2, 11)),
    (code::C0208, "[[server.listener]]\naddress = \"127.0.0.1:9464\"\n", (2, 11)),
    (code::C0209, "[upstream]\nbase = \"http://b\"\n[backend]\nseed = true\n", (3, 1)),
    (code::C0210, "[server]\narriving_bytes_max = \"1 MiB\"\n", (2, 22)),
    (code::C0210, "[body]\nbytes_max = \"64 MiB\"\n", (2, 13)),
    (code::C0210, "[body]\nread_timeout = \"31s\"\n", (2, 16)),
    (code::C0210, "[upstream]\nbase = \"http://b\"\nconnect_timeout = \"3s\"\ntimeout = \"2s\"\n", (3, 19)),
    (code::C0211, "[telemetry]\nfilter = \"inof\"\n", (2, 10)),
    (code::C0211, "[telemetry]\nfilter = \"info,a=loud\"\n", (2, 10)),
    (code::C0212, "[files]\nschemas = \"\"\n", (2, 11)),
    (code::C0206, "[[server.listener]]\naddress = \"[::]:80\"\ntls = { certificate = \"c\", key = \"k\", clients = { authorities = \"a\", certificate = \"wish\" } }\n", (3, 84)),
    (code::C0214, "[upstream]\nbase = \"http://b\"\ntls = { certificate = \"c\", key = \"k\" }\n", (3, 7)),
    (code::C0206, "[server.hops]\nheaders = [\"x-real-ip\"]\n", (2, 12)),
    (code::C0215, "[server.hops]\ntrusted = [\"::/0\"]\n", (2, 12)),
    (code::C0216, "[server.hops]\nheaders = [\"x-forwarded-host\"]\n", (2, 11)),
    (code::C0216, "[server.hops]\nheaders = [\"forwarded\", \"x-forwarded-for\"]\n", (2, 11)),
    (code::C0216, "[server.hops]\nheaders = []\n", (2, 11)),
    (code::C0210, "[server]\nconnections_max = 10\nconnections_per_address_max = 10\n", (3, 31)),
    (code::C0210, "[server]\nin_flight_per_address_max = 1024\n", (2, 29)),
    (code::C0214, "[upstream]\nbase = \"HTTP://b\"\nauthorities = \"a\"\n", (3, 15)),
    (code::C0215, "[server.hops]\ntrusted = [\"10.0.0.0/8\", \"10.0.0.1/8\"]\n", (2, 26)),
    (code::C0213, "[legacy.acne]\nbase = \"http://b\"\n", (1, 9)),
    (code::C0401, "[mode.acme]\nmode = \"legacy\"\n", (2, 8)),
    (code::C0401, "[mode.acme]\nmode = \"canonical\"\noperations = { list = \"legacy\" }\n", (3, 23)),
    (code::C0402, "[mode.acme]\nmode = \"canonical\"\noperations.lst = \"canonical\"\n", (3, 12)),
    (code::C0403, "[mode.acme]\nmode = \"canonical\"\nprincipals.hunter2 = \"canonical\"\n", (3, 12)),
    (code::C0104, "[mode.acme]\nshare = 50\n", (1, 1)),
    (code::C0102, "[mode.acme]\nmode = \"canonical\"\nhunter2 = \"canonical\"\n", (3, 1)),
    (code::C0206, "[mode.acme]\nmode = \"canonical\"\nprincipals.e9cee71ab932fde863338d08be4de9df = \"split\"\n", (3, 47)),
    (code::C0206, "[mode.acme]\nmode = \"lgacy\"\n", (2, 8)),
    (code::C0207, "[legacy.acme]\nbase = \"http://b\"\n[mode.acme]\nmode = \"split\"\nshare = 101\n", (5, 9)),
    (code::C0404, "[legacy.acme]\nbase = \"http://b\"\n[mode.acme]\nmode = \"split\"\n", (4, 8)),
    (code::C0405, "[mode.acme]\nmode = \"canonical\"\nshare = 10\n", (3, 9)),
    (code::C0405, "[mode.acme]\nmode = \"canonical\"\nanswers = \"legacy\"\n", (3, 11)),
    (code::C0206, "[legacy.acme]\nbase = \"http://b\"\n[mode.acme]\nmode = \"shadow\"\nanswers = \"both\"\n", (5, 11)),
    (code::C0405, "[mode.acme]\nmode = \"canonical\"\nvalidate = true\n", (3, 12)),
    (code::C0405, "[mode.acme]\nmode = \"canonical\"\nknown = [\"dialect:/a\"]\n", (3, 10)),
    (code::C0408, "[legacy.acme]\nbase = \"http://b\"\n[mode.acme]\nmode = \"shadow\"\nknown = [\"/name\"]\n", (5, 10)),
    (code::C0408, "[legacy.acme]\nbase = \"http://b\"\n[mode.acme]\nmode = \"shadow\"\nknown = [\"dialect:/\"]\n", (5, 10)),
    (code::C0403, "[usage.names]\npat_DemoDemo1 = \"job\"\n", (2, 1)),
    (code::C0403, "[usage.names]\npat_DemoDemo1 = 5\n", (2, 1)),
    (code::C0403, "[usage.names]\npat_DemoDemo1.x = \"job\"\n", (2, 1)),
    (code::C0103, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = 5\n", (2, 36)),
    (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \" \"\n", (2, 36)),
    (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"a\\nb\"\n", (2, 36)),
    (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"\\u001b[31m\"\n", (2, 36)),
    (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"\u{202e}gnillib\"\n", (2, 36)),
    (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"\u{61c}billing\"\n", (2, 36)),
    (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"bil\u{200b}ling\"\n", (2, 36)),
    (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"bil\u{2060}ling\"\n", (2, 36)),
    (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"\u{feff}billing\"\n", (2, 36)),
    (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"billing \"\n", (2, 36)),
    (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"unconfirmed\"\n", (2, 36)),
    (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"a\"\n00cee71ab932fde863338d08be4de9df = \"a\"\n", (3, 36)),
    (code::C0406, "[usage.names]\n00000000000000000000000000000000 = \"nobody\"\n", (2, 1)),
    (code::C0217, "[body]\ncalls_max = 110\n", (2, 13)),
    (code::C0213, "[answers.dialects]\nacme = \"off\"\nacne = \"off\"\n", (3, 1)),
    (code::C0206, "[upstream]\nbase = \"http://b\"\ndialect = \"acme\"\ninexpressible = { acme = \"all\" }\n", (4, 26)),
    (code::C0103, "[upstream]\nbase = \"http://b\"\ndialect = \"acme\"\ninexpressible = { acme = true }\n", (4, 26)),
    (code::C0306, "[upstream]\nbase = \"http://b\"\n[upstream.inexpressible]\nacme = \"any\"\n", (3, 1)),
    (code::C0213, "[upstream]\nbase = \"http://b\"\ndialect = \"acne\"\n", (3, 11)),
];

fn found_in(text: &str) -> Vec<(Code, (usize, usize))> {
    let mut sources = Sources::default();
    let file = sources.add("config.toml", text);
    let mut found = Diagnostics::default();
    let config = Config::parse(file, text, &mut found);
    found.extend(config.into_iter().flat_map(|config| {
        let (operations, gathers) = (vec!["list"], vec![("list", 2000)]);
        config.strangers(&[Known { name: "acme", operations, gathers, ..Known::default() }])
    }));
    let places = found.into_vec().into_iter().map(|one| {
        let place = one.primary().expect("a message about a file points into it");
        (one.code, sources.line_column(file, place.start))
    });
    places.collect()
}

#[test]
fn every_fixture_draws_its_code_at_its_place_and_nothing_else() {
    for (code, text, place) in FIXTURES {
        assert_eq!(found_in(text), [(*code, *place)], "{text}");
    }
}

#[test]
fn every_code_of_the_configuration_has_a_fixture() {
    for entry in ALL.iter().filter(|entry| entry.code.as_str().starts_with('C')) {
        // What a reload cannot take needs two files: `fixed` has the tests. What files say that are named is no setting, nor is
        // what mappings say.
        let elsewhere =
            [code::C0301, code::C0302, code::C0303, code::C0304, code::C0305, code::C0307, code::C0407];
        if elsewhere.contains(&entry.code) {
            continue;
        }
        assert!(FIXTURES.iter().any(|(code, _, _)| *code == entry.code), "{}", entry.code);
    }
}

#[test]
fn everything_wrong_is_said_in_one_run() {
    let text = "\
[server]
workers = 0
idle_timeout = 10s
header_timeout = \"10\"
drain_timeuot = \"30s\"

[upstream]
timeout = true

[limit]
windows = [\"often\"]
";

    assert_eq!(
        found_in(text),
        [
            (code::C0207, (2, 11)),
            (code::C0101, (3, 16)),
            (code::C0201, (4, 18)),
            (code::C0102, (5, 1)),
            (code::C0104, (7, 1)),
            (code::C0103, (8, 11)),
            (code::C0203, (11, 12)),
        ]
    );
}

#[test]
fn a_password_in_a_url_is_not_repeated() {
    let text = "[upstream]\nbase = \"http://me:secret@backend.example\"\n";
    let mut found = Diagnostics::default();
    Config::parse(Sources::default().add("config.toml", text), text, &mut found);

    assert!(!format!("{found:?}").contains("secret"));
}

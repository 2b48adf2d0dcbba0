//! Under how many names one address is known.

use std::sync::Arc;

use crate::upstream::{Config, Upstream};

fn base(written: &str) -> String {
    Upstream::new(Arc::new(Config::new(written.parse().unwrap()))).unwrap().base()
}

/// By RFC 3986, section 6.2.2 and 6.2.3; and what is sent is the same with a slash at the end as without.
#[test]
fn an_address_has_one_name_however_it_is_spelt() {
    for (name, others) in [
        (
            "http://old/",
            &["http://old", "http://old:80", "HTTP://OLD:80/", "http://old:/", "http://old//"][..],
        ),
        ("http://old:8080/", &["http://Old:8080"]),
        ("http://old/api/v1", &["http://old:80/api/v1/", "http://old/%61pi/v1"]),
        ("http://old/API", &["http://old/API/"]),
        ("http://[::1]/", &["http://[0:0::1]:80"]),
        // The port of another scheme.
        ("http://old:443/", &[]),
    ] {
        assert_eq!(base(name), name, "as it was before it had one name");
        for other in others {
            assert_eq!(base(other), name, "{other}");
        }
    }
}

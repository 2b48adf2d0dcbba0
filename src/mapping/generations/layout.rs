//! What of a mapping goes together with what it extends, and what replaces it.
//!
//! Wherever nothing is said here, the key of the extending mapping replaces that of the other.

use crate::diag::code;
use crate::diag::reader::overlay::{Displaces, Keys, Layout, Rule, Without};

/// How a mapping is laid over the one it extends.
pub(super) static LAYOUT: Layout = Layout {
    root: Keys {
        named: &[
            ("dialect", Rule::Keys(&DIALECT)),
            ("quota", Rule::Keys(&QUOTA)),
            ("errors", Rule::Keys(&ERRORS)),
            ("id", Rule::Keys(&BY_NAME)),
            ("table", Rule::Keys(&BY_NAME)),
            ("resolver", Rule::Keys(&BY_NAME)),
            ("page", Rule::Keys(&BY_NAME)),
            ("role", Rule::Keys(&ROLE)),
            ("lens", Rule::Keys(&LENSES)),
            ("operation", Rule::Rows("name", &OPERATION)),
            // That one retires says nothing of the other: mostly it is why there is another.
            ("retirement", Rule::Own),
        ],
        others: Rule::Replace,
        needs: None,
        without: Some(Without { list: &["dialect", "without"], from: &["operation"] }),
        displaces: None,
    },
    absent: code::M0703,
    fixed: code::M0704,
};

/// Entries by their names: each is as a whole one mapping's or the other's.
static BY_NAME: Keys = Keys::all(Rule::Replace);

/// Who it is must not be said of two.
static DIALECT: Keys = Keys {
    named: &[("hosts", Rule::Own), ("select", Rule::Own), ("extends", Rule::Own)],
    ..Keys::all(Rule::Replace)
};

/// One budget, whichever generation a client says it is.
static QUOTA: Keys = Keys { named: &[("windows", Rule::Fixed)], ..Keys::all(Rule::Replace) };

/// Envelopes are whole; words are by status.
static ERRORS: Keys = Keys {
    named: &[
        ("words", Rule::Keys(&BY_NAME)),
        ("kinds", Rule::Keys(&BY_NAME)),
        ("folds", Rule::Keys(&BY_NAME)),
    ],
    ..Keys::all(Rule::Replace)
};

/// Where a row says what a canonical role is, that role no longer lands elsewhere.
static ROLE: Keys = Keys {
    named: &[("row", Rule::Rows("word", &ROW)), ("lands", Rule::Keys(&BY_NAME))],
    others: Rule::Replace,
    needs: None,
    without: Some(Without { list: &["without"], from: &["row"] }),
    displaces: Some(Displaces { rows: "row", key: "is", from: "lands" }),
};

static ROW: Keys = Keys { needs: Some("is"), ..Keys::all(Rule::Replace) };

static LENSES: Keys = Keys::all(Rule::Keys(&LENS));

static LENS: Keys = Keys {
    named: &[
        ("fields", Rule::Keys(&BY_NAME)),
        ("sets", Rule::Keys(&BY_NAME)),
        ("drops", Rule::Keys(&BY_NAME)),
        ("ignores", Rule::Keys(&BY_NAME)),
        ("exceeds", Rule::Keys(&BY_NAME)),
    ],
    others: Rule::Replace,
    needs: Some("canonical"),
    without: Some(Without { list: &["without"], from: &["fields", "sets", "drops", "ignores", "exceeds"] }),
    displaces: None,
};

static OPERATION: Keys = Keys {
    named: &[("answers", Rule::Keys(&BY_NAME))],
    others: Rule::Replace,
    needs: Some("request"),
    without: Some(Without { list: &["without"], from: &[] }),
    displaces: None,
};

//! What may be said of an organization, at first and later.

use rusqlite::types::Value;
use serde_json::json;

use crate::backend::body::{Fields, Nulls};
use crate::backend::changes::Changes;
use crate::backend::email::is_host;
use crate::backend::problem::Problem;
use crate::backend::role::Role;

pub(super) const NAME_LENGTH_MAX: usize = 255;
const SLUG_LENGTH_MAX: usize = 128;
const TEXT_LENGTH_MAX: usize = 1000;
const WEBSITE_LENGTH_MAX: usize = 200;
const PHONE_LENGTH_MAX: usize = 31;
const TIMEZONE_LENGTH_MAX: usize = 64;
const HOST_LENGTH_MAX: usize = 253;
const NEED_LENGTH_MAX: usize = 1000;
const LIST_ITEMS_MAX: usize = 50;

const BUSINESS_TYPES: [&str; 3] = ["agency", "corporation", "ngo"];

/// Whether the organization is there already, so that objects are merged into what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    AtFirst,
    Later,
}

/// Reads all but name and slug. What is absent stays as it is.
pub(super) fn read(fields: &mut Fields<'_>, moment: Moment) -> Changes {
    let mut changes = Changes::default();
    for name in ["description", "business_information"] {
        if fields.has(name) {
            changes.set(name, or_null(fields.short_text_or_null(name, TEXT_LENGTH_MAX)));
        }
    }
    if fields.has("country") {
        let is_code = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        changes
            .set("country", or_null(fields.matching_or_null("country", 2, is_code, "two capital letters")));
    }
    if fields.has("business_type") {
        let is_known = |text: &str| BUSINESS_TYPES.contains(&text);
        let what = format!("one of `{}`", BUSINESS_TYPES.join("`, `"));
        let kind = fields.matching_or_null("business_type", TEXT_LENGTH_MAX, is_known, &what);
        changes.set("business_type", or_null(kind));
    }
    if fields.has("website") {
        let website =
            fields.matching_or_null("website", WEBSITE_LENGTH_MAX, is_website, "an address on the web");
        changes.set("website", or_null(website));
    }
    if fields.has("phone") {
        changes.set("phone", or_null(fields.short_text_or_null("phone", PHONE_LENGTH_MAX)));
    }
    if fields.has("timezone")
        && let Some(timezone) = fields.text("timezone", TIMEZONE_LENGTH_MAX)
    {
        changes.set("timezone", timezone);
    }
    for name in ["is_brand", "allow_external_invites"] {
        if fields.has(name) {
            changes.set(name, fields.flag(name, false));
        }
    }
    if fields.has("default_role") {
        changes.set("default_role", default_role(fields));
    }
    if fields.has("domains") {
        let domains = fields.texts("domains", LIST_ITEMS_MAX, HOST_LENGTH_MAX, is_host).unwrap_or_default();
        changes.set("domains", list(domains.into_iter().map(|host| host.to_ascii_lowercase())));
    }
    if fields.has("needs") {
        let needs = fields.texts("needs", LIST_ITEMS_MAX, NEED_LENGTH_MAX, |_| true).unwrap_or_default();
        changes.set("needs", list(needs));
    }
    match moment {
        Moment::AtFirst => {
            changes.set("metadata", fields.labels("metadata", Nulls::Refused));
            changes.set("extensions", fields.free_object("extensions"));
        }
        Moment::Later => {
            changes.merge("metadata", fields.labels("metadata", Nulls::TakeAway));
            changes.merge("extensions", fields.free_object("extensions"));
        }
    }
    changes
}

/// A slug that may be absent or null.
pub(super) fn slug(fields: &mut Fields<'_>) -> Option<String> {
    let is_slug = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    fields.matching_or_null("slug", SLUG_LENGTH_MAX, is_slug, "small letters, digits and hyphens")
}

/// Refuses a caller who would let newcomers do more than they may themselves.
pub(super) fn check_default_role(
    changes: &Changes,
    may_give: impl Fn(Role) -> Result<(), Problem>,
) -> Result<(), Problem> {
    match changes.text("default_role").and_then(Role::parse) {
        Some(role) => may_give(role),
        None => Ok(()),
    }
}

/// Anything but an owner; null is a guest.
fn default_role(fields: &mut Fields<'_>) -> Value {
    if fields.is_null("default_role") {
        fields.short_text_or_null("default_role", 0); // asked for, so that it is not unknown
        return Value::Null;
    }
    let grantable: Vec<_> = Role::ALL.into_iter().filter(|role| *role != Role::Owner).collect();
    let table: Vec<_> = grantable.into_iter().map(|role| (role.name(), role)).collect();
    or_null(fields.word("default_role", &table).map(|role| role.name().to_owned()))
}

fn or_null(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::Text)
}

/// The JSON text of a list in which nothing is twice.
fn list(texts: impl IntoIterator<Item = String>) -> String {
    let mut kept: Vec<String> = Vec::new();
    for text in texts {
        if !kept.contains(&text) {
            kept.push(text);
        }
    }
    json!(kept).to_string()
}

fn is_website(text: &str) -> bool {
    text.parse::<http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    })
}

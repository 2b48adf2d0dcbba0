//! What retires, when, and who still uses it.

use super::{count_cells, counted, escaped, principal, put, table};
use crate::cli::usage::Told;
use crate::cli::usage::ending::Ending;

pub(super) fn put_all(told: &Told, out: &mut String) {
    if told.endings.is_empty() {
        return;
    }
    out.push_str("<section><h2>What retires</h2>");
    for ending in &told.endings {
        put_ending(told, ending, out);
    }
    out.push_str("</section>\n");
}

fn put_ending(told: &Told, ending: &Ending, out: &mut String) {
    let class = if ending.state == "gone" { "blocked" } else { "doubt" };
    let places = ending.places.iter().map(|place| format!("<code>{}</code>", escaped(&place.to_string())));
    let places = places.collect::<Vec<_>>().join(", ");
    let state = ending.state;
    put(
        out,
        format_args!("<div class=\"who\"><h3>{places} <span class=\"mark {class}\">{state}</span></h3>"),
    );
    put(out, format_args!("<p class=\"soft\">{}.</p>", capital(&ending.when())));
    put(out, format_args!("<p>{}.</p>", capital(&ending.by_whom(told.untouched == 0))));
    let rows: Vec<_> = ending
        .users
        .iter()
        .map(|(who, known)| [vec![principal(told, who)], count_cells(known)].concat())
        .collect();
    table(&["Principal", "#Requests", "First", "Last"], &rows, out);
    if let Some(known) = &ending.unconfirmed {
        let asked = counted(known);
        put(out, format_args!("<p>{asked} requests used it of which nobody knows whose they are.</p>"));
    }
    out.push_str("</div>");
}

/// A sentence with a capital letter. It has none of a client's words.
fn capital(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}

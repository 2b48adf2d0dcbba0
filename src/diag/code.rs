//! The register of diagnostic codes: what each is called and what `interlingua explain` says about it.
//!
//! A code is a promise: it is never reused and never comes to mean something else. The letter tells who
//! speaks, the first two digits what about:
//!
//! | Codes | About |
//! | --- | --- |
//! | `C01xx` | the syntax and keys of `config.toml` |
//! | `C02xx` | the values in it |
//! | `S01xx` | schema files |
//! | `M01xx` | the syntax, keys and values of a mapping |
//! | `M02xx` | its names and paths |
//! | `M03xx` | whether its tables are total |
//! | `M04xx` | whether what it makes fits the schemas |
//! | `M05xx` | its ledger of losses |
//! | `M06xx` | privilege: no client may gain a right by being translated |
//! | `R01xx` | routes |
//! | `V01xx` | documents that `validate` and `translate` are given |
//!
//! To add one, add a row below.

use std::fmt;

/// The stable name of a kind of diagnostic, such as `C0102`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

/// What the register says about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The code itself.
    pub code: Code,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it means, why it matters and what to do.
    pub paragraph: &'static str,
}

/// Looks a code up by name, in either case.
pub fn explain(code: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.code.as_str().eq_ignore_ascii_case(code))
}

impl Code {
    /// The name, such as `C0102`.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Makes a constant and a row of [`ALL`] from each `code, title, paragraph`.
macro_rules! codes {
    ($($code:ident $title:literal $paragraph:literal)+) => {
        $(#[doc = $title] pub const $code: Code = Code(stringify!($code));)+

        /// Every code, in order.
        pub const ALL: &[Entry] = &[$(Entry { code: $code, title: $title, paragraph: $paragraph }),+];
    };
}

codes! {
    C0101 "the configuration is not TOML"
    "The file breaks the grammar of TOML, so the rest of that line could not be read. Text needs quotes, a key \
     stands left of one `=`, and a table is named in square brackets. Nothing is reported as missing \
     from the table that line stands in: it might have held it."

    C0102 "unknown configuration key"
    "No such key exists at this place. It would have no effect, and a setting that quietly has no effect is \
     worse than a program that does not start. Look for a misspelling, or for a key that stands under the wrong \
     `[table]`; `config.toml` in the source tree lists every key."

    C0103 "configuration value of the wrong type"
    "The key exists, but its value is of another type than the one it takes. Durations and sizes are text with a \
     unit (`\"10s\"`, `\"1 MiB\"`), counts are bare integers, switches are `true` or `false`."

    C0104 "missing configuration key"
    "Most keys have a default. This one has none: it names something only you can know, such as an address or a \
     file. Set it, or remove the table that needs it."

    C0105 "configuration key set twice"
    "TOML lets a key or a table appear once. Which of the two was meant is not ours to guess; remove one."

    C0201 "not a duration"
    "A duration is a whole number and a unit, in quotes: `\"500ms\"`, `\"10s\"`, `\"5m\"` or `\"1h\"`. A bare \
     number is refused because nobody can tell seconds from milliseconds by looking at it."

    C0202 "not a size"
    "A size is a whole number and a unit, in quotes: `\"512 B\"`, `\"64 KiB\"`, `\"8 MiB\"` or `\"1 GiB\"`, \
     counted in powers of 1024."

    C0203 "not a quota"
    "A quota is a count and a period, in quotes: `\"300/minute\"`, `\"10000/day\"` or `\"100/30s\"`. Both must \
     be greater than zero."

    C0204 "not an address to listen on"
    "An address is an IP address and a port, in quotes: `\"127.0.0.1:8080\"`, or `\"[::]:8080\"` for every \
     interface. Names are not looked up: one name may stand for several addresses, and it must be plain which \
     of them are open."

    C0205 "not the URL of a backend"
    "The backend is named by its scheme, host and, if need be, port and path prefix: `\"http://10.0.0.7:9000\"` \
     or `\"https://backend.example/api\"`. A query, a fragment or a user name in it has no meaning here."

    C0206 "not one of the names allowed here"
    "This key takes one of a few names, and the value is none of them. The message lists them."

    C0207 "value out of range"
    "The number, duration or size is well written, but too small or too large to be meant: at zero no limit here \
     lets anything through, and some components do not work beyond a point. The message gives the range."

    C0208 "the same address is listened on twice"
    "Two listeners, or a listener and the admin page, ask for one address. The system would hand each \
     connection to either of them. Give each its own port."

    C0209 "settings of a backend that is not used"
    "`[upstream]` names a backend to forward to, so the backend built into the program is not started, and what \
     `[backend]` says has no effect. Remove one of the two tables."

    C0210 "a time limit that can never be reached"
    "A longer limit stands inside a shorter one: the outer one always fires first, so the inner one is not what \
     it seems. Usually two numbers were swapped. The program starts all the same."

    C0211 "not a log filter"
    "A log filter is a level (`off`, `error`, `warn`, `info`, `debug`, `trace`), or several `target=level` pairs \
     separated by commas: `\"info,interlingua::upstream=debug\"`."

    C0212 "a file is not named"
    "The key names a file or folder, and the name is empty. An empty name would mean the current folder to some \
     systems and nothing at all to others. Name it, or remove the key."

    M0101 "the mapping is not TOML"
    "The file breaks the grammar of TOML, so the rest of that line could not be read. Text needs quotes, a key \
     stands left of one `=`, and a table is named in square brackets. Nothing is reported as missing \
     from the table that line stands in: it might have held it."

    M0102 "unknown mapping key"
    "No such key exists at this place. A mapping says exactly what a dialect does; a line of it without effect \
     is a line that does not happen. Look for a misspelling, or for a key that stands under the wrong `[table]`."

    M0103 "mapping value of the wrong type"
    "The key exists, but its value is of another type than the one it takes. The message says which."

    M0104 "missing mapping key"
    "This key has no default, because no value would be right for every dialect. Set it, or remove the table \
     that needs it."

    M0105 "mapping key set twice"
    "TOML lets a key or a table appear once. Which of the two was meant is not ours to guess; remove one."

    S0101 "the schema is not JSON"
    "The file breaks the grammar of JSON, or says something twice. Schemas are read as strictly as requests: no \
     comments, no comma after the last member, no member name that occurs twice in one object."

    S0102 "not a valid schema"
    "The file is JSON, but a keyword has a value that JSON Schema does not allow there: a type that does not \
     exist, a length that is no number, a list where one schema belongs."

    S0103 "a reference leads nowhere"
    "A `$ref` names a place in the same file (`#/$defs/role`), another file of the same folder (`user.json`), or \
     a place in it (`user.json#/$defs/role`). This one names something that is not there."

    S0104 "a reference leaves the schema files"
    "The `$ref` is a URL, or looks like one. Nothing is fetched: a schema that depends on somebody else's server \
     would change without notice, or fail to load. Put the schema into a file and refer to that."

    S0105 "unknown schema keyword"
    "JSON Schema ignores keywords it does not know, so a misspelt one is a check that quietly does not happen. \
     Keywords of older drafts and of OpenAPI 3.0 are told with what replaces them. Names that begin with `x-` \
     are free for notes."

    S0106 "unknown format"
    "Formats are checked here, and there is no check for this one. Use a known format, or a `pattern`."

    S0107 "required property is not declared"
    "The schema requires a property that it does not declare under `properties`, nor do the schemas it refers \
     to. Usually one of the two names is misspelt, and no value could satisfy both what was meant and what was \
     written. A schema that declares no properties at all may require any."

    S0108 "unusable pattern"
    "Patterns run on an engine whose time is proportional to the text, because clients choose the text. It takes \
     regular expressions without look-around and without references back to a group."

    S0109 "a schema file with an `$id`"
    "A schema is known by its folder and its file name. An `$id` would change what relative references in the \
     file mean, and give the schema a second name."

    S0110 "another draft of JSON Schema"
    "Schemas are written in draft 2020-12. Keywords mean different things in different drafts, and one meaning \
     is enough. Leave `$schema` out, or name 2020-12."

    V0101 "a document that is not strict JSON"
    "It has to be one JSON value in UTF-8 without a byte order mark, without duplicate keys, and with nothing \
     after it: what two readers could read in two ways is refused, here as on the wire. It is held to the same \
     limits on size and depth, too."

    V0102 "a document that does not fit"
    "The document breaks a rule of the schema of that operation. The message says which place and what is \
     expected there; the label names the rule by its keyword in JSON Schema."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_none_occurs_twice() {
        assert!(ALL.is_sorted_by(|one, next| one.code < next.code));
    }

    #[test]
    fn a_code_is_the_letter_of_its_stage_and_four_digits() {
        for Entry { code, .. } in ALL {
            let (stage, digits) = code.as_str().split_at(1);
            assert!("CMRSV".contains(stage), "{code}");
            assert!(digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        }
    }

    #[test]
    fn every_code_has_a_title_and_a_paragraph_of_whole_sentences() {
        for Entry { code, title, paragraph } in ALL {
            assert!(!title.is_empty() && !title.ends_with('.'), "{code}: {title}");
            assert!(paragraph.len() > title.len() && paragraph.ends_with('.'), "{code}: {paragraph}");
            assert!(!paragraph.contains("  "), "{code}: a line break left two spaces: {paragraph}");
        }
    }

    #[test]
    fn explain_finds_a_code_in_either_case_and_nothing_else() {
        assert_eq!(explain("C0102").map(|entry| entry.code), Some(C0102));
        assert_eq!(explain("c0102").map(|entry| entry.code), Some(C0102));
        assert_eq!(explain("C9999"), None);
        assert_eq!(explain(""), None);
    }
}

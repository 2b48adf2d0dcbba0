//! Reads TOML into types while collecting every problem on the way.
//!
//! The caller asks for the keys it knows and gets values with their places; whatever is missing, misspelt, set
//! twice or of the wrong type becomes a diagnostic, and reading goes on. Configuration and mappings are read
//! the same way and differ only in their [`Codes`].
//!
//! What only follows from something else stays unsaid: what stands on a line that breaks the grammar of TOML
//! counts as absent, and nothing is reported as missing from the table that line belongs to.
//!
//! ```
//! use interlingua::diag::{Diagnostics, Sources, code, reader::{Codes, Reader}};
//!
//! const CODES: Codes = Codes {
//!     syntax: code::C0101,
//!     unknown_key: code::C0102,
//!     wrong_type: code::C0103,
//!     missing_key: code::C0104,
//!     duplicate_key: code::C0105,
//! };
//!
//! let mut sources = Sources::default();
//! let file = sources.add("pets.toml", "nmae = \"Rex\"\n\n[[toy]]\nkind = 7\n");
//!
//! let reader = Reader::parse(file, sources.text(file), &CODES);
//! let pet = reader.root().read(|root| {
//!     let name = root.required_text("name");
//!     let toys: Vec<_> =
//!         root.tables("toy").into_iter().map(|toy| toy.read(|toy| toy.text("kind"))).collect();
//!     Some((name?, toys)) // ask first, give up last: a key not asked for is an unknown key
//! });
//!
//! assert_eq!(pet, None);
//! let found: Vec<String> = reader.into_diagnostics().into_vec().into_iter().map(|one| one.message).collect();
//! assert_eq!(found, [
//!     "missing key `name`",
//!     "unknown key `nmae`",
//!     "`toy[0].kind` is an integer, expected a string",
//! ]);
//! ```

mod node;
pub mod overlay;
mod syntax;
mod table;

use std::cell::RefCell;
use std::collections::BTreeMap;
#[cfg(test)]
use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::DeTable;

pub use self::node::Node;
use self::syntax::Broken;
pub use self::table::Table;
use crate::diag::{Code, Diagnostic, Diagnostics, SourceId, Span};

/// A text being read, and what was found wrong with it so far.
#[derive(Debug)]
pub struct Reader<'t> {
    tree: DeTable<'t>,
    context: Context,
}

/// Which code stands for which fault; every kind of file has its own.
#[derive(Clone, Copy, Debug)]
pub struct Codes {
    /// The grammar of TOML is broken.
    pub syntax: Code,
    /// A key nobody asked for.
    pub unknown_key: Code,
    /// A value of another type than the one asked for.
    pub wrong_type: Code,
    /// A required key that is not there.
    pub missing_key: Code,
    /// A key or table that occurs twice.
    pub duplicate_key: Code,
}

impl<'t> Reader<'t> {
    /// Parses as much of the text as can be understood.
    pub fn parse(source: SourceId, text: &'t str, codes: &'static Codes) -> Self {
        let (tree, errors) = DeTable::parse_recoverable(text);
        let (broken, found) = syntax::diagnose(source, text, &errors, codes);
        let context = Context {
            texts: vec![(0, source)],
            root: 0,
            end: text.len(),
            codes,
            broken,
            ranks: BTreeMap::new(),
            #[cfg(test)]
            asked: RefCell::default(),
            found: RefCell::new(found),
        };
        Self { tree: tree.into_inner(), context }
    }

    /// The keys outside every `[table]`, and the tables themselves.
    pub fn root(&self) -> Table<'_> {
        Table::root(&self.context, &self.tree)
    }

    /// Adds a diagnostic of the caller's own.
    pub fn report(&self, diagnostic: Diagnostic) {
        self.context.report(diagnostic);
    }

    /// Every key the finished tables were asked for, as dotted paths without indices: what the file may say. Noted for
    /// tests alone, which look whether all of it is documented.
    #[cfg(test)]
    pub(crate) fn known_keys(&self) -> Vec<String> {
        self.context.asked.borrow().iter().cloned().collect()
    }

    /// Hands over what was found.
    pub fn into_diagnostics(self) -> Diagnostics {
        self.context.found.into_inner()
    }
}

/// What every table and node shares.
///
/// A text that is laid over others follows them, so that a place is one number, whichever text it is in.
#[derive(Debug)]
struct Context {
    /// Where each text begins.
    texts: Vec<(usize, SourceId)>,
    /// Where the one begins that was laid over the others.
    root: usize,
    /// Where the last one ends.
    end: usize,
    codes: &'static Codes,
    broken: Vec<Broken>,
    /// The places of keys that took those of others: they come in the order of the first.
    ranks: BTreeMap<usize, usize>,
    #[cfg(test)]
    asked: RefCell<BTreeSet<String>>,
    found: RefCell<Diagnostics>,
}

impl Context {
    fn span(&self, range: Range<usize>) -> Span {
        let text = self.texts.iter().rev().find(|(start, _)| *start <= range.start);
        let (start, source) = *text.expect("the first text begins at zero");
        Span::new(source, range.start - start..range.end.saturating_sub(start))
    }

    /// Where a key comes among others.
    fn rank(&self, place: usize) -> usize {
        self.ranks.get(&place).copied().unwrap_or(place)
    }

    fn report(&self, diagnostic: Diagnostic) {
        self.found.borrow_mut().push(diagnostic);
    }

    /// Whether this place could not be read, so that nothing said about it would be worth saying.
    fn is_broken(&self, offset: usize) -> bool {
        self.broken.iter().any(|broken| broken.unread.start <= offset && offset <= broken.unread.end)
    }

    /// Reports what is not in the table that starts at `offset`, unless a broken line might have held it.
    fn report_missing(&self, offset: usize, diagnostic: Diagnostic) {
        if !self.broken.iter().any(|broken| broken.hides.contains(&offset)) {
            self.report(diagnostic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Sources, code};

    const CODES: Codes = Codes {
        syntax: code::M0101,
        unknown_key: code::M0102,
        wrong_type: code::M0103,
        missing_key: code::M0104,
        duplicate_key: code::M0105,
    };

    fn read(text: &str, with: impl FnOnce(&Reader<'_>)) -> Vec<(Code, String, (usize, usize))> {
        let mut sources = Sources::default();
        let file = sources.add("file.toml", text);
        let reader = Reader::parse(file, sources.text(file), &CODES);
        with(&reader);
        let found = reader.into_diagnostics().into_vec();
        found
            .into_iter()
            .map(|one| {
                let start = one.primary().unwrap().start;
                (one.code, one.message, sources.line_column(file, start))
            })
            .collect()
    }

    #[test]
    fn a_required_key_that_is_absent_is_missing_at_the_header_of_its_table() {
        let found = read("a = 1\n[b]\nc = 1\n", |reader| {
            reader.root().table("b").unwrap().required_text("d");
        });

        assert_eq!(found, [(code::M0104, "missing key `b.d`".to_owned(), (2, 1))]);
    }

    #[test]
    fn an_optional_key_that_is_absent_is_no_fault() {
        let found = read("", |reader| {
            let mut root = reader.root();
            assert_eq!(root.text("a"), None);
            assert_eq!(root.texts("b"), []);
            assert!(root.tables("c").is_empty());
            root.finish();
        });

        assert_eq!(found, []);
    }

    #[test]
    fn a_wrong_type_says_what_was_found_and_what_was_expected() {
        let found = read("a = 1\nb = [\"x\", true]\n[[c]]\nd = 1.5\n", |reader| {
            let mut root = reader.root();
            assert_eq!(root.text("a"), None);
            assert_eq!(root.texts("b").len(), 1);
            for mut c in root.tables("c") {
                assert_eq!(c.integer("d"), None);
            }
        });

        assert_eq!(
            found,
            [
                (code::M0103, "`a` is an integer, expected a string".to_owned(), (1, 5)),
                (code::M0103, "`b[1]` is a boolean, expected a string".to_owned(), (2, 11)),
                (code::M0103, "`c[0].d` is a number with a fraction, expected an integer".to_owned(), (4, 5)),
            ]
        );
    }

    #[test]
    fn a_date_in_quotes_is_told_how_it_is_written() {
        let mut sources = Sources::default();
        let file = sources.add("file.toml", "day = \"2027-11-01\"\nnumber = 1\n");
        let reader = Reader::parse(file, sources.text(file), &CODES);
        let mut root = reader.root();
        for name in ["day", "number"] {
            root.required(name).unwrap().wrong_type("a date");
        }
        let found = reader.into_diagnostics().into_vec();

        assert_eq!(found[0].message, "`day` is a string, expected a date");
        assert_eq!(found[0].help.as_deref(), Some("write it without quotes, as in `2027-11-01`"));
        assert_eq!(found[1].help, None);
    }

    #[test]
    fn an_unknown_key_is_reported_where_it_stands_with_the_name_it_resembles() {
        let mut sources = Sources::default();
        let file = sources.add("file.toml", "[a]\nnmae = 1\nelse = 2\n");
        let reader = Reader::parse(file, sources.text(file), &CODES);
        let mut table = reader.root().table("a").unwrap();
        table.text("name");
        table.finish();
        let found = reader.into_diagnostics().into_vec();

        assert_eq!(found[0].message, "unknown key `nmae` in `a`");
        assert_eq!(found[0].labels[0].text, "did you mean `name`?");
        assert_eq!(found[1].message, "unknown key `else` in `a`");
        assert_eq!(found[1].help.as_deref(), Some("known here are `name`"));
    }

    #[test]
    fn free_keys_come_in_the_order_of_the_file() {
        let found = read("z = 1\na = 2\n", |reader| {
            let mut root = reader.root();
            let names: Vec<String> = root.entries().into_iter().map(|(name, _)| name.value).collect();
            assert_eq!(names, ["z", "a"]);
            root.finish();
        });

        assert_eq!(found, []);
    }

    #[test]
    fn nothing_is_said_about_what_only_follows_from_broken_grammar() {
        let found = read("a = 10s\nb = 1\n", |reader| {
            let mut root = reader.root();
            assert_eq!(root.integer("a"), None, "the value was never read");
            root.required_text("c");
            root.finish();
        });

        let codes: Vec<_> = found.into_iter().map(|(code, _, places)| (code, places)).collect();
        assert_eq!(codes, [(code::M0101, (1, 5)), (code::M0102, (2, 1))]);
    }

    #[test]
    fn the_reader_remembers_what_it_was_asked_for() {
        read("[a]\n", |reader| {
            let mut root = reader.root();
            let mut a = root.table("a").unwrap();
            a.text("b");
            a.finish();
            root.finish();
            assert_eq!(reader.known_keys(), ["a", "a.b"]);
        });
    }

    #[test]
    fn a_value_turns_into_json_with_its_numbers_spelt_as_they_stood() {
        let found = read("a = { b = [1, 2.50, true, \"x\"] }\nc = 1979-05-27\nd = inf\n", |reader| {
            let mut root = reader.root();
            assert_eq!(root.node("a").unwrap().json().unwrap().to_string(), r#"{"b":[1,2.50,true,"x"]}"#);
            assert_eq!(root.node("c").unwrap().json(), None);
            assert_eq!(root.node("d").unwrap().json(), None);
        });

        assert_eq!(
            found,
            [
                (code::M0103, "`c` is a date, expected a value that JSON can write".to_owned(), (2, 5)),
                (
                    code::M0103,
                    "`d` is a number with a fraction, expected a value that JSON can write".to_owned(),
                    (3, 5)
                ),
            ]
        );
    }
}

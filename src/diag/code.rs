//! The register of diagnostic codes: what each is called and what `interlingua explain` says about it.
//!
//! A code is a promise: it is never reused and never comes to mean something else. The letter tells who
//! speaks, the first two digits what about:
//!
//! | Codes | About |
//! | --- | --- |
//! | `C01xx` | the syntax and keys of `config.toml` |
//! | `C02xx` | the values in it |
//! | `C03xx` | settings that a running program cannot take |
//! | `S01xx` | schema files |
//! | `M01xx` | the syntax, keys and values of a mapping |
//! | `M02xx` | its names and paths |
//! | `M03xx` | whether its tables are total |
//! | `M04xx` | whether what it makes fits the schemas |
//! | `M05xx` | its ledger of losses |
//! | `M06xx` | privilege: no client may gain a right by being translated |
//! | `M07xx` | wire generations: mappings that extend others |
//! | `M08xx` | what is still to be decided |
//! | `M09xx` | whether what is written, read and written back stays the same |
//! | `R01xx` | routes |
//! | `V01xx` | documents that `validate` and `translate` are given |
//!
//! To add one, add a row below; to add a family, one to [`FAMILIES`] too.

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

/// The families of checks: what their codes begin with, and what they are called in reports.
pub const FAMILIES: &[(&str, &str)] = &[
    ("C01", "syntax and keys"),
    ("C02", "values"),
    ("C03", "reload"),
    ("M01", "syntax and keys"),
    ("M02", "names and paths"),
    ("M03", "totality"),
    ("M04", "fit"),
    ("M05", "ledger"),
    ("M06", "privilege"),
    ("M07", "generations"),
    ("M08", "to decide"),
    ("M09", "round trip"),
    ("R01", "routes"),
    ("S01", "schema"),
    ("V01", "document"),
];

/// What a family is called, by what its codes begin with.
pub fn family_name(family: &str) -> &'static str {
    FAMILIES.iter().find(|(known, _)| *known == family).map_or("other", |(_, name)| name)
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

    /// What the family of checks is called that it belongs to.
    pub fn family(self) -> &'static str {
        family_name(&self.0[..3])
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

    C0210 "a limit that can never be reached"
    "A longer time limit stands inside a shorter one: the outer one always fires first, so the inner one is not what \
     it seems. Usually two numbers were swapped. Or one address may have as many connections, or requests in flight, as \
     all addresses together: then one client can keep out all the others. The program starts all the same."

    C0211 "not a log filter"
    "A log filter is a level (`off`, `error`, `warn`, `info`, `debug`, `trace`), or several `target=level` pairs \
     separated by commas: `\"info,interlingua::upstream=debug\"`."

    C0212 "a file is not named"
    "The key names a file or folder, and the name is empty. An empty name would mean the current folder to some \
     systems and nothing at all to others. Name it, or remove the key."

    C0213 "no dialect of that name"
    "The setting is about one dialect, and no mapping is called so. A dialect has the name of its mapping file \
     without `.toml`; the message lists those there are. A setting for a dialect that does not exist would have \
     no effect, and somebody would believe it had."

    C0214 "a certificate that nobody asks for"
    "The settings name a certificate to show to the backend, or authorities to trust, and the backend's URL begins with \
     `http:`. Without TLS nobody shows a certificate or asks for one, so that nothing is proved, and the credentials of \
     clients cross the network in the clear."

    C0215 "not a network"
    "Trusted hops are named by their addresses, or by networks: an address, a slash, and how many of its bits count, such as \
     `10.0.0.0/8`. Bits behind those must be zero. Whoever connects from there may say whose request it brings, so that a \
     network that was meant otherwise is not guessed at, and that of all addresses is none: everybody would be believed."

    C0216 "headers of hops that cannot be read together"
    "Trusted hops say whose request they bring in `Forwarded`, or in `X-Forwarded-For`: one of the two has to be named, for \
     a hop that writes the one passes the other on as the client wrote it. `X-Forwarded-Proto` and `X-Forwarded-Host` may \
     be named beside `X-Forwarded-For`, if every hop overwrites them or appends to them; `Forwarded` has them inside."

    C0301 "a setting that only a restart changes"
    "A reload takes mappings, schemas and most settings without dropping a request. Sockets, threads, time limits of \
     connections, the built-in backend and the log are made once, when the program starts. A file that changes one of \
     them is refused whole, so that what runs is always what one file says: restart the program for it, which drops no \
     request either if it is done as `docs/operations.md` says, or put the old value back."

    C0302 "a certificate whose time is over, or has not come"
    "A certificate that a listener shows to clients, or that the backend is shown, or one of those that vouch for it, is good \
     from one moment to another, and now is not between the two: whoever is shown it refuses the connection. It is taken all the same, for what was there before is rarely better. Put the renewed \
     file in its place, and reload. If the certificate is good, the clock of this machine is wrong."

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

    M0106 "an entry that says too little or too much"
    "The keys of this entry do not add up: it lacks one that it needs to mean anything, or has two that \
     contradict each other. The label says which; a field has one op, a landing says `as` or `refuse`, one \
     call has `answers`, many have `[operation.collect]`."

    M0107 "a literal that is not JSON"
    "`{ json = \"...\" }` spells a value that TOML cannot, most often null. What stands between the quotes \
     has to be one JSON value."

    M0108 "an unusable pattern or word"
    "A pattern has to be a regular expression without look-around and back-references, because it is matched \
     in linear time whatever is thrown at it. A word of a table has to be a text, an integer, true, false or \
     null."

    M0109 "a word that is not on its list"
    "Some keys take one of a few words: the form of an id, the style of a page, the slot of an error, a \
     family of headers. The label lists them."

    M0110 "a quota or duration that cannot be read"
    "A quota is a count and a time, as in `300/minute` or `100/30s`. A duration is a whole number and a unit, \
     as in `250ms`, `10s` or `5m`."

    M0111 "a request line that cannot be read"
    "It is a method (DELETE, GET, PATCH, POST or PUT), one blank and a path. The path begins with a slash, \
     and a parameter in braces is a whole segment of it, as in `GET /things/{id}`."

    M0112 "not an HTTP status"
    "Statuses are numbers from 100 to 599."

    M0113 "not a header name"
    "Header names are letters, digits and hyphens, without a colon (RFC 9110, section 5.6.2)."

    M0114 "not a path"
    "A path is names joined by dots, such as `user.email`. It begins with `$path.`, `$query.` or `$outer.` \
     where it does not mean the body, and is `$body` where it means all of it."

    M0115 "no canonical API"
    "Every dialect is described as a difference from the canonical API, and `canonical.toml` declares that. \
     Without it nothing can be checked or served."

    M0116 "a capability or role that cannot be declared"
    "Each has a name of its own, and there is room for 64 capabilities and 256 roles."

    M0117 "a status of another sort"
    "An error is told with a status from 400 to 599, an answer with one from 200 to 299, and 204 and 205 come \
     without a body; a redirect with 301, 302, 307 or 308: clients rely on that before they read anything else."

    M0118 "a head that no request can meet"
    "The prefix is a plain path, without parameters, spaces and dot segments; a host is a name alone, without scheme, \
     port and path; the scheme of a credential is one word."

    M0120 "a view that nothing answers for"
    "`shows = true` says that a lens is a view: it tells what it likes of a document, and nothing is read back from it. What \
     it leaves out is on the ledger of the lens around it. So it stands inside a lens of the same document, at `$body`, and \
     is no request, no answer, no item of a list and no part of one. Elsewhere, take `shows` away and say what is dropped."

    M0201 "no such field in the dialect's schema"
    "Every path of a lens is looked for in the schema of its dialect when it is loaded, so that a misspelt \
     field is found before a request is. Correct the path, or describe the field in the schema."

    M0202 "no such field in the canonical schema"
    "Every canonical path of a mapping is looked for in the canonical schema it is applied to. Correct the \
     path, or describe the field in the schema."

    M0203 "a role without a canonical counterpart"
    "The word `is` names one of the roles of `canonical.toml`; this one is not among them, so nobody could \
     say what the role may do."

    M0204 "no such lens"
    "A lens is declared in this file under `[lens.<name>]`."

    M0205 "no such table"
    "A table is declared in this file under `[table.<name>]`, and the roles under `[[role.row]]`."

    M0206 "no such kind of id"
    "A kind of id is declared in this file under `[id.<name>]`."

    M0207 "no such resolver"
    "A resolver is declared in this file under `[resolver.<name>]`."

    M0208 "no such page"
    "A page is declared in this file under `[page.<name>]`."

    M0209 "no such canonical operation"
    "What an operation calls is declared in `canonical.toml` under `[[operation]]`."

    M0210 "no such schema"
    "A schema is a file `schemas/<dialect>/<name>.json`, or `schemas/canonical/<name>.json` for the canonical \
     side."

    M0211 "a declaration that nothing uses"
    "It was meant to do something and does nothing: most often its user names something else. Use it or \
     remove it."

    M0212 "path parameters that do not match"
    "The parameters in the path of `request` and those of `path` have to be the same: one that is not mapped \
     is lost, one that is not in the path is never filled."

    M0213 "a parameter that nothing fills"
    "The canonical path has a parameter that no field of the request leads to, so the call could not be made."

    M0214 "no such capability"
    "Capabilities are declared in `canonical.toml` under `[capabilities]`. `*` stands for all of them and \
     `content.*` for all that begin with `content.`."

    M0215 "a word without a label"
    "A field shows the label of a word, so every word of the table needs one."

    M0216 "a landing on a word that does not exist"
    "A canonical word without a row lands on the word of a row of the same table."

    M0217 "a lens that contains itself"
    "Lenses are nested by name, and following the names leads back to where it began."

    M0218 "a parameter the call does not take"
    "The canonical operation has no such parameter or no body, so what the field carries would be lost."

    M0219 "answers that do not match"
    "Every success status of the canonical operation needs a row in `answers`, and a row for a status that \
     never comes matches nothing."

    M0220 "two fields at one place"
    "Two fields write to the same place, or one of them into what the other writes, so one would be lost without a \
     word. They may share a place only if tags or conditions say that never both are there."

    M0221 "id forms that do not go together"
    "A kind of id reads a form that no id of the kind can come from, so that every id which is spelt so is refused. \
     `accept` needs the form that is written, and besides it only other spellings of the same thing: `uuid` and \
     `shortuuid` are two of one number."

    M0222 "a column that is not what is looked up"
    "A resolver finds a row by one column and answers with another. Both hold ids or names, or the second one roles, if \
     `row` asks for it: a flag, a list or one of a few words identifies nothing, and what is no role cannot be given."

    M0223 "a condition that can never be met"
    "`when`, `where` or `tag` asks for a value that the schema does not allow at that place, so that what depends on it \
     never happens, and nobody is told. Ask for one of the values the place can have."

    M0301 "a word of the schema without a row"
    "The dialect's schema lets a client send a word that the table does not have. Every such word needs a \
     row, so that no accepted request fails half way."

    M0302 "a row that can never be met"
    "The dialect's schema does not allow the word of this row, so no client can send it and none may be shown \
     it."

    M0303 "a canonical word without a landing"
    "The backend can hold a value that this dialect has no word for. Say which word stands for it, or refuse \
     it with a reason: a new value must not break old clients by surprise."

    M0304 "a landing that can never be met"
    "The canonical word does not exist, or has a row of its own and therefore never lands."

    M0305 "the same word twice"
    "Two rows of a table have the same word, so one of them is dead and the way back is not clear."

    M0306 "a field that would change when it is written back"
    "Two canonical values are told alike here, or what clients are shown is not what they write: who reads the record and \
     writes it back would change it. Such a field is left out of the update if the client wrote what it was told, and \
     for that the record has to be read. Say `reads = \"...\"` of the canonical PATCH: the GET of what it changes, by \
     parameters of the same path. From a PUT nothing can be left out, and of a POST nobody knows, so there it is a \
     warning."

    M0307 "a valid request that is refused"
    "The dialect's schema allows the request, and the mapping cannot bring it over: a word no table has, a text that is \
     no id, a value of another type. It would be refused half way, after its client was promised otherwise. Narrow the \
     schema to what is documented, or map the value. Found by running the operation on instances of its schemas."

    M0308 "a canonical answer that cannot be told"
    "The canonical schema allows the answer, and the mapping neither tells it nor says that it refuses to. The client \
     would get a 502 for what the backend did right. Give the value a row, a landing or a word for null, or narrow the \
     canonical schema. Found by running the operation on instances of its schemas."

    M0310 "a default in an update"
    "What a client leaves out of an update stays as it is. A `default` on a field of the body of a PATCH would overwrite it \
     for everybody who only wanted to change something else. Take it away; a default says what something new begins as."

    M0311 "a change that changes nothing"
    "An operation changes something, and in this case calls a GET: what the client asked for would be answered as done, and \
     nothing was. Call what changes it, or refuse the value by the schema of the request."

    M0401 "a required canonical field that is never sent"
    "The backend refuses a body without it, so the operation could never succeed. Map the field, give it a \
     default, or set it under `[lens.<name>.sets]`."

    M0402 "a call that does not fit the canonical schema"
    "A request that the dialect's schema allows becomes a body that the canonical one does not: too long, of another \
     type or form, null where nothing may be. The backend would refuse it in words the client does not know. Let the \
     dialect's schema allow no more, or map the field otherwise. Found by running the operation on instances of its \
     schemas."

    M0403 "an answer that does not fit the dialect's schema"
    "An answer that the canonical schema allows becomes a body that the dialect's schema does not: the client is shown \
     what its documentation rules out. Widen the dialect's schema as far as its documentation goes, narrow the \
     canonical one to what the backend says, give null a word with `absent` or `optional`, or say under \
     `[lens.<name>.exceeds]` why it is told all the same. Found by running the operation on instances of its schemas."

    M0404 "a path that is not filled"
    "A request that the dialect's schema allows leaves a parameter of the canonical path empty, or fills it with what \
     would change the path. Found by running the operation on instances of its schemas."

    M0405 "what could not be tried"
    "No instance of the operation's schemas could be made, so that nothing is known of what it does: the schemas may \
     contradict each other, or say with `not` or `contains` what instances are not made from. Or some of what they allow is in \
     no valid instance, or is too large for one (a text, a list, a tree), and what the mapping does with that is not known: it is \
     neither proved nor tried. All else is."

    M0406 "a field that exceeds nothing"
    "`exceeds` allows a field to tell more than the dialect's schema promises, and nothing it tells is more. An exception \
     that is not needed hides the next one."

    M0407 "an error that does not fit its schema"
    "The schema called `error` is that of the dialect's error bodies, and `[errors.plain]` or `[errors.invalid]` makes one \
     that breaks it. Clients read errors by it, so fill what it requires, and nothing that it does not know."

    M0501 "a canonical field that is lost silently"
    "Every property of the canonical schema is mapped or dropped with a reason. Map it, or declare the loss \
     under `[lens.<name>.drops]`. So is what is told only where a `tag` says so, unless the other ways to fill that place \
     answer for the rest. Items that `where` leaves out of a list were not asked for, or `omits` says why they are left out."

    M0502 "a dialect field that is lost silently"
    "Every property of the dialect's schema is mapped or ignored with a reason. Map it, or declare the loss \
     under `[lens.<name>.ignores]`. So is what is read only where `when` says so, unless other ways answer for the rest, and \
     what a case of an operation does not read: that one has `ignores` of its own."

    M0503 "a loss that is none"
    "The field is declared as lost and is mapped after all, always, or does not exist. A ledger that lists what is \
     not lost cannot be trusted for what is."

    M0601 "a role that grants more than it promises"
    "Lifting the word gives a canonical role that may do more than the dialect says its role may. Map it to a \
     weaker role, or say why with `widens = \"reason\"`; every report lists those."

    M0602 "a role that rises when it is written back"
    "A client that reads a role and writes back what it read would raise it: the word it is shown lifts to \
     more than the member had. Let the role land on a weaker word, or refuse it."

    M0603 "an exception that excepts nothing"
    "`widens` allows a role to grant more than it promises, to rise from one word or dialect to another, or to be \
     written without the table of roles, and there is nothing here to allow."

    M0604 "a role that the table of roles does not answer for"
    "What a client may give is proved from `[[role.row]]`. A canonical role that is set, copied, tagged or taken \
     from another table goes past that proof, also as a value of a map, in the query, where other words are allowed \
     beside it, and as a text of a name that any mapping shows or writes a role by. Use `role = true`, or say why under `widens`, by its canonical place."

    M0605 "a role that does not keep its order"
    "One word promises no more than another, and becomes a role that may do more than what the other becomes: who \
     is moved down would rise. The other promises more than it gives. Map it to a stronger role, promise less, or \
     say why with `widens = \"reason\"`."

    M0606 "a role that rises between two dialects"
    "A role is read in one dialect and written in another, by a word that promises no more or by the same word of \
     another generation, and becomes more than it was. The message tells that chain of values. Promise what the word \
     gives, map it to a role that gives what it promises, or say why with `widens = \"reason\"` on the row at fault."

    M0607 "a role that another table shows as what it is not"
    "A table of values shows a role by a word that the table of roles has, too, and means another role by. Who reads it \
     there and writes it elsewhere would rise, and where a role is named by the id of its row, the id would give more \
     than the word beside it promises. Show it by the word it has, or by one that is no role's."

    M0608 "an exception from the proof of privilege"
    "This is no fault. `widens` says that a word may grant more than it promises, or that a role is written without the \
     table of roles, and why; what the proof would have to say against it is not said. Each such exception is listed in \
     every report of `interlingua check`, so that nobody has to know where to look for them."

    M0610 "a role that is given without being asked for"
    "A role in an update has a `default`: whoever is changed in anything else becomes that, whatever they were before. Take \
     it away: a role that a client does not name stays. Only what is new may begin as something."

    M0611 "a role that is shown from one place and written to another"
    "Clients are shown a role of one thing under this name, and what they write under it becomes the role of another: who \
     writes back what they may do in one space would get it in the whole organization. Write it to the canonical place \
     that the views of the record show it from, or say why not under `widens`, by the place it is written to."

    M0701 "no such mapping to extend"
    "`extends` names another mapping by its file's name, without `.toml`. The canonical API is no dialect, so \
     nothing extends it."

    M0702 "a mapping that extends itself"
    "Following `extends` from file to file leads back to where it began, so there is nothing to begin with. One \
     of them has to say everything."

    M0703 "nothing there to take away or change"
    "`without` names something that the extended mapping does not have, or a part lacks what it would need to \
     stand alone and there is no part of that name to change. A difference that makes none is a misspelling, or \
     is left over from an earlier version of what is extended."

    M0704 "a quota of a generation"
    "A generation counts requests as what it extends does, in the same windows. With windows of its own, a \
     client that pretends to be an older one would have two budgets. The headers that tell of them may differ."

    M0705 "a choice that is never made"
    "Two generations of one dialect are chosen by the same header and pattern. The first in the order of their \
     files' names is always taken, and the other never. Patterns that are spelt differently are not compared."

    M0706 "a difference from nothing"
    "`without` and `[dialect.select]` say how a mapping differs from the one it extends, and this one extends \
     none. Name it with `extends`, or remove the key."

    M0801 "something to decide"
    "`TODO` stands where nothing is decided yet: `import` writes it wherever a document of an API does not say what \
     something means here. The message says what belongs there and names the likeliest answers, best first, by names \
     and shapes; they are guesses, and the documentation of the API is not. Nothing else is said about what waits for \
     a decision, and nothing is served before the last one was made."

    M0901 "a field that does not come back"
    "What a client writes is shown to it as something else, or what it is shown it cannot write back. It was brought over \
     and back by the same lines of the mapping, which have to agree. Found by running the lens on instances of its \
     schemas, in both directions, or of a kind of id by its forms alone."

    M0902 "a value that changes when it is written back"
    "A client that reads a field and writes back what it read would change it, and the mapping does not say so. A landing, \
     a word for null and a tag are such sayings; anything else has to be the same after there and back. Found by running \
     the lens on instances of its schemas, in both directions."

    M0903 "one id in two spellings"
    "Two fields of one document tell the same id, such as an id and the address that ends with it, and spell it in two \
     forms. A client that compares them, or cuts the one out of the other, finds another id. Use one kind for both."

    R0101 "an operation that cannot be reached"
    "Another operation of the dialect answers to the same method and path."

    R0102 "a host that belongs to two dialects"
    "A request to that host could not be given to either."

    R0103 "two operations of one name"
    "Logs, metrics and reports tell operations apart by name."

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

    S0111 "a schema without an end"
    "The schema leads back to itself by references and combinations (`$ref`, `allOf`, `anyOf`, `not`, …) alone, so that whoever \
     looks at a value would look at it again and again. JSON Schema leaves undefined what that means. A schema may well \
     contain itself from a part of the value: a property, the elements, the values of a map."

    S0112 "too many schemas for one value"
    "References and alternatives that lead to further ones multiply: sixteen levels of four are four thousand million schemas, \
     all of them for one value. A start and each request would take as long. Lists of alternatives may be long; it is those \
     of those that have to become fewer."

    S0113 "an enumeration without members"
    "`enum` lists the values there may be, and this list is empty, so that no value satisfies the schema. Mostly the last member \
     was removed by mistake. Where nothing is allowed, the schema `false` says so."

    V0101 "a document that is not strict JSON"
    "It has to be one JSON value in UTF-8 without a byte order mark, without duplicate keys, and with nothing \
     after it: what two readers could read in two ways is refused, here as on the wire. It is held to the same \
     limits on size and depth, too."

    V0102 "a document that does not fit"
    "The document breaks a rule of the schema of that operation. The message says which place and what is \
     expected there; the label names the rule by its keyword in JSON Schema. Of a document that has none of several \
     forms, what is told is what keeps it from the form it comes closest to."

    V0103 "an exchange that is for no operation"
    "Recorded traffic holds a request that no operation is meant by: nobody has its host, mount or path, or the dialect \
     has no operation with its method and path. Traffic of browsers is full of requests for others, so such \
     exchanges are counted, and told only if a dialect is meant; `--strict` makes each of them an error. A file in \
     which nothing is for anybody is always an error: a job that looked at nothing should not be green. Say where an API \
     was served when its traffic was recorded with `--base DIALECT=URL`."

    V0104 "a request that becomes no call"
    "The request fits its schemas, and the proxy would refuse it all the same: a word or an id of it has no canonical \
     counterpart, a parameter is written as no client should, or it asks for more items than it may. Ids that the \
     backend or the id map would have to be asked about are not judged."

    V0105 "an answer with a status that the operation does not have"
    "The mapping declares which statuses an operation answers with, and this is a success that is none of them. A client \
     that waits for this status will not get it: declare it in `answers`, or correct the recording."

    V0106 "traffic that cannot be taken apart"
    "The file is no HAR 1.2 document with an array `log.entries`, an entry or a record lacks a member that every exchange \
     has or has one of another kind, a body is said to be base64 and is not, or an entry is longer than 16 MiB. What is \
     wrong with one entry does not keep the others from being looked at."
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
    fn every_code_belongs_to_a_family_and_every_family_has_codes() {
        for Entry { code, .. } in ALL {
            assert_ne!(code.family(), "other", "{code}");
        }
        for (family, _) in FAMILIES {
            assert!(ALL.iter().any(|entry| entry.code.as_str().starts_with(family)), "{family}");
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

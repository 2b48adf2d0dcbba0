//! Mappings as they are written: syntax, names, what one takes over from another, what is still open, and when what
//! it offers goes.

use super::{Code, Entry};

super::codes! {
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
     port and path; the scheme of a credential is one word, and its header none that says something else of every request, such as \
     `Host` or `Content-Type`, or belongs to a connection. Name the header that clients send the credential in."

    M0120 "a view that nothing answers for"
    "`shows = true` says that a lens is a view: it tells what it likes of a document, and nothing is read back from it. What \
     it leaves out is on the ledger of the lens around it. So it stands inside a lens of the same document, at `$body`, and \
     is no request, no answer, no item of a list and no part of one. Elsewhere, take `shows` away and say what is dropped."

    M0121 "a name that no dialect can have"
    "A dialect is called as its file is, and by that name its mount is asked for (`/<dialect>/…`), its schemas are found, and it is \
     named in settings, logs and metrics. So the name is ASCII letters, digits, `-` and `_`, and begins with a letter or \
     digit. Rename the file, and the folder of schemas with it."

    M0122 "a reason that says nothing"
    "What is lost (`drops`, `ignores`, `omits`), refused (`refuse`), or excepted from a proof (`widens`, `exceeds`) is so for a \
     reason, and whoever reads a report, the ledger or a refusal gets to see it. An empty text, or one without a letter or a \
     digit, is none. Say in a few words why, as to somebody who has to decide whether that is still right."

    M0201 "no such field in the dialect's schema"
    "Every path of a lens is looked for in the schema of its dialect when it is loaded, so that a misspelt \
     field is found before a request is; so is every parameter that a field of the query is read beside. Correct the path, or \
     describe the field in the schema."

    M0202 "no such field in the canonical schema"
    "Every canonical path of a mapping is looked for in the canonical schema it is applied to. Correct the \
     path, or describe the field in the schema."

    M0203 "a role without a canonical counterpart"
    "The word `is` names one of the roles of `canonical.toml`; this one is not among them, so nobody could \
     say what the role may do. Name the one that grants what the dialect's word promises, and no more; the help lists them."

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
     `row` asks for it: a flag, a list or one of a few words identifies nothing, and what is no role cannot be given. \
     What names records under `[keys]` of the canonical API is held to the same."

    M0223 "a condition that can never be met"
    "`when`, `where` or `tag` asks for a value that the schema does not allow at that place, so that what depends on it \
     never happens, and nobody is told. Ask for one of the values the place can have."

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

    M1001 "a date that is no moment"
    "Something retires at a moment that is the same for every client, wherever it is. A day is written as in `2027-03-01` and \
     begins at midnight UTC; a time needs its offset, as in `2027-03-01T09:00:00Z`. Years before 1970 and after 9999 cannot \
     be told in headers."

    M1002 "dates that are out of order"
    "What retires is deprecated first, then its sunset comes, then it is gone: a sunset earlier than the deprecation must not be \
     told (RFC 9745, section 4), and what is gone before the sunset breaks the promise that the `Sunset` header makes. \
     Therefore what is `gone` needs a `sunset`, too. Two of the dates may be the same. What a request may hold retires before \
     every operation that it can be sent to is gone: nobody could be told of it later."

    M1003 "a brown-out that cannot be"
    "A brown-out shows clients what the sunset will be like, so it lies between the deprecation and the sunset, lasts a while, \
     and is over a while before the next begins, and before it is gone. What comes again (`every`) needs a sunset up to \
     which it does, and a thousand times are enough. All of them together last no longer than half of the time until the \
     sunset: more is no rehearsal of the end but the end, before the day that clients were told."

    M1004 "a link that nobody can follow"
    "`docs` and `successor` are told to clients in a `Link` header, for people to open: an absolute URL that begins with \
     `https://`, in ASCII, without a user name."

    M1005 "something retires that no request can have"
    "Clients are told that a field, a value or a word of the roles retires when they send it. This one is in no body and no query \
     of any operation: it is only shown, or stands in a path. Say it of the operations instead."

    M1006 "something retires that requests go on saying"
    "The dialect's schema requires the field, so no client can do without it. If it is only deprecated, say under `successor` \
     where it is described what to do instead. If it is to be refused at times, all of the operation would be: say that of \
     the operation, or let the schema not require the field any more. The same goes for a role that every request needs and \
     whose every word retires, as soon as all of them are refused at once. And what a request means that leaves a field out \
     (`default`) cannot be refused to whoever says it: one meaning would have two answers. Let another word be the default, or \
     let it stay."

    M1007 "something that retires and whose time has come"
    "This is said by `check --on DATE` alone: a check that fails one day although nobody changed a file helps nobody. What was \
     to be gone by that date is refused, and may be taken out of the mapping with everything that only it needs; what is past \
     its sunset and still served breaks no promise, but may be forgotten. Either say when it is gone, or move the sunset."

    M1008 "one way to read a field retires, and another does not"
    "A client knows its field and not the ways in which it is read, and is told of whatever retires when it sends the field. So \
     all ways to read one field say the same `retirement`, or none does. What retires only sometimes is some of the values of \
     the field: name them under `values`."

    M1009 "a word retires that answers go on telling"
    "A canonical word without one of its own is told as another (`lands`, `as`), and that one is refused at times, or gone \
     some day. Answers go on telling it, since what retires is what clients send; but whoever saves what is shown sends it \
     back and is refused, also where nothing was to change. Nothing is said where the word goes with every operation that \
     takes it. It is a warning, because it may be that no other word can be told: of a word's own role answers go on telling \
     it as well, and there is no other. Where there is, let it land on a word that stays."
}

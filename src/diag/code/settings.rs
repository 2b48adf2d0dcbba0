//! The settings: what may be wrong with `config.toml`, and what a reload cannot take.

use super::{Code, Entry};

super::codes! {
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
     all addresses together: then one client can keep out all the others. Or one body may be as large as all the room there is for \
     those that arrive (`arriving_bytes_max`): beside others it is refused by chance. The program starts all the same."

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

    C0217 "a list for which there may not be calls enough"
    "A mapping gathers a list from all its pages (`gather`), and a backend may give as few as 20 items at a time. So many pages, and \
     what is looked up besides, are more calls than one request may become (`[body] calls_max`): a list that long is answered \
     500 after all these calls were made. Let `calls_max` be more, or `gather` less. Where the backend gives 1,000 items at a \
     time, as it is asked to, nothing is wrong: it is a warning."

    C0301 "a setting that only a restart changes"
    "A reload takes mappings, schemas and most settings without dropping a request. Sockets, threads, time limits of \
     connections, the built-in backend and the log are made once, when the program starts. A file that changes one of \
     them is refused whole, so that what runs is always what one file says: restart the program for it, which drops no \
     request either if it is done as `docs/operations.md` says, or put the old value back."

    C0302 "a certificate whose time is over, has not come, or ends soon"
    "A certificate that a listener shows to clients, or that an upstream is shown, or one of those that vouch for it, is good \
     from one moment to another, and now is not between the two: whoever is shown it refuses the connection. Or it is, and the \
     last tenth of its time has begun, or its last 30 days: whoever renews it is late. It is taken \
     all the same, for what was there before is rarely better. Put the renewed file in its place, and reload. If the \
     certificate is good, the clock of this machine is wrong."

    C0303 "an operation that the backend's dialect has no words for"
    "The settings say that the backend speaks a dialect (`[upstream] dialect`), and requests of this operation cannot be \
     answered with it: a call that they become has no words there, an id cannot be looked up, or a field that every answer \
     has is never told. Clients are refused with 501, and the backend is not asked. What is missing is an operation, a field \
     or a list in the mapping of the backend's dialect. If nobody needs the operation, say so under \
     `[upstream.inexpressible]`, by the client's dialect: `acme = [\"invite\"]`, or `acme = \"any\"` for whatever \
     it is, also in later mappings. Until then nothing is served, and a reload is refused. What is declared is told by \
     `check` as a note, with the reasons."

    C0304 "a file of a setting that cannot be read"
    "A setting names a file that is not there, or that this user may not read: a certificate or its key, authorities, the key \
     of explanations, a database, the file that keeps modes. The proxy does not start without it, but makes a database or a file \
     of modes that is not there, in a folder that it may write to. A reload that names it is refused. Paths are \
     taken from the folder that the program is started in. For `check` it is a warning: the file may well be there where \
     the proxy runs. Of what is written by mistake in the place of a file's name nothing is shown."

    C0305 "a file of a setting that cannot be used"
    "A setting names a file that can be read and is not what it is meant to be: a certificate that is no PEM, a key that does \
     not belong to its certificate, a key of explanations that is too short, the database of another program, a file that keeps something else than \
     modes, a folder; or a file for modes that is mounted by itself, as a container may have been given it: that is replaced as a \
     whole, and nothing can be put in the place of such a file. Mount the folder instead. \
     The proxy does not start with it, and a reload that names it is refused. Nothing of the file is repeated."

    C0306 "a declaration that is not true"
    "`[upstream.inexpressible]` names operations that cannot be answered because the backend's dialect has no words for them, and \
     this one can be: the mapping has grown, or another dialect is spoken, or canonical. It may be that the operation is named \
     twice. Whoever reads the settings would believe that clients are refused, and they are served. Take it out. `\"any\"`, of \
     a dialect of which everything can be answered, is a warning: it hides what comes later."

    C0307 "a key that others may read or write"
    "A private key of a certificate, or the key of explanations, lies in a file that anybody on the machine may read, or that somebody \
     else than its owner may write. Whoever reads it can pass for this proxy, or see what requests become; whoever writes it, too. Let \
     its owner alone read and write it (`chmod 600`); its group may read it, as where keys are mounted into a container. If others may have \
     read it, have another made. It is a warning: the proxy starts, and a reload is taken."

    C0401 "a mode without an old upstream"
    "The mode has requests of a dialect answered by the upstream that spoke it before there was a canonical one, and nobody \
     says where that is. Name it under `[legacy.<dialect>]`, with the keys that `[upstream]` has; a generation of a dialect \
     has the one of what it extends. Nothing is guessed: a request at the wrong address is worse than none."

    C0402 "a setting of an operation that is not there"
    "The table says how an operation of a dialect is answered, or that it cannot be, and the dialect's mapping has no operation of \
     that name: most likely a misspelling, which would leave the operation where all the others are. `interlingua routes` \
     lists them."

    C0403 "not the digest of a principal"
    "Principals are named by a digest of their credential, 32 digits of lower-case hexadecimal, so that no credential \
     stands in a file. `interlingua principal` reads a credential from a file, or from its input, and prints the digest. \
     If it was the credential itself that was written here, consider it known, and have another made."

    C0404 "a split without a share"
    "A split has the canonical side answer some principals and the old upstream the others. How many is `share`, in \
     percent, and has no default: whoever forgets it would move nobody, or everybody. Which principals they are does not \
     change as long as the share does not, and who has moved stays moved when it grows."

    C0405 "a setting without effect in this mode"
    "`share` counts where something is split, `answers`, `noise`, `extra`, `read_back` and `known` where there are shadows, \
     and `validate` where requests go to the old upstream. The program starts \
     all the same: whoever steps back for a while need not take the file apart."

    C0406 "a name that does not tell who somebody is"
    "Reports call principals by their names in `[usage.names]`, and people decide by these whom they move. So a name belongs to \
     one principal alone, is not empty, and is shown as it is written: control characters, and such as turn text around, \
     could make a terminal show something else, and two names that differ only in what nobody sees, or in blanks at their \
     ends, would be one to whoever reads them. The digest of zeros is nobody: it stands for all whom no backend is known to \
     know, and these are `unconfirmed`, as nobody else is."

    C0407 "something retires where nobody looks"
    "Fields, values or words of a dialect retire by its mapping, and requests that have them are handed on to the old upstream as \
     they are: no client is told of the end, nothing is switched off in a brown-out, and what is gone goes on being served. The \
     ends of operations hold in every mode; those of parts only where somebody looks at what is handed on. Write \
     `validate = true` in `[mode.<dialect>]`. If they are to count from the day on that clients have moved, there is nothing to \
     do: the program starts all the same."

    C0408 "not written as a place of a dialect's answers"
    "`known` names places at which the old upstream shows something else than the mapping does, and everybody knows it: they \
     are not told any more, nor what lies below them. Each is written as metrics and reports tell it, `dialect:` and a JSON \
     Pointer into the answer with `*` for positions. Whether answers have such a place is not looked up: one that is misspelt \
     is taken, and hides nothing. A place of the canonical answer is none of these: what differs there \
     differs in meaning, and cannot be switched off."
}

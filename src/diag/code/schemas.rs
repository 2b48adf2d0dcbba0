//! Schema files, and documents that are held against them.

use super::{Code, Entry};

super::codes! {
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

    S0114 "a folder of schemas that nobody has"
    "Schemas lie in one folder for each dialect, called as its mapping is. This folder is called as no mapping is, and no \
     schema of another folder refers into it: nothing of it is ever used. Most likely its name is misspelt, or the mapping \
     was removed or has another name. It is a warning, for it harms nobody."

    V0101 "a document that is not strict JSON"
    "It has to be one JSON value in UTF-8, without duplicate keys, and with nothing after it: what two readers could read \
     in two ways is refused, here as on the wire. A byte order mark at the beginning of a file is left out, for tools write \
     one; on the wire it is refused. It is held to the same limits on size and depth, too."

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

    V0107 "answers that do not say the same"
    "A recorded request was sent again, and the answer means something else than the one that was recorded, or than that of \
     the other proxy; or none came in time. Both answers are read as canonical documents and compared there: what is \
     written otherwise and means the same is no difference, and neither are times and ids, as long as an id stands for one id \
     all along. The place is a JSON Pointer into the canonical document with `*` for positions in lists; `status`, \
     `code` and `errors` are those of a refusal. Values are shown as digests, unless `--show-values` is given."

    V0201 "a key that several records have"
    "`ids match` knows which record of one side is which of the other by a key, such as an address, and several records of \
     one list have this one: nobody can say which of them is meant, so none of them is paired. The ids are told, of the key \
     only a digest. Change the key where it is wrong, or import the right pairs with `ids import`: what the map knows is \
     asked of no key."

    V0202 "an id that two pairs claim"
    "Two pairs that `ids match` found share one half: by their keys, one record of one side is two of the other, such as a \
     person who has an account in each of two organizations there. Neither of the pairs is written. Find out which is \
     right, and import it with `ids import`."

    V0203 "a pair that the id map contradicts"
    "By its key a record of the old upstream is this one of the canonical side, and the id map pairs one of the two with \
     another. What was imported counts, and is never overwritten. If a key was given to another record on one side, there \
     is nothing to do but to give it to that record on the other side, too; if the map is wrong, make it anew from what \
     `ids export` prints, without the wrong pair."

    V0204 "an old id that is how another record is spelt"
    "The id that the old upstream gave looks like a computed one, and read as one it is another record of the canonical \
     side. Were the pair written, that other record could not be told to clients of the dialect any more. Such an id is \
     hardly chance: most often one side was filled from the other with ids kept, and keys changed since."
}

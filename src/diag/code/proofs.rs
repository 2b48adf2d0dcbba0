//! What is proved of mappings before they serve anybody.

use super::{Code, Entry};

super::codes! {
    M0301 "a word of the schema without a row"
    "The dialect's schema lets a client send a word that the table does not have. Every such word needs a \
     row, so that no accepted request fails half way."

    M0302 "a row that can never be met"
    "The dialect's schema does not allow the word of this row, so no client can send it and none may be shown \
     it. Let the schema allow it, or take the word away; a canonical word that does not exist is written as one that does."

    M0303 "a canonical word without a landing"
    "The backend can hold a value that this dialect has no word for. Say which word stands for it, or refuse \
     it with a reason: a new value must not break old clients by surprise."

    M0304 "a landing that can never be met"
    "The canonical word does not exist, or has a row of its own and therefore never lands."

    M0305 "the same word twice"
    "Two rows of a table have the same word, so one of them is dead and the way back is not clear. Of one word that \
     two rows give a meaning, take one away. Two words of one canonical role are one row, with the other word under `also`: \
     both are read, the first is shown, so a client that wrote the other is shown another word than it wrote. If that is \
     too much, give them different canonical roles. A table of other values has one word for each canonical one."

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
     nothing was. Call what changes it, or refuse the value by the schema of the request. Where an operation calls nothing \
     but GETs it is a warning, unless it is a POST that tells what they found, as a search does."

    M0312 "a change that nobody asked for"
    "A GET only looks (RFC 9110, section 9.2.1): programs repeat it, follow links and prefetch, and we ask it twice where two \
     sides are compared or a connection broke. This one calls what changes something. Call what only reads. If the old API \
     does change something by GET, say so with `changes = \"reason\"`, which every report lists: then it is asked once, as \
     any change is, taken with an `Idempotency-Key`, and not answered to HEAD."

    M0313 "a GET that changes something"
    "This is no fault. `changes` says that an operation changes something though its method should not, and why. Each is \
     listed in every report of `interlingua check`: whoever moves clients has to know which of their links do something."

    M0314 "a list that one item fails"
    "The mapping refuses a word that an item of the list may hold, so one such member makes the whole list a 409, for \
     everybody who asks for it. Say `omits = \"reason\"` in the answer, and such items are left out and counted, or let the \
     word land. If the whole is meant to be refused, this stays a warning."

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
     canonical one to what the backend says, or give null a word with `absent` or `optional`. Of a bound, such as the length of \
     a text, say under `[lens.<name>.exceeds]` why it is told all the same; a value of another type cannot be excepted, since no \
     client could read it. Where the canonical schema says nothing of a value, what \
     clients of the same dialect and its generations may write there, in whatever operation, has to fit, too. Say with \
     `where` or `tag` that only records with a certain constant are told, or under `exceeds` that no others come. Found by \
     running the operation on instances of its schemas."

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
     that breaks it. Clients read errors by it, so fill what it requires, and nothing that it does not know: each place takes the slot \
     that holds a value of its type (`docs/mapping.md` lists them)."

    M0501 "a canonical field that is lost silently"
    "Every property of the canonical schema is mapped or dropped with a reason. Map it, or declare the loss \
     under `[lens.<name>.drops]`. So is what is told only where a `tag` says so, and a list of which a `where` tells some \
     elements, unless the other ways to fill that place answer for the rest. Items that `where` leaves out of a list were not asked for, or `omits` says why they are left out."

    M0502 "a dialect field that is lost silently"
    "Every property of the dialect's schema is mapped or ignored with a reason. Map it, or declare the loss \
     under `[lens.<name>.ignores]`. So is what is read only where `when` says so, unless other ways answer for the rest, and \
     what a case of an operation does not read: that one has `ignores` of its own."

    M0503 "a loss that is none"
    "The field is declared as lost and is mapped after all, always, or does not exist. A ledger that lists what is \
     not lost cannot be trusted for what is."

    M0504 "an answer that is lost silently"
    "A call answers something, and the operation has no lens for it: it answers without a body, always the same, or only how many \
     calls succeeded. So nothing of it reaches the client, and nothing said so. Tell it by a lens (`body`), or say why not with \
     `drops = \"reason\"`, beside the status of the answer or under `[operation.collect]`. `check --ledger` lists each of its fields \
     with that reason."

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

    M0904 "a field of answers that is read from elsewhere"
    "Where the field is missing it is read from another place (`from`), and the lens tells answers, too. An answer without the \
     field says that there is none; read back, as shadows, backends that speak the dialect and clients that save what they \
     were shown do, it would have one, made out of its neighbour. What a request means and an answer does not is said by a \
     lens of its own for requests."

    M0905 "an id that clients are shown and cannot send"
    "Answers tell the id of a record, and a path names the record by it; clients take it from the one to the other. This path \
     reads none of the spellings that answers show: another prefix, another form, or the ids of another kind of record, as when \
     two parameters of a path are swapped. Read the id as it is shown, or show it as it is read. An id that is looked up (`resolve`) \
     is not compared, and ids that no answer shows are not, either. The member of a record that holds its id is that of `[page]` in \
     `canonical.toml`; a reference to a record elsewhere is known by the name of the parameter."

    R0101 "an operation that cannot be reached"
    "Another operation of the dialect answers to the same method and path. One of them needs another; or, where a field of the \
     body says which is meant, one is a `[[operation.case]]` of the other."

    R0102 "a host that belongs to two dialects"
    "A request to that host could not be given to either."

    R0103 "two operations of one name"
    "Logs, metrics and reports tell operations apart by name, and one mapping that extends another changes them by it. Give \
     one of them another; clients never see it."
}

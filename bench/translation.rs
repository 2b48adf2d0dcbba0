//! Translates one request again and again, phase by phase: what reading, lifting and lowering cost in instructions.
//!
//! ```sh
//! cargo build --release --example translation
//! valgrind --tool=callgrind --toggle-collect='translation::rounds' \
//!     target/release/examples/translation invite 1000
//! callgrind_annotate --inclusive=yes callgrind.out.*
//! ```
//!
//! What is asked and what the backend answers are golden cases, two of them made longer. The phases are functions of
//! their own that are never inlined, so that each has a line of its own in what the tool prints.

use std::error::Error;
use std::hint::black_box;
use std::{env, fs};

use http::{HeaderMap, Method, StatusCode, Uri};
use interlingua::boot::{self, DataFiles};
use interlingua::canonical::api::Api;
use interlingua::diag::Sources;
use interlingua::dialect::Registry;
use interlingua::dialect::url::Url;
use interlingua::json::{Document, Limits};
use interlingua::lens::Resolutions;
use interlingua::problem::Problem;
use interlingua::translate::answer::{Answer, answered};
use interlingua::translate::lift::{Lifted, lift};
use interlingua::translate::lower::{Lowered, lower};
use interlingua::translate::{Request, Step};
use serde_json::{Value, json};

/// One request of a client, and what the backend answers to each of its calls.
struct Workload {
    method: Method,
    uri: Uri,
    body: Option<Vec<u8>>,
    status: StatusCode,
    answer: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let usage = "usage: translation invite|list|bulk ROUNDS";
    let workload = workload(&arguments.next().ok_or(usage)?)?.ok_or(usage)?;
    let rounds = arguments.next().ok_or(usage)?.parse()?;
    let loaded = boot::load(&DataFiles::default(), &mut Sources::default())?;
    let registry = loaded.registry.ok_or("what ships is not sound")?;
    let written = self::rounds(&registry, &workload, rounds);
    println!("{rounds} rounds, {written} bytes");
    Ok(())
}

fn workload(name: &str) -> Result<Option<Workload>, Box<dyn Error>> {
    let mut case = match name {
        "invite" => case("closient/invite_member/editor")?,
        "list" => case("closient/list_members/first-page")?,
        "bulk" => case("apexscore/create_organization_invitations/two-in-one-call")?,
        _ => return Ok(None),
    };
    let answer = &mut case["calls"][0]["answer"];
    if name == "list" {
        let item = answer["body"]["items"][0].clone();
        answer["body"] = json!({"items": vec![item; 100], "total": 100});
    }
    let (status, answer) = (answer["status"].to_string(), answer["body"].to_string());
    if name == "bulk" {
        let item = case["request"]["body"][0].take();
        let items = (0..100).map(|index| {
            let mut item = item.clone();
            item["email"] = format!("person{index}@example.com").into();
            item
        });
        case["request"]["body"] = items.collect();
    }
    let line = case["request"]["line"].as_str().ok_or("a case has a line")?;
    let (method, uri) = line.split_once(' ').ok_or("a line has two parts")?;
    Ok(Some(Workload {
        method: method.parse()?,
        uri: uri.parse()?,
        body: case["request"].get("body").map(|body| body.to_string().into_bytes()),
        status: status.parse()?,
        answer: answer.into_bytes(),
    }))
}

fn case(name: &str) -> Result<Value, Box<dyn Error>> {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let read = |name: &str| -> Result<Value, Box<dyn Error>> {
        Ok(serde_json::from_str(&fs::read_to_string(format!("{golden}/{name}.json"))?)?)
    };
    resolved(read(name)?, &|name| read(&format!("canonical/{name}")))
}

/// The value with every `{"$like": name, …}` replaced by the document it names, as the golden cases mean it.
fn resolved(
    value: Value,
    read: &impl Fn(&str) -> Result<Value, Box<dyn Error>>,
) -> Result<Value, Box<dyn Error>> {
    Ok(match value {
        Value::Array(elements) => Value::Array(
            elements.into_iter().map(|element| resolved(element, read)).collect::<Result<_, _>>()?,
        ),
        Value::Object(mut members) => {
            let like = members.remove("$like");
            let mut whole = match like.as_ref().and_then(Value::as_str) {
                Some(name) => resolved(read(name)?, read)?,
                None => json!({}),
            };
            for (name, member) in members {
                whole[name] = resolved(member, read)?;
            }
            whole
        }
        scalar => scalar,
    })
}

#[inline(never)]
fn rounds(registry: &Registry, workload: &Workload, rounds: usize) -> usize {
    (0..rounds).map(|_| round(registry, workload)).sum()
}

fn round(registry: &Registry, workload: &Workload) -> usize {
    let known = Resolutions::default();
    let request = decode_request(registry, workload);
    let lifted = lift_request(registry.api(), &request, &known);
    let answers = decode_answers(workload, &lifted);
    let lowered = lower_answers(registry.api(), &request, &lifted, &answers, &known);
    lowered.body.map_or(0, |body| body.len())
}

#[inline(never)]
fn decode_request(registry: &Registry, workload: &Workload) -> Request {
    let (host, path) = (workload.uri.host(), workload.uri.path());
    let selected = registry.select(&workload.method, host, path, &HeaderMap::new()).expect("it is a route");
    let target = workload.uri.path_and_query().cloned().expect("a case has a path");
    let body = workload.body.clone().map(read);
    let mut request = Request::new(selected, Url::of(target), body).expect("its query is well-formed");
    request.choose_case();
    request
}

#[inline(never)]
fn read(text: Vec<u8>) -> Document {
    black_box(Document::parse(text, &Limits::default()).expect("a case is JSON"))
}

#[inline(never)]
fn lift_request(api: &Api, request: &Request, known: &Resolutions) -> Lifted {
    match lift(api, request, known).expect("a case is sound") {
        Step::Done(lifted) => black_box(lifted),
        Step::Needs(_) => panic!("nothing has to be looked up"),
    }
}

#[inline(never)]
fn decode_answers(workload: &Workload, lifted: &Lifted) -> Vec<Result<Answer, Box<Problem>>> {
    let answer = |_| decode_answer(workload.status, workload.answer.clone());
    lifted.calls.iter().map(answer).collect()
}

#[inline(never)]
fn decode_answer(status: StatusCode, body: Vec<u8>) -> Result<Answer, Box<Problem>> {
    black_box(answered(status, None, body))
}

#[inline(never)]
fn lower_answers(
    api: &Api,
    request: &Request,
    lifted: &Lifted,
    answers: &[Result<Answer, Box<Problem>>],
    known: &Resolutions,
) -> Lowered {
    match lower(api, request, lifted, answers, known).expect("a case is sound") {
        Step::Done(lowered) => black_box(lowered),
        Step::Needs(_) => panic!("nothing has to be looked up"),
    }
}

//! Documents made from their schemas: random, valid, and the same for the same seed.

use interlingua::schema::Store;
use serde_json::{Map, Value, json};

/// A small generator of numbers (splitmix64); what it gives depends on nothing but its seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// One that gives the same numbers for the same word, whatever was drawn before.
    pub(crate) fn of(seed: u64, word: &str) -> Random {
        let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Random(seed ^ hash)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.next().is_multiple_of(2)
    }

    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// A word of letters and digits.
    pub(crate) fn word(&mut self) -> String {
        let letters: Vec<char> = "abcdefghijklmnopqrstuvwxyz0123456789".chars().collect();
        (0..=self.below(12)).map(|_| *self.pick(&letters)).collect()
    }

    pub(crate) fn uuid(&mut self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(
            (u128::from(self.next()) << 64 | u128::from(self.next())).to_be_bytes(),
        )
        .into_uuid()
    }
}

/// A part of a schema file, and which file that is.
#[derive(Clone)]
pub(crate) struct Node<'s> {
    store: &'s Store,
    folder: &'s str,
    file: String,
    value: Value,
}

impl<'s> Node<'s> {
    pub(crate) fn root(store: &'s Store, folder: &'s str, file: &str) -> Node<'s> {
        let value = store.schema(folder, file).unwrap().document().clone();
        Node { store, folder, file: file.to_owned(), value }
    }

    fn at(&self, value: &Value) -> Node<'s> {
        Node { value: value.clone(), ..self.clone() }.resolved()
    }

    fn resolved(self) -> Node<'s> {
        let Some(reference) = self.value.get("$ref").and_then(Value::as_str) else { return self };
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let file =
            if file.is_empty() { self.file.clone() } else { file.trim_end_matches(".json").to_owned() };
        let root = Node::root(self.store, self.folder, &file);
        let value = root.value.pointer(pointer).unwrap().clone();
        Node { value, ..root }.resolved()
    }

    fn branches(&self) -> Vec<Node<'s>> {
        let lists = ["oneOf", "anyOf"].iter().filter_map(|keyword| self.value.get(keyword)?.as_array());
        lists.flatten().map(|branch| self.at(branch)).collect()
    }

    /// The schema of a member, wherever it is declared.
    pub(crate) fn property(&self, name: &str) -> Option<Node<'s>> {
        match self.value.get("properties").and_then(|properties| properties.get(name)) {
            Some(own) => Some(self.at(own)),
            None => self.branches().iter().find_map(|branch| branch.property(name)),
        }
    }

    pub(crate) fn items(&self) -> Option<Node<'s>> {
        self.value.get("items").map(|items| self.at(items))
    }

    pub(crate) fn is_required(&self, name: &str) -> bool {
        let required = self.value.get("required").and_then(Value::as_array);
        required.is_some_and(|names| names.iter().any(|other| other == name))
    }

    /// A value that fits, as far as its keywords are those our schemas use. Property names stand for what pages say
    /// in prose: whatever is called `email` is an address.
    pub(crate) fn instance(&self, name: &str, random: &mut Random) -> Value {
        if let Some(words) = self.value.get("enum").and_then(Value::as_array) {
            return random.pick(words).clone();
        }
        if let Some(only) = self.value.get("const") {
            return only.clone();
        }
        let branches = self.branches();
        if !branches.is_empty() && self.value.get("properties").is_none() {
            return random.pick(&branches).instance(name, random);
        }
        let types = match self.value.get("type") {
            Some(Value::Array(types)) => types.clone(),
            Some(one) => vec![one.clone()],
            None if self.value.get("properties").is_some() => vec![json!("object")],
            None => vec![json!("string"), json!("object"), json!("integer")],
        };
        let chosen = random.pick(&types).as_str().unwrap().to_owned();
        match chosen.as_str() {
            "null" => Value::Null,
            "boolean" => json!(random.coin()),
            "integer" | "number" => json!(random.below(1000)),
            "array" => {
                let least =
                    usize::try_from(self.value.get("minItems").and_then(Value::as_u64).unwrap_or(0)).unwrap();
                let length = least + random.below(3);
                let items = self.items();
                (0..length)
                    .map(|_| items.as_ref().map_or(json!(1), |items| items.instance(name, random)))
                    .collect()
            }
            "object" => self.object(random),
            "string" => json!(self.string(name, random)),
            other => panic!("no type: {other}"),
        }
    }

    fn object(&self, random: &mut Random) -> Value {
        let mut members = Map::new();
        if let Some(properties) = self.value.get("properties").and_then(Value::as_object) {
            for (name, schema) in properties {
                if self.is_required(name) || random.coin() {
                    members.insert(name.clone(), self.at(schema).instance(name, random));
                }
            }
        } else if let Some(free @ Value::Object(_)) = self.value.get("additionalProperties") {
            for _ in 0..random.below(3) {
                members.insert(random.word(), self.at(free).instance("", random));
            }
        }
        Value::Object(members)
    }

    fn string(&self, name: &str, random: &mut Random) -> String {
        let format = self.value.get("format").and_then(Value::as_str);
        match format {
            _ if format == Some("hostname") => format!("a{}.example", random.word()),
            _ if format == Some("email") || name.contains("email") => format!("{}@b.example", random.word()),
            Some("uuid") => random.uuid().to_string(),
            Some("date-time") => {
                format!("2026-0{}-1{}T08:00:0{}Z", 1 + random.below(9), random.below(9), random.below(9))
            }
            Some("uri") => format!("https://a.example/{}", random.word()),
            Some(_) | None => random.word(),
        }
    }
}

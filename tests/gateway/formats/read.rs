//! Reads reports back as their users do: what was printed is all that is known here.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// What a report says of one fault: its code, and `file:line` if it is about a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) code: String,
    pub(super) place: Option<String>,
}

/// A workflow command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) properties: Vec<(String, String)>,
    pub(super) message: String,
}

pub(super) fn json(report: &str) -> Vec<Read> {
    let report: Value = serde_json::from_str(report).unwrap();
    report.as_array().unwrap().iter().map(one_of_json).collect()
}

fn one_of_json(found: &Value) -> Read {
    let labels = found["labels"].as_array().unwrap();
    let primary = labels.iter().find(|label| label["primary"] == true);
    let place =
        primary.map(|label| format!("{}:{}", label["file"].as_str().unwrap(), label["start"]["line"]));
    Read { code: found["code"].as_str().unwrap().to_owned(), place }
}

pub(super) fn sarif(report: &str) -> Vec<Read> {
    let report: Value = serde_json::from_str(report).unwrap();
    let run = &report["runs"][0];
    let result = |result: &Value| {
        let rule =
            &run["tool"]["driver"]["rules"][usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        let place = result.get("locations").map(|locations| {
            let place = &locations[0]["physicalLocation"];
            let location = &place["artifactLocation"];
            let artifact = &run["artifacts"][usize::try_from(location["index"].as_u64().unwrap()).unwrap()];
            assert_eq!(artifact["location"]["uri"], location["uri"]);
            let file = percent_decode_str(location["uri"].as_str().unwrap()).decode_utf8().unwrap();
            format!("{file}:{}", place["region"]["startLine"])
        });
        Read { code: rule["id"].as_str().unwrap().to_owned(), place }
    };
    run["results"].as_array().unwrap().iter().map(result).collect()
}

/// What failed says it in a `failure`, what is only told in what the case printed.
pub(super) fn junit(report: &str) -> Vec<Read> {
    let document = roxmltree::Document::parse(report).unwrap();
    let mut read = Vec::new();
    for node in document.descendants() {
        if node.has_tag_name("failure") {
            let message = node.attribute("message").unwrap();
            let shown = text(node.text().unwrap());
            let place = message.match_indices(':').nth(1).map(|(end, _)| message[..end].to_owned());
            let place = place.filter(|_| shown[0].place.is_some());
            assert_eq!(shown[0].place, place, "{message}");
            read.push(Read { code: node.attribute("type").unwrap().to_owned(), place });
        } else if node.has_tag_name("system-out") {
            read.extend(text(node.text().unwrap()));
        }
    }
    read
}

pub(super) fn github(report: &str) -> Vec<Read> {
    let read = |line: &str| {
        let Command { properties, .. } = command(line);
        let property =
            |name: &str| properties.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let place = property("file").zip(property("line")).map(|(file, line)| format!("{file}:{line}"));
        Read { code: property("title").unwrap()[..5].to_owned(), place }
    };
    report.lines().map(read).collect()
}

/// Takes a line apart as a runner does: properties up to the next `::`, split at commas, then unescaped.
pub(super) fn command(line: &str) -> Command {
    let (head, message) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
    let (name, properties) = head.split_once(' ').unwrap();
    assert!(["error", "notice", "warning"].contains(&name), "{line}");
    let properties = properties.split(',').map(|property| {
        let (name, value) = property.split_once('=').unwrap();
        let value = value.replace("%2C", ",").replace("%3A", ":");
        (name.to_owned(), unescaped(&value))
    });
    Command { properties: properties.collect(), message: unescaped(message) }
}

fn unescaped(text: &str) -> String {
    text.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
}

/// What is printed for people: a headline with the code, and the first place below it.
pub(super) fn text(report: &str) -> Vec<Read> {
    let mut read: Vec<Read> = Vec::new();
    for line in report.lines() {
        let headline = ["error[", "warning[", "note["].iter().find_map(|level| line.strip_prefix(level));
        if let Some(headline) = headline {
            read.push(Read { code: headline[..5].to_owned(), place: None });
        } else if let Some(place) = line.trim_start().strip_prefix("--> ") {
            let (place, _column) = place.rsplit_once(':').unwrap();
            read.last_mut().unwrap().place.get_or_insert_with(|| place.to_owned());
        }
    }
    read
}

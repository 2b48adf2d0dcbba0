#!/usr/bin/env python3
"""The golden cases as recorded traffic: the same bytes for the same arguments.

    golden.py har 100000 > traffic.har      so many entries of a HAR 1.2 document, the cases over and over
    golden.py records > traffic.jsonl       each case once, with what the backend answered

Cases that need more than one request, whose body is no JSON, or whose answer may be anything are left out. Markers such as "<text>" become a value
of their kind.
"""

import json
import pathlib
import sys

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
NO_BODY = object()
MARKERS = {"<boolean>": True, "<number>": 7, "<timestamp>": "2026-01-31T23:59:59Z", "<any>": "any"}


def documents():
    return {path.stem: json.loads(path.read_text()) for path in sorted(GOLDEN.glob("canonical/*.json"))}


def expanded(value, known):
    """Documents that are like others, written out."""
    if isinstance(value, list):
        return [expanded(item, known) for item in value]
    if isinstance(value, dict):
        like = expanded(known[value["$like"]], known) if "$like" in value else {}
        own = {name: expanded(member, known) for name, member in value.items() if name != "$like"}
        return {**like, **own}
    return value


def unmarked(value):
    """A value for each marker; what is optional is left out."""
    if isinstance(value, list):
        return [unmarked(item) for item in value]
    if isinstance(value, dict):
        return {name: unmarked(member) for name, member in value.items() if member != "<optional>"}
    if isinstance(value, str) and value in MARKERS:
        return MARKERS[value]
    if isinstance(value, str) and value.startswith("<text"):
        return value.removeprefix("<text").removesuffix(">").strip() or "text"
    return value


def exchanges():
    known = documents()
    for path in sorted(GOLDEN.glob("*/*/*.json")):
        case = json.loads(path.read_text())
        request, response = case["request"], case["response"]
        told = response.get("body")
        if isinstance(told, str) and told.startswith("<"):
            continue
        if "text" in request or "blanks" in request or "quota" in case or "backend" in case:
            continue
        headers = {}
        for name, values in request.get("headers", {}).items():
            headers[name] = values if isinstance(values, str) else ", ".join(values)
        method, url = request["line"].split(" ", 1)
        calls = []
        for call in case["calls"]:
            answer = call["answer"]
            if "fault" in answer or "text" in answer:
                break
            line = call["expect"]["line"]
            body = expanded(answer.get("body"), known)
            calls.append({"line": line, "status": answer["status"], "body": body})
        else:
            yield {
                "method": method,
                "url": url,
                "headers": headers,
                "request": request.get("body"),
                "status": response["status"],
                # Null is an answer of some, and no answer of others.
                "response": unmarked(response["body"]) if "body" in response else NO_BODY,
                "calls": calls,
            }


def entry(exchange, number):
    sent = exchange["request"]
    text = "" if exchange["response"] is NO_BODY else json.dumps(exchange["response"], ensure_ascii=False)
    request = {
        "method": exchange["method"],
        "url": exchange["url"],
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in exchange["headers"].items()],
        "queryString": [],
        "headersSize": -1,
        "bodySize": 0,
    }
    if sent is not None:
        body = json.dumps(sent, ensure_ascii=False)
        request["bodySize"] = len(body.encode())
        request["postData"] = {"mimeType": "application/json", "text": body}
    response = {
        "status": exchange["status"],
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": "content-type", "value": "application/json"}],
        "content": {"size": len(text.encode()), "mimeType": "application/json", "text": text},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(text.encode()),
    }
    return {
        "startedDateTime": "2026-01-31T12:00:00.000Z",
        "time": 10 + number % 90,
        "request": request,
        "response": response,
        "cache": {},
        "timings": {"send": 0, "wait": 10 + number % 90, "receive": 0},
    }


def har(count, out):
    cases = list(exchanges())
    out.write('{"log": {"version": "1.2", "creator": {"name": "golden.py", "version": "1"}, "entries": [\n')
    for number in range(count):
        text = json.dumps(entry(cases[number % len(cases)], number), ensure_ascii=False)
        out.write(text + (",\n" if number + 1 < count else "\n"))
    out.write("]}}\n")


def records(out):
    for exchange in exchanges():
        told = None if exchange["response"] is NO_BODY else exchange["response"]
        out.write(json.dumps({**exchange, "response": told}, ensure_ascii=False) + "\n")


def main():
    match sys.argv[1:]:
        case ["har", count]:
            har(int(count), sys.stdout)
        case ["records"]:
            records(sys.stdout)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()

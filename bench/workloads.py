"""What is asked, and what the backend answers: real exchanges of the golden cases, some of them made longer.

A workload is one request of a client and the fixed answer of the canonical backend to each call it becomes.

    python3 bench/workloads.py FOLDER      writes them as cases.json, and mappings without quotas beside it
"""

import copy
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden"


@dataclass(frozen=True)
class Workload:
    """One request, asked again and again."""

    name: str
    about: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    status: int
    """What the client is told; anything else ends the run."""
    backend_status: int
    backend_body: bytes
    items: int = 1
    """How many calls it becomes, to say what one of them costs."""
    quota: str = "100000000/second"


def workloads() -> list[Workload]:
    invite = case("closient/invite_member/editor")
    members = case("closient/list_members/first-page")
    bulk = case("apexscore/create_organization_invitations/two-in-one-call")
    emails = case("gitbook/inviteUsersToOrganization/addresses-with-one-role")
    wrong = case("closient/invite_member/role-nobody-documents")

    hundred = copy.deepcopy(members)
    hundred["request"]["line"] += "?page_size=100"
    item = hundred["calls"][0]["answer"]["body"]["items"][0]
    hundred["calls"][0]["answer"]["body"] = {"items": [item] * 100, "total": 100}

    array = copy.deepcopy(bulk)
    array["request"]["body"] = [
        {**array["request"]["body"][0], "email": f"person{index}@example.com"} for index in range(100)
    ]
    many = copy.deepcopy(emails)
    many["request"]["body"]["emails"] = [f"person{index}@example.com" for index in range(100)]

    return [
        workload("invite", "one invitation: the reference request", "closient", invite),
        workload("list-100", "a list of 100 members", "closient", hundred),
        workload("bulk-100-array", "100 invitations in an array", "apexscore", array, items=100),
        workload("bulk-100-emails", "100 addresses with one role", "gitbook", many, items=100),
        workload("refused-schema", "a role that nobody documents", "closient", wrong),
        workload("refused-quota", "a client that has spent its quota", "closient", invite, quota="1/hour", status=429),
    ]


def case(name: str) -> dict:
    return resolved(json.loads((GOLDEN / f"{name}.json").read_text()))


def resolved(value):
    """The value with every `{"$like": name, …}` replaced by the document it names, as the golden cases mean it."""
    if isinstance(value, list):
        return [resolved(element) for element in value]
    if not isinstance(value, dict):
        return value
    value = {name: resolved(member) for name, member in value.items()}
    if "$like" not in value:
        return value
    document = json.loads((GOLDEN / "canonical" / f"{value.pop('$like')}.json").read_text())
    return resolved(document) | value


def workload(name, about, dialect, exchange, items=1, quota=Workload.quota, status=None) -> Workload:
    request = exchange["request"]
    method, url = request["line"].split(" ", 1)
    path = "/" + url.split("://", 1)[1].split("/", 1)[1]
    answer = exchange["calls"][0]["answer"] if exchange["calls"] else {"status": 200, "body": {}}
    body = compact(request["body"]) if "body" in request else b""
    headers = dict(request["headers"]) | ({"Content-Type": "application/json"} if body else {})
    return Workload(
        name=name,
        about=about,
        method=method,
        target=f"/{dialect}{path}",
        headers=headers,
        body=body,
        status=status or exchange["response"]["status"],
        backend_status=answer["status"],
        backend_body=compact(answer["body"]),
        items=items,
        quota=quota,
    )


def compact(value) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def write(folder: Path) -> None:
    """The workloads for the programs in Rust. All run in one process: the quota that is spent is another dialect's."""
    mappings = folder / "mappings"
    mappings.mkdir(parents=True, exist_ok=True)
    spent = "letpiper"
    for mapping in (ROOT / "mappings").glob("*.toml"):
        # As many windows as ever, and none that is spent.
        change = 'windows = ["1/hour"]' if mapping.stem == spent else enlarged
        text = mapping.read_text()
        if mapping.stem == spent and "windows" not in text:
            text = text.replace("[errors]", '[quota]\nwindows = ["1/hour"]\n\n[errors]', 1)
        (mappings / mapping.name).write_text(re.sub(r"(?m)^windows *=.*$", change, text))
    exchange = case("letpiper/list_organization_members/all")
    over = workload("refused-quota", "a client that has spent its quota", spent, exchange, status=429)
    cases = [one for one in workloads() if one.name != over.name] + [over]
    (folder / "cases.json").write_text(json.dumps([told(one) for one in cases]))


def enlarged(line: re.Match) -> str:
    return re.sub(r"\d+/", "100000000/", line[0])


def told(one: Workload) -> dict:
    return {
        "name": one.name,
        "method": one.method,
        "target": one.target,
        "headers": one.headers,
        "body": one.body.decode(),
        "status": one.status,
        "backend_status": one.backend_status,
        "backend_body": one.backend_body.decode(),
    }


if __name__ == "__main__":
    write(Path(sys.argv[1]))

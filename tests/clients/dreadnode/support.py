"""What the scripts here share: checks that go on after a failure, and what they look at."""

import os
import sys
import textwrap
import traceback
import uuid

counts = {"passed": 0, "failed": 0}


def check(name):
    """Runs the function below it and prints how it went; a failure does not stop the others."""

    def run(function):
        try:
            function()
        except Exception:  # noqa: BLE001 - whatever it is, it is a check that failed
            counts["failed"] += 1
            print(f"FAILED  {name}\n{textwrap.indent(traceback.format_exc(), ' ' * 8)}", flush=True)
        else:
            counts["passed"] += 1
            print(f"ok      {name}", flush=True)
        return function

    return run


def finish():
    """Prints how many checks passed, and ends with 1 if one failed."""
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    sys.exit(0 if counts["passed"] and not counts["failed"] else 1)


def overhear(client):
    """The answers a client of the package gets, newest last, for comparing what it reports with what it was sent."""
    heard = []

    def keep(response):
        response.read()
        heard.append(response)

    # The package has no way in; its transport's own hooks change neither.
    client._client.event_hooks["response"].append(keep)
    return heard


def assert_equal(left, right):
    assert left == right, f"{left!r} is not {right!r}"


def assert_members(value, names):
    """An object with exactly these members."""
    assert_equal(sorted(value), sorted(names))


def assert_refused(heard, kind, status, word, call):
    """The client must raise exactly this class, with the status and with the very detail the proxy sent."""
    try:
        answer = call()
    except Exception as error:  # noqa: BLE001 - its class is what is looked at
        raised = error
    else:
        raise AssertionError(f"the call was answered with {answer!r}")
    assert type(raised) is kind, f"{type(raised).__name__}: {raised}"

    response = heard[-1]
    assert_equal(response.status_code, status)
    assert_equal(response.headers["content-type"], "application/json")
    body = response.json()
    assert_members(body, ["code", "detail", "type", *(["errors"] if "errors" in body else [])])
    assert_equal((body["code"], body["type"]), (status, word))
    assert body["detail"], "the detail is empty"
    assert_equal(str(raised), f"{status}: {body['detail']}")
    return body


def address():
    """An address that no earlier run has used."""
    return f"{uuid.uuid4()}@example.com"


def required(name):
    """The value of an environment variable; the process ends without it."""
    value = os.environ.get(name)
    if not value:
        print(f"set {name}; the head of this file says to what", file=sys.stderr)
        sys.exit(2)
    return value

"""Lets two published tools judge the OpenAPI document of a dialect.

openapi-spec-validator reads the document; schemathesis then makes requests of it, sound and unsound ones, sends them to a
started proxy and looks at every answer: no server error, a documented status, the documented type, a body that fits its
schema.

    run.py BINARY DIALECT FOLDER URL

BINARY is the program, FOLDER takes the document, URL is where the program listens, started anew for this dialect: what
is made up includes that an owner takes all rights from themselves, after which another dialect would see only 403. The
dialect is asked with a token of the demonstration data. Ends with 1 if a tool found something.
"""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES = "15"

# What a client of each dialect says who it is with.
CREDENTIALS = {
    "apexscore": "Authorization: Bearer DemoOwnerNorthwindPlainTwo00000000000000",
    "closient": "X-API-Key: csb_DemoOwnerNorthwind00000000000000_eda246cf",
    "dreadnode": "X-API-Key: DemoOwnerNorthwindPlainOne00000000000000",
    "gitbook": "Authorization: Bearer gb_api_DemoOwnerNorthwind0000000000000000000000",
    "letpiper": "Authorization: Bearer pat_DemoOwnerNorthwind00000000000000",
}


def main(binary: str, dialect: str, folder: str, url: str) -> int:
    tools = pathlib.Path(sys.executable).parent
    document = subprocess.run([binary, "openapi", dialect], check=True, capture_output=True, text=True).stdout
    path = pathlib.Path(folder) / f"{dialect}.json"
    path.write_text(document)
    base = url + json.loads(document)["servers"][0]["url"]
    commands = [
        [tools / "openapi-spec-validator", path],
        [
            tools / "schemathesis", "--config-file", HERE / "schemathesis.toml", "run", path, "--url", base,
            "-H", CREDENTIALS[dialect], "--checks", CHECKS, "-n", EXAMPLES, "--seed", "1", "--suppress-health-check", "all",
            "--warnings", "off", "--continue-on-failure",
        ],
    ]
    failed = 0
    for command in commands:
        ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=folder)
        if ran.returncode == 0:
            print(f"ok      {dialect}: {pathlib.Path(command[0]).name}")
        else:
            failed += 1
            print(f"FAILED  {dialect}: {pathlib.Path(command[0]).name}\n{ran.stdout}{ran.stderr}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

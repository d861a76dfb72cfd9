# SPDX-License-Identifier: Apache-2.0
"""The description of the JSON API is valid, and the API keeps to it, whatever is sent."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from openapi_spec_validator import validate

from house import TREE

HERE = Path(__file__).parent


def test_the_description_is_valid(house):
    with urllib.request.urlopen(house.api + "/v1/openapi.json", timeout=30) as answer:
        served = json.loads(answer.read())
    validate(served)
    assert served == json.loads((TREE / "Sources/VaultAPI/openapi.json").read_text())


def test_schemathesis_finds_nothing(house):
    """What the description allows is taken, what it does not is refused, and every answer is one of
    those that it names. The seed is fixed, and the examples are few: it ends in about a minute."""
    for name in ("a", "b"):
        house.ask("PUT", f"/v1/connections/{name}", {"application": "demo"})
    found = subprocess.run(
        [Path(sys.executable).parent / "schemathesis", "--config-file",
         HERE / "schemathesis.toml", "run", house.api + "/v1/openapi.json"],
        capture_output=True, text=True, timeout=300, cwd=house.folder,
        env={**os.environ, "TOKENVAULT_API_KEY": house.key_file.read_text(), "NO_COLOR": "1"})
    key = house.key_file.read_text()
    assert found.returncode == 0, (found.stdout + found.stderr).replace(key, "KEY")[-20000:]
    assert key not in house.log("tokenvault")

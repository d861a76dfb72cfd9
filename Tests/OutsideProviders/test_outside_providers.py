# SPDX-License-Identifier: Apache-2.0
"""Every step of `outside_providers.py`, a provider a test.

    Tests/Forensics/prepare && .build/forensics-venv/bin/python3 -m pytest Tests/OutsideProviders

TOKENVAULT_PROGRAMS is the folder of the programs, `.build/debug` without it.
"""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import outside_providers  # noqa: E402

PROGRAMS = os.environ.get("TOKENVAULT_PROGRAMS") or HERE.parents[1] / ".build/debug"


@pytest.mark.parametrize("name", sorted(outside_providers.PLAYS))
def test_a_definition_alone_is_enough(name, tmp_path):
    tmp_path.chmod(0o700)
    report = outside_providers.Report()
    program = str(pathlib.Path(PROGRAMS).resolve() / "tokenvault")
    outside_providers.play(name, program, tmp_path, report)
    assert not report.failed and report.good > 10

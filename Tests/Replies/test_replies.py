# SPDX-License-Identifier: Apache-2.0
"""Every case as a test. They run together, before the first is judged: most of it is waiting."""

import pytest
from cases import all_cases
from trial import default_program, judge, run_all


@pytest.fixture(scope="session")
def results():
    """The results by the cases' names."""
    return {case.name: (case, result) for case, result in run_all(default_program())}


@pytest.mark.parametrize("name", [case.name for case in all_cases().values()])
def test_reply(results, name):
    """What the server answered is taken or kept, and the grant is alive unless the server says."""
    case, result = results[name]
    assert not judge(case, result), f"{judge(case, result)}; it said: {result.message}"

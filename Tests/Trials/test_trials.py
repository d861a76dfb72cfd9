# SPDX-License-Identifier: Apache-2.0
"""No grant is lost that the server had not ended."""

import pytest

from trials import House, all_trials

TRIALS = {trial.id: trial for trial in all_trials()}


@pytest.fixture(scope="session")
def results(request, tmp_path_factory):
    """All trials that were asked for, under way at the same time."""
    marked = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = [mark.params["trial"] for mark in marked if mark and "trial" in mark.params]
    with House(tmp_path_factory.mktemp("trials")) as house:
        yield {name: house.start(TRIALS[name]) for name in wanted}


@pytest.mark.parametrize("trial", TRIALS)
def test_no_grant_is_lost(results, trial):
    result = results[trial].result(600)
    told = [*result.faults, f"the server saw: {result.saw}", *result.said]
    assert not result.faults, "\n".join(told)

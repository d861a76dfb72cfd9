# SPDX-License-Identifier: Apache-2.0
"""No grant is lost that the server had not ended."""

import pytest

from trials import House, all_trials

TRIALS = {trial.id: trial for trial in all_trials()}


@pytest.fixture(scope="session")
def results(request, tmp_path_factory):
    """All trials that were asked for, under way at the same time."""
    wanted = [item.callspec.params["trial"] for item in request.session.items if hasattr(item, "callspec")]
    with House(tmp_path_factory.mktemp("trials")) as house:
        yield {trial: house.start(TRIALS[trial]) for trial in wanted}


@pytest.mark.parametrize("trial", TRIALS)
def test_no_grant_is_lost(results, trial):
    result = results[trial].result(600)
    assert not result.faults, "\n".join([*result.faults, f"the server saw: {result.saw}", *result.said])

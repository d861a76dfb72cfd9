# SPDX-License-Identifier: Apache-2.0
"""What the tests share."""

import pytest

from house import House


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with House(tmp_path_factory.mktemp("api")) as house:
        yield house

# SPDX-License-Identifier: Apache-2.0
"""How the groups that begin with an empty vault list their cases."""


def lister(cases):
    """A decorator that takes a title, and lists a function among these cases."""

    def case(title):
        def listed(function):
            def play(desk):
                desk.log_of, desk.status_of = [], []
                desk.vault()
                function(desk)

            cases.append((title, play))
            return function

        return listed

    return case

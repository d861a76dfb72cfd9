# SPDX-License-Identifier: Apache-2.0
"""A log of what Django answered."""

from listening import log_answer


def log_answers(respond):
    """Django middleware: a line of method, path without its query, and status."""

    def answer(request):
        response = respond(request)
        log_answer(request.method, request.path, response.status_code)
        return response

    return answer

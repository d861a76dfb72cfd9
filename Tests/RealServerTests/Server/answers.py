# SPDX-License-Identifier: Apache-2.0
"""A log of what was answered, written before the answer is sent: who has it finds it there."""

from django.conf import settings


def log_answers(respond):
    """Django middleware: a line of method, path without its query, and status."""

    def answer(request):
        response = respond(request)
        line = f"{request.method} {request.path} {response.status_code}\n"
        # One write of one line, so that lines of several threads do not mix.
        with open(settings.FOLDER / "answers.log", "ab", buffering=0) as log:
            log.write(line.encode())
        return response

    return answer

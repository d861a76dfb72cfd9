# SPDX-License-Identifier: Apache-2.0
"""How gunicorn serves: HTTPS on a free port of loopback, until its standard input ends."""

import os
import signal

import listening

listener, port = listening.listen()
# For what is served, which is loaded later.
os.environ["REAL_SERVER_URL"] = f"https://127.0.0.1:{port}"

bind = f"fd://{listener.fileno()}"
certfile, keyfile = listening.CERTIFICATE, listening.KEY
worker_class = "gthread"
threads = 8
graceful_timeout = 2
control_socket_disable = True


def when_ready(server):
    """It listens."""
    listening.announce(port, lambda: os.kill(os.getpid(), signal.SIGTERM))

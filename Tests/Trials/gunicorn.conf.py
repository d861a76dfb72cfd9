# SPDX-License-Identifier: Apache-2.0
"""How gunicorn serves: HTTP on a free port of loopback, until its standard input ends."""

import os
import signal
import sys
import threading
from pathlib import Path

folder = Path(os.environ["TRIAL_SERVER_FOLDER"])

bind = "127.0.0.1:0"
worker_class = "gthread"
threads = 16
graceful_timeout = 1
control_socket_disable = True

# Whoever started this may have blocked SIGTERM, and a child inherits that.
signal.pthread_sigmask(signal.SIG_SETMASK, [])


def when_ready(server):
    """Says where the server listens, and watches over its end."""
    port = server.LISTENERS[0].sock.getsockname()[1]
    unfinished = folder / "port.new"
    unfinished.write_text(str(port))
    unfinished.rename(folder / "port")
    threading.Thread(target=stop_at_end_of_input, daemon=True).start()


def stop_at_end_of_input():
    """A test process that dies closes the pipe, whatever it died of."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)

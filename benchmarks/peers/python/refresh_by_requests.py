# SPDX-License-Identifier: Apache-2.0
"""Refreshes by requests-oauthlib in threads, tokens in SQLite.

refresh_by_requests.py <home> <url> <in flight> <refreshes> [<CA file>]
"""

import concurrent.futures
import os
import threading

import requests.auth
from requests_oauthlib import OAuth2Session

import token_table

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"


def refresh_all(home, url, in_flight, count, certificates):
    table = token_table.TokenTable(home)
    secret = requests.auth.HTTPBasicAuth(token_table.CLIENT_ID, token_table.CLIENT_SECRET)
    local = threading.local()

    def refresh(number, token):
        # A session a thread: its connection is kept.
        if not hasattr(local, "session"):
            local.session = OAuth2Session(token_table.CLIENT_ID)
            local.session.trust_env = False
        local.session.token = token
        return number, local.session.refresh_token(url, auth=secret, verify=certificates or True)

    batch = token_table.Batch(table)
    with concurrent.futures.ThreadPoolExecutor(in_flight) as threads:
        futures = [threads.submit(refresh, number, table.get(number)) for number in range(count)]
        for future in concurrent.futures.as_completed(futures):
            batch.add(*future.result())
    batch.flush()


token_table.measure(refresh_all)

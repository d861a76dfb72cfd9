# SPDX-License-Identifier: Apache-2.0
"""Refreshes by Authlib's client for httpx, asynchronous, tokens in SQLite.

refresh_by_authlib.py <home> <url> <in flight> <refreshes> [<CA file>]
"""

import asyncio
import ssl

from authlib.integrations.httpx_client import AsyncOAuth2Client

import token_table


async def refresh_each(table, batch, url, verify, numbers):
    # A client for each request in flight: its connection is kept.
    async with AsyncOAuth2Client(
            token_table.CLIENT_ID, token_table.CLIENT_SECRET, verify=verify,
            trust_env=False) as client:
        for number in numbers:
            client.token = table.get(number)
            refresh_token = client.token["refresh_token"]
            batch.add(number, await client.refresh_token(url, refresh_token=refresh_token))


async def refresh_all(home, url, in_flight, count, certificates):
    table = token_table.TokenTable(home)
    batch = token_table.Batch(table)
    verify = ssl.create_default_context(cafile=certificates) if certificates else True
    parts = [range(first, count, in_flight) for first in range(in_flight)]
    await asyncio.gather(*(refresh_each(table, batch, url, verify, part) for part in parts))
    batch.flush()


token_table.measure(lambda *arguments: asyncio.run(refresh_all(*arguments)))

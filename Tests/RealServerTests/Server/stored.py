# SPDX-License-Identifier: Apache-2.0
"""What a server's own database says of tokens: stored.py FOLDER django|authlib|mcp < tokens.

Prints a JSON list of one word for each line of tokens: good, revoked or absent. When it expires is
left out of account.
"""

import hashlib
import json
import sqlite3
import sys
from pathlib import Path

# For an access token and a refresh token: a row where there is one, and in it whether it is
# revoked.
QUERIES = {
    "django": [
        # Tokens are kept as their sums; an access token that is revoked is deleted.
        "SELECT 0 FROM oauth2_provider_accesstoken WHERE token_checksum = sha256(?)",
        "SELECT revoked IS NOT NULL FROM oauth2_provider_refreshtoken"
        " WHERE token_checksum = sha256(?)",
    ],
    "authlib": [
        "SELECT access_token_revoked_at != 0 OR refresh_token_revoked_at != 0 FROM token"
        " WHERE access_token = ?",
        "SELECT refresh_token_revoked_at != 0 FROM token WHERE refresh_token = ?",
    ],
    "mcp": ["SELECT revoked IS NOT NULL FROM token WHERE token = ?"],
}


def main(folder, server, tokens):
    """Looks them up."""
    database = sqlite3.connect(f"file:{folder / 'server.sqlite3'}?mode=ro", uri=True, timeout=60)
    database.create_function("sha256", 1, lambda text: hashlib.sha256(text.encode()).hexdigest())
    words = []
    for token in tokens:
        rows = [database.execute(query, (token,)).fetchone() for query in QUERIES[server]]
        found = [revoked for (revoked,) in filter(None, rows)]
        words.append("absent" if not found else "revoked" if found[0] else "good")
    json.dump(words, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.stdin.read().split())

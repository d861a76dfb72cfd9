# SPDX-License-Identifier: Apache-2.0
"""The pages that Authlib and the MCP SDK leave to the one who uses them: login, consent, and what
the user has consented to."""

from html import escape


def page(title, body):
    """A page."""
    return f"<!DOCTYPE html><title>{escape(title)}</title>{body}"


def login():
    """Asks who it is."""
    return page(
        "Log in",
        '<form method="post"><input name="username"><input name="password" type="password">'
        '<input type="submit" value="Log in"></form>',
    )


def consent(client_id, scope, **hidden):
    """Asks whether a client may have what it asks for."""
    fields = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in hidden.items()
    )
    return page(
        "Consent",
        f"<p>{escape(client_id)} asks for: {escape(scope or 'nothing')}</p>"
        f'<form method="post">{fields}<input type="submit" name="allow" value="Authorize">'
        '<input type="submit" name="deny" value="Deny"></form>',
    )


def grants(ids):
    """What the user has consented to, each with the page on which it ends."""
    return page("Grants", "".join(f'<a href="/grants/{id}/delete/">Grant {id}</a>' for id in ids))


def end_grant():
    """Asks whether a grant is to end."""
    return page("End it", '<form method="post"><input type="submit" value="End it"></form>')

# SPDX-License-Identifier: Apache-2.0
"""Grants beside the browser's: device authorization, client credentials, a second connection."""

from provider import MARK, Answer, error, tokens

CASES = []
CODES = {
    "device_code": f"dc-{MARK}",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://login.example.com/device",
    "expires_in": 600,
    "interval": 1,
}


def case(title):
    """Lists a function as a case of this group."""
    return lambda function: CASES.append((title, function)) or function


def device(title, asked, polled=None, **settings):
    """A case in which the request for a code is answered so, and then each poll."""

    def play(desk):
        desk.vault()
        settings.setdefault("device_authorization_endpoint", f"{desk.provider.url}/device")
        desk.app_defined(**settings)
        desk.provider.at["/device"] = asked
        desk.provider.token = polled or error("authorization_pending")
        desk.fail("connect", "anna", "--app", "crm", "--device")
        if "Waiting" not in desk.failure.err:
            desk.log_of = desk.status_of = []

    CASES.append((title, play))


def by_itself(title, answer, *more, **settings):
    """A case in which the client asks for a token by itself, and is answered so."""

    def play(desk):
        desk.vault()
        desk.app_defined(**settings)
        desk.provider.token = answer
        desk.fail("connect", "anna", "--app", "crm", "--client-credentials", *more)
        if "--paste" in more:
            desk.log_of = desk.status_of = []

    CASES.append((title, play))


device("--device, and the definition has no device_authorization_endpoint", Answer(404),
       device_authorization_endpoint=None)
device("--device: the user refuses", Answer(body=CODES), error("access_denied"))
device("--device: the code expires, by the provider's word", Answer(body=CODES),
       error("expired_token"))
device("--device: the code's time is over", Answer(body=CODES | {"expires_in": 5}))
device("--device: the answer has no code", Answer(body={"interval": 1}))
device("--device: the answer is a page", Answer(body="<html>hello</html>", kind="text/html"))
device("--device: the client is refused where codes are given out", error("invalid_client", 401))
device("--device: the client may not use the device flow", error("unauthorized_client"))
device("--device: the endpoint does not exist (404)", Answer(404, "<html>", "text/html"))
device("--device: the endpoint answers 503", Answer(503))
device("--device: the client is refused where tokens are given out", Answer(body=CODES),
       error("invalid_client", 401))
device("--device: the provider does not know the code any more", Answer(body=CODES),
       error("invalid_grant"))

by_itself("--client-credentials: a scope is not allowed", error("invalid_scope"),
          "--scope", "reports.read")
by_itself("--client-credentials: the grant is not allowed to the application",
          error("unauthorized_client"))
by_itself("--client-credentials: the provider does not know the grant type",
          error("unsupported_grant_type"))
by_itself("--client-credentials: the secret is wrong", error("invalid_client", 401))
by_itself("--client-credentials: the resource is not taken", error("invalid_target"))
by_itself("--client-credentials: no answer", Answer(cut=True))
by_itself("--client-credentials beside --paste", tokens(), "--paste")


@case("--client-credentials: the next token is not given out")
def next_refused(desk):
    desk.vault()
    desk.app_defined()
    desk.provider.token = tokens(refresh_token=None)
    desk.must("connect", "anna", "--app", "crm", "--client-credentials")
    desk.provider.token = error("unauthorized_client")
    desk.fail("refresh", "anna")


@case("connect of an application without a redirect URI")
def no_redirect(desk):
    desk.vault()
    words = ["app", "add", "crm", "--client-id", "demo", "--client-secret-file", "crm.secret"]
    desk.define()
    desk.must(*words, "--provider", "crm.yaml")
    desk.fail("connect", "anna", "--app", "crm")
    desk.log_of = desk.status_of = []


@case("connect of an application without an authorization endpoint")
def no_endpoint(desk):
    desk.vault()
    words = ["app", "add", "crm", "--client-id", "demo", "--client-secret-file", "crm.secret"]
    desk.must(*words, "--token-url", f"{desk.provider.url}/token")
    desk.fail("connect", "anna", "--app", "crm")
    desk.log_of = desk.status_of = []


PAIR = {"second_connection": {"suffix": ".user",
                              "reply_members": {"access_token": "authed_user.access_token"}}}


@case("connect, and another application has the second connection's id")
def second_taken(desk):
    desk.vault()
    desk.app(name="other")
    desk.connect("anna.user", app="other")
    desk.app_defined(**PAIR)
    desk.fail("connect", "anna", "--app", "crm", "--paste")
    desk.log_of = desk.status_of = ["anna.user"]

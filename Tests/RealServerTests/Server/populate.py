# SPDX-License-Identifier: Apache-2.0
"""Makes the database, and in it the user and the clients of `registration.json`."""

import json

import django
from django.conf import settings
from django.core.management import call_command

django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth.models import User  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402

registration = json.loads((settings.FOLDER / "registration.json").read_text())
User.objects.create_user(registration["user"], password=registration["password"])
GRANTS = {
    "authorization_code": Application.GRANT_AUTHORIZATION_CODE,
    "client_credentials": Application.GRANT_CLIENT_CREDENTIALS,
    "urn:ietf:params:oauth:grant-type:device_code": Application.GRANT_DEVICE_CODE,
}
for client in registration["clients"].values():
    if client["method"] == "private_key_jwt":
        continue
    application = Application(
        name="Platform",
        client_id=client["id"],
        client_secret=client["secret"],
        # Hashing takes a third of a second for each request, and proves nothing here.
        hash_client_secret=False,
        client_type=Application.CLIENT_CONFIDENTIAL,
        # The first one; it is the only one, beside refresh_token, for which it has no name.
        authorization_grant_type=GRANTS[client["grants"][0]],
        redirect_uris=registration["redirectURI"],
    )
    application.full_clean()
    application.save()

# SPDX-License-Identifier: Apache-2.0
"""Makes the database, and in it the user and the application of `registration.json`."""

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
application = Application(
    name="Platform",
    client_id=registration["clientID"],
    client_secret=registration["clientSecret"],
    # Hashing takes a third of a second for each request, and proves nothing here.
    hash_client_secret=False,
    client_type=Application.CLIENT_CONFIDENTIAL,
    authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
    redirect_uris=registration["redirectURI"],
)
application.full_clean()
application.save()

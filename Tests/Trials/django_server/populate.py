# SPDX-License-Identifier: Apache-2.0
"""Makes the database, and in it the users. `python -m django_server.populate USER...`; the
password of each is the name."""

import sys

import django
from django.core.management import call_command

django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth.models import User  # noqa: E402
from django.db import connection  # noqa: E402

for name in sys.argv[1:]:
    User.objects.create_user(name, password=name)
# What is copied is one file.
with connection.cursor() as cursor:
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")

# SPDX-License-Identifier: Apache-2.0
"""The views of django-oauth-toolkit, Django's own login, and one resource."""

from django.contrib.auth.views import LoginView
from django.http import JsonResponse
from django.urls import include, path
from oauth2_provider.decorators import protected_resource
from oauth2_provider.urls import app_name, base_urlpatterns


@protected_resource(scopes=["read"])
def profile(request):
    """Says whose token it is: 200, or 401 or 403 where the token is not valid."""
    return JsonResponse({"user": request.resource_owner.get_username()})


urlpatterns = [
    path("login/", LoginView.as_view(template_name="login.html")),
    path("profile", profile),
    path("", include((base_urlpatterns, app_name))),
]

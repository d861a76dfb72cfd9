# SPDX-License-Identifier: Apache-2.0
"""The views of django-oauth-toolkit, Django's own login, and one resource."""

from django.contrib.auth.views import LoginView
from django.http import JsonResponse
from django.urls import include, path
from oauth2_provider import views
from oauth2_provider.decorators import protected_resource
from oauth2_provider.urls import (
    app_name,
    base_urlpatterns,
    metadata_urlpatterns,
    oidc_urlpatterns,
)


@protected_resource(scopes=["read"], advertise_metadata=True)
def profile(request):
    """Says whose token it is: 200, or 401 where the token is not valid."""
    return JsonResponse({"user": request.resource_owner.get_username()})


# What the user has consented to.
grants = [
    path("grants/", views.AuthorizedTokensListView.as_view(), name="authorized-token-list"),
    path(
        "grants/<slug:pk>/delete/",
        views.AuthorizedTokenDeleteView.as_view(),
        name="authorized-token-delete",
    ),
]
provider = metadata_urlpatterns + base_urlpatterns + oidc_urlpatterns + grants
urlpatterns = [
    path("login/", LoginView.as_view()),
    path("profile/", profile),
    path("", include((provider, app_name))),
]

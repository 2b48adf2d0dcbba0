"""Drives a started proxy with the last published client before 2.0, PyPI `dreadnode` 1.17.1, unchanged.

    INTERLINGUA_URL              where the dialect is mounted, such as http://127.0.0.1:8080/dreadnode
    INTERLINGUA_TOKEN            key of an owner of the organization
    INTERLINGUA_OUTSIDER_TOKEN   key of a person who is not in the organization
    INTERLINGUA_ORGANIZATION     slug of the organization
    INTERLINGUA_ORGANIZATION_ID  its UUID

It only reads. Prints a line for each check; ends with 1 when one of them failed.
"""

import importlib.util
import sys
import types
import uuid

from support import assert_equal, assert_members, assert_refused, check, finish, overhear, required

# Importing `dreadnode` runs its `__init__`, which wants a tracer, a file system and an optimizer; the client of the API
# needs none of them. So a module of that name is put in its place, empty, and what is below it is imported as it was
# published.
package = types.ModuleType("dreadnode")
package.__path__ = list(importlib.util.find_spec("dreadnode").submodule_search_locations)
sys.modules["dreadnode"] = package

from dreadnode.api.client import ApiClient  # noqa: E402
from dreadnode.api.models import Organization  # noqa: E402

URL = required("INTERLINGUA_URL").rstrip("/")
ORG = required("INTERLINGUA_ORGANIZATION")
ORG_ID = uuid.UUID(required("INTERLINGUA_ORGANIZATION_ID"))

owner = ApiClient(URL, api_key=required("INTERLINGUA_TOKEN"))
outsider = ApiClient(URL, api_key=required("INTERLINGUA_OUTSIDER_TOKEN"))
stranger = ApiClient(URL, api_key="NobodyHasThisKey000000000000000000000000")
heard = {client: overhear(client) for client in (owner, outsider, stranger)}


@check("gets an organization by its slug")
def _():
    organization = owner.get_organization(ORG)
    assert_equal((organization.key, organization.id), (ORG, ORG_ID))
    assert organization.name
    assert organization.is_active
    assert organization.max_members > 0
    assert_members(heard[owner][-1].json(), Organization.model_fields)


@check("gets the same organization by its UUID, as UUID and as text")
def _():
    by_slug = owner.get_organization(ORG)
    assert_equal(owner.get_organization(ORG_ID), by_slug)
    assert_equal(owner.get_organization(str(ORG_ID)), by_slug)


@check("lists the organizations of the caller, each as it is by itself")
def _():
    listed = {organization.key: organization for organization in owner.list_organizations()}
    assert_equal(listed[ORG], owner.get_organization(ORG))
    assert ORG not in [organization.key for organization in outsider.list_organizations()]


# Whatever the status, this client raises a RuntimeError.
for what, client, status, word, call in [
    ("an unknown slug", owner, 404, "not_found_error", lambda: owner.get_organization(f"nowhere-{uuid.uuid4()}")),
    ("an unknown UUID", owner, 404, "not_found_error", lambda: owner.get_organization(uuid.uuid4())),
    ("the slug of others", outsider, 404, "not_found_error", lambda: outsider.get_organization(ORG)),
    ("a path the dialect has not", owner, 404, "not_found_error", owner.list_projects),
    ("an unknown key", stranger, 401, "authentication_error", stranger.list_organizations),
]:

    @check(f"reports status and detail of {what}")
    def _():
        assert_refused(heard[client], RuntimeError, status, word, call)


finish()

"""Drives a started proxy with the published client of the Dreadnode platform, PyPI `dreadnode` 2.0.52, unchanged.

    INTERLINGUA_URL           where the dialect is mounted, such as http://127.0.0.1:8080/dreadnode
    INTERLINGUA_TOKEN         key of an owner of the organization
    INTERLINGUA_VIEWER_TOKEN  key of a member who may only read
    INTERLINGUA_JOINER_TOKEN  key of a person who is in another organization, and not in this one
    INTERLINGUA_ORGANIZATION  slug of the organization
    INTERLINGUA_OTHER_URL     where a dialect is mounted in which people are added without being asked: GitBook's
    INTERLINGUA_OTHER_TOKEN   token of an owner of the organization there

Every address is new on every run, and who joined has left again at its end, so it can run twice against one database.
Prints a line for each check; ends with 1 when one of them failed.
"""

import datetime
import uuid

import httpx
from dreadnode.app.api.client import ApiClient, AuthenticationError, ConflictError, NotFoundError
from dreadnode.app.api.models import Organization, User
from support import address, assert_equal, assert_members, assert_refused, check, finish, overhear, required

URL = required("INTERLINGUA_URL").rstrip("/")
ORG = required("INTERLINGUA_ORGANIZATION")
OTHER_URL = required("INTERLINGUA_OTHER_URL").rstrip("/")
OTHER_TOKEN = required("INTERLINGUA_OTHER_TOKEN")

owner = ApiClient(URL, api_key=required("INTERLINGUA_TOKEN"))
viewer = ApiClient(URL, api_key=required("INTERLINGUA_VIEWER_TOKEN"))
joiner = ApiClient(URL, api_key=required("INTERLINGUA_JOINER_TOKEN"))
stranger = ApiClient(URL, api_key="NobodyHasThisKey000000000000000000000000")
heard = {client: overhear(client) for client in (owner, viewer, joiner, stranger)}

# The package's methods read no members and no invitations. Of a membership, these fields are documented; of an
# invitation, nothing is, and these are what the mapping chose.
MEMBER = """id user_id user_email user_name first_name last_name org_id org_name role is_active joined_at invited_by
allowed_model_ids""".split()
INVITATION = "id email role status org_id org_key org_name invited_by created_at expires_at".split()


def send(client, method, path, body=None):
    return client.request(method, path, json_data=body).json()


def invite(client, email, role="reader", org=ORG):
    return send(client, "POST", f"/org/{org}/invitations", {"email": email, "role": role, "send_email": False})


def respond(client, invitation, accept):
    return send(client, "POST", f"/invitations/{invitation}/respond", {"accept": accept})


def pending(client):
    return {invitation["id"]: invitation for invitation in send(client, "GET", "/invitations/me")}


def members():
    return {member["user_id"]: member for member in send(owner, "GET", f"/org/{ORG}/members")}


def change(user, role):
    return send(owner, "PUT", f"/org/{ORG}/members/{user}", {"role": role})


def remove(user):
    return send(owner, "DELETE", f"/org/{ORG}/members/{user}")


def fields(model):
    """Every field the package's model knows: the proxy sends all of them and nothing else."""
    return model.model_fields


# An earlier run that was broken off may have left the joiner invited, or in.
guest = joiner.get_user()
for left in pending(joiner).values():
    if left["org_key"] == ORG:
        respond(joiner, left["id"], accept=False)
if guest.id in members():
    remove(guest.id)

# ---- the caller and the organizations


@check("asks who it is")
def _():
    user = owner.get_user()
    assert "@" in user.email_address
    assert user.username
    assert_equal(str(uuid.UUID(user.id)), user.id)
    assert_members(heard[owner][-1].json(), fields(User))


@check("gets an organization by its slug, sandbox limits and permissions included")
def _():
    organization = owner.get_organization(ORG)
    assert_members(heard[owner][-1].json(), fields(Organization))
    assert_equal(organization.key, ORG)
    assert organization.is_active
    assert organization.permissions.manage_members
    assert organization.permissions.create_workspace
    assert organization.member_count >= 1
    assert_equal(organization.created_at.utcoffset(), datetime.timedelta(0))


@check("is told what a reader may not")
def _():
    organization = viewer.get_organization(ORG)
    assert not organization.permissions.manage_members
    assert not organization.permissions.create_workspace


@check("lists the organizations of the caller, each as it is by itself")
def _():
    listed = {organization.key: organization for organization in owner.list_user_organizations()}
    assert_equal(listed[ORG], owner.get_organization(ORG))
    assert ORG not in [organization.key for organization in joiner.list_user_organizations()]


@check("renames an organization, whose slug stays")
def _():
    before = owner.get_organization(ORG)
    name = f"Named {uuid.uuid4()}"
    try:
        answer = send(owner, "PATCH", f"/org/{ORG}", {"name": name})
        assert_members(answer, fields(Organization))
        after = owner.get_organization(ORG)
        assert_equal(Organization(**answer), after)
        assert_equal((after.name, after.key, after.id), (name, ORG, before.id))
    finally:
        send(owner, "PATCH", f"/org/{ORG}", {"name": before.name})
    assert_equal(owner.get_organization(ORG).name, before.name)


# ---- invitations


@check("invites in each role")
def _():
    for role in ("owner", "contributor", "reader"):
        email = address()
        invitation = invite(owner, email, role)
        assert_members(invitation, INVITATION)
        assert_equal((invitation["email"], invitation["role"]), (email, role))
        assert_equal((invitation["status"], invitation["org_key"]), ("pending", ORG))
        assert_equal(invitation["org_id"], owner.get_organization(ORG).id)
        assert_equal(invitation["invited_by"], owner.get_user().id)
        assert invitation["expires_at"] > invitation["created_at"]


@check("invites without saying whether to send mail")
def _():
    answer = send(owner, "POST", f"/org/{ORG}/invitations", {"email": address(), "role": "reader"})
    assert_equal(answer["status"], "pending")


@check("shows the invitation to who is invited, and to nobody else")
def _():
    invitation = invite(owner, guest.email_address)
    try:
        assert_equal(pending(joiner)[invitation["id"]], invitation)
        assert invitation["id"] not in pending(viewer)
    finally:
        respond(joiner, invitation["id"], accept=False)


@check("declines an invitation, of which comes nothing")
def _():
    invitation = invite(owner, guest.email_address)
    assert_equal(respond(joiner, invitation["id"], accept=False), None)
    assert_equal(heard[joiner][-1].status_code, 200)
    assert invitation["id"] not in pending(joiner)
    assert guest.id not in members()


@check("accepts an invitation and is a member")
def _():
    invitation = invite(owner, guest.email_address)
    member = respond(joiner, invitation["id"], accept=True)
    assert_members(member, MEMBER)
    assert_equal((member["user_id"], member["user_email"]), (guest.id, guest.email_address))
    assert_equal((member["role"], member["is_active"]), ("reader", True))
    assert_equal((member["org_id"], member["invited_by"]), (invitation["org_id"], invitation["invited_by"]))
    assert invitation["id"] not in pending(joiner)
    assert_equal(members()[guest.id], member)
    assert ORG in [organization.key for organization in joiner.list_user_organizations()]


# ---- members


@check("lists members, each with the documented fields")
def _():
    listed = members()
    assert owner.get_user().id in listed
    for member in listed.values():
        assert_members(member, MEMBER)
        assert member["role"] in ("owner", "contributor", "reader")


@check("changes the role of a member, and what the member may do")
def _():
    for role, creates in (("contributor", True), ("owner", True), ("reader", False)):
        member = change(guest.id, role)
        assert_members(member, MEMBER)
        assert_equal((member["user_id"], member["role"]), (guest.id, role))
        assert_equal(members()[guest.id], member)
        assert_equal(joiner.get_organization(ORG).permissions.create_workspace, creates)


@check("removes a member who is in another organization, whose account stays")
def _():
    assert_equal(remove(guest.id), {"user_deleted": False})
    assert guest.id not in members()
    assert_equal(joiner.get_user().id, guest.id)


# In between, nobody asks for the member who is away: what is asked for in vain is believed missing for some seconds
# (`misses` in the mapping), even if the person answers an invitation meanwhile.
@check("changes and removes a member who was removed and has come back")
def _():
    respond(joiner, invite(owner, guest.email_address)["id"], accept=True)
    assert guest.id in members()
    assert_equal(change(guest.id, "contributor")["role"], "contributor")
    assert_equal(remove(guest.id), {"user_deleted": False})


@check("removes a member from the last organization, and the account with it")
def _():
    email = address()
    organization = owner.get_organization(ORG)
    # Here a person becomes a member by an answer only, which takes a key; another dialect adds who has none yet.
    httpx.post(
        f"{OTHER_URL}/v1/orgs/{organization.id}/invites",
        json={"emails": [email], "role": "read"},
        headers={"Authorization": f"Bearer {OTHER_TOKEN}"},
    ).raise_for_status()
    [user] = [user for user, member in members().items() if member["user_email"] == email]
    assert_equal(remove(user), {"user_deleted": True})
    assert user not in members()
    assert_refused(heard[owner], NotFoundError, 404, "not_found_error", lambda: remove(user))


# ---- the client's error classes


def refused(name, client, kind, status, word, call, places=None):
    @check(f"raises {kind.__name__} for {name}")
    def _():
        body = assert_refused(heard[client], kind, status, word, call)
        assert_equal([error["loc"] for error in body.get("errors", [])], places or [])


nowhere = str(uuid.uuid4())
invited = address()
invite(owner, invited)
email, role = ["body", "email"], ["body", "role"]

refused("an unknown key", stranger, AuthenticationError, 401, "authentication_error", stranger.get_user)
for what, call in {
    "an unknown organization": lambda: owner.get_organization(f"nowhere-{nowhere}"),
    "an invitation to an unknown organization": lambda: invite(owner, address(), org=f"nowhere-{nowhere}"),
    "an unknown member": lambda: change(nowhere, "reader"),
    "the removal of an unknown member": lambda: remove(nowhere),
    "an unknown invitation": lambda: respond(owner, nowhere, accept=True),
    "a path the dialect has not": lambda: owner.list_workspaces(ORG),
}.items():
    refused(what, owner, NotFoundError, 404, "not_found_error", call)

refused("who is invited twice", owner, ConflictError, 409, "already_exists_error",
        lambda: invite(owner, invited), [email])
refused("who is a member already", owner, ConflictError, 409, "already_exists_error",
        lambda: invite(owner, owner.get_user().email_address), [email])

for what, call in {
    "a reader who invites": lambda: invite(viewer, address()),
    "a reader who removes a member": lambda: send(
        viewer, "DELETE", f"/org/{ORG}/members/{owner.get_user().id}"),
    "a reader who renames": lambda: send(viewer, "PATCH", f"/org/{ORG}", {"name": "Mine"}),
}.items():
    refused(what, viewer, RuntimeError, 403, "permission_error", call)

for what, call, places in [
    ("an address that is none", lambda: invite(owner, "nobody"), [email]),
    ("a role nobody has", lambda: invite(owner, address(), "guest"), [role]),
    ("an address and a role that are none", lambda: invite(owner, "nobody", "guest"), [email, role]),
    ("an empty invitation", lambda: send(owner, "POST", f"/org/{ORG}/invitations", {}), [email, role]),
    ("an answer that is neither yes nor no", lambda: send(
        owner, "POST", f"/invitations/{nowhere}/respond", {"accept": "perhaps"}), [["body", "accept"]]),
    ("a member without a role", lambda: send(owner, "PUT", f"/org/{ORG}/members/{nowhere}", {}), [role]),
]:
    refused(what, owner, RuntimeError, 422, "validation_error", call, places)

finish()

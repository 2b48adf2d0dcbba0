-- The reference backend's tables. What must always be true is said here, so that no code can forget it.
--
-- Ids are UUIDs as lower-case text. Times are RFC 3339 text of one width, so text order is time order.

CREATE TABLE roles (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

INSERT INTO roles (name) VALUES
    ('owner'), ('admin'), ('manager'), ('creator'), ('reviewer'),
    ('editor'), ('commenter'), ('viewer'), ('billing'), ('guest');

CREATE TABLE users (
    id         TEXT PRIMARY KEY CHECK (length(id) = 36),
    email      TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (length(email) <= 255 AND email LIKE '_%@_%._%'),
    name       TEXT,
    first_name TEXT,
    last_name  TEXT,
    timezone   TEXT NOT NULL DEFAULT 'UTC',
    status     TEXT NOT NULL CHECK (status IN ('invited', 'active', 'suspended')),
    invited_at TEXT CHECK (length(invited_at) = 24),
    metadata   TEXT NOT NULL DEFAULT '{}' CHECK (json_type(metadata) = 'object'),
    created_at TEXT NOT NULL CHECK (length(created_at) = 24),
    updated_at TEXT NOT NULL CHECK (length(updated_at) = 24)
) STRICT;

-- Tokens are known by their SHA-256 only: whoever reads this table cannot act for anybody.
CREATE TABLE tokens (
    digest  BLOB PRIMARY KEY CHECK (length(digest) = 32),
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE organizations (
    id                   TEXT PRIMARY KEY CHECK (length(id) = 36),
    slug                 TEXT NOT NULL UNIQUE CHECK (slug <> '' AND slug NOT GLOB '*[^a-z0-9-]*'),
    name                 TEXT NOT NULL CHECK (name <> ''),
    description          TEXT,
    country              TEXT CHECK (country GLOB '[A-Z][A-Z]'),
    is_brand             INTEGER NOT NULL DEFAULT FALSE CHECK (is_brand IN (0, 1)),
    domains              TEXT NOT NULL DEFAULT '[]' CHECK (json_type(domains) = 'array'),
    -- What those who join by their address become; null is a guest.
    default_role         TEXT REFERENCES roles (name) CHECK (default_role <> 'owner'),
    active               INTEGER NOT NULL DEFAULT TRUE CHECK (active IN (0, 1)),
    allow_external_invites INTEGER NOT NULL DEFAULT TRUE CHECK (allow_external_invites IN (0, 1)),
    max_members          INTEGER NOT NULL DEFAULT 500 CHECK (max_members > 0),
    business_information TEXT,
    business_type        TEXT CHECK (business_type IN ('agency', 'corporation', 'ngo')),
    website              TEXT CHECK (length(website) <= 200),
    phone                TEXT CHECK (length(phone) <= 31),
    needs                TEXT NOT NULL DEFAULT '[]' CHECK (json_type(needs) = 'array'),
    timezone             TEXT NOT NULL DEFAULT 'UTC',
    owner_user_id        TEXT NOT NULL,
    created_by_user_id   TEXT NOT NULL, -- no reference: it stays when the account goes
    metadata             TEXT NOT NULL DEFAULT '{}' CHECK (json_type(metadata) = 'object'),
    extensions           TEXT NOT NULL DEFAULT '{}' CHECK (json_type(extensions) = 'object'),
    created_at           TEXT NOT NULL CHECK (length(created_at) = 24),
    updated_at           TEXT NOT NULL CHECK (length(updated_at) = 24),
    -- The owner is a member. Deferred, because each of the two rows needs the other.
    FOREIGN KEY (id, owner_user_id) REFERENCES members (organization_id, user_id)
        DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE TABLE members (
    id              TEXT PRIMARY KEY CHECK (length(id) = 36),
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id         TEXT NOT NULL REFERENCES users (id),
    role            TEXT NOT NULL REFERENCES roles (name),
    status          TEXT NOT NULL CHECK (status IN ('invited', 'active', 'suspended')),
    sso             TEXT NOT NULL DEFAULT 'off' CHECK (sso IN ('off', 'on', 'refused')),
    invited_by      TEXT REFERENCES users (id) ON DELETE SET NULL,
    extensions      TEXT NOT NULL DEFAULT '{}' CHECK (json_type(extensions) = 'object'),
    joined_at       TEXT NOT NULL CHECK (length(joined_at) = 24),
    last_seen_at    TEXT CHECK (length(last_seen_at) = 24),
    updated_at      TEXT NOT NULL CHECK (length(updated_at) = 24),
    UNIQUE (organization_id, user_id)
) STRICT;

CREATE INDEX members_by_user ON members (user_id);

-- Who may not remove a member and wants them removed. Gone when the member is.
CREATE TABLE removal_requests (
    member_id    TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    requested_by TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at   TEXT NOT NULL CHECK (length(created_at) = 24),
    PRIMARY KEY (member_id, requested_by)
) STRICT, WITHOUT ROWID;

-- Roles that one organization has beside the ones that all have.
CREATE TABLE custom_roles (
    id              TEXT PRIMARY KEY CHECK (length(id) = 36),
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name            TEXT NOT NULL COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 100),
    description     TEXT CHECK (length(description) <= 500),
    permissions     TEXT NOT NULL CHECK (json_type(permissions) = 'array'),
    created_at      TEXT NOT NULL CHECK (length(created_at) = 24),
    updated_at      TEXT NOT NULL CHECK (length(updated_at) = 24),
    UNIQUE (organization_id, name)
) STRICT;

-- What the backend knows of the content: names, for grants and links.
CREATE TABLE resources (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    resource_type   TEXT NOT NULL CHECK (resource_type IN ('portfolio', 'space', 'collection')),
    resource_id     TEXT NOT NULL CHECK (length(resource_id) BETWEEN 1 AND 128),
    name            TEXT NOT NULL CHECK (name <> ''),
    PRIMARY KEY (organization_id, resource_type, resource_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE invitations (
    id              TEXT PRIMARY KEY CHECK (length(id) = 36),
    token           TEXT NOT NULL UNIQUE CHECK (length(token) = 36),
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    email           TEXT NOT NULL COLLATE NOCASE CHECK (length(email) <= 255 AND email LIKE '_%@_%._%'),
    first_name      TEXT,
    last_name       TEXT,
    role            TEXT NOT NULL REFERENCES roles (name),
    -- `pending` until somebody decides; that it has expired is seen by the clock.
    status          TEXT NOT NULL CHECK (
        status IN ('pending', 'accepted', 'declined', 'cancelled', 'expired', 'revoked')
    ),
    email_sent      INTEGER NOT NULL CHECK (email_sent IN (0, 1)),
    invited_by      TEXT REFERENCES users (id) ON DELETE SET NULL,
    extensions      TEXT NOT NULL DEFAULT '{}' CHECK (json_type(extensions) = 'object'),
    expires_at      TEXT NOT NULL CHECK (length(expires_at) = 24),
    created_at      TEXT NOT NULL CHECK (length(created_at) = 24),
    updated_at      TEXT NOT NULL CHECK (length(updated_at) = 24)
) STRICT;

CREATE UNIQUE INDEX invitations_pending ON invitations (organization_id, email) WHERE status = 'pending';

-- Resources given one by one, to a member or by an invitation.
CREATE TABLE grants (
    member_id     TEXT REFERENCES members (id) ON DELETE CASCADE,
    invitation_id TEXT REFERENCES invitations (id) ON DELETE CASCADE,
    resource_type TEXT NOT NULL CHECK (resource_type IN ('portfolio', 'space', 'collection')),
    resource_id   TEXT NOT NULL CHECK (length(resource_id) BETWEEN 1 AND 128),
    level         TEXT REFERENCES roles (name),
    CHECK ((member_id IS NULL) <> (invitation_id IS NULL)),
    UNIQUE (member_id, resource_type, resource_id),
    UNIQUE (invitation_id, resource_type, resource_id)
) STRICT;

CREATE TABLE invite_links (
    id              TEXT PRIMARY KEY CHECK (length(id) = 36),
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    role            TEXT NOT NULL REFERENCES roles (name),
    resource_type   TEXT CHECK (resource_type IN ('space', 'collection')),
    resource_id     TEXT,
    level           TEXT REFERENCES roles (name),
    extensions      TEXT NOT NULL DEFAULT '{}' CHECK (json_type(extensions) = 'object'),
    created_at      TEXT NOT NULL CHECK (length(created_at) = 24),
    updated_at      TEXT NOT NULL CHECK (length(updated_at) = 24),
    -- A link leads to the organization, or to one of its resources and then as a guest.
    CHECK ((resource_type IS NULL) = (resource_id IS NULL) AND (resource_type IS NULL) = (level IS NULL)),
    CHECK (resource_type IS NULL OR role = 'guest'),
    FOREIGN KEY (organization_id, resource_type, resource_id) REFERENCES resources
) STRICT;

CREATE INDEX invite_links_by_organization ON invite_links (organization_id);

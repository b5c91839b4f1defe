-- Why: built-in accounts and their sessions. PostgreSQL is the truth of a session, Redis only remembers it for a while.

CREATE TABLE account (
    id            uuid        PRIMARY KEY,
    email         text        NOT NULL,
    name          text        NOT NULL,
    password_hash text        NOT NULL,
    -- What the account may do besides buying: NULL for a buyer.
    role          text        CONSTRAINT account_role_known CHECK (role IN ('organiser', 'operator')),
    created_at    timestamptz NOT NULL DEFAULT now()
);

-- One account per address, whatever its capitals.
CREATE UNIQUE INDEX account_email_taken ON account (lower(email));

CREATE TABLE session (
    id         uuid        PRIMARY KEY,
    account_id uuid        NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);

CREATE INDEX session_of_account ON session (account_id);
-- The sweeper removes what has expired, oldest first.
CREATE INDEX session_by_expiry ON session (expires_at);

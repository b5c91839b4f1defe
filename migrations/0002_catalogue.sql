-- Why: what is sold. Concerts, their seating layouts, their performances, and one row per seat and performance,
-- which is the only authority on who has that seat.

CREATE TABLE concert (
    id          bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    title       text        NOT NULL,
    venue       text        NOT NULL,
    description text        NOT NULL DEFAULT '',
    created_by  text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- Immutable, found by the hash of its content: importing the same layout twice gives the same row.
CREATE TABLE layout (
    id         bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    hash       text        NOT NULL,
    name       text        NOT NULL,
    seats      int         NOT NULL CHECK (seats > 0),
    -- Text, not jsonb: it is handed out byte for byte as it was hashed.
    document   text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT layout_hash_key UNIQUE (hash)
);

-- seat_no is the index of the seat in its layout, from 0 and without gaps.
CREATE TABLE layout_seat (
    layout_id  bigint  NOT NULL REFERENCES layout (id),
    seat_no    int     NOT NULL CHECK (seat_no >= 0),
    name       text    NOT NULL CHECK (char_length(name) BETWEEN 3 AND 20),
    tier       text    NOT NULL,
    accessible boolean NOT NULL DEFAULT false,
    PRIMARY KEY (layout_id, seat_no),
    CONSTRAINT layout_seat_name_key UNIQUE (layout_id, name)
);

CREATE TABLE performance (
    id                  bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    concert_id          bigint      NOT NULL REFERENCES concert (id),
    layout_id           bigint      NOT NULL REFERENCES layout (id),
    starts_at           timestamptz NOT NULL,
    -- The partition of its reservations. Set once: a performance that is moved to another day keeps its books.
    partition_date      date        NOT NULL,
    sale_opens_at       timestamptz NOT NULL,
    sale_closes_at      timestamptz NOT NULL,
    room                text        NOT NULL CHECK (room ~ '^[a-z0-9-]{1,40}$'),
    currency            text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    seats_per_buyer_max int         NOT NULL DEFAULT 4 CHECK (seats_per_buyer_max BETWEEN 1 AND 100),
    hold_ttl            interval    NOT NULL DEFAULT interval '5 minutes'
                                    CHECK (hold_ttl BETWEEN interval '1 second' AND interval '15 minutes'),
    -- Set once, never cleared: a withdrawn performance never sells again; what was sold stays in the books.
    withdrawn_at        timestamptz,
    created_by          text        NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT performance_sale_window CHECK (sale_opens_at < sale_closes_at),
    CONSTRAINT performance_partition_key UNIQUE (id, partition_date)
);

CREATE INDEX performance_of_concert ON performance (concert_id, starts_at);

-- Prices never change once a performance exists: what a hold showed is what its order costs.
CREATE TABLE performance_tier (
    performance_id bigint NOT NULL REFERENCES performance (id),
    tier           text   NOT NULL CHECK (char_length(tier) BETWEEN 1 AND 20),
    price          bigint NOT NULL CHECK (price BETWEEN 1 AND 10000000000),
    PRIMARY KEY (performance_id, tier)
);

CREATE TYPE seat_status AS ENUM ('AVAILABLE', 'TEMPORARILY_RESERVED', 'RESERVED');

CREATE TABLE seat (
    performance_id  bigint      NOT NULL REFERENCES performance (id),
    seat_no         int         NOT NULL,
    status          seat_status NOT NULL DEFAULT 'AVAILABLE',
    hold_id         uuid,
    -- A held seat is free again once this has passed by the database's clock. No job is needed for that.
    hold_expires_at timestamptz,
    -- Raised at each change of hands, so that who comes late can be told from who has it.
    fence           bigint      NOT NULL DEFAULT 0,
    order_id        uuid,
    -- The organiser's flag stands beside the status: blocked seats are shown, and never held.
    blocked         boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (performance_id, seat_no),
    CONSTRAINT seat_shape CHECK (
        CASE status
            WHEN 'AVAILABLE' THEN hold_id IS NULL AND hold_expires_at IS NULL AND order_id IS NULL
            WHEN 'TEMPORARILY_RESERVED' THEN hold_id IS NOT NULL AND hold_expires_at IS NOT NULL AND order_id IS NULL
            WHEN 'RESERVED' THEN hold_id IS NULL AND hold_expires_at IS NULL AND order_id IS NOT NULL
        END),
    CONSTRAINT seat_blocked_is_nobodys CHECK (NOT blocked OR status = 'AVAILABLE')
    -- Room on each page, so that a changed seat stays on it and no index is touched (HOT).
) WITH (fillfactor = 70);

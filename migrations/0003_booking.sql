-- Why: holds, orders, payments and what was sold. Every limit of booking is a constraint with a name of its own,
-- because the service tells buyers by that name what was refused.

CREATE TYPE hold_state AS ENUM ('ACTIVE', 'PAYING', 'CONVERTED', 'RELEASED', 'LOST');

CREATE TABLE hold (
    id                  uuid        PRIMARY KEY,
    performance_id      bigint      NOT NULL REFERENCES performance (id),
    buyer               text        NOT NULL,
    -- The admission it was made with (the claims of its token), so that paying can end it.
    admission           jsonb       NOT NULL,
    seats               int[]       NOT NULL CHECK (cardinality(seats) BETWEEN 1 AND 100),
    -- What each seat costs, in the order of seats.
    prices              bigint[]    NOT NULL,
    amount              bigint      NOT NULL CHECK (amount >= 0),
    currency            text        NOT NULL,
    state               hold_state  NOT NULL DEFAULT 'ACTIVE',
    expires_at          timestamptz NOT NULL,
    -- What expires_at was before the payment; a declined payment goes back to it.
    expires_before_paying timestamptz,
    -- Set by the first attempt to pay: until then the seats are kept for it.
    pay_deadline        timestamptz,
    attempts            int         NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    extensions          int         NOT NULL DEFAULT 0,
    created_at          timestamptz NOT NULL,
    CONSTRAINT hold_one_extension CHECK (extensions BETWEEN 0 AND 1),
    CONSTRAINT hold_priced CHECK (cardinality(seats) = cardinality(prices))
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX hold_one_live ON hold (performance_id, buyer) WHERE state IN ('ACTIVE', 'PAYING');

-- Seats that a buyer has bought. H locks the row first, C and F change it.
CREATE TABLE buyer_quota (
    performance_id bigint NOT NULL REFERENCES performance (id),
    buyer          text   NOT NULL,
    reserved       int    NOT NULL DEFAULT 0,
    max            int    NOT NULL,
    PRIMARY KEY (performance_id, buyer),
    CONSTRAINT buyer_quota_max CHECK (reserved BETWEEN 0 AND max)
) WITH (fillfactor = 80);

CREATE TYPE order_state AS ENUM ('PENDING', 'ACTION_REQUIRED', 'PAYMENT_UNKNOWN', 'CONFIRMED', 'FAILED', 'CANCELLED');

CREATE TABLE orders (
    id             uuid        PRIMARY KEY,
    hold_id        uuid        NOT NULL REFERENCES hold (id),
    performance_id bigint      NOT NULL REFERENCES performance (id),
    buyer          text        NOT NULL,
    seats          int[]       NOT NULL,
    amount         bigint      NOT NULL CHECK (amount >= 0),
    currency       text        NOT NULL,
    state          order_state NOT NULL DEFAULT 'PENDING',
    -- Why it is FAILED or CANCELLED, for the buyer.
    reason         text,
    created_at     timestamptz NOT NULL,
    CONSTRAINT order_one_per_hold UNIQUE (hold_id)
) WITH (fillfactor = 80);

-- Own orders, newest first: the ids are version 7 and grow with time.
CREATE INDEX orders_of_buyer ON orders (buyer, id);

CREATE TYPE payment_mode AS ENUM ('AUTHORIZE', 'CHARGE');
CREATE TYPE payment_state AS ENUM (
    'CREATED', 'SENT', 'DECLINED', 'ACTION_REQUIRED', 'CAPTURE_DUE', 'CAPTURED', 'CAPTURE_REFUSED',
    'VOID_DUE', 'VOIDED', 'REFUND_DUE', 'REFUNDED');

-- One attempt to take money. Its id is the idempotency key at the payment gateway.
CREATE TABLE payment (
    id          uuid          PRIMARY KEY,
    order_id    uuid          NOT NULL REFERENCES orders (id),
    mode        payment_mode  NOT NULL,
    state       payment_state NOT NULL,
    gateway     text          NOT NULL,
    gateway_ref text,
    -- How the buyer pays (a token of the gateway's, never a card). Needed to repeat the call, forgotten when decided.
    method      jsonb,
    amount      bigint        NOT NULL CHECK (amount >= 0),
    currency    text          NOT NULL,
    captured    bigint        NOT NULL DEFAULT 0,
    refunded    bigint        NOT NULL DEFAULT 0,
    -- Why it was declined or refused, in the gateway's words.
    reason      text,
    -- When somebody has to look after a payment that is SENT: its handler has given up or died by then.
    due_at      timestamptz,
    calls       int           NOT NULL DEFAULT 0,
    created_at  timestamptz   NOT NULL,
    CONSTRAINT payment_money CHECK (refunded BETWEEN 0 AND captured AND captured <= amount),
    CONSTRAINT payment_due_while_sent CHECK (state <> 'SENT' OR due_at IS NOT NULL)
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX payment_one_live ON payment (order_id)
    WHERE state IN ('CREATED', 'SENT', 'ACTION_REQUIRED', 'CAPTURE_DUE');
CREATE UNIQUE INDEX payment_one_captured ON payment (order_id)
    WHERE state IN ('CAPTURE_DUE', 'CAPTURED', 'REFUND_DUE', 'REFUNDED');
CREATE UNIQUE INDEX payment_gateway_ref ON payment (gateway, gateway_ref);
CREATE INDEX payment_of_order ON payment (order_id);
CREATE INDEX payment_due ON payment (due_at) WHERE state = 'SENT';

-- The allowed edges of a payment, held by the database itself: whatever a program tries, a payment that was
-- captured is never voided, and one that was declined is never captured.
CREATE FUNCTION payment_edge_allowed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state::text, NEW.state::text) IN (
        ('CREATED', 'SENT'),
        ('SENT', 'DECLINED'), ('SENT', 'ACTION_REQUIRED'), ('SENT', 'CAPTURE_DUE'), ('SENT', 'VOID_DUE'),
        ('SENT', 'CAPTURED'), -- CHARGE: a success is captured at once
        ('ACTION_REQUIRED', 'SENT'), ('ACTION_REQUIRED', 'DECLINED'), ('ACTION_REQUIRED', 'VOID_DUE'),
        ('CAPTURE_DUE', 'CAPTURED'), ('CAPTURE_DUE', 'VOID_DUE'), ('CAPTURE_DUE', 'CAPTURE_REFUSED'),
        ('VOID_DUE', 'VOIDED'),
        ('CAPTURED', 'REFUND_DUE'), ('REFUND_DUE', 'REFUNDED'))
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a payment does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_edge';
END $$;

CREATE TRIGGER payment_edge BEFORE UPDATE OF state ON payment
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION payment_edge_allowed();

-- What was sold. Partitioned by the date of the performance: PostgreSQL then accepts the unique index below, which it
-- would refuse for a partition by the time of the sale.
CREATE TABLE reservation (
    partition_date date   NOT NULL,
    performance_id bigint NOT NULL,
    seat_no        int    NOT NULL,
    fence          bigint NOT NULL,
    order_id       uuid   NOT NULL REFERENCES orders (id),
    price          bigint NOT NULL,
    state          text   NOT NULL CHECK (state IN ('CONFIRMED', 'CANCELLED')),
    PRIMARY KEY (partition_date, performance_id, seat_no, fence),
    FOREIGN KEY (performance_id, partition_date) REFERENCES performance (id, partition_date),
    FOREIGN KEY (performance_id, seat_no) REFERENCES seat (performance_id, seat_no)
) PARTITION BY RANGE (partition_date);

CREATE UNIQUE INDEX reservation_one_confirmed ON reservation (partition_date, performance_id, seat_no)
    WHERE state = 'CONFIRMED';
CREATE INDEX reservation_of_order ON reservation (order_id);

-- Catches what has no partition of its own. It should stay empty; a metric tells when it does not.
CREATE TABLE reservation_default PARTITION OF reservation DEFAULT;

-- Answers that are remembered for a day, so that a repeated request is the same request.
CREATE TABLE idempotency (
    buyer       text        NOT NULL,
    route       text        NOT NULL,
    key         text        NOT NULL,
    -- Of the whole request: the same key with another request is a mistake of the client.
    fingerprint bytea       NOT NULL,
    -- STARTED: between its two foreign calls. ANSWERED: the answer below is final.
    recovery_point text     NOT NULL CHECK (recovery_point IN ('STARTED', 'ANSWERED')),
    answer      jsonb,
    order_id    uuid,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (buyer, route, key)
);

CREATE INDEX idempotency_by_age ON idempotency (created_at);
CREATE INDEX idempotency_of_order ON idempotency (order_id) WHERE order_id IS NOT NULL;

-- Calls to others that are due. Whoever takes one puts due_at into the future: a lease, no lock is held while calling.
CREATE TABLE outbox (
    id         bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    kind       text        NOT NULL CHECK (kind IN ('capture', 'void', 'refund', 'notification', 'webhook')),
    payment_id uuid        REFERENCES payment (id),
    payload    jsonb,
    due_at     timestamptz NOT NULL,
    attempts   int         NOT NULL DEFAULT 0,
    done_at    timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT outbox_money_has_payment CHECK (kind NOT IN ('capture', 'void', 'refund') OR payment_id IS NOT NULL)
) WITH (fillfactor = 80);

CREATE INDEX outbox_due ON outbox (due_at) WHERE done_at IS NULL;
CREATE INDEX outbox_of_payment ON outbox (payment_id, id) WHERE done_at IS NULL;

-- What a payment gateway told by webhook, once each.
CREATE TABLE gateway_event (
    gateway      text        NOT NULL,
    event_id     text        NOT NULL,
    payload      jsonb       NOT NULL,
    received_at  timestamptz NOT NULL DEFAULT now(),
    processed_at timestamptz,
    PRIMARY KEY (gateway, event_id)
);

-- Append-only: who had which seat when. Ids commit out of order: a reader of the live end stays below the
-- oldest running transaction, which is what xact is for.
CREATE TABLE seat_event (
    id             bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    performance_id bigint      NOT NULL,
    seats          int[]       NOT NULL,
    status         seat_status NOT NULL,
    hold_id        uuid,
    order_id       uuid,
    expires_at     timestamptz,
    at             timestamptz NOT NULL,
    xact           xid8        NOT NULL DEFAULT pg_current_xact_id()
);

CREATE INDEX seat_event_of_performance ON seat_event (performance_id, id);

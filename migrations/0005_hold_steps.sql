-- Why: the steps H (hold) and X (extend, release). Each is one function and so one transaction and one round trip: row
-- locks are never held while a network is waited for, and a process that dies leaves all or nothing.
--
-- Rules that all steps keep: one instant of the database's clock per step; locks in the order performance, buyer quota,
-- payment, own hold, seats ascending; a seat changes hands only by one conditional UPDATE that counts rows.
-- Outcomes are words that the service turns into answers; only what must undo writes is an exception.

-- Why seats cannot be held, one entry per seat that is not free: [{"seat": 3, "reason": "HELD"}].
CREATE FUNCTION seats_not_free(p_performance bigint, p_seats int[], p_at timestamptz) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_agg(jsonb_build_object('seat', seat_no, 'reason',
               CASE WHEN blocked THEN 'BLOCKED' WHEN status = 'RESERVED' THEN 'SOLD' ELSE 'HELD' END) ORDER BY seat_no)
      FROM seat
     WHERE performance_id = p_performance AND seat_no = ANY (p_seats)
       AND (blocked OR status = 'RESERVED' OR (status = 'TEMPORARILY_RESERVED' AND hold_expires_at > p_at))
$$;

-- H. Takes free or expired seats for one buyer, all of them or none.
--
--   p_seats must be distinct and ascending. p_key may be NULL: then nothing is remembered.
--
--   HELD          answer {"id", "seats", "amount", "currency", "expires_at"}
--   REPEATED      answer as it was given to the first request with this key
--   MISMATCH      the key belongs to another request
--   UNKNOWN_PERFORMANCE, NOT_OPEN   (never opened, closed, withdrawn)
--   UNKNOWN_SEAT  answer [seat numbers that do not exist]
--   TOO_MANY      answer {"max", "reserved"}
--   HOLD_EXISTS   answer {"hold"}
--   TAKEN         answer as seats_not_free; nothing was changed
CREATE FUNCTION hold_seats(
    p_hold uuid, p_performance bigint, p_buyer text, p_admission jsonb, p_seats int[],
    p_route text, p_key text, p_fingerprint bytea,
    OUT outcome text, OUT answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
    at       timestamptz;
    show     performance%ROWTYPE;
    quota    buyer_quota%ROWTYPE;
    earlier  idempotency%ROWTYPE;
    own      hold%ROWTYPE;
    v_found  int[];
    v_prices bigint[];
    v_amount bigint;
    n        int;
BEGIN
    -- The lock that the hold's foreign key takes anyway: a withdrawal waits for us, or we see it.
    SELECT * INTO show FROM performance WHERE id = p_performance FOR KEY SHARE;
    IF NOT FOUND THEN outcome := 'UNKNOWN_PERFORMANCE'; RETURN; END IF;

    INSERT INTO buyer_quota (performance_id, buyer, max) VALUES (p_performance, p_buyer, show.seats_per_buyer_max)
        ON CONFLICT DO NOTHING;
    SELECT * INTO quota FROM buyer_quota WHERE performance_id = p_performance AND buyer = p_buyer FOR UPDATE;
    at := clock_timestamp();

    IF p_key IS NOT NULL THEN
        SELECT * INTO earlier FROM idempotency
         WHERE buyer = p_buyer AND route = p_route AND key = p_key AND created_at > at - interval '24 hours';
        IF FOUND THEN
            outcome := CASE WHEN earlier.fingerprint = p_fingerprint THEN 'REPEATED' ELSE 'MISMATCH' END;
            answer := CASE WHEN outcome = 'REPEATED' THEN earlier.answer END;
            RETURN;
        END IF;
    END IF;

    IF show.withdrawn_at IS NOT NULL OR at < show.sale_opens_at OR at >= show.sale_closes_at THEN
        outcome := 'NOT_OPEN'; RETURN;
    END IF;
    IF quota.reserved + cardinality(p_seats) > quota.max THEN
        outcome := 'TOO_MANY'; answer := jsonb_build_object('max', quota.max, 'reserved', quota.reserved); RETURN;
    END IF;

    SELECT * INTO own FROM hold
     WHERE performance_id = p_performance AND buyer = p_buyer AND state IN ('ACTIVE', 'PAYING') FOR UPDATE;
    IF FOUND AND (own.state = 'PAYING' OR own.expires_at > at) THEN
        outcome := 'HOLD_EXISTS'; answer := jsonb_build_object('hold', own.id); RETURN;
    END IF;

    SELECT array_agg(l.seat_no ORDER BY l.seat_no), array_agg(t.price ORDER BY l.seat_no), sum(t.price)
      INTO v_found, v_prices, v_amount
      FROM layout_seat l JOIN performance_tier t ON t.performance_id = p_performance AND t.tier = l.tier
     WHERE l.layout_id = show.layout_id AND l.seat_no = ANY (p_seats);
    IF v_found IS DISTINCT FROM p_seats THEN
        outcome := 'UNKNOWN_SEAT';
        answer := (SELECT jsonb_agg(s) FROM unnest(p_seats) s WHERE v_found IS NULL OR s <> ALL (v_found));
        RETURN;
    END IF;

    -- Most losers leave here, having locked and written nothing of the seats.
    answer := seats_not_free(p_performance, p_seats, at);
    IF answer IS NOT NULL THEN outcome := 'TAKEN'; RETURN; END IF;

    WITH free AS (
        SELECT seat_no FROM seat
         WHERE performance_id = p_performance AND seat_no = ANY (p_seats) AND NOT blocked
           AND (status = 'AVAILABLE' OR (status = 'TEMPORARILY_RESERVED' AND hold_expires_at <= at))
         ORDER BY seat_no FOR UPDATE)
    UPDATE seat t
       SET status = 'TEMPORARILY_RESERVED', hold_id = p_hold, hold_expires_at = at + show.hold_ttl, fence = t.fence + 1
      FROM free WHERE t.performance_id = p_performance AND t.seat_no = free.seat_no;
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n <> cardinality(p_seats) THEN
        -- Somebody was faster while we waited for a row. What we did take has to go back, so this one is an exception.
        RAISE EXCEPTION 'seats were taken meanwhile' USING ERRCODE = 'ON409';
    END IF;

    IF own.id IS NOT NULL THEN
        UPDATE hold SET state = 'LOST' WHERE id = own.id AND state = 'ACTIVE';
    END IF;
    INSERT INTO hold (id, performance_id, buyer, admission, seats, prices, amount, currency, expires_at, created_at)
    VALUES (p_hold, p_performance, p_buyer, p_admission, p_seats, v_prices, v_amount, show.currency, at + show.hold_ttl, at);
    INSERT INTO seat_event (performance_id, seats, status, hold_id, expires_at, at)
    VALUES (p_performance, p_seats, 'TEMPORARILY_RESERVED', p_hold, at + show.hold_ttl, at);

    outcome := 'HELD';
    answer := jsonb_build_object('id', p_hold, 'seats', p_seats, 'amount', v_amount, 'currency', show.currency,
                                 'expires_at', at + show.hold_ttl);
    IF p_key IS NOT NULL THEN
        -- A leftover of the same key from more than a day ago makes room.
        INSERT INTO idempotency (buyer, route, key, fingerprint, recovery_point, answer, created_at)
        VALUES (p_buyer, p_route, p_key, p_fingerprint, 'ANSWERED', answer, at)
        ON CONFLICT (buyer, route, key) DO UPDATE
           SET fingerprint = excluded.fingerprint, recovery_point = excluded.recovery_point, answer = excluded.answer,
               order_id = NULL, created_at = excluded.created_at
         WHERE idempotency.created_at <= at - interval '24 hours';
        IF NOT FOUND THEN
            -- The same key came in for another performance at this very moment.
            RAISE EXCEPTION 'the idempotency key is in use' USING ERRCODE = 'ON422';
        END IF;
    END IF;
END $$;

-- Gives the seats that a hold still has back to everybody. The caller has locked the hold's row.
CREATE FUNCTION free_seats_of_hold(p_performance bigint, p_seats int[], p_hold uuid, p_at timestamptz) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    v_freed int[];
BEGIN
    WITH mine AS (
        SELECT seat_no FROM seat
         WHERE performance_id = p_performance AND seat_no = ANY (p_seats)
           AND status = 'TEMPORARILY_RESERVED' AND hold_id = p_hold
         ORDER BY seat_no FOR UPDATE),
    freed AS (
        UPDATE seat t SET status = 'AVAILABLE', hold_id = NULL, hold_expires_at = NULL, fence = t.fence + 1
          FROM mine WHERE t.performance_id = p_performance AND t.seat_no = mine.seat_no
        RETURNING t.seat_no)
    SELECT array_agg(seat_no ORDER BY seat_no) INTO v_freed FROM freed;
    IF v_freed IS NOT NULL THEN
        INSERT INTO seat_event (performance_id, seats, status, hold_id, at)
        VALUES (p_performance, v_freed, 'AVAILABLE', p_hold, p_at);
    END IF;
    RETURN coalesce(cardinality(v_freed), 0);
END $$;

-- Moves the expiry of the seats of a hold, if all of them are still its own. The caller has locked the hold's row.
CREATE FUNCTION rearm_seats_of_hold(
    p_performance bigint, p_seats int[], p_hold uuid, p_until timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    n int;
BEGIN
    WITH mine AS (
        SELECT seat_no FROM seat
         WHERE performance_id = p_performance AND seat_no = ANY (p_seats)
           AND status = 'TEMPORARILY_RESERVED' AND hold_id = p_hold
         ORDER BY seat_no FOR UPDATE)
    UPDATE seat t SET hold_expires_at = p_until
      FROM mine WHERE t.performance_id = p_performance AND t.seat_no = mine.seat_no;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n = cardinality(p_seats);
END $$;

-- X, first half. Gives a hold its lifetime once more, at most up to p_cap after it was made.
--
--   EXTENDED     answer {"expires_at"}
--   NOT_FOUND    no such hold of this buyer
--   NOT_ACTIVE   answer {"state"}: it is being paid, was paid or was released
--   USED         it was extended before
--   EXPIRED      too late; the seats are anybody's, though they may still be taken by paying
--   LOST         a seat is another buyer's; what was left is free again
CREATE FUNCTION extend_hold(p_hold uuid, p_buyer text, p_cap interval, OUT outcome text, OUT answer jsonb)
LANGUAGE plpgsql AS $$
DECLARE
    own     hold%ROWTYPE;
    at      timestamptz;
    v_ttl   interval;
    v_until timestamptz;
BEGIN
    SELECT * INTO own FROM hold WHERE id = p_hold AND buyer = p_buyer FOR UPDATE;
    IF NOT FOUND THEN outcome := 'NOT_FOUND'; RETURN; END IF;
    IF own.state = 'LOST' THEN outcome := 'LOST'; RETURN; END IF;
    IF own.state <> 'ACTIVE' THEN
        outcome := 'NOT_ACTIVE'; answer := jsonb_build_object('state', own.state); RETURN;
    END IF;
    at := clock_timestamp();
    SELECT hold_ttl INTO v_ttl FROM performance WHERE id = own.performance_id;
    v_until := CASE WHEN own.extensions > 0 OR own.expires_at <= at THEN own.expires_at
                    ELSE greatest(own.expires_at, least(at + v_ttl, own.created_at + p_cap)) END;
    IF NOT rearm_seats_of_hold(own.performance_id, own.seats, p_hold, v_until) THEN
        PERFORM free_seats_of_hold(own.performance_id, own.seats, p_hold, at);
        UPDATE hold SET state = 'LOST' WHERE id = p_hold AND state = 'ACTIVE';
        outcome := 'LOST'; RETURN;
    END IF;
    IF own.expires_at <= at THEN outcome := 'EXPIRED'; RETURN; END IF;
    IF own.extensions > 0 THEN outcome := 'USED'; RETURN; END IF;
    UPDATE hold SET expires_at = v_until, extensions = extensions + 1 WHERE id = p_hold AND state = 'ACTIVE';
    INSERT INTO seat_event (performance_id, seats, status, hold_id, expires_at, at)
    VALUES (own.performance_id, own.seats, 'TEMPORARILY_RESERVED', p_hold, v_until, at);
    outcome := 'EXTENDED';
    answer := jsonb_build_object('expires_at', v_until);
END $$;

-- X, second half. Twice is once.
--
--   RELEASED     answer {"performance", "seats"}: they are free
--   GONE         it was released or lost before; nothing to do
--   NOT_FOUND    no such hold of this buyer
--   NOT_ACTIVE   answer {"state"}: it is being paid or was paid
CREATE FUNCTION release_hold(p_hold uuid, p_buyer text, OUT outcome text, OUT answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
    own hold%ROWTYPE;
BEGIN
    UPDATE hold SET state = 'RELEASED' WHERE id = p_hold AND buyer = p_buyer AND state = 'ACTIVE' RETURNING * INTO own;
    IF FOUND THEN
        PERFORM free_seats_of_hold(own.performance_id, own.seats, p_hold, clock_timestamp());
        outcome := 'RELEASED';
        answer := jsonb_build_object('performance', own.performance_id, 'seats', own.seats);
        RETURN;
    END IF;
    SELECT * INTO own FROM hold WHERE id = p_hold AND buyer = p_buyer;
    outcome := CASE WHEN NOT FOUND THEN 'NOT_FOUND' WHEN own.state IN ('RELEASED', 'LOST') THEN 'GONE' ELSE 'NOT_ACTIVE' END;
    answer := CASE WHEN outcome = 'NOT_ACTIVE' THEN jsonb_build_object('state', own.state) END;
END $$;

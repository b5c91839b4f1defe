-- Why: the steps P (begin), D (declined), C (confirmed) and K (captured) of a payment. As with holds, each is one function
-- and one transaction. Each begins with a conditional UPDATE along an allowed edge: no row means that somebody else has
-- decided, and nothing is done. No step calls anybody; calls happen between steps.

-- P. Begins an attempt to pay for a hold. The service calls the payment gateway only after this has been committed.
--
--   p_cap  for so long after it was made a hold may be paid for, and is nobody else's while a payment runs
--   p_due  when somebody has to look after the payment if its handler is not heard of any more
--   p_may_start  false while the payment gateway cannot be called: nothing is begun, but what was begun before is told
--
--   STARTED      answer {"order", "payment", "performance", "amount", "currency"}
--   NOT_FOUND    no such hold of this buyer
--   REPEATED     this key began a payment that is decided or unknown by now: answer {"order"}
--   IN_FLIGHT    a payment runs, under this key or another one: answer {"order"}
--   PAID         another key has paid: answer {"order"}
--   MISMATCH     the key belongs to another request
--   NOT_ACTIVE   answer {"state"}: it was released
--   EXHAUSTED    all attempts were used
--   WITHDRAWN    the performance does not sell any more
--   LOST         a seat is another buyer's, or the cap has passed; what was left is free again
--   NOT_NOW      it would have been STARTED or LOST, but p_may_start is false
CREATE FUNCTION begin_payment(
    p_hold uuid, p_buyer text, p_order uuid, p_payment uuid, p_mode payment_mode, p_gateway text, p_method jsonb,
    p_route text, p_key text, p_fingerprint bytea,
    p_cap interval, p_due interval, p_attempts int, p_may_start boolean,
    OUT outcome text, OUT answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
    at         timestamptz;
    own        hold%ROWTYPE;
    earlier    idempotency%ROWTYPE;
    bought     orders%ROWTYPE;
    v_deadline timestamptz;
BEGIN
    SELECT * INTO own FROM hold WHERE id = p_hold AND buyer = p_buyer FOR UPDATE;
    IF NOT FOUND THEN outcome := 'NOT_FOUND'; RETURN; END IF;
    at := clock_timestamp();
    SELECT * INTO bought FROM orders WHERE hold_id = p_hold;
    answer := CASE WHEN bought.id IS NOT NULL THEN jsonb_build_object('order', bought.id) END;

    SELECT * INTO earlier FROM idempotency
     WHERE buyer = p_buyer AND route = p_route AND key = p_key AND created_at > at - interval '24 hours';
    IF FOUND THEN
        outcome := CASE WHEN earlier.fingerprint <> p_fingerprint THEN 'MISMATCH'
                        WHEN bought.state = 'PENDING' THEN 'IN_FLIGHT'
                        ELSE 'REPEATED' END;
        RETURN;
    END IF;
    IF own.state = 'PAYING' THEN outcome := 'IN_FLIGHT'; RETURN; END IF;
    IF own.state = 'CONVERTED' THEN outcome := 'PAID'; RETURN; END IF;
    IF own.state = 'LOST' THEN outcome := 'LOST'; RETURN; END IF;
    IF own.state <> 'ACTIVE' THEN
        outcome := 'NOT_ACTIVE'; answer := jsonb_build_object('state', own.state); RETURN;
    END IF;
    IF own.attempts >= p_attempts THEN outcome := 'EXHAUSTED'; RETURN; END IF;
    IF EXISTS (SELECT FROM performance WHERE id = own.performance_id AND withdrawn_at IS NOT NULL) THEN
        outcome := 'WITHDRAWN'; RETURN;
    END IF;

    IF NOT p_may_start THEN outcome := 'NOT_NOW'; RETURN; END IF;

    -- A cap below what the hold was promised takes nothing back.
    v_deadline := coalesce(own.pay_deadline, greatest(own.created_at + p_cap, own.expires_at));
    IF v_deadline <= at OR NOT rearm_seats_of_hold(own.performance_id, own.seats, p_hold, v_deadline) THEN
        PERFORM free_seats_of_hold(own.performance_id, own.seats, p_hold, at);
        UPDATE hold SET state = 'LOST' WHERE id = p_hold AND state = 'ACTIVE';
        UPDATE orders SET state = 'FAILED', reason = 'hold-lost' WHERE hold_id = p_hold AND state IN ('PENDING', 'FAILED');
        outcome := 'LOST'; RETURN;
    END IF;

    UPDATE hold SET state = 'PAYING', pay_deadline = v_deadline, expires_at = v_deadline,
                    expires_before_paying = own.expires_at, attempts = own.attempts + 1
     WHERE id = p_hold AND state = 'ACTIVE';
    -- A second attempt goes on with the order of the first.
    INSERT INTO orders (id, hold_id, performance_id, buyer, seats, amount, currency, created_at)
    VALUES (p_order, p_hold, own.performance_id, p_buyer, own.seats, own.amount, own.currency, at)
    ON CONFLICT (hold_id) DO UPDATE SET state = 'PENDING', reason = NULL
    RETURNING * INTO bought;
    INSERT INTO payment (id, order_id, mode, state, gateway, method, amount, currency, due_at, created_at)
    VALUES (p_payment, bought.id, p_mode, 'SENT', p_gateway, p_method, own.amount, own.currency, at + p_due, at);
    INSERT INTO idempotency (buyer, route, key, fingerprint, recovery_point, order_id, created_at)
    VALUES (p_buyer, p_route, p_key, p_fingerprint, 'STARTED', bought.id, at)
    ON CONFLICT (buyer, route, key) DO UPDATE
       SET fingerprint = excluded.fingerprint, recovery_point = excluded.recovery_point, answer = NULL,
           order_id = excluded.order_id, created_at = excluded.created_at
     WHERE idempotency.created_at <= at - interval '24 hours';
    IF NOT FOUND THEN
        -- The same key came in for another hold at this very moment.
        RAISE EXCEPTION 'the idempotency key is in use' USING ERRCODE = 'ON422';
    END IF;
    INSERT INTO seat_event (performance_id, seats, status, hold_id, expires_at, at)
    VALUES (own.performance_id, own.seats, 'TEMPORARILY_RESERVED', p_hold, v_deadline, at);
    outcome := 'STARTED';
    answer := jsonb_build_object('order', bought.id, 'payment', p_payment, 'performance', own.performance_id,
                                 'amount', own.amount, 'currency', own.currency);
END $$;

-- D. The attempt took no money and never will: the buyer may try again with the same hold.
--
--   p_counts  false when the gateway never heard of it: the attempt is given back
--   p_is_sole true when only its own handler can know that, and only while nobody has repeated the call (calls = 0);
--             false when it is the gateway's word on the payment
--   p_least   the hold lives at least this long, so that there is time for another card, but never beyond its cap
--
--   DECLINED     the hold is ACTIVE again
--   LOST         a seat had gone to another buyer meanwhile
--   DECIDED      somebody else has decided about this payment
CREATE FUNCTION decline_payment(
    p_payment uuid, p_reason text, p_counts boolean, p_is_sole boolean, p_least interval, OUT outcome text)
LANGUAGE plpgsql AS $$
DECLARE
    at      timestamptz;
    paid    payment%ROWTYPE;
BEGIN
    UPDATE payment SET state = 'DECLINED', reason = p_reason, method = NULL, due_at = NULL
     WHERE id = p_payment AND state IN ('SENT', 'ACTION_REQUIRED') AND (calls = 0 OR NOT p_is_sole) RETURNING * INTO paid;
    IF NOT FOUND THEN outcome := 'DECIDED'; RETURN; END IF;
    at := clock_timestamp();
    outcome := give_hold_back(paid.order_id, p_reason, p_counts, p_least, at);
END $$;

-- What D and a voided payment have in common: order FAILED, hold ACTIVE again with its old expiry.
CREATE FUNCTION give_hold_back(
    p_order uuid, p_reason text, p_counts boolean, p_least interval, p_at timestamptz) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    own     hold%ROWTYPE;
    v_until timestamptz;
BEGIN
    SELECT h.* INTO own FROM hold h JOIN orders o ON o.hold_id = h.id WHERE o.id = p_order FOR UPDATE OF h;
    v_until := least(greatest(own.expires_before_paying, p_at + p_least), own.pay_deadline);
    -- What failed is not remembered: the same key may try again.
    DELETE FROM idempotency WHERE order_id = p_order;
    IF v_until <= p_at OR NOT rearm_seats_of_hold(own.performance_id, own.seats, own.id, v_until) THEN
        PERFORM free_seats_of_hold(own.performance_id, own.seats, own.id, p_at);
        UPDATE hold SET state = 'LOST' WHERE id = own.id AND state = 'PAYING';
        UPDATE orders SET state = 'FAILED', reason = 'hold-lost' WHERE id = p_order;
        RETURN 'LOST';
    END IF;
    UPDATE hold SET state = 'ACTIVE', expires_at = v_until, attempts = attempts - CASE WHEN p_counts THEN 0 ELSE 1 END
     WHERE id = own.id AND state = 'PAYING';
    UPDATE orders SET state = 'FAILED', reason = p_reason WHERE id = p_order;
    INSERT INTO seat_event (performance_id, seats, status, hold_id, expires_at, at)
    VALUES (own.performance_id, own.seats, 'TEMPORARILY_RESERVED', own.id, v_until, p_at);
    RETURN 'DECLINED';
END $$;

-- C, the point of no return. Asks who owns the seats, not what time it is.
--
--   p_charged  the gateway has captured the money already (mode CHARGE)
--
--   CONFIRMED    answer {"admission"}: the seats are the buyer's; a capture is due, unless charged
--   LOST         a seat had gone to another buyer: the money goes back by void or refund
--   DECIDED      somebody else has decided about this payment
CREATE FUNCTION confirm_payment(
    p_payment uuid, p_gateway_ref text, p_charged boolean, OUT outcome text, OUT answer jsonb)
LANGUAGE plpgsql AS $$
DECLARE
    at          timestamptz;
    bought      orders%ROWTYPE;
    own         hold%ROWTYPE;
    v_date      date;
    v_withdrawn boolean;
    n           int;
BEGIN
    SELECT o.* INTO bought FROM orders o JOIN payment p ON p.order_id = o.id WHERE p.id = p_payment;
    IF NOT FOUND THEN outcome := 'DECIDED'; RETURN; END IF;
    SELECT partition_date, withdrawn_at IS NOT NULL INTO v_date, v_withdrawn
      FROM performance WHERE id = bought.performance_id FOR KEY SHARE;
    PERFORM FROM buyer_quota WHERE performance_id = bought.performance_id AND buyer = bought.buyer FOR UPDATE;

    UPDATE payment SET state = CASE WHEN p_charged THEN 'CAPTURED' ELSE 'CAPTURE_DUE' END::payment_state,
                       captured = CASE WHEN p_charged THEN amount ELSE 0 END,
                       gateway_ref = p_gateway_ref, method = NULL, due_at = NULL
     WHERE id = p_payment AND state = 'SENT';
    IF NOT FOUND THEN outcome := 'DECIDED'; RETURN; END IF;
    SELECT * INTO own FROM hold WHERE id = bought.hold_id FOR UPDATE;
    at := clock_timestamp();

    WITH mine AS (
        SELECT seat_no FROM seat
         WHERE performance_id = bought.performance_id AND seat_no = ANY (bought.seats)
           AND status = 'TEMPORARILY_RESERVED' AND hold_id = bought.hold_id AND NOT v_withdrawn
         ORDER BY seat_no FOR UPDATE)
    UPDATE seat t SET status = 'RESERVED', order_id = bought.id, hold_id = NULL, hold_expires_at = NULL
      FROM mine WHERE t.performance_id = bought.performance_id AND t.seat_no = mine.seat_no;
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n <> cardinality(bought.seats) THEN
        PERFORM undo_lost_order(bought, p_payment, p_charged, CASE WHEN v_withdrawn THEN 'withdrawn' ELSE 'hold-lost' END, at);
        outcome := 'LOST'; RETURN;
    END IF;

    UPDATE hold SET state = 'CONVERTED' WHERE id = bought.hold_id AND state = 'PAYING';
    INSERT INTO reservation (partition_date, performance_id, seat_no, fence, order_id, price, state)
    SELECT v_date, s.performance_id, s.seat_no, s.fence, bought.id, w.price, 'CONFIRMED'
      FROM unnest(bought.seats, own.prices) AS w (seat_no, price)
      JOIN seat s ON s.performance_id = bought.performance_id AND s.seat_no = w.seat_no;
    UPDATE buyer_quota SET reserved = reserved + n WHERE performance_id = bought.performance_id AND buyer = bought.buyer;
    UPDATE orders SET state = 'CONFIRMED', reason = NULL WHERE id = bought.id;
    UPDATE idempotency SET recovery_point = 'ANSWERED' WHERE order_id = bought.id;
    IF NOT p_charged THEN
        INSERT INTO outbox (kind, payment_id, due_at) VALUES ('capture', p_payment, at);
    END IF;
    INSERT INTO seat_event (performance_id, seats, status, order_id, at)
    VALUES (bought.performance_id, bought.seats, 'RESERVED', bought.id, at);
    outcome := 'CONFIRMED';
    answer := jsonb_build_object('admission', own.admission);
END $$;

-- The other end of C: some seat is not ours any more, so nothing is sold and the money goes back. Same transaction.
CREATE FUNCTION undo_lost_order(bought orders, p_payment uuid, p_charged boolean, p_reason text, p_at timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_freed int[];
BEGIN
    WITH freed AS (
        UPDATE seat SET status = 'AVAILABLE', order_id = NULL, hold_id = NULL, hold_expires_at = NULL, fence = fence + 1
         WHERE performance_id = bought.performance_id AND seat_no = ANY (bought.seats)
           AND (order_id = bought.id OR hold_id = bought.hold_id)
        RETURNING seat_no)
    SELECT array_agg(seat_no ORDER BY seat_no) INTO v_freed FROM freed;
    IF v_freed IS NOT NULL THEN
        INSERT INTO seat_event (performance_id, seats, status, hold_id, at)
        VALUES (bought.performance_id, v_freed, 'AVAILABLE', bought.hold_id, p_at);
    END IF;
    UPDATE payment SET state = CASE WHEN p_charged THEN 'REFUND_DUE' ELSE 'VOID_DUE' END::payment_state WHERE id = p_payment;
    INSERT INTO outbox (kind, payment_id, due_at)
    VALUES (CASE WHEN p_charged THEN 'refund' ELSE 'void' END, p_payment, p_at);
    UPDATE hold SET state = 'LOST' WHERE id = bought.hold_id AND state = 'PAYING';
    UPDATE orders SET state = 'FAILED', reason = p_reason WHERE id = bought.id;
    DELETE FROM idempotency WHERE order_id = bought.id;
END $$;

-- R, given up: nobody could learn what became of the payment, so it is to come to nothing. Decided here, before the
-- gateway is told by the outbox: an answer that arrives in between finds that it is too late to confirm anything.
--
--   GIVEN_UP     the hold is kept until the gateway has forgotten the payment
--   DECIDED      somebody else has decided about this payment
CREATE FUNCTION give_up_payment(p_payment uuid, p_reason text, OUT outcome text) LANGUAGE plpgsql AS $$
DECLARE
    v_order uuid;
BEGIN
    UPDATE payment SET state = 'VOID_DUE', reason = p_reason, method = NULL, due_at = NULL
     WHERE id = p_payment AND state IN ('SENT', 'ACTION_REQUIRED') RETURNING order_id INTO v_order;
    IF NOT FOUND THEN outcome := 'DECIDED'; RETURN; END IF;
    UPDATE orders SET state = 'PAYMENT_UNKNOWN' WHERE id = v_order AND state = 'PENDING';
    -- Without the gateway's reference: it is voided by its key, whether or not it had ever arrived.
    INSERT INTO outbox (kind, payment_id, due_at) VALUES ('void', p_payment, clock_timestamp());
    outcome := 'GIVEN_UP';
END $$;

-- K, and its siblings for money that goes back: the gateway has done what an outbox entry asked for. A hold whose payment
-- was given up is its buyer's again.
--
--   p_least  as in D
--
--   SETTLED, DECIDED
CREATE FUNCTION settle_payment(p_outbox bigint, p_payment uuid, p_kind text, p_least interval, OUT outcome text)
LANGUAGE plpgsql AS $$
DECLARE
    paid payment%ROWTYPE;
BEGIN
    CASE p_kind
        WHEN 'capture' THEN
            UPDATE payment SET state = 'CAPTURED', captured = amount WHERE id = p_payment AND state = 'CAPTURE_DUE';
        WHEN 'void' THEN
            UPDATE payment SET state = 'VOIDED' WHERE id = p_payment AND state = 'VOID_DUE';
        WHEN 'refund' THEN
            UPDATE payment SET state = 'REFUNDED', refunded = captured WHERE id = p_payment AND state = 'REFUND_DUE';
    END CASE;
    outcome := CASE WHEN FOUND THEN 'SETTLED' ELSE 'DECIDED' END;
    UPDATE outbox SET done_at = clock_timestamp() WHERE id = p_outbox AND done_at IS NULL;
    IF outcome = 'SETTLED' AND p_kind = 'void' THEN
        SELECT p.* INTO paid FROM payment p JOIN orders o ON o.id = p.order_id
         WHERE p.id = p_payment AND o.state = 'PAYMENT_UNKNOWN';
        IF FOUND THEN
            PERFORM give_hold_back(paid.order_id, paid.reason, true, p_least, clock_timestamp());
        END IF;
    END IF;
END $$;

-- K, refused for good: the gateway will never pay out. The seats are free again and the order is cancelled.
--
--   REFUSED, DECIDED
CREATE FUNCTION refuse_capture(p_outbox bigint, p_payment uuid, p_reason text, OUT outcome text) LANGUAGE plpgsql AS $$
DECLARE
    at      timestamptz;
    bought  orders%ROWTYPE;
    v_freed int[];
BEGIN
    SELECT o.* INTO bought FROM orders o JOIN payment p ON p.order_id = o.id WHERE p.id = p_payment;
    PERFORM FROM buyer_quota WHERE performance_id = bought.performance_id AND buyer = bought.buyer FOR UPDATE;
    UPDATE payment SET state = 'CAPTURE_REFUSED', reason = p_reason WHERE id = p_payment AND state = 'CAPTURE_DUE';
    outcome := CASE WHEN FOUND THEN 'REFUSED' ELSE 'DECIDED' END;
    UPDATE outbox SET done_at = clock_timestamp() WHERE id = p_outbox AND done_at IS NULL;
    IF outcome = 'DECIDED' THEN RETURN; END IF;

    at := clock_timestamp();
    WITH mine AS (
        SELECT seat_no FROM seat
         WHERE performance_id = bought.performance_id AND seat_no = ANY (bought.seats) AND order_id = bought.id
         ORDER BY seat_no FOR UPDATE),
    freed AS (
        UPDATE seat t SET status = 'AVAILABLE', order_id = NULL, fence = t.fence + 1
          FROM mine WHERE t.performance_id = bought.performance_id AND t.seat_no = mine.seat_no
        RETURNING t.seat_no)
    SELECT array_agg(seat_no ORDER BY seat_no) INTO v_freed FROM freed;
    UPDATE reservation SET state = 'CANCELLED' WHERE order_id = bought.id AND state = 'CONFIRMED';
    UPDATE buyer_quota SET reserved = reserved - coalesce(cardinality(v_freed), 0)
     WHERE performance_id = bought.performance_id AND buyer = bought.buyer;
    UPDATE orders SET state = 'CANCELLED', reason = 'capture-refused' WHERE id = bought.id AND state = 'CONFIRMED';
    INSERT INTO seat_event (performance_id, seats, status, order_id, at)
    VALUES (bought.performance_id, coalesce(v_freed, '{}'), 'AVAILABLE', bought.id, at);
END $$;

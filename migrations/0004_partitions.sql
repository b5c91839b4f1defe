-- Why: reservations live in one partition per month of the performance's date. Creating a performance makes it.

-- Makes the partition of a month if there is none. Safe to call at any time and by several at once.
--
-- Attaching a partition locks performance and seat against writes for a moment (it clones the foreign keys), so callers
-- run it as a transaction of its own, before the one that inserts the performance, and it gives up soon
-- rather than let a running sale queue behind it.
CREATE FUNCTION ensure_reservation_partition(p_date date) RETURNS text LANGUAGE plpgsql
SET lock_timeout = '1s' AS $$
DECLARE
    v_from date := date_trunc('month', p_date)::date;
    v_to   date := (date_trunc('month', p_date) + interval '1 month')::date;
    v_name text := 'reservation_' || to_char(p_date, 'YYYY_MM');
BEGIN
    IF to_regclass(v_name) IS NOT NULL THEN
        RETURN v_name;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('reservation partitions'));
    IF to_regclass(v_name) IS NULL THEN
        EXECUTE format('CREATE TABLE %I (LIKE reservation INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', v_name);
        EXECUTE format('ALTER TABLE reservation ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', v_name, v_from, v_to);
    END IF;
    RETURN v_name;
END $$;

-- For performances that are inserted by hand: whoever forgets the call above gets the partition all the same.
CREATE FUNCTION performance_has_partition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ensure_reservation_partition(NEW.partition_date);
    RETURN NULL;
END $$;

CREATE TRIGGER performance_has_partition AFTER INSERT ON performance
    FOR EACH ROW EXECUTE FUNCTION performance_has_partition();

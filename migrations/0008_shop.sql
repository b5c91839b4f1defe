-- Why: every instance asks twice a second which rooms lead to something that is still sold, to tell their lines.

CREATE INDEX performance_still_sold ON performance (sale_closes_at) INCLUDE (room, starts_at, id) WHERE withdrawn_at IS NULL;

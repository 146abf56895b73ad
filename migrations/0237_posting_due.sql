-- orders.due_ms was the end of the promised review (S18) for ever; from its approval on it is that of the promised posting
-- (S16), which was not kept for those that are approved (13 ISSUE, 14 PERSONALISING, 15 SHIP): none is shown for them.
UPDATE orders SET due_ms = 0 WHERE state IN (13, 14, 15);

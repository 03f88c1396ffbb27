-- What is answered about an account, a claim and a channel, as JSON text (api/accounts.ts and
-- api/channels.ts of the shared package). The batch that makes a change stores its answer from
-- here under the idempotency key, so that a repetition gets the same bytes.

CREATE VIEW account_answer(did, json) AS
  SELECT a.owner, json_object(
    'did', a.owner,
    'available', CAST(a.credits - a.debits AS TEXT),
    'escrow', CAST((SELECT COALESCE(SUM(e.credits - e.debits), 0) FROM account e
      WHERE e.owner = a.owner AND e.kind = 'escrow') AS TEXT))
  FROM account a WHERE a.kind = 'available';

CREATE VIEW claim_answer(id, ch, json) AS
  SELECT k.id, k.ch, json_object(
    'id', k.id, 'ch', k.ch, 'dir', k.dir, 'lane', k.lane, 'base', CAST(k.base AS TEXT),
    'cap', CAST(k.cap AS TEXT), 'price', CAST(k.price AS TEXT), 'task', k.task,
    'receipt', k.receipt, 'not_after', k.not_after, 'at', k.at, 'post_at', k.post_at,
    'state', k.state, 'verdict', k.verdict)
  FROM claim k;

CREATE VIEW channel_summary(ch, a, b, json) AS
  SELECT c.id, c.a, c.b, json_object(
    'ch', c.id, 'a', c.a, 'b', c.b,
    'fund_a', CAST(c.fund_a AS TEXT), 'fund_b', CAST(c.fund_b AS TEXT),
    'escrow_a', CAST((SELECT held FROM escrow WHERE ch = c.id AND dir = 'a') AS TEXT),
    'escrow_b', CAST((SELECT held FROM escrow WHERE ch = c.id AND dir = 'b') AS TEXT),
    'state', c.state, 'open_by', c.open_by, 'expires_at', c.expires_at,
    'window_ms', c.window_ms, 'claim_ms', c.claim_ms, 'close_at', c.close_at,
    'version', c.version)
  FROM channel c;

-- All live claims and the newest of the decided ones; a channel has at most 510 live ones.
CREATE VIEW channel_answer(ch, version, json) AS
  SELECT c.id, c.version, json_set(s.json,
    '$.lanes', json((SELECT json_group_array(json_object(
        'dir', dir, 'lane', lane, 'cum', CAST(cum AS TEXT), 'memo', memo))
      FROM (SELECT dir, lane, cum, memo FROM lane WHERE ch = c.id ORDER BY dir, lane))),
    '$.claims', json((SELECT json_group_array(json(json)) FROM (
      SELECT (SELECT json FROM claim_answer WHERE id = k.id) AS json FROM claim k
      WHERE k.ch = c.id
      ORDER BY k.state IN ('pending', 'disputed') DESC, k.at DESC, k.id LIMIT 600))),
    '$.mailbox', json((SELECT json_group_array(json_object(
        'dir', dir, 'lane', lane, 'cum', CAST(cum AS TEXT)))
      FROM (SELECT dir, lane, cum FROM mailbox WHERE ch = c.id ORDER BY dir, lane))),
    '$.open', json_object('type', 'paych.open', 'body', json(c.open_body), 'sigs', json(CASE
      WHEN c.sig_a IS NULL THEN json_array(json_object('by', c.b, 'sig', c.sig_b))
      WHEN c.sig_b IS NULL THEN json_array(json_object('by', c.a, 'sig', c.sig_a))
      ELSE json_array(json_object('by', c.a, 'sig', c.sig_a),
        json_object('by', c.b, 'sig', c.sig_b)) END)),
    '$.close', json(COALESCE((SELECT json_object('type', 'paych.close', 'body', json(p.body),
        'sigs', json_array(json_object('by', p.by_did, 'sig', p.sig)))
      FROM close_proposal p WHERE p.ch = c.id AND c.state IN ('active', 'closing')), 'null')))
  FROM channel c JOIN channel_summary s ON s.ch = c.id;

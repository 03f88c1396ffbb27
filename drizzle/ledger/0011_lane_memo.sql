-- A channel's answer says of each lane which total its memo stands for: a payee whose voucher was paid
-- in part proves the rest from there.
DROP VIEW channel_answer;

-- All live claims and the newest of the decided ones; a channel has at most 510 live ones.
CREATE VIEW channel_answer(ch, version, json) AS
  SELECT c.id, c.version, json_set(s.json,
    '$.lanes', json((SELECT json_group_array(json_object(
        'dir', dir, 'lane', lane, 'cum', CAST(cum AS TEXT), 'memo', memo,
        'memo_cum', CAST(memo_cum AS TEXT)))
      FROM (SELECT dir, lane, cum, memo, memo_cum FROM lane WHERE ch = c.id ORDER BY dir, lane))),
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

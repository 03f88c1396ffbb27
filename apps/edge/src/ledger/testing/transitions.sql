-- Every transition of the settlement ledger as one batch, in order; schema.test.ts runs them.
-- `-- @name` starts a batch; `-- !t=N` sets the clock before it; `-- !fail` must be refused.
-- INSERT OR IGNORE and ON CONFLICT abort in BEFORE INSERT triggers: use WHERE NOT EXISTS.
-- changes() leaves out rows that triggers moved, so a guard compares with the rows sent.

-- @accounts-if-missing
INSERT INTO account(id,owner,kind) SELECT v.value->>0, v.value->>1, v.value->>2
  FROM json_each('[["ral:faucet","ledger","rail"],["avl:A","A","available"],["avl:B","B",
  "available"],["fee:net","ledger","fee"]]') v WHERE NOT EXISTS (SELECT 1 FROM account
  WHERE id = v.value->>0);
-- @accounts-if-missing-again
INSERT INTO account(id,owner,kind) SELECT v.value->>0, v.value->>1, v.value->>2
  FROM json_each('[["avl:A","A","available"]]') v WHERE NOT EXISTS (SELECT 1 FROM account
  WHERE id = v.value->>0);
-- @account-or-ignore !fail
INSERT OR IGNORE INTO account(id,owner,kind) VALUES('avl:A','A','available');

-- @rail-deposit-pending
INSERT INTO rail_event VALUES('faucet','x1','deposit','avl:A',5000,'pending');
INSERT INTO rail_event VALUES('faucet','x2','deposit','avl:B',500,'pending');
-- @rail-deposit-done
UPDATE rail_event SET state='done' WHERE rail='faucet' AND ext_ref='x1' AND state='pending';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
INSERT INTO transfer(id,debit,credit,amount,code,ref,ts)
  SELECT 'dep:x1','ral:faucet','avl:A',5000,'deposit','x1',now_ms FROM clock;
UPDATE rail_event SET state='done' WHERE rail='faucet' AND ext_ref='x2' AND state='pending';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
INSERT INTO transfer(id,debit,credit,amount,code,ref,ts)
  SELECT 'dep:x2','ral:faucet','avl:B',500,'deposit','x2',now_ms FROM clock;
-- @rail-deposit-twice !fail
UPDATE rail_event SET state='done' WHERE rail='faucet' AND ext_ref='x1' AND state='pending';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
-- @withdraw-pending      (the hold is filled before the rail is called)
INSERT INTO account(id,owner,kind) VALUES('ral:operator','ledger','rail');
INSERT INTO rail_event VALUES('operator','w1','withdraw','avl:A',100,'pending');
INSERT INTO withdrawal(id,rail,owner,amount,destination,at)
  SELECT 'w1','operator','A',100,'bank',now_ms FROM clock;
-- @withdraw-failed        (and returns to its owner)
UPDATE rail_event SET state='failed' WHERE rail='operator' AND ext_ref='w1' AND state='pending';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
INSERT INTO settlement SELECT 'w1','operator','failed',NULL,'no such bank','O',now_ms FROM clock;
INSERT INTO guard SELECT 0 WHERE (SELECT credits - debits FROM account WHERE id='avl:A') <> 5000;
-- @withdraw-paid
INSERT INTO rail_event VALUES('operator','w2','withdraw','avl:A',100,'pending');
INSERT INTO withdrawal(id,rail,owner,amount,destination,at)
  SELECT 'w2','operator','A',100,'bank',now_ms FROM clock;
UPDATE rail_event SET state='done' WHERE rail='operator' AND ext_ref='w2' AND state='pending';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
INSERT INTO settlement SELECT 'w2','operator','done','p1',NULL,'O',now_ms FROM clock;
INSERT INTO guard SELECT 0
  WHERE (SELECT credits - debits FROM account WHERE id='ral:operator') <> 100;
-- @withdraw-paid-twice !fail
UPDATE rail_event SET state='done' WHERE rail='operator' AND ext_ref='w2' AND state='pending';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
-- @withdrawn-money-back
INSERT INTO rail_event VALUES('operator','x3','deposit','avl:A',100,'pending');
UPDATE rail_event SET state='done' WHERE rail='operator' AND ext_ref='x3' AND state='pending';
INSERT INTO transfer(id,debit,credit,amount,code,ref,ts)
  SELECT 'dep:x3','ral:operator','avl:A',100,'deposit','x3',now_ms FROM clock;

-- @open       (idem row in the same batch)
INSERT INTO idem VALUES('A','POST /v1/channels','k1','h',201,'{}',1000);
INSERT INTO account(id,owner,kind) VALUES('esc:C:a','A','escrow'),('esc:C:b','B','escrow');
INSERT INTO transfer(id,debit,credit,amount,code,ref,ts)
  SELECT 'hold:C:a','avl:A','esc:C:a',1000,'hold','C',now_ms FROM clock;
INSERT INTO channel(id,a,b,fund_a,fund_b,state,open_by,expires_at,window_ms,claim_ms,open_body,
  sig_a) VALUES('C','A','B',1000,100,'opening',5000,9000000,200000,60000,'{}',hex(zeroblob(43)));
-- @accept-underfunded !fail
INSERT INTO transfer(id,debit,credit,amount,code,ref,ts)
  SELECT 'hold:C:b','avl:B','esc:C:b',99,'hold','C',now_ms FROM clock;
UPDATE channel SET state='active',sig_b=hex(zeroblob(43)),version=version+1
  WHERE id='C' AND state='opening';
-- @accept
INSERT INTO transfer(id,debit,credit,amount,code,ref,ts)
  SELECT 'hold:C:b','avl:B','esc:C:b',100,'hold','C',now_ms FROM clock;
UPDATE channel SET state='active',sig_b=hex(zeroblob(43)),version=version+1
  WHERE id='C' AND state='opening';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;

-- @open-2-for-cancel
INSERT INTO account(id,owner,kind) VALUES('esc:X:a','A','escrow'),('esc:X:b','B','escrow');
INSERT INTO transfer(id,debit,credit,amount,code,ref,ts)
  SELECT 'hold:X:a','avl:A','esc:X:a',50,'hold','X',now_ms FROM clock;
INSERT INTO channel(id,a,b,fund_a,fund_b,state,open_by,expires_at,window_ms,claim_ms,open_body,
  sig_a) VALUES('X','A','B',50,0,'opening',5000,9000000,60000,60000,'{}',hex(zeroblob(43)));
-- @cancel-or-expire-opening   (same batch for the opener's request and for the sweep after open_by)
UPDATE channel SET state='closed',version=version+1 WHERE id='X' AND state='opening';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
INSERT INTO guard SELECT 0 WHERE (SELECT held FROM escrow WHERE ch='X' AND dir='a') <> 0;
-- @accept-after-cancel !fail
UPDATE channel SET state='active',sig_b=hex(zeroblob(43)),version=version+1
  WHERE id='X' AND state='opening';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;

-- @redeem-batch
INSERT INTO lane(ch,dir,lane,cum,via) SELECT value->>0,value->>1,value->>2,0,''
  FROM json_each('[["C","a",0,50,"v1","m1"],["C","a",1,30,"v2","m2"]]');
UPDATE lane SET cum=v.cum,via=v.via,memo=v.memo
  FROM (SELECT value->>0 ch,value->>1 dir,value->>2 lane,value->>3 cum,value->>4 via,
  value->>5 memo FROM json_each('[["C","a",0,50,"v1","m1"],["C","a",1,30,"v2","m2"]]')) v
  WHERE lane.ch=v.ch AND lane.dir=v.dir AND lane.lane=v.lane AND v.cum>lane.cum;
INSERT INTO guard SELECT 0 WHERE changes() <> 2;
-- @topup
INSERT INTO transfer(id,debit,credit,amount,code,ref,ts)
  SELECT 'topup:n1','avl:A','esc:C:a',200,'topup','C',now_ms FROM clock;
UPDATE channel SET fund_a=fund_a+200,version=version+1 WHERE id='C' AND state='active';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
-- @topup-replayed !fail
INSERT INTO transfer(id,debit,credit,amount,code,ref,ts)
  SELECT 'topup:n1','avl:A','esc:C:a',200,'topup','C',now_ms FROM clock;
-- @open-D
INSERT INTO account(id,owner,kind) VALUES('esc:D:a','A','escrow'),('esc:D:b','B','escrow');
INSERT INTO transfer(id,debit,credit,amount,code,ref,ts)
  SELECT 'hold:D:b','avl:B','esc:D:b',40,'hold','D',now_ms FROM clock;
INSERT INTO channel(id,a,b,fund_a,fund_b,state,open_by,expires_at,window_ms,claim_ms,open_body,
  sig_b) VALUES('D','A','B',0,40,'opening',5000,9000000,200000,60000,'{}',hex(zeroblob(43)));
UPDATE channel SET state='active',sig_a=hex(zeroblob(43)),version=version+1 WHERE id='D';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
-- @roll        (B redeems 20 on C and moves 20 into its own budget on D, atomically)
UPDATE lane SET cum=70,via='v3' WHERE ch='C' AND dir='a' AND lane=0 AND cum<70;
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
INSERT INTO transfer(id,debit,credit,amount,code,ref,ts)
  SELECT 'roll:n2','avl:B','esc:D:b',20,'roll','D',now_ms FROM clock;
UPDATE channel SET fund_b=fund_b+20,version=version+1 WHERE id='D' AND state='active';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;

-- @claim-pending
INSERT INTO claim(id,ch,dir,lane,base,cap,price,task,receipt,not_after,at,post_at,state)
  SELECT 'k1','C','a',2,0,60,40,'T1','R1',800000,now_ms,now_ms+60000,'pending' FROM clock;
-- @claim-disputed-at-once (objection on file)
INSERT INTO claim(id,ch,dir,lane,base,cap,price,task,receipt,not_after,at,post_at,state)
  SELECT 'k2','C','a',3,0,60,40,'T2','R2',800000,now_ms,now_ms+60000,'disputed' FROM clock;
-- @claim-3-and-4
INSERT INTO claim(id,ch,dir,lane,base,cap,price,task,receipt,not_after,at,post_at,state)
  SELECT 'k3','C','a',4,0,60,40,'T3','R3',800000,now_ms,now_ms+60000,'pending' FROM clock;
INSERT INTO claim(id,ch,dir,lane,base,cap,price,task,receipt,not_after,at,post_at,state)
  SELECT 'k4','C','a',5,0,60,40,'T4','R4',800000,now_ms,now_ms+60000,'pending' FROM clock;
-- @dispute-open (bond)
INSERT INTO account(id,owner,kind) VALUES('bnd:k3','A','bond');
INSERT INTO transfer(id,debit,credit,amount,code,ref,ts)
  SELECT 'bond:k3','avl:A','bnd:k3',40,'bond','k3',now_ms FROM clock;
UPDATE claim SET state='disputed' WHERE id='k3' AND state='pending';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
-- @verdict-voided (bond back)
UPDATE claim SET state='voided',verdict='vd3' WHERE id='k3' AND state='disputed';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
INSERT INTO transfer(id,debit,credit,amount,code,ref,ts)
  SELECT 'bond:k3:end','bnd:k3','avl:A',40,'bond','k3',now_ms FROM clock;
-- @equivocation-voids-pending
UPDATE claim SET state='voided',verdict='equivocation:R4:R4b' WHERE id='k4' AND state='pending';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
-- @verdict-posted-lower-price
UPDATE claim SET state='posted',price=25,verdict='vd2' WHERE id='k2' AND state='disputed';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
INSERT INTO guard SELECT 0 WHERE (SELECT cum FROM lane WHERE ch='C' AND dir='a' AND lane=3) IS NOT 25;
-- @post-early !fail
UPDATE claim SET state='posted' WHERE id='k1' AND state='pending';
-- @claim.post !t=61000
UPDATE claim SET state='posted'
  WHERE id='k1' AND state='pending' AND post_at <= (SELECT now_ms FROM clock);
INSERT INTO guard SELECT 0 WHERE changes() <> 1;

-- @coop-close-active (D: cum_b = 15, nothing redeemed before)
UPDATE claim SET state='voided',verdict='coop' WHERE ch='D' AND state IN ('pending','disputed');
UPDATE channel SET state='closed',coop_a=hex(zeroblob(43)),coop_b=hex(zeroblob(43)),final_a=0,
  final_b=15,version=version+1 WHERE id='D' AND state IN ('active','closing');
INSERT INTO guard SELECT 0 WHERE changes() <> 1;

-- @claim-before-close
INSERT INTO claim(id,ch,dir,lane,base,cap,price,task,receipt,not_after,at,post_at,state)
  SELECT 'k6','C','a',6,0,60,40,'T6','R6',800000,now_ms,now_ms+60000,'disputed' FROM clock;
-- @close1-or-expiry
UPDATE channel SET state='closing',close_at=(SELECT now_ms
  FROM clock)+window_ms,version=version+1 WHERE id='C' AND state='active';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
-- @redeem-while-closing
UPDATE lane SET cum=90,via='v9' WHERE ch='C' AND dir='a' AND lane=0 AND cum<90;
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
-- @topup-while-closing !fail
INSERT INTO transfer(id,debit,credit,amount,code,ref,ts)
  SELECT 'topup:n5','avl:A','esc:C:a',1,'topup','C',now_ms FROM clock;
UPDATE channel SET fund_a=fund_a+1,version=version+1 WHERE id='C' AND state='active';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
-- @verdict-after-close_at !t=300000
UPDATE claim SET state='posted',price=10,verdict='vd6' WHERE id='k6' AND state='disputed';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
-- @finalize
UPDATE channel SET state='closed',close_at=close_at,version=version+1
  WHERE id='C' AND state='closing';
INSERT INTO guard SELECT 0 WHERE changes() <> 1;
-- @seal
INSERT INTO seal SELECT (SELECT MAX(seq) FROM transfer), COALESCE((SELECT MAX(to_seq)
  FROM seal),0)+1, 'head', 'sig', now_ms FROM clock;
-- @mailbox-newest-per-lane
INSERT INTO account(id,owner,kind) VALUES('esc:E:a','A','escrow'),('esc:E:b','B','escrow');
INSERT INTO transfer(id,debit,credit,amount,code,ref,ts)
  SELECT 'hold:E:a','avl:A','esc:E:a',100,'hold','E',now_ms FROM clock;
INSERT INTO channel(id,a,b,fund_a,fund_b,state,open_by,expires_at,window_ms,claim_ms,open_body,
  sig_a) VALUES('E','A','B',100,0,'opening',400000,9000000,200000,60000,'{}',hex(zeroblob(43)));
UPDATE channel SET state='active',sig_b=hex(zeroblob(43)),version=version+1
  WHERE id='E' AND state='opening';
INSERT INTO mailbox(ch,dir,lane,cum,memo,sig,at)
  SELECT 'E','a',0,50,'',hex(zeroblob(43)),now_ms FROM clock WHERE true
  ON CONFLICT DO UPDATE SET cum=excluded.cum,memo=excluded.memo,sig=excluded.sig;
INSERT INTO mailbox(ch,dir,lane,cum,memo,sig,at)
  SELECT 'E','a',0,40,'',hex(zeroblob(43)),now_ms FROM clock WHERE true
  ON CONFLICT DO UPDATE SET cum=excluded.cum,memo=excluded.memo,sig=excluded.sig;
INSERT INTO guard SELECT 0 WHERE (SELECT cum FROM mailbox WHERE ch='E') <> 50;
-- @mailbox-over-the-fund !fail
INSERT INTO mailbox(ch,dir,lane,cum,memo,sig,at)
  SELECT 'E','a',1,101,'',hex(zeroblob(43)),now_ms FROM clock;
-- @mailbox-lowered !fail
UPDATE mailbox SET cum=10 WHERE ch='E';
-- @mailbox-thrown-away !fail
DELETE FROM mailbox WHERE ch='E';
-- @redeem-empties-the-mailbox
INSERT INTO lane(ch,dir,lane,cum,via) VALUES('E','a',0,0,'');
UPDATE lane SET cum=50,via='ve' WHERE ch='E' AND dir='a' AND lane=0 AND cum<50;
INSERT INTO guard SELECT 0 WHERE EXISTS (SELECT 1 FROM mailbox WHERE ch='E');
-- @receipt-counted-once
INSERT INTO receipt(id,task,executor,creator,ch,dir,lane,price,duration_ms,counted,envelope,
  at) SELECT 'r1','t1','B','A','E','a',0,50,20,'redeem','{}',now_ms FROM clock;
INSERT INTO guard SELECT 0 WHERE (SELECT n_ok FROM score WHERE subject='B') IS NOT 1;
-- @receipt-counted-twice !fail
INSERT INTO receipt(id,task,executor,creator,ch,dir,lane,price,duration_ms,counted,envelope,
  at) SELECT 'r2','t1','B','A','E','a',0,50,20,'redeem','{}',now_ms FROM clock;
-- @receipt-of-an-unpaid-claim !fail
INSERT INTO receipt(id,task,executor,creator,ch,dir,lane,price,duration_ms,counted,envelope,
  at) SELECT 'r3','t3','B','A','E','a',0,50,20,'claim','{}',now_ms FROM clock;
-- @receipt-by-a-stranger !fail
INSERT INTO receipt(id,task,executor,creator,ch,dir,lane,price,duration_ms,counted,envelope,
  at) SELECT 'r4','t4','M','A','E','a',0,50,20,'redeem','{}',now_ms FROM clock;
-- @failure-of-an-accepted-task
INSERT INTO failure(task,executor,creator,duration_ms,cost,accept,at)
  SELECT 't9','B','A',60,20,'{}',now_ms FROM clock;
INSERT INTO guard SELECT 0 WHERE (SELECT n_fail FROM score WHERE subject='B') IS NOT 1;
-- @failure-of-a-paid-task !fail
INSERT INTO failure(task,executor,creator,duration_ms,cost,accept,at)
  SELECT 't1','B','A',60,20,'{}',now_ms FROM clock;


import { budgetLane, claimFiled } from '../budget.ts';
import type { ChannelEvent, ClaimFiling } from '../events.ts';
import { ALICE, ARBITER, BOB, court } from '../sample.ts';
import type { ClaimState } from '../state.ts';
import type { Move } from './moves.ts';
import { CAP, onLedger, PRICE, type Setting, type World } from './world.ts';

/** The payee files what it was not paid; anybody posts what is due. */
export function* claims(world: World, setting: Setting): Generator<Move> {
  for (const [i, task] of world.tasks.entries()) {
    if (task.cond === null) continue;
    for (const kind of ['good', 'bad'] as const) {
      if (!task[kind]) continue;
      const filed = fileClaim(world, i, kind, setting);
      if (filed !== null) yield [`claim t${i} ${kind}`, filed];
    }
  }
  for (const claim of Object.values(world.channel.claims)) {
    const posted = onLedger(world, { type: 'claim.post', claim: claim.id }, setting.rules);
    if (posted !== null) yield [`post ${claim.id}`, posted];
  }
}

export function fileClaim(
  world: World,
  index: number,
  kind: 'good' | 'bad',
  setting: Setting,
): World | null {
  const cond = world.tasks[index]?.cond ?? null;
  if (cond === null) return null;
  const { payee } = world;
  // An honest payee claims what its book says is unpaid, and nothing else.
  if (payee !== null && budgetLane(payee, cond.lane).cond?.task !== cond.task) return null;
  const { id, dir, lane, base, cap, task, notAfter } = cond;
  const price = kind === 'good' ? PRICE : CAP;
  const filing: ClaimFiling = {
    id,
    dir,
    lane,
    base,
    cap,
    price,
    task,
    receipt: `${kind} ${task}`,
    notAfter,
  };
  const facts = {
    elsewhere: { task: false, receipt: false },
    objected: false,
    available: 0n,
    partial: true,
  };
  const filed = onLedger(world, { type: 'claim', filing, by: BOB, ...facts }, setting.rules);
  if (filed === null || payee === null) return filed;
  return { ...filed, payee: claimFiled(payee, lane) };
}

/** An honest payer objects to a wrong receipt, a dishonest one to any; arbiters decide. */
export function* disputes(world: World, setting: Setting): Generator<Move> {
  for (const claim of Object.values(world.channel.claims)) {
    const wrong = claim.receipt.startsWith('bad');
    const object: ChannelEvent = {
      type: 'dispute.open',
      claim: claim.id,
      by: ALICE,
      available: world.available.a,
    };
    const disputed = wrong || world.payer === null ? onLedger(world, object, setting.rules) : null;
    if (disputed !== null) yield [`dispute ${claim.id}`, disputed];
    for (const decided of ['posted', 'voided'] as const) {
      const exact = (decided === 'voided') === wrong;
      if (!exact && !setting.wrongVerdicts) continue;
      const settled = onLedger(world, verdictOn(claim, decided), setting.rules);
      if (settled === null) continue;
      // A wrong verdict costs the payer price and bond, the payee the price.
      const a = world.wronged.a + (!exact && decided === 'posted' ? 2n * claim.price : 0n);
      const b = world.wronged.b + (!exact && decided === 'voided' ? claim.price : 0n);
      yield [`verdict ${claim.id} ${decided}`, { ...settled, wronged: { a, b } }];
    }
  }
}

function verdictOn(claim: ClaimState, decided: 'posted' | 'voided'): ChannelEvent {
  const { id, price } = claim;
  return {
    type: 'dispute.verdict',
    claim: id,
    id: 'v',
    verdict: decided,
    price,
    signers: [ARBITER],
    court,
  };
}

import { digestSha256 } from '@zerostate/shared';
import { isUnknown } from '../client/context.ts';
import { handOver, objectAt } from '../client/hand-over.ts';
import type { SentOrders } from '../client/sent-orders.ts';
import type { EdgeClient } from '../edge-client.ts';
import type { EdgeResult } from '../http/outcome.ts';
import type { ModuleStore } from '../verify/modules.ts';
import type { MeshCards } from './mesh-cards.ts';
import type { MeshTasks } from './mesh-tasks.ts';

/** What the mesh says of an executor that it does not bring an answer from. */
const GONE = ['executor-unreachable', 'executor-silent'];

export interface MeshEdgeParts {
  /** The edge's API through a gateway: the ledger, and what is asked of an edge all the same. */
  ledger: EdgeClient;
  tasks: MeshTasks;
  cards: MeshCards;
  orders: SentOrders;
  bytes: ModuleStore;
}

/**
 * An edge's API for a caller without one: agents and tasks are asked of the nodes themselves, the
 * ledger through a gateway. A task that the mesh cannot bring to its end goes to the edge as well,
 * where it is the same task.
 */
export function createMeshEdge(parts: MeshEdgeParts): EdgeClient {
  const { ledger, tasks, cards, bytes } = parts;
  const handing = { edge: ledger, orders: parts.orders };
  return {
    ...ledger,
    card: (did, agent) => cards.card(did, agent),
    search: (request, options) => cards.search(request, options),
    submitTask: (request, options) => tasks.submit(request, options),
    async task(id, options) {
      const answer = await tasks.task(id, options);
      if (answer === null) return ledger.task(id, options);
      const isLost = answer.ok ? answer.value.state === 'failed' : GONE.includes(answer.code);
      if (!isLost) return answer;
      // Its executor is away, or let its own deadline pass: the edge may still reach it, and an
      // objection to a late receipt needs that the edge has the task.
      const order = await tasks.sentTo(id);
      const handed = order === null ? null : await handOver(handing, order);
      return handed?.ok === true && handed.value.receipt !== null ? handed : answer;
    },
    cancelTask: async (id, cancel, options) =>
      (await tasks.cancel(id)) ?? ledger.cancelTask(id, cancel, options),
    // The executor first: it is who wants it. An edge keeps it for one that is away.
    voucher: async (ch, voucher, options) => {
      const held = await tasks.pay(ch, voucher);
      return held === null ? ledger.voucher(ch, voucher, options) : { ok: true, value: held };
    },
    async object(id, objection, options) {
      const order = await tasks.sentTo(id);
      return objectAt(handing, order, { task: id, envelope: objection }, options);
    },
    // It stays here until the task that names it goes to its executor.
    async putBlob(input) {
      const hash = await digestSha256(input);
      await bytes.put(hash, input);
      return { ok: true, value: hash };
    },
    async getBlob(hash, options) {
      const held = await bytes.get(hash);
      if (held !== null) return { ok: true, value: new Uint8Array(held) };
      const fetched = await ledger.getBlob(hash, options);
      if (fetched.ok || !isUnknown(fetched)) return fetched;
      // Only when the edge has the receipt, and not the output, does its executor keep it back.
      const known = tasks.byOutput(hash);
      if (known === null) return ownInput(parts, hash, fetched);
      const handed = await handOver(handing, known);
      if (handed === null) return fetched;
      if (!handed.ok) return handed;
      if (handed.value.receipt === null) return { ok: false, code: 'output-not-there' };
      return ledger.getBlob(hash, options);
    },
  };
}

/** The input of an order that an earlier process sent. */
async function ownInput(
  { orders }: MeshEdgeParts,
  hash: string,
  unknown: EdgeResult<Uint8Array<ArrayBuffer>>,
): Promise<EdgeResult<Uint8Array<ArrayBuffer>>> {
  for (const task of await orders.tasks()) {
    const input = await orders.input(task);
    if (input === null || (await digestSha256(input)) !== hash) continue;
    return { ok: true, value: new Uint8Array(input) };
  }
  return unknown;
}

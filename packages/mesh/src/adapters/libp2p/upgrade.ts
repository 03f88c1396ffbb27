import { type DCUtRServiceComponents, dcutr } from '@libp2p/dcutr';
import type { Connection, StreamHandler, Topology } from '@libp2p/interface';
import { UPGRADE_LINGER_MS } from '../../limits.ts';
import { TASK_PROTOCOL } from '../../tasks/exchange.ts';
import { override } from './override.ts';

type Registrar = DCUtRServiceComponents['registrar'];

/**
 * libp2p's dcutr, which ends the relayed connection once a direct one is there. As it is (js-libp2p
 * 3.3, dcutr 3.0) it ends it at once, and with it every exchange that is still being answered over
 * it: here the last of them ends first. New ones take the direct connection.
 */
export function gentleUpgrade(): (components: DCUtRServiceComponents) => unknown {
  const make = dcutr();
  return (components) =>
    make(override(components, { registrar: lendingGently(components.registrar) }));
}

/** A registrar whose connections, as they are handed out, end gently. */
function lendingGently(registrar: Registrar): Registrar {
  return override(registrar, {
    register: (protocol, topology, options) =>
      registrar.register(protocol, gentleTopology(topology), options),
    handle: (protocol, handler, options) =>
      registrar.handle(protocol, gentleHandler(handler), options),
  });
}

function gentleTopology(topology: Topology): Topology {
  return {
    ...topology,
    onConnect: (peer, connection) => topology.onConnect?.(peer, endingGently(connection)),
  };
}

function gentleHandler(handler: StreamHandler): StreamHandler {
  return (stream, connection) => handler(stream, endingGently(connection));
}

function endingGently(connection: Connection): Connection {
  return override(connection, {
    close: async () => void closeWhenQuiet(connection),
  });
}

/** Closes a connection once no exchange was open on it for a moment. */
async function closeWhenQuiet(connection: Connection): Promise<void> {
  while (connection.status === 'open') {
    // The peer may not have heard yet that there is another one.
    await moment(UPGRADE_LINGER_MS);
    const open = connection.streams.filter(({ protocol }) => protocol === TASK_PROTOCOL);
    if (open.length === 0) break;
    await Promise.all(open.map((stream) => closed(stream)));
  }
  await connection.close().catch(() => undefined);
}

function closed(stream: EventTarget): Promise<void> {
  return new Promise((resolve) => {
    stream.addEventListener('close', () => resolve(), { once: true });
  });
}

function moment(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

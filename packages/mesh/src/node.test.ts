import { generateKeyPair } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { didFromPublicKey } from '@zerostate/shared';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { didFromPeerId, peerIdFromDid } from './adapters/libp2p/identity.ts';
import { HELLO_MS } from './limits.ts';
import { startMesh } from './node.ts';
import { systemPorts, until } from './testing/adapters/system.ts';
import { addressOf, NETWORK, TCP, TestMesh, WS } from './testing/nodes.ts';

const mesh = new TestMesh();
afterEach(() => mesh.stop());

describe('a peer id', () => {
  test('and a DID are one key in two spellings', async () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        const did = didFromPublicKey(key);
        const peer = peerIdFromDid(did);
        expect(peer.ok && didFromPeerId(peer.value)).toEqual({ ok: true, value: did });
      }),
    );
    const other = peerIdFromPrivateKey(await generateKeyPair('secp256k1'));
    expect(didFromPeerId(other.toString())).toMatchObject({ ok: false, code: 'peer-not-ed25519' });
    expect(didFromPeerId('nonsense')).toMatchObject({ ok: false, code: 'peer-invalid' });
  });
});

describe('two nodes', () => {
  test.each([WS, TCP])(
    'on %s know each other by DID and agree on what both can',
    async (listen) => {
      const [a, b] = [await mesh.node({ listen: [listen] }), await mesh.node({ listen: [] })];
      expect(await b.connect(addressOf(a))).toEqual({ ok: true, value: a.did });
      const agreed = await until(() => b.agreed(a.did));
      expect(agreed).toMatchObject({ version: '1', role: 'node' });
      expect(agreed.features).toContain('tasks');
      await until(() => a.agreed(b.did));
      const health = await until(() => [b.health(a.did)].find((one) => one?.rttMs !== null));
      expect(health?.state).toBe('healthy');
    },
  );

  test('greet again when the first greeting came too late', async () => {
    const ports = systemPorts();
    let late = 0;
    const after = (ms: number, f: () => void) => {
      const isGreeting = ms === HELLO_MS && late === 0;
      if (isGreeting) late += 1;
      return ports.timers.after(isGreeting ? 0 : ms, f);
    };
    const timers = { ...ports.timers, after };
    const a = await mesh.node();
    const b = await mesh.node({ listen: [] }, { ports: { ...ports, timers } });
    await b.connect(addressOf(a));
    await until(() => b.agreed(a.did) && a.agreed(b.did));
    expect(late).toBe(1);
  });

  test('of different networks part', async () => {
    const a = await mesh.node();
    const b = await mesh.node({}, { network: 'zs-bbbbbbbbbbbbbbbb' });
    await b.connect(addressOf(a));
    await until(() => a.status().counters.hellosRefused >= 1 && !a.wire.isConnected(b.did));
    expect(b.agreed(a.did)).toBeNull();
  });

  test('an address that promises another DID is not connected with', async () => {
    const [a, b, c] = [await mesh.node(), await mesh.node(), await mesh.node()];
    const peer = peerIdFromDid(b.did);
    const lie = addressOf(a).replace(/\/p2p\/.*/, `/p2p/${peer.ok ? peer.value : ''}`);
    expect(await c.connect(lie)).toMatchObject({ ok: false, code: 'peer-differs' });
  });
});

describe('a node', () => {
  test('refuses private addresses that a stranger names, not those of its operator', async () => {
    const a = await mesh.node();
    const careful = await mesh.node({ allowPrivate: false });
    const refused = await careful.connect(addressOf(a));
    expect(refused).toMatchObject({ ok: false, code: 'address-refused' });
    expect(careful.counters.of('refused-address')).toBeGreaterThan(0);
    const told = await mesh.node({ allowPrivate: false, bootstrap: [addressOf(a)] });
    await until(() => told.wire.isConnected(a.did));
  });

  test('with members admits nobody else', async () => {
    const friend = await mesh.node();
    const club = await mesh.node({ members: [friend.did] });
    const stranger = await mesh.node();
    await stranger.connect(addressOf(club));
    expect((await friend.connect(addressOf(club))).ok).toBe(true);
    await until(() => friend.agreed(club.did));
    await until(() => !stranger.wire.isConnected(club.did));
    expect(club.wire.isConnected(stranger.did)).toBe(false);
    expect(stranger.agreed(club.did)).toBeNull();
    await until(() => club.counters.of('refused-member') > 0);
  });

  test('starts with nobody there, says so once, and finds its way when they come', async () => {
    const seed = mesh.seed();
    // Below the ports that systems hand out: nobody takes it while nobody listens at it.
    const listen = [`/ip4/127.0.0.1/tcp/${20_000 + (process.pid % 1_000)}`];
    const first = await mesh.node({ listen }, { seed });
    const address = addressOf(first);
    await mesh.stop();
    const warnings: string[] = [];
    const log = {
      info: () => undefined,
      error: () => undefined,
      warn: (e: string) => warnings.push(e),
    };
    const alone = await mesh.node({ bootstrap: [address] }, { ports: systemPorts(log) });
    await until(() => (alone.status().bootstrap[0]?.failures ?? 0) >= 2);
    expect(alone.status().problems.join()).toContain('peer-unreachable');
    expect(warnings.filter((one) => one.includes('bootstrap'))).toHaveLength(1);
    await mesh.node({ listen }, { seed });
    await until(() => alone.wire.isConnected(first.did));
    await until(() => alone.status().problems.length === 0);
  });

  test('that cannot listen says so and leaves nothing behind', async () => {
    const a = await mesh.node();
    const port = /tcp\/(\d+)/.exec(addressOf(a))?.[1] ?? '';
    const config = { listen: [`/ip4/127.0.0.1/tcp/${port}`] };
    const ports = systemPorts();
    const started = await startMesh({ seed: mesh.seed(), network: NETWORK, config, ports });
    expect(started).toMatchObject({ ok: false, code: 'listen-failed' });
    expect(
      await startMesh({
        seed: mesh.seed(),
        network: NETWORK,
        config: { listen: [], relays: ['/ip4/1.2.3.4/tcp/1'] },
        ports,
      }),
    ).toMatchObject({ ok: false, code: 'address-invalid' });
  });

  test('that stops lets go of every socket and timer', async () => {
    const before = process.getActiveResourcesInfo().length;
    const [a, b] = [await mesh.node(), await mesh.node({ listen: [WS] })];
    await b.connect(addressOf(a));
    await until(() => b.agreed(a.did));
    await mesh.stop();
    await until(() => process.getActiveResourcesInfo().length <= before + 2);
  });
});

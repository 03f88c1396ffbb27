/** A relay in a process of its own: `node relay-main.ts SEED PORT`; prints its address. */
import { DEFAULT_RELAY_POLICY, startMesh } from '@zerostate/mesh';
import { systemPorts } from '../../packages/mesh/src/testing/adapters/system.ts';

const [seedByte = '1', port = '0'] = process.argv.slice(2);
const started = await startMesh({
  seed: new Uint8Array(32).fill(Number(seedByte)),
  network: '',
  config: { listen: [`/ip4/127.0.0.1/tcp/${port}`], allowPrivate: true },
  ports: systemPorts(),
  relay: DEFAULT_RELAY_POLICY,
});
if (!started.ok) throw new Error(`${started.code}: ${started.detail ?? ''}`);
const relay = started.value;
process.on('message', () => process.send?.(relay.status().relay));
process.on('disconnect', () => process.exit());
process.send?.({ address: relay.addresses()[0] });

/** A caller of the mesh that kills itself at one step of its run, as a power cut would. */
import { connectMeshFromState } from '@zerostate/sdk/mesh';

const [folder = '', address = '', words = '', step = '', state = ''] = process.argv.slice(2);

const client = await connectMeshFromState(folder, { bootstrap: [address], allowPrivate: true });
if (!client.ok) throw new Error(`${client.code}: ${client.detail ?? ''}`);
const run = await client.value.run({
  query: words,
  input: crypto.getRandomValues(new Uint8Array(1_000)),
  budget: 1_000_000n,
  verify: 'always',
  onProgress: (event) => {
    if (event.step === step && event.state === state) process.kill(process.pid, 'SIGKILL');
  },
});
throw new Error(run.ok ? `nothing at ${step}` : `${run.code}: ${run.detail ?? ''}`);

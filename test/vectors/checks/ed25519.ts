import { createSigner, createVerifier, didFromPublicKey, type Verifier } from '@zerostate/shared';
import { type Checks, hex, type ReadVector } from './check.ts';

type WycheproofTest = { tcId: number; comment: string; msg: string; sig: string; result: string };
type Wycheproof = { testGroups: { publicKey: { pk: string }; tests: WycheproofTest[] }[] };
type Zip215 = { vk_bytes: string; sig_bytes: string }[];
type EdgeCases = { message: string; pub_key: string; signature: string }[];

/** One accept set: what RFC 8032 signers make, and nothing beside it. */
export async function checkEd25519(checks: Checks, read: ReadVector): Promise<void> {
  const verifier = createVerifier();
  await checkReference(checks, read, verifier);
  await checkWycheproof(checks, read, verifier);
  // Each of these has a key of small or mixed order, an S beyond the order, or a bad encoding.
  const zcash = new TextEncoder().encode('Zcash');
  const zip215: Zip215 = JSON.parse(await read('ed25519/zip215.json'));
  for (const [i, test] of zip215.entries()) {
    const did = didFromPublicKey(hex(test.vk_bytes));
    const valid = await verifier.verify(did, zcash, hex(test.sig_bytes));
    checks.equal(`zip215 ${i}`, valid, false);
  }
  const edgeCases: EdgeCases = JSON.parse(await read('ed25519/edge-cases.json'));
  for (const [i, test] of edgeCases.entries()) {
    const did = didFromPublicKey(hex(test.pub_key));
    const valid = await verifier.verify(did, hex(test.message), hex(test.signature));
    checks.equal(`edge case ${i}`, valid, false);
  }
}

async function checkReference(
  checks: Checks,
  read: ReadVector,
  verifier: Verifier,
): Promise<void> {
  const lines = (await read('ed25519/vectors.txt')).trim().split('\n');
  for (const [i, line] of lines.entries()) {
    const [secret = '', publicKey = '', message = '', signed = ''] = line.split(':');
    const signer = await createSigner(hex(secret.slice(0, 64)));
    checks.equal(`reference ${i} did`, signer.did, didFromPublicKey(hex(publicKey)));
    const signature = await signer.sign(hex(message));
    checks.equal(`reference ${i} signature`, toHex(signature), signed.slice(0, 128));
    const valid = await verifier.verify(signer.did, hex(message), signature);
    checks.equal(`reference ${i} verifies`, valid, true);
  }
}

async function checkWycheproof(
  checks: Checks,
  read: ReadVector,
  verifier: Verifier,
): Promise<void> {
  const { testGroups }: Wycheproof = JSON.parse(await read('ed25519/wycheproof.json'));
  for (const { publicKey, tests } of testGroups) {
    const did = didFromPublicKey(hex(publicKey.pk));
    for (const { tcId, comment, msg, sig, result } of tests) {
      const valid = await verifier.verify(did, hex(msg), hex(sig));
      checks.equal(`wycheproof ${tcId} ${comment}`, valid, result === 'valid');
    }
  }
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** W3C Data Integrity `eddsa-jcs-2022`: encoder, hash and signature against every step of others. */
import { base58 } from '@scure/base';
import { concat, createSigner, createVerifier, encodeHex, jcs, sha256, utf8 } from '@zerostate/shared';
import type { Checks, ReadVector } from './check.ts';

const FOLDER = 'eddsa-jcs-2022';

export async function checkEddsaJcs(checks: Checks, read: ReadVector): Promise<void> {
  const file = async (name: string): Promise<string> => (await read(`${FOLDER}/${name}`)).trim();
  const { proof, ...document } = JSON.parse(await file('signedJCS.json'));
  const { proofValue, ...proofConfig } = proof;
  const canonicalDocument = jcs(document);
  checks.equal('eddsa-jcs document', canonicalDocument, await file('canonDocJCS.txt'));
  const documentHash = sha256(utf8(canonicalDocument));
  checks.equal('eddsa-jcs document hash', encodeHex(documentHash), await file('docHashJCS.txt'));
  const config = JSON.parse(await file('proofConfigJCS.json'));
  checks.equal('eddsa-jcs proof config', jcs(proofConfig), jcs(config));
  checks.equal('eddsa-jcs canonical proof', jcs(config), await file('proofCanonJCS.txt'));
  const proofHash = sha256(utf8(jcs(config)));
  checks.equal('eddsa-jcs proof hash', encodeHex(proofHash), await file('proofHashJCS.txt'));
  const combined = concat(proofHash, documentHash);
  checks.equal('eddsa-jcs both', encodeHex(combined), await file('combinedHashJCS.txt'));

  const keys = JSON.parse(await file('keyPair.json'));
  // Multibase z, then two bytes of multicodec, then the 32 bytes of the seed.
  const signer = await createSigner(base58.decode(keys.privateKeyMultibase.slice(1)).slice(2, 34));
  checks.equal('eddsa-jcs did', signer.did, `did:key:${keys.publicKeyMultibase}`);
  const signature = await signer.sign(combined);
  checks.equal('eddsa-jcs signature', encodeHex(signature), await file('sigHexJCS.txt'));
  checks.equal('eddsa-jcs base58', `z${base58.encode(signature)}`, await file('sigBTC58JCS.txt'));
  checks.equal('eddsa-jcs proof value', `z${base58.encode(signature)}`, proofValue);
  checks.that('eddsa-jcs verifies', await createVerifier().verify(signer.did, combined, signature));
}

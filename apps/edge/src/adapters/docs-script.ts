import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { DocsScript } from '../http/docs.ts';

/** The API reader's script from the installed package; null where it is not installed. */
export const installedDocsScript: DocsScript = async () => {
  try {
    const main = createRequire(import.meta.url).resolve('@scalar/api-reference');
    return new Uint8Array(await readFile(main.replace(/dist\/.*$/, 'dist/browser/standalone.js')));
  } catch {
    return null;
  }
};

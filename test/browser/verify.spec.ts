import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cases, makeCases } from './cases.ts';
import { showPage } from './chromium.ts';
import type { Report } from './verify-page.ts';

/** A page whose scripts run where pages run them, and one that starts a worker. */
const PAGES: Record<string, string> = {
  page: '<!doctype html><script type="module" src="/verify.js"></script>',
  worker: '<!doctype html><script>new Worker("/verify.js", { type: "module" })</script>',
};

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'verify-page.ts')],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

async function serve(script: string, cases: Cases, report: (text: string) => void) {
  const server = createServer((request, response) => {
    const path = request.url?.slice(1) ?? '';
    const send = (type: string, body: string) => {
      response.writeHead(200, { 'content-type': type });
      response.end(body);
    };
    if (path === 'verify.js') send('text/javascript', script);
    else if (path === 'cases') send('application/json', JSON.stringify(cases));
    else if (path === 'report') {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        send('text/plain', '');
        report(Buffer.concat(chunks).toString());
      });
    } else send('text/html', PAGES[path] ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function stop(server: Server): Promise<unknown> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}

let cases: Cases;
let script: string;
beforeAll(async () => {
  [cases, script] = [await makeCases(), await bundle()];
});

describe.each(Object.keys(PAGES))('in a %s of Chromium', (where) => {
  let server: Server;
  let report: Report;
  beforeAll(async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    server = await serve(script, cases, resolve);
    // Checked border: a TCP server's address is an AddressInfo.
    const { port } = server.address() as AddressInfo;
    const text = await showPage(`http://127.0.0.1:${port}/${where}`, promise);
    // Checked border: `verify-page.ts` wrote it, or an error.
    const found = JSON.parse(text) as Report | { error: string };
    if ('error' in found) throw new Error(found.error);
    report = found;
  });
  afterAll(() => stop(server));

  test('the engine is Chromium', () => {
    expect(report.agent).toMatch(/Chrome\//);
  });

  test.each(['digest', 'mandelbrot', 'work', 'deep'])(
    'a receipt of %s that Node made is confirmed, a falsified one is not',
    (name) => {
      const honest = cases.plain.find((one) => one.name === name)?.receipt;
      expect(report.plain[name]).toEqual({ verdict: 'ok' });
      for (const field of ['gas', 'output'] as const) {
        const claimed = cases.plain.find((one) => one.name === `${name}, ${field}`)?.receipt;
        expect(report.plain[`${name}, ${field}`]).toEqual({
          verdict: 'fault',
          differs: [{ field, receipt: claimed?.[field], rerun: honest?.[field] }],
        });
      }
    },
  );

  test('a bundle that a caller kept proves itself, and a forged one is found out', () => {
    expect(report.signed.bought).toMatchObject({
      verdict: 'valid',
      checked: ['signatures', 'terms', 'price', 'hashes', 're-run'],
    });
    expect(report.signed.forged).toMatchObject({ verdict: 'invalid' });
  });
});

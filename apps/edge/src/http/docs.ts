/** The human page of the API: a list of the routes, and a reader of the OpenAPI document over it. */
import type { Context, Hono } from 'hono';
import type { EdgeEnv } from './env.ts';
import { fail } from './problem.ts';
import type { AnyRouteSpec } from './route-spec.ts';

/** Where the reader's script is; on workerd the platform serves this path as a static asset. */
export const DOCS_SCRIPT_PATH = '/standalone.js';

/** The script's bytes, null where it is not installed: the page works without it. */
export type DocsScript = () => Promise<Uint8Array<ArrayBuffer> | null>;

export function addDocs(
  app: Hono<EdgeEnv>,
  docs: { specs: readonly AnyRouteSpec[]; document: () => unknown; script: DocsScript },
): void {
  const page = docsPage(docs.specs);
  app.get('/openapi.json', (c) => {
    c.set('route', '/openapi.json');
    c.header('cache-control', 'public, max-age=300');
    return c.json(docs.document());
  });
  app.get('/docs', (c) => {
    c.set('route', '/docs');
    c.header('content-security-policy', CONTENT_SECURITY_POLICY);
    c.header('cache-control', 'public, max-age=300');
    return c.html(page);
  });
  app.get(DOCS_SCRIPT_PATH, (c) => answerScript(c, docs.script));
}

/** The reader styles itself inline and draws its own icons; it loads nothing from elsewhere. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; " +
  "img-src 'self' data:; font-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

async function answerScript(c: Context<EdgeEnv>, script: DocsScript): Promise<Response> {
  c.set('route', DOCS_SCRIPT_PATH);
  const bytes = await script();
  if (bytes === null) return fail(c, 'not-found', 'the API reader is not installed');
  return c.body(bytes, 200, {
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=86400',
  });
}

function docsPage(specs: readonly AnyRouteSpec[]): string {
  const rows = specs.map(
    ({ method, path, summary, signed }) =>
      `<tr><td>${method.toUpperCase()}</td><td><code>${escapeHtml(path)}</code></td>` +
      `<td>${escapeHtml(summary)}${signed === 'required' ? ' (signed)' : ''}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>ZeroState edge API</title>
<style>body{font:16px/1.5 system-ui;margin:2rem}td{padding:.1rem 1rem .1rem 0}</style>
</head>
<body>
<h1>ZeroState edge API</h1>
<p>The whole description is <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>
<details open>
<summary>Routes</summary>
<table>${rows.join('\n')}</table>
</details>
<script id="api-reference" data-url="/openapi.json"
 data-configuration='{"withDefaultFonts":false,"telemetry":false}'></script>
<script src="${DOCS_SCRIPT_PATH}" defer></script>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { runAgent } from './agent-run.ts';

const example = z.object({ example: z.number(), markdown: z.string(), html: z.string() });
const specification = z
  .array(example)
  .parse(
    JSON.parse(readFileSync(new URL('fixtures/commonmark-0.31.2.json', import.meta.url), 'utf8')),
  );

/** MD4C drops blanks at the end of a line inside a code span; HTML shows no difference. */
const BLANKS_IN_CODE_SPANS = [335, 337, 640];

async function render(args: readonly string[], markdown: string): Promise<string> {
  const run = await runAgent('markdown-html', args, markdown);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  return run.stdout.toString();
}

describe('CommonMark', () => {
  test('every example of the specification renders as it says, byte for byte', async () => {
    expect(specification).toHaveLength(652);
    const different: number[] = [];
    for (const { example: number, markdown, html } of specification) {
      if ((await render(['commonmark'], markdown)) !== html) different.push(number);
    }
    expect(different).toEqual(BLANKS_IN_CODE_SPANS);
  });

  test('what differs differs in blanks alone', async () => {
    const squeezed = (html: string) => html.replace(/ +/g, ' ');
    for (const { markdown, html } of specification) {
      expect(squeezed(await render(['commonmark'], markdown))).toBe(squeezed(html));
    }
  });
});

describe('GitHub extensions', () => {
  test('a table with alignment', async () => {
    const table = '| left | right |\n|:-----|------:|\n| `a\\|b` \\| | **2** |\n';
    expect((await render([], table)).replaceAll('\n', '')).toBe(
      '<table><thead><tr><th align="left">left</th><th align="right">right</th></tr></thead>' +
        '<tbody><tr><td align="left"><code>a|b</code> |</td>' +
        '<td align="right"><strong>2</strong></td></tr></tbody></table>',
    );
  });

  test('task lists, strikethrough and bare links', async () => {
    expect(await render([], '- [x] a\n- [ ] ~~b~~ https://example.com\n')).toBe(
      '<ul>\n<li><input type="checkbox" disabled="" checked="" /> a</li>\n' +
        '<li><input type="checkbox" disabled="" /> <del>b</del> ' +
        '<a href="https://example.com">https://example.com</a></li>\n</ul>\n',
    );
  });

  test('headings get the ids GitHub gives, repeats told apart', async () => {
    const html = await render(
      ['ids'],
      '# A & *B*: `c`!\n# Same\n# Same\n# Same\n# Ärger_1\n# !\n# !\n',
    );
    expect([...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)).toEqual([
      'a--b-c',
      'same',
      'same-1',
      'same-2',
      'ärger_1',
      '',
      '-1',
    ]);
  });
});

test('a page is a whole document titled by its first heading', async () => {
  const page = await render(['page'], 'intro\n\n# Cats & <b>dogs</b>\n\n[up](#cats--dogs)\n');
  expect(page).toMatch(/^<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8" \/>/);
  expect(page).toContain('<title>Cats &amp; dogs</title>');
  expect(page).toContain('<h1 id="cats--dogs">Cats &amp; <b>dogs</b></h1>');
  expect(page.endsWith('</body>\n</html>\n')).toBe(true);
  expect(await render(['page'], '')).toContain('<title>Document</title>');
});

test('safe output runs no script, whatever is written', async () => {
  const schemes = [
    'javascript:',
    'JaVaScRiPt:',
    'java&#10;script:',
    '&#106;avascript:',
    'vbscript:',
  ];
  schemes.push('data:text/html,', '\u0001javascript:', 'x-unknown:');
  for (const scheme of schemes) {
    const html = await render(['safe'], `[a](<${scheme}alert(1)>) ![b](<${scheme}alert(1)>)`);
    expect(html, scheme).toBe('<p><a href="">a</a> <img src="" alt="b" /></p>\n');
  }
  expect(await render(['safe'], '<javascript:alert(1)>')).toContain('<a href="">');
  const kept = await render(
    ['safe'],
    '[a](https://x.y) [b](b/c:d) [c](#d) ![i](data:image/png;base64,AA==)',
  );
  expect(kept).not.toContain('""');
  const piece = fc.constantFrom(
    '<script>',
    '<img src=x onerror=y>',
    '"',
    '>',
    '<',
    '\n',
    '`',
    '[',
    '](',
    ')',
    'a',
    '&lt;',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece), async (pieces) => {
      const tags = (await render(['safe'], pieces.join(''))).matchAll(/<\/?([a-z0-9]*)([^>]*)>/g);
      for (const [, tag, rest] of tags) {
        expect(['p', 'a', 'img', 'code', 'pre', 'blockquote', 'br']).toContain(tag);
        expect(rest).not.toMatch(/onerror=(?![^"]*")/);
      }
    }),
    { numRuns: 300 },
  );
});

test('hostile nesting and repetition stay linear in time and memory', async () => {
  const unit = { '> ': 50000, '[': 100000, '[a](': 20000, '*a ': 50000, '![[': 20000, '- ': 20000 };
  for (const [text, times] of Object.entries(unit)) {
    const run = await runAgent('markdown-html', [], text.repeat(times));
    expect(run.code).toBe(0);
    expect(run.pages, JSON.stringify(text)).toBeLessThan(512);
  }
});

test('what is not UTF-8 is bad input and an unknown word is bad usage', async () => {
  expect(await runAgent('markdown-html', [], Buffer.from([0x61, 0xff]))).toMatchObject({
    code: 1,
    stderr: 'the input is not UTF-8 at byte 1\n',
  });
  const run = await runAgent('markdown-html', ['pdf'], 'x');
  expect(run.code).toBe(2);
  expect(run.stderr).toContain('usage: markdown-html');
});

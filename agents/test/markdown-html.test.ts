import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runAgent } from './agent-run.ts';

interface Example {
  readonly number: number;
  readonly markdown: string;
  readonly html: string;
}

/** The examples stand between fences of 32 backticks; an arrow there is a tab. */
function readExamples(file: string): Example[] {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8').replaceAll('→', '\t');
  const fenced = text.matchAll(/^`{32} example\n([\s\S]*?)^\.\n([\s\S]*?)^`{32}$/gm);
  return [...fenced].map(([, markdown = '', html = ''], i) => ({ number: i + 1, markdown, html }));
}

const specification = readExamples('fixtures/commonmark-0.31.2.txt');

/** What MD4C 0.4.8, which is older than version 0.31 of the specification, renders instead. */
const KNOWN_DIFFERENCES = new Map([
  [171, '<textarea>\n<p><em>foo</em></p>\n<p><em>bar</em></p>\n</textarea>\n'],
  [354, '<p>*$*alpha.</p>\n<p><em>£</em>bravo.</p>\n<p><em>€</em>charlie.</p>\n'],
  [625, '<p>foo &lt;!-- this is a --\ncomment - with hyphens --&gt;</p>\n'],
  [626, '<p>foo &lt;!--&gt; foo --&gt;</p>\n<p>foo &lt;!---&gt; foo --&gt;</p>\n'],
]);

async function render(args: readonly string[], markdown: string): Promise<string> {
  const run = await runAgent('markdown-html', args, markdown);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  return run.stdout.toString();
}

describe('CommonMark', () => {
  test('every example of the specification but four renders as it says, byte for byte', async () => {
    expect(specification).toHaveLength(652);
    for (const { number, markdown, html } of specification) {
      const expected = KNOWN_DIFFERENCES.get(number) ?? html;
      expect(await render(['commonmark'], markdown), `example ${number}`).toBe(expected);
    }
  });

  test('the four that differ are listed because they differ', () => {
    for (const [number, html] of KNOWN_DIFFERENCES) {
      expect(specification[number - 1]?.html).not.toBe(html);
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

  test('one hyphen is enough below the head of a table, in quotes and items too', async () => {
    const cells =
      '<table><thead><tr><th>a</th><th align="right">b</th></tr></thead>' +
      '<tbody><tr><td>1</td><td align="right">2</td></tr></tbody></table>';
    const rows = ['|a|b|\n|-|-:|\n|1|2|\n', 'a|b\r\n-|-:\r\n1|2', 'a | b\n-- | --:\n1 | 2'];
    for (const row of rows) expect((await render([], row)).replaceAll('\n', ''), row).toBe(cells);
    expect((await render([], '> |a|b|\n> |-|-:|\n> |1|2|\n')).replaceAll('\n', '')).toBe(
      `<blockquote>${cells}</blockquote>`,
    );
    expect((await render([], '- a|b\n  -|-:\n  1|2\n')).replaceAll('\n', '')).toContain(cells);
  });

  test('what looks like a table but is code, HTML or text stays as written', async () => {
    const row = '|-|:-|';
    expect(await render([], `~~~\n|a|b|\n${row}\n~~~\n`)).toContain(`|a|b|\n${row}\n</code>`);
    expect(await render([], `    ${row}\n`)).toBe(`<pre><code>${row}\n</code></pre>\n`);
    expect(await render([], `<div>\n${row}\n</div>\n`)).toContain(`\n${row}\n`);
    expect(await render([], `\`a\nb\n${row}\nc\`\n`)).toBe(`<p><code>a b ${row} c</code></p>\n`);
    expect(await render([], `a\nb\n${row}\nc\n`)).toBe(`<p>a\nb\n${row}\nc</p>\n`);
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

test('a table of too many columns is text, so that its empty cells fill no memory', async () => {
  const table = (columns: number) =>
    `|${'a|'.repeat(columns)}\n|${'---|'.repeat(columns)}\n${'a\n'.repeat(columns)}`;
  expect(await render([], table(128))).toMatch(/^<table>/);
  const many = await runAgent('markdown-html', [], table(4000));
  expect(many.stdout.toString()).toBe(`<p>${table(4000)}`.replace(/\n$/, '</p>\n'));
  expect(many.gas).toBeLessThan(100_000_000n);
  expect(many.pages).toBeLessThan(64);
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

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AgentRun, runAgent } from './agent-run.ts';

async function run(script: string, args: readonly string[] = ['run']): Promise<AgentRun> {
  return await runAgent('js-runner', args, script);
}

async function printed(script: string): Promise<string> {
  const done = await run(script);
  expect(done).toMatchObject({ code: 0, stderr: '' });
  return done.stdout.toString();
}

async function transformed(code: string, input: Uint8Array | string): Promise<Buffer> {
  const done = await runAgent('js-runner', ['transform', code], input);
  expect(done).toMatchObject({ code: 0, stderr: '' });
  return done.stdout;
}

describe('a program on stdin', () => {
  test('console output comes in order, then the value of the last expression', async () => {
    expect(await printed('console.log("a", 1, [2, "b"]); print({ c: null }); 6 * 7')).toBe(
      'a 1 [ 2, "b" ]\n{ c: null }\n42\n',
    );
    expect(await printed('let x = 1;')).toBe('');
    expect(await printed('"text"')).toBe('text\n');
    expect(await printed('')).toBe('');
  });

  test('the language is whole: classes, generators, BigInt, regular expressions, Unicode', async () => {
    const script = `
      class A { #n = 2n ** 70n; get n() { return this.#n } }
      function* count() { yield* [1, 2, 3] }
      const words = 'Zürich 9 Genève 10'.match(/(?<city>\\p{Lu}\\p{L}+)/gu);
      const { a, ...rest } = { a: 1, b: 2, c: 3 };
      [new A().n, [...count()], words, rest, Object.groupBy([1, 2, 3], (n) => n % 2 ? 'odd' : 'even'),
        0.1 + 0.2, (255).toString(16), [3, 1, 2].toSorted(), new Set([1]).union(new Set([2])).size,
        new Date(Date.UTC(2024, 1, 29)).toISOString(), 'ﬃ'.normalize('NFKD')]
        .map((value) => typeof value === 'bigint' ? String(value) : JSON.stringify(value)).join(' ')`;
    expect(await printed(script)).toBe(
      '1180591620717411303424 [1,2,3] ["Zürich","Genève"] {"b":2,"c":3} ' +
        '{"odd":[1,3],"even":[2]} 0.30000000000000004 "ff" [1,2,3] 2 ' +
        '"2024-02-29T00:00:00.000Z" "ffi"\n',
    );
  });

  test('console.log shows what is in objects of every kind, around cycles and getters', async () => {
    const shown: [string, string][] = [
      [
        '[new Map([[1, { a: [] }]]), new Set(["b"])]',
        '[ Map(1) { 1 => { a: [  ] } }, Set(1) { "b" } ]',
      ],
      [
        '[new Date(0), /a"b/gi, -0, 7n, Symbol("s t"), null, undefined]',
        '[ 1970-01-01T00:00:00.000Z, /a"b/gi, -0, 7n, Symbol("s t"), null, undefined ]',
      ],
      ['new Uint8Array([1, 2])', 'Uint8Array(2) [ 1, 2 ]'],
      ['[, , 1]', '[ 2: 1 ]'],
      ['[1, , ]', '[ 1, <1 empty item> ]'],
      ['Array.from({ length: 102 }, () => 0)', `[ ${'0, '.repeat(100)}... 2 more items ]`],
      [
        '({ "a b": 1, c1: 2, 3: 4, "": 5, [Symbol("d")]: 6 })',
        '{ 3: 4, "a b": 1, c1: 2, "": 5, d: 6 }',
      ],
      ['({ get a() { throw 1 }, set b(v) {} })', '{ a: [Getter], b: [Setter] }'],
      ['new Proxy({}, { ownKeys() { throw 1 } })', 'Object {  }'],
      ['const o = { n: 1 }; o.self = [o]; o', '{ n: 1, self: [ [circular 0] ] }'],
      ['[[[[[[[[[9]]]]]]]]]', `${'[ '.repeat(8)}[Array]${' ]'.repeat(8)}`],
      [
        '[function f() {}, () => 1, class A {}]',
        '[ [Function f], [Function (anonymous)], [Function A] ]',
      ],
      ['["\\"\\n\\x1b\\x80\\ud800é😀"]', '[ "\\"\\n\\u001b\\u0080\\ud800é😀" ]'],
      ['Promise', '[Function Promise]'],
      ['[[].values(), (function* () {})()]', '[ "Array Iterator" {  }, Generator {  } ]'],
    ];
    for (const [script, text] of shown) expect(await printed(script), script).toBe(`${text}\n`);
    expect(await printed('[new RangeError("bad")]')).toMatch(
      /^\[ RangeError: bad\n {4}at <eval> \(<stdin>:1:\d+\) \]\n$/,
    );
  });

  test('sets and iterators have the methods of ES2025, and refuse what is not one', async () => {
    const script = `
      const set = (...values) => new Set(values);
      function* count() { try { yield 1; yield 2; yield 3 } finally { closed++ } }
      let closed = 0;
      const refused = [() => set().union([1]), () => Set.prototype.union.call([], set()),
        () => [].values().map(1), () => [].values().take(-1), () => new Iterator(),
        () => [].values().reduce((a, b) => a + b)];
      JSON.stringify([
        [set(1, 2).union(set(2, 3)), set(1, 2, 3).intersection(set(3, 2)), set(1, 2).difference(set(2)),
          set(1, 2).symmetricDifference(set(2, 3)), set(1).union(new Map([[5, 6]]))].map((s) => [...s]),
        [set(1).isSubsetOf(set(1, 2)), set(1, 2).isSupersetOf(set(3)), set(1).isDisjointFrom(set(2))],
        count().map((n, i) => n * i).toArray(), count().filter((n) => n > 1).toArray(),
        count().take(2).toArray(), count().drop(2).toArray(), count().flatMap((n) => [n, n]).toArray(),
        [count().some((n) => n === 2), count().every((n) => n < 2), count().find((n) => n > 1)],
        [count().reduce((a, b) => a + b), count().reduce((a, b) => a + b, 10)],
        Iterator.from({ next: () => ({ done: true }) }).toArray(), Iterator.from('ab').toArray(),
        closed, [].values() instanceof Iterator,
        refused.map((call) => { try { call() } catch (error) { return error.name } }),
      ])`;
    expect(await printed(script)).toBe(
      '[[[1,2,3],[3,2],[1],[1,3],[1,5]],[true,false,true],[0,2,6],[2,3],[1,2],[3],[1,1,2,2,3,3],' +
        '[true,false,2],[6,16],[],["a","b"],10,true,' +
        '["TypeError","TypeError","TypeError","RangeError","TypeError","TypeError"]]\n',
    );
    expect(await printed('const i = [].values(); i.map = 3; [i.map, typeof [].values().map]')).toBe(
      '[ 3, "function" ]\n',
    );
  });

  test('numbers print as every JavaScript engine prints them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double(), { minLength: 1, maxLength: 50 }), async (numbers) => {
        const bits = new BigUint64Array(Float64Array.from(numbers).buffer);
        const script = `[...new Float64Array(BigUint64Array.of(${[...bits].map((b) => `${b}n`)}).buffer)].join()`;
        expect(await printed(script)).toBe(`${numbers.join()}\n`);
      }),
      { numRuns: 30 },
    );
  });

  test('promises and timers run to the end, in order, and nobody waits', async () => {
    const script = `
      const order = [];
      setTimeout((x) => order.push(x), 20, 'late');
      setTimeout(() => order.push('soon'), 10);
      const every = setInterval(() => order.push('tick') === 5 && clearInterval(every), 10);
      clearTimeout(setTimeout(() => order.push('never'), 1));
      queueMicrotask(() => order.push('micro'));
      const from = Date.now();
      await new Promise((wake) => setTimeout(wake, 86_400_000));
      [Date.now() - from, ...order].join(' ')`;
    expect(await printed(script)).toBe('86400000 micro soon tick late tick\n');
  });

  test('the value of a promise is awaited, a module may export', async () => {
    expect(await printed('Promise.all([1, Promise.resolve(2)])')).toBe('[ 1, 2 ]\n');
    expect(await printed('export const x = await 5; console.log(x)')).toBe('5\n');
  });

  test('every way to fail ends with 1, what was printed, and where it happened', async () => {
    const failures: [string, RegExp][] = [
      ['console.log(1); throw new TypeError("bad")', /^TypeError: bad\n {4}at .*<stdin>:1/],
      ['console.log(1); undefinedName', /^ReferenceError: 'undefinedName' is not defined\n/],
      ['console.log(1); Promise.reject(new Error("lost")); 2', /^Error: lost\n/],
      ['console.log(1); setTimeout(() => { throw 7 })', /^Uncaught 7\n$/],
      ['console.log(1); await new Promise(() => {})', /^the script waits for a promise/],
      ['console.log(1); await import("./other.js")', /^ReferenceError: could not load module/],
    ];
    for (const [script, message] of failures) {
      const failed = await run(script);
      expect(failed.code, script).toBe(1);
      expect(failed.stdout.toString(), script).toBe('1\n');
      expect(failed.stderr).toMatch(message);
    }
    expect((await run('let = = 1')).stderr).toMatch(/^SyntaxError: /);
    expect(await run('Promise.reject(1).catch(() => {}); 2')).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  test('endless recursion is an error the script can catch', async () => {
    const script =
      'let n = 0; const f = () => { n++; f() }; try { f() } catch (e) { e.message }; n > 200';
    expect(await printed(script)).toBe('true\n');
    const getter =
      'class A { get x() { return this.x } }; try { new A().x } catch (e) { e.message }';
    expect(await printed(getter)).toBe('stack overflow\n');
  });

  test('random numbers come from the host, so that a task can be run again', async () => {
    const script = 'Array.from({ length: 4 }, Math.random).join()';
    const numbers = (await printed(script)).split(',').map(Number);
    expect((await printed(script)).split(',').map(Number)).toEqual(numbers);
    expect(numbers.every((n) => n >= 0 && n < 1)).toBe(true);
    expect(new Set(numbers).size).toBe(4);
  });

  test('arguments reach the script', async () => {
    const done = await run('scriptArgs.join("+")', ['run', 'a', 'ü']);
    expect(done.stdout.toString()).toBe('a+ü\n');
  });
});

describe('data on stdin', () => {
  test('text comes back as text, bytes as bytes, other values as JSON', async () => {
    expect((await transformed('input.toUpperCase()', 'grüße')).toString()).toBe('GRÜSSE\n');
    expect((await transformed('({ n: input.length })', 'abc')).toString()).toBe('{"n":3}\n');
    expect(await transformed('undefined', 'abc')).toHaveLength(0);
    expect((await transformed('inputBytes.subarray(1, 3)', 'abcd')).toString()).toBe('bc');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), async (data) => {
        expect(await transformed('inputBytes', data)).toEqual(Buffer.from(data));
        expect(await transformed('inputBytes.buffer', data)).toEqual(Buffer.from(data));
      }),
      { numRuns: 20 },
    );
  });

  test('any JSON survives being parsed and written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (json) => {
        const code = 'JSON.stringify(JSON.parse(input), null, 2)';
        const expected = `${JSON.stringify(JSON.parse(json), null, 2)}\n`;
        expect((await transformed(code, json)).toString()).toBe(expected);
      }),
      { numRuns: 50 },
    );
  });

  test('what has no JSON is an error, and code is required', async () => {
    expect((await runAgent('js-runner', ['transform', '1n'], '')).code).toBe(1);
    for (const args of [['transform'], ['walk']]) {
      expect(await runAgent('js-runner', args, '')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('usage: js-runner'),
      });
    }
  });
});

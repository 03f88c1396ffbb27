import { encodeHex, jcs, parseJson, strict, utf8 } from '@zerostate/shared';
import type { Checks, ReadVector } from './check.ts';

const NAMES = ['arrays', 'french', 'structures', 'unicode', 'values', 'weird'];

/** RFC 8785 appendix B: IEEE 754 bits and their text. */
const NUMBERS: readonly (readonly [string, string])[] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
];

const REFUSED: readonly (readonly [string, string])[] = [
  ['{"a":1,"a":2}', 'json-duplicate-key'],
  ['{"a":{"b":1,"\\u0062":1}}', 'json-duplicate-key'],
  ['{"__proto__":1}', 'json-forbidden-key'],
  ['"\\ud800"', 'json-surrogate'],
  ['{"\\udc00":1}', 'json-surrogate'],
  ['1e400', 'json-number'],
  ['[1,]', 'json-invalid'],
  ['\ufeff1', 'json-invalid'],
  ['', 'json-invalid'],
  ['['.repeat(100_000), 'json-depth'],
  [`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, 'json-depth'],
];

/** Canonical JSON is byte for byte what others print, and what has two readings is refused. */
export async function checkJcs(checks: Checks, read: ReadVector): Promise<void> {
  for (const name of NAMES) {
    const input = parseJson(await read(`jcs/input/${name}.json`));
    const output = (await read(`jcs/output/${name}.json`)).trim();
    const bytes = (await read(`jcs/outhex/${name}.txt`)).replace(/\s+/g, '');
    const text = input.ok ? jcs(input.value) : input.code;
    checks.equal(`jcs ${name}`, text, output);
    checks.equal(`jcs ${name} bytes`, encodeHex(utf8(text)), bytes);
  }
  for (const [bits, text] of NUMBERS) {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt(`0x${bits}`));
    checks.equal(`number ${bits}`, jcs(view.getFloat64(0)), text);
  }
  for (const [text, code] of REFUSED) {
    const value = parseJson(text);
    checks.equal(`json ${text.slice(0, 32)}`, value.ok ? 'accepted' : value.code, code);
  }
  const deep = (levels: number): unknown => (levels === 0 ? 'x' : { a: deep(levels - 1) });
  checks.that('strict takes eight levels', strict(deep(8)).ok);
  checks.that('strict refuses nine levels', !strict(deep(9)).ok);
}

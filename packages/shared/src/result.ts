/** A value that was asked for and is there. */
export type Ok<T> = { ok: true; value: T };

/** An expected failure. `code` is stable and machine-read; `detail` names a field or a figure. */
export type Err<C extends string> = { ok: false; code: C; detail?: string };

/** Expected failures are values of this union; bugs throw. */
export type Result<T, C extends string> = Ok<T> | Err<C>;

/** Wraps a success. */
export function ok<T>(value: T): Ok<T> {
  return { ok: true, value };
}

/** Wraps an expected failure. */
export function err<C extends string>(code: C, detail?: string): Err<C> {
  return detail === undefined ? { ok: false, code } : { ok: false, code, detail };
}

/** Marks a branch no value reaches; a union that grew is a compile error here. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected ${JSON.stringify(value)}`);
}

// Standard streams and arguments of a WASI preview 1 command in AssemblyScript.
//
// Exit codes of every agent: 0 done, 1 the input is bad, 2 the arguments are.

@external('wasi_snapshot_preview1', 'args_sizes_get')
declare function args_sizes_get(count: usize, size: usize): i32;
@external('wasi_snapshot_preview1', 'args_get')
declare function args_get(pointers: usize, text: usize): i32;
@external('wasi_snapshot_preview1', 'fd_read')
declare function fd_read(fd: i32, vectors: usize, count: i32, done: usize): i32;
@external('wasi_snapshot_preview1', 'fd_write')
declare function fd_write(fd: i32, vectors: usize, count: i32, done: usize): i32;
@external('wasi_snapshot_preview1', 'proc_exit')
declare function proc_exit(code: i32): void;

export const EXIT_BAD_INPUT: i32 = 1;
export const EXIT_USAGE: i32 = 2;

/** One iovec (address, length) and, at 8, the number of bytes a call moved. */
const call = memory.data(16);

/** Writes all of `data`; a failing stream ends the program: cut output is no success. */
export function writeFully(fd: i32, data: usize, length: usize): void {
  while (length > 0) {
    store<usize>(call, data);
    store<usize>(call, length, 4);
    const failed = fd_write(fd, call, 1, call + 8);
    const written = load<usize>(call, 8);
    if (failed != 0 || written == 0) proc_exit(EXIT_BAD_INPUT);
    data += written;
    length -= written;
  }
}

export function writeText(fd: i32, text: string): void {
  const utf8 = String.UTF8.encode(text);
  writeFully(fd, changetype<usize>(utf8), utf8.byteLength);
}

/** Ends the program with `message` and a line feed on stderr. */
export function fail(code: i32, message: string): void {
  writeText(2, message + '\n');
  proc_exit(code);
}

/** Everything on stdin, up to `limit` bytes; more than that is bad input. */
export function readStdin(limit: i32): Uint8Array {
  let held = new Uint8Array(4096);
  let length = 0;
  while (true) {
    if (length == held.length) {
      const grown = new Uint8Array(held.length * 2);
      memory.copy(grown.dataStart, held.dataStart, length);
      held = grown;
    }
    store<usize>(call, held.dataStart + length);
    store<usize>(call, held.length - length, 4);
    if (fd_read(0, call, 1, call + 8) != 0) fail(EXIT_BAD_INPUT, 'stdin cannot be read');
    const got = load<i32>(call, 8);
    if (got == 0) return held.subarray(0, length);
    length += got;
    if (length > limit) fail(EXIT_BAD_INPUT, 'the input is longer than ' + limit.toString() + ' bytes');
  }
}

/** The caller's arguments, without the program's name. */
export function readArguments(): string[] {
  args_sizes_get(call, call + 4);
  const count = load<i32>(call);
  const pointers = new Uint32Array(count);
  const text = new Uint8Array(load<i32>(call, 4));
  args_get(pointers.dataStart, text.dataStart);
  const found: string[] = [];
  for (let i = 1; i < count; i++) {
    let end: usize = pointers[i];
    while (load<u8>(end) != 0) end++;
    found.push(String.UTF8.decodeUnsafe(pointers[i], end - pointers[i]));
  }
  return found;
}

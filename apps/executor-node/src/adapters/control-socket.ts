import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { err, ok, type Result } from '@zerostate/shared';
import { z } from 'zod';
import { type Command, commandSchema } from '../commands.ts';

/** Longest path of a Unix socket (sockaddr_un.sun_path holds 108 bytes on Linux, 104 on macOS). */
const SOCKET_PATH_MAX = 100;
/** A command names a folder or an agent: nothing longer is read. */
const COMMAND_CHARS_MAX = 16_384;
/** Admitting and uploading modules takes seconds. */
const ANSWER_MS_MAX = 120_000;

const answerSchema = z.union([
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), code: z.string(), detail: z.string().optional() }),
]);

export interface ControlSocket {
  readonly path: string;
  close(): Promise<void>;
}

/**
 * Lets the owner of the state folder ask the daemon: a Unix socket in that folder, one JSON line
 * in, one out. The folder's rights (0700) say who may. A path too long for a socket goes to a
 * private folder among the temporary ones.
 */
export async function serveControl(
  folder: string,
  execute: (command: Command) => Promise<Result<unknown, string>>,
): Promise<ControlSocket> {
  const inside = join(resolve(folder), 'control.sock');
  const isShort = Buffer.byteLength(inside) <= SOCKET_PATH_MAX;
  const path = isShort ? inside : join(await mkdtemp(join(tmpdir(), 'zerostate-')), 'control.sock');
  // A killed node leaves its socket behind; the lock says that nobody listens on it.
  await rm(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    answerLine(socket, execute);
  });
  await listen(server, path);
  await chmod(path, 0o600);
  return {
    path,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((done) => server.close(() => done()));
      await rm(isShort ? path : dirname(path), { force: true, recursive: !isShort });
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(path, done);
  });
}

function answerLine(
  socket: Socket,
  execute: (command: Command) => Promise<Result<unknown, string>>,
): void {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > COMMAND_CHARS_MAX) socket.destroy();
    const end = text.indexOf('\n');
    if (end < 0) return;
    socket.removeAllListeners('data');
    run(text.slice(0, end), execute).then(
      (answer) => socket.end(`${JSON.stringify(answer)}\n`),
      (cause: unknown) => {
        const detail = cause instanceof Error ? cause.message : String(cause);
        socket.end(`${JSON.stringify(err('node-failed', detail))}\n`);
      },
    );
  });
}

async function run(
  line: string,
  execute: (command: Command) => Promise<Result<unknown, string>>,
): Promise<Result<unknown, string>> {
  try {
    const command = commandSchema.safeParse(JSON.parse(line));
    return command.success ? await execute(command.data) : err('command-invalid');
  } catch (cause) {
    if (cause instanceof SyntaxError) return err('command-invalid');
    throw cause;
  }
}

/** Asks a running daemon. */
export function askControl(path: string, command: Command): Promise<Result<unknown, string>> {
  return new Promise((done) => {
    const socket = createConnection(path);
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
    socket.on('error', (cause) => done(err('node-silent', cause.message)));
    socket.on('close', () => done(err('node-silent', 'the node did not answer')));
    const lines = createInterface({ input: socket });
    // It passes the socket's error on; that is answered above.
    lines.on('error', () => undefined);
    lines.once('line', (line) => {
      const answer = answerSchema.safeParse(JSON.parse(line));
      socket.end();
      if (!answer.success) done(err('node-silent', 'the node answered with something else'));
      else if (answer.data.ok) done(ok(answer.data.value));
      else done(err(answer.data.code, answer.data.detail));
    });
    socket.on('connect', () => socket.write(`${JSON.stringify(command)}\n`));
  });
}

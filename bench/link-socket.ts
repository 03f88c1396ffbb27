/**
 * The least WebSocket client: one TCP socket, text frames, no extensions (RFC 6455). Ten thousand
 * of them fit beside the edge that they are dialled to.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

export interface RawEvents {
  open(): void;
  text(text: string): void;
  /** Once, whoever ended it. */
  closed(reason: string): void;
}

export interface RawSocket {
  send(text: string): void;
  close(): void;
}

export interface RawTarget {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** The loopback address to dial from: an edge counts strangers by address. */
  readonly from: string;
}

const TEXT = 1;
const CLOSE = 8;
const FINAL = 0x80;
const MASKED = 0x80;
const END_OF_HEAD = '\r\n\r\n';
/** A client masks what it sends; which key it takes matters to proxies alone. */
const MASK = randomBytes(4);

export function dialRaw({ host, port, path, from }: RawTarget, events: RawEvents): RawSocket {
  const socket = connect({ host, port, localAddress: from, noDelay: true });
  const reader = new FrameReader(events);
  let reason = 'closed';
  socket.once('connect', () => {
    const key = randomBytes(16).toString('base64');
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: ${host}:${port}\r\nconnection: Upgrade\r\n` +
        `upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`,
    );
  });
  socket.on('data', (bytes) => {
    const over = reader.take(bytes);
    if (over === null) return;
    reason = over;
    socket.destroy();
  });
  socket.once('error', (error) => {
    reason = error.message;
  });
  socket.once('close', () => events.closed(reason));
  return {
    send: (text) => {
      socket.write(textFrame(text));
    },
    close: () => socket.destroy(),
  };
}

/** Bytes of the server into events. */
class FrameReader {
  readonly #events: RawEvents;
  #isOpen: boolean = false;
  #rest: Buffer | null = null;

  constructor(events: RawEvents) {
    this.#events = events;
  }

  /** Why the connection is over, or null. */
  take(bytes: Buffer): string | null {
    let rest = this.#rest === null ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = null;
    if (!this.#isOpen) {
      const end = rest.indexOf(END_OF_HEAD);
      if (end < 0) return this.#keep(rest);
      const head = rest.toString('latin1', 0, end);
      if (!head.startsWith('HTTP/1.1 101')) return head.slice(0, head.indexOf('\r\n'));
      this.#isOpen = true;
      this.#events.open();
      rest = rest.subarray(end + END_OF_HEAD.length);
    }
    while (rest.length >= 2) {
      const [first = 0, length = 0] = rest;
      const at = length < 126 ? 2 : 4;
      // The edge's frames are short; longer ones would have 127 here.
      if (length > 126) return 'frame too long';
      const size = length < 126 ? length : rest.length < 4 ? rest.length : rest.readUInt16BE(2);
      if (rest.length < at + size) return this.#keep(rest);
      const opcode = first & 0x0f;
      if (opcode === CLOSE) return 'close frame';
      if (opcode === TEXT) this.#events.text(rest.toString('utf8', at, at + size));
      rest = rest.subarray(at + size);
    }
    return rest.length === 0 ? null : this.#keep(rest);
  }

  #keep(rest: Buffer): null {
    this.#rest = rest;
    return null;
  }
}

function textFrame(text: string): Buffer {
  const size = Buffer.byteLength(text);
  const at = size < 126 ? 2 : 4;
  const frame = Buffer.allocUnsafe(at + 4 + size);
  frame[0] = FINAL | TEXT;
  frame[1] = MASKED | (at === 2 ? size : 126);
  if (at === 4) frame.writeUInt16BE(size, 2);
  MASK.copy(frame, at);
  frame.write(text, at + 4, 'utf8');
  for (let i = 0; i < size; i++) frame[at + 4 + i] = (frame[at + 4 + i] ?? 0) ^ (MASK[i & 3] ?? 0);
  return frame;
}

/** The network between processes of one machine, with an address for each of them. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

const OWN_ADDRESS = join(import.meta.dirname, 'own-address.ts');

/** reset: connections end at once. silent: nothing arrives any more, as when a cable is out. */
export type CutKind = 'reset' | 'silent';

/** Who is cut off from what. Names are those given to `name` and `lay`. */
export interface Cut {
  readonly kind: CutKind;
  readonly parts: readonly { nodes: readonly string[]; servers: readonly string[] }[];
}

interface Line {
  readonly node: string;
  readonly server: string;
  readonly near: Socket;
  readonly port: number;
  far: Socket | null;
  /** One end is gone, and the other has not heard of it. */
  isBroken: boolean;
}

/**
 * Stands before servers on loopback and knows from its address which node each connection comes
 * from. So a node can be cut off from one server and not from another, whatever port it tries.
 */
export class Switchboard {
  readonly #names = new Map<string, string>();
  readonly #servers: Server[] = [];
  readonly #lines = new Set<Line>();
  #cut: Cut | null = null;
  /** Connections of nobody that was named, made while there was a cut. */
  strangers = 0;

  /** What a node's process needs in its environment to have an address here. */
  environmentOf(node: string): Record<string, string> {
    const address = `127.0.1.${this.#names.size + 1}`;
    this.#names.set(address, node);
    return { ZS_TEST_ADDRESS: address, NODE_OPTIONS: `--import=file://${OWN_ADDRESS}` };
  }

  /** A port that leads to the server's. */
  async lay(server: string, port: number): Promise<number> {
    const listener = createServer({ pauseOnConnect: true, noDelay: true }, (near) => {
      const node = this.#names.get(near.remoteAddress ?? '') ?? '';
      const line: Line = { node, server, near, port, far: null, isBroken: false };
      this.#lines.add(line);
      this.#watch(line, near);
      if (node === '' && this.#cut !== null) this.strangers += 1;
      const cut = this.#cutOf(line);
      if (cut === 'reset') this.#end(line);
      // A silent one stays as it is: its first words arrive when the cable is in again.
      if (cut === null) this.#open(line);
    });
    this.#servers.push(listener);
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const address = listener.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    return address.port;
  }

  cut(cut: Cut): void {
    this.#cut = cut;
    for (const line of this.#lines) {
      const kind = this.#cutOf(line);
      if (kind === 'reset') this.#end(line);
      if (kind === 'silent') silence(line);
    }
  }

  heal(): void {
    const healed = [...this.#lines].filter((line) => this.#cutOf(line) !== null);
    this.#cut = null;
    for (const line of healed) {
      if (line.isBroken) this.#end(line);
      else this.#open(line);
    }
  }

  async remove(): Promise<void> {
    for (const line of this.#lines) this.#end(line);
    const closed = this.#servers.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    await Promise.all(closed);
  }

  #cutOf({ node, server }: Line): CutKind | null {
    const isCut = this.#cut?.parts.some(
      ({ nodes, servers }) => nodes.includes(node) && servers.includes(server),
    );
    return isCut === true ? (this.#cut?.kind ?? null) : null;
  }

  #open(line: Line): void {
    if (line.far === null) {
      line.far = connect({ port: line.port, host: '127.0.0.1', noDelay: true });
      this.#watch(line, line.far);
    }
    line.near.pipe(line.far);
    line.far.pipe(line.near);
    line.near.resume();
  }

  #watch(line: Line, socket: Socket): void {
    socket.on('error', () => undefined);
    socket.on('close', () => {
      line.isBroken = true;
      if (this.#cutOf(line) === 'silent') return;
      this.#lines.delete(line);
      // What it said before reaches the other end.
      line.near.destroySoon();
      line.far?.destroySoon();
    });
  }

  #end(line: Line): void {
    this.#lines.delete(line);
    line.near.destroy();
    line.far?.destroy();
  }
}

function silence({ near, far }: Line): void {
  near.unpipe();
  far?.unpipe();
  near.pause();
  far?.pause();
}

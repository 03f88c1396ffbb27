/**
 * The hub as a Durable Object: the sockets of one hash slot, asleep while nothing comes in. Its
 * memory is a cache: each link's state lies with its socket, and everything else in the databases.
 */
import { DurableObject } from 'cloudflare:workers';
import engine from '@zerostate/discovery/int8-hnsw.wasm';
import { LINK_HEARTBEAT_MS } from '@zerostate/shared';
import { systemClock, systemRng, systemTimers } from '../adapters/system.ts';
import { problemResponse } from '../entry/upgrade.ts';
import { createWorkerdEdge, type WorkerdEnv } from '../entry/workerd-env.ts';
import type { Hub } from '../ports.ts';
import { writeFrame } from './frames.ts';
import { HUBS, hubName } from './hub-name.ts';
import type { LinkSession, LinkSocket } from './link-session.ts';
import type { LinkState } from './link-state.ts';
import { createLinks, type Links, restoreSession } from './links.ts';
import { createProcessHub, type ProcessHub } from './process-hub.ts';
import type { HubObject } from './remote-hub.ts';
import { createSocketGate } from './socket-gate.ts';
import { createTopics } from './topics.ts';

/** Saves positions, notices dead links and looks for lost wakes. */
const ALARM_MS = LINK_HEARTBEAT_MS;
/** While somebody has not said hello. */
const GREETING_ALARM_MS = 5_000;

export type Env = WorkerdEnv & { LINK_HUB: DurableObjectNamespace<LinkHub> };

type Held = { hub: ProcessHub; links: Links };

/** Where a link is that was not dialled with its DID: `at:<did>` → id of the object. */
const AT = 'at:';

export class LinkHub extends DurableObject<Env> implements HubObject {
  readonly #topics = createTopics(systemTimers);
  readonly #sessions = new Map<WebSocket, LinkSession>();
  #held: Held | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    // A ping that is only a ping wakes nobody.
    ctx.setWebSocketAutoResponse(
      new WebSocketRequestResponsePair(writeFrame({ t: 'ping' }), writeFrame({ t: 'pong' })),
    );
  }

  /** The upgrade of a link, forwarded by the worker. */
  override async fetch(request: Request): Promise<Response> {
    const held = await this.#hold();
    const address = request.headers.get('cf-connecting-ip') ?? '';
    const place = held.links.admit({ address });
    if (place === null) return problemResponse('busy');
    const { 0: client, 1: socket } = new WebSocketPair();
    this.ctx.acceptWebSocket(socket);
    const { origin } = new URL(request.url);
    const session = place.accept(linkSocket(socket), origin);
    this.#sessions.set(socket, session);
    socket.serializeAttachment(session.link);
    await this.#alarmWithin(GREETING_ALARM_MS);
    return new Response(null, { status: 101, webSocket: client });
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    await this.#hold();
    const session = this.#sessions.get(socket);
    session?.receive(message);
    // Kept awake until the message is processed and acknowledged.
    await session?.settled();
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    await this.#gone(socket);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.#gone(socket);
  }

  override async alarm(): Promise<void> {
    const { hub } = await this.#hold();
    for (const [socket, { link }] of this.#sessions) {
      const answered = this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
      link.heardAt = Math.max(link.heardAt, answered);
    }
    await hub.tick();
    await hub.forwarded();
    if (this.#sessions.size > 0) await this.#alarmWithin(ALARM_MS);
  }

  async wake(did: string): Promise<void> {
    const { hub } = await this.#hold();
    const at = hub.has(did) ? undefined : await this.ctx.storage.get<string>(AT + did);
    if (at === undefined) {
      hub.wake(did);
      await hub.forwarded();
      return;
    }
    await this.env.LINK_HUB.get(this.env.LINK_HUB.idFromString(at)).wakeHere(did);
  }

  /** As `wake`, for a link that is known to be here or nowhere. */
  async wakeHere(did: string): Promise<void> {
    const { hub } = await this.#hold();
    hub.wake(did);
    await hub.forwarded();
  }

  /** A link of this hub's DID is held by another hub. */
  async heldAt(did: string, id: string): Promise<void> {
    await this.ctx.storage.put(AT + did, id);
  }

  async wakeTopic(topic: string): Promise<void> {
    this.#topics.wake(topic);
  }

  async waitTopic(topic: string, ms: number): Promise<void> {
    const watch = this.#topics.watch(topic);
    await watch.changed(ms);
    watch.close();
  }

  async #gone(socket: WebSocket): Promise<void> {
    const { hub } = await this.#hold();
    this.#sessions.get(socket)?.gone();
    this.#sessions.delete(socket);
    await hub.save();
    await hub.forwarded();
  }

  /** The edge behind this hub, made at the first event after a sleep, and its links taken up again. */
  async #hold(): Promise<Held> {
    if (this.#held !== null) return this.#held;
    // Events that arrive meanwhile wait: two of them must not take up the same sockets.
    return this.ctx.blockConcurrencyWhile(async () => {
      if (this.#held !== null) return this.#held;
      const { edge, ledger, directory, log, config } = await createWorkerdEdge(
        this.env,
        this.#hubOfOthers(),
        engine,
      );
      const { clock, metrics } = edge.links;
      const { forwards } = edge;
      const ports = { clock, timers: systemTimers, directory, ledger, log, metrics, forwards };
      const hub = createProcessHub(ports);
      const owner = {
        ...hub,
        opened: (session: LinkSession) => {
          hub.opened(session);
          this.#sayWhere(session.link.did);
        },
        changed: (session: LinkSession) => this.#remember(session),
        closed: (session: LinkSession) => {
          this.#forget(session);
          hub.closed(session);
        },
      };
      const linksDeps = { ...edge.links, rng: systemRng, gate: createSocketGate() };
      const links = createLinks(linksDeps, owner);
      log.debug('hub awake', { sockets: this.ctx.getWebSockets().length, host: config.host });
      for (const socket of this.ctx.getWebSockets()) {
        // Checked border: only this class writes attachments, and only with a LinkState.
        const link = socket.deserializeAttachment() as LinkState | null;
        const session = link && restoreSession(linksDeps, owner, link, linkSocket(socket));
        if (session) this.#sessions.set(socket, session);
        else socket.close(1011, 'state-lost');
      }
      this.#held = { hub, links };
      return this.#held;
    });
  }

  /** Wakes that this hub's own messages cause: some are for itself. */
  #hubOfOthers(): Hub {
    const objectOf = (key: string): HubObject => {
      const id = this.#homeOf(key);
      return id.equals(this.ctx.id) ? this : this.env.LINK_HUB.get(id);
    };
    const send = (work: Promise<void>) => {
      this.ctx.waitUntil(work.catch(() => undefined));
    };
    return {
      wake: (did) => send(objectOf(did).wake(did)),
      wakeTopic: (topic) => send(objectOf(topic).wakeTopic(topic)),
      watch: (topic) => this.#topics.watch(topic),
    };
  }

  /** A link that was dialled without its DID may be held by another hub than the DID's own. */
  #sayWhere(did: string): void {
    const home = this.#homeOf(did);
    if (home.equals(this.ctx.id)) return;
    const told = this.env.LINK_HUB.get(home).heldAt(did, this.ctx.id.toString());
    this.ctx.waitUntil(told.catch(() => undefined));
  }

  #homeOf(key: string): DurableObjectId {
    return this.env.LINK_HUB.idFromName(hubName(key, Number(this.env.HUBS ?? HUBS)));
  }

  #remember(session: LinkSession): void {
    for (const [socket, held] of this.#sessions) {
      if (held === session) socket.serializeAttachment(session.link);
    }
  }

  #forget(session: LinkSession): void {
    for (const [socket, held] of this.#sessions) {
      if (held === session) this.#sessions.delete(socket);
    }
  }

  async #alarmWithin(ms: number): Promise<void> {
    const due = systemClock.now() + ms;
    const set = await this.ctx.storage.getAlarm();
    if (set === null || set > due) await this.ctx.storage.setAlarm(due);
  }
}

function linkSocket(socket: WebSocket): LinkSocket {
  return {
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close(code, reason) {
      if (socket.readyState === WebSocket.OPEN) socket.close(code, reason);
    },
  };
}

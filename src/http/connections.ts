import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ipKeyGenerator } from 'express-rate-limit';

/** Connections beyond all others, which health checks alone are answered on. */
const RESERVE = 32;
/** One of these has to ask, and be answered, within this time. */
const RESERVE_MS = 5_000;
/** Requests that a client may send on one connection without waiting for answers (RFC 9112 section 9.3.2). */
const MOST_PIPELINED = 16;

/** Below any base path. */
const HEALTH = /\/(healthz|readyz)\/?(\?|$)/i;
const isHealthCheck = (target: string): boolean => HEALTH.test(target);

export interface ConnectionBounds {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** Whether many clients come from this address, so that it has no bound of its own. */
  readonly isProxy: (address: string) => boolean;
}

interface Entry {
  readonly socket: Socket;
  /** An IPv6 client owns a whole network of addresses, and counts as one. */
  readonly network: string;
  readonly isReserve: boolean;
  /** Somebody who was let in has asked on it. */
  isKnown: boolean;
  last: Answer | undefined;
  /** Answers that are under way. */
  pending: number;
}

type Answer = ServerResponse & { readonly locals?: { readonly principal?: unknown } };

/**
 * The connections of a server. Where there are too many, of an address or in all, the oldest one on which
 * nobody was let in gives way to the new one: who only holds connections open keeps nobody else out. Where
 * those who were let in use all of them, health checks have a few of their own.
 */
export class Connections {
  readonly #bounds: ConnectionBounds;
  /** The oldest first. */
  readonly #open = new Map<string, Entry>();
  #ofNetwork = new Map<string, number>();
  #reserved = 0;

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds;
  }

  /** Of a connection that has just been made. */
  admit(socket: Socket): void {
    const { connections, connectionsPerAddress, isProxy } = this.#bounds;
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const network = ipKeyGenerator(remoteAddress);
    const isOneTooMany =
      !isProxy(remoteAddress) && (this.#ofNetwork.get(network) ?? 0) >= connectionsPerAddress;
    const isFull = this.#open.size - this.#reserved >= connections;
    const isReserve =
      (isOneTooMany && !this.#endOldest((entry) => isStranger(entry) && entry.network === network)) ||
      (isFull && !isOneTooMany && !this.#endOldest(isStranger));
    if (isReserve && this.#reserved >= RESERVE) this.#endOldest((entry) => entry.isReserve);
    this.#add({ socket, network, isReserve, isKnown: false, last: undefined, pending: 0 });
  }

  /** @returns whether the request is to be answered as any other; else it has been refused */
  request(request: IncomingMessage, response: ServerResponse): boolean {
    const entry = this.#open.get(keyOf(request.socket));
    if (!entry) {
      request.socket.destroy();
      return false;
    }
    entry.pending += 1;
    if (entry.pending > MOST_PIPELINED) {
      request.socket.destroy();
      return false;
    }
    entry.isKnown = !isStranger(entry);
    entry.last = response;
    response.once('close', () => (entry.pending -= 1));
    if (!entry.isReserve) return true;
    response.setHeader('Connection', 'close');
    if (isHealthCheck(request.url ?? '')) return true;
    response.writeHead(503, { 'Content-Type': 'application/json', 'Retry-After': '5' });
    response.end(JSON.stringify({ code: 'UNAVAILABLE', message: 'all connections are in use' }));
    return false;
  }

  #add(entry: Entry): void {
    const { socket, network, isReserve } = entry;
    const key = keyOf(socket);
    this.#open.set(key, entry);
    if (isReserve) this.#reserved += 1;
    else this.#ofNetwork.set(network, (this.#ofNetwork.get(network) ?? 0) + 1);
    const late = isReserve ? setTimeout(() => socket.destroy(), RESERVE_MS).unref() : undefined;
    socket.once('close', () => {
      clearTimeout(late);
      this.#remove(key, entry);
    });
  }

  #remove(key: string, entry: Entry): void {
    if (this.#open.get(key) !== entry) return;
    this.#open.delete(key);
    if (entry.isReserve) this.#reserved -= 1;
    if (entry.isReserve) return;
    const left = (this.#ofNetwork.get(entry.network) ?? 1) - 1;
    if (left > 0) this.#ofNetwork.set(entry.network, left);
    else this.#ofNetwork.delete(entry.network);
  }

  #endOldest(which: (entry: Entry) => boolean): boolean {
    for (const [key, entry] of this.#open) {
      if (!which(entry)) continue;
      this.#remove(key, entry);
      entry.socket.destroy();
      return true;
    }
    return false;
  }
}

/** The same for a TLS connection and the one below it. */
const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

const isStranger = ({ isReserve, isKnown, last }: Entry): boolean =>
  !isReserve && !isKnown && last?.locals?.principal === undefined;

import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../../coded-error.ts';
import { DicomError } from '../dicom-error.ts';
import type { ArchiveAnswer, ArchiveRequestKind } from '../web/archive-access.ts';
import { Turns } from './turns.ts';
import { Association, AssociationRejected, type Peer, type Proposal } from './wire/association.ts';
import { MalformedPdu } from './wire/pdu.ts';
import { ConnectionLost } from './wire/wire.ts';

export interface SessionsOptions {
  readonly peer: Peer;
  /** Associations at a time. */
  readonly atATime: number;
  readonly answered?: ((answer: ArchiveAnswer) => void) | undefined;
  /** How long the archive may be waited for within one piece of work, in ms; by kind where undefined. */
  readonly mostWaitedMs?: number | undefined;
}

export interface Session {
  /** Undefined: its time is not told. */
  readonly kind?: ArchiveRequestKind;
  readonly proposals: readonly Proposal[];
  readonly signal?: AbortSignal | undefined;
  /** See `WireOptions`. */
  readonly lastSign?: (() => number) | undefined;
  readonly idleMs?: number;
}

/** Pauses before an association is asked for again that was rejected for the moment. */
const PAUSES_MS: readonly number[] = [500, 2_000, 5_000];
/** Node has no longer ones. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** An archive may go on for ever without standing still. A series of a gigabyte over a slow line is done. */
const MOST_WAITED_MS = { search: 600_000, other: 3_600_000 } as const;

/**
 * Associations with one archive: a few at a time, each for one piece of work. Failures become DicomErrors,
 * with the archive's address.
 */
export class Sessions {
  readonly url: string;
  readonly #options: SessionsOptions;
  readonly #turns: Turns;

  constructor(options: SessionsOptions) {
    const { host, port, tls, calledAeTitle } = options.peer;
    const named = host.includes(':') ? `[${host}]` : host;
    this.url = `${tls ? 'dicom-tls' : 'dicom'}://${named}:${port}/${calledAeTitle}`;
    this.#options = options;
    this.#turns = new Turns(options.atATime);
  }

  /** Work whose results come one by one. */
  async *each<T, R>(
    session: Session,
    work: (association: Association) => AsyncGenerator<T, R>,
  ): AsyncGenerator<T, R> {
    const free = await this.#turns.take(session.signal);
    let association: Association | undefined;
    let waitedMs = 0;
    const mostMs = this.#mostWaitedMs(session);
    const tooLong = (): void => {
      association?.giveUp(new ConnectionLost(`it did not come to an end within ${mostMs / 1000} s`));
    };
    const timed = async <V>(waiting: Promise<V>): Promise<V> => {
      const began = performance.now();
      const limit = setTimeout(tooLong, Math.max(0, mostMs - waitedMs));
      try {
        return await waiting;
      } finally {
        clearTimeout(limit);
        waitedMs += performance.now() - began;
      }
    };
    let results: AsyncGenerator<T, R> | undefined;
    // Where the caller stops early, what is still coming is not wanted.
    let how: 'release' | 'abort' = 'abort';
    let ok: boolean | undefined = true;
    try {
      association = await timed(this.#open(session));
      results = work(association);
      for (;;) {
        const next = await timed(results.next());
        if (next.done) {
          how = 'release';
          return next.value;
        }
        yield next.value;
      }
    } catch (error) {
      how = 'abort';
      ok = session.signal?.aborted ? undefined : false;
      throw this.#translated(error, session.signal);
    } finally {
      try {
        await results?.return(undefined as never);
      } catch {
        how = 'abort';
      }
      if (how === 'abort') association?.abort();
      else await association?.release();
      free();
      const { kind } = session;
      if (kind && ok !== undefined) this.#options.answered?.({ kind, ok, seconds: waitedMs / 1000 });
    }
  }

  /** Work with one result. */
  async once<R>(session: Session, work: (association: Association) => Promise<R>): Promise<R> {
    const results = this.each(session, async function* (association): AsyncGenerator<R, void> {
      yield await work(association);
    });
    const all: R[] = [];
    for await (const result of results) all.push(result);
    return all[0] as R;
  }

  #mostWaitedMs({ kind, idleMs = 0 }: Session): number {
    const { mostWaitedMs, peer } = this.#options;
    const usual = kind === 'search' ? MOST_WAITED_MS.search : MOST_WAITED_MS.other;
    const atLeast = 2 * Math.max(idleMs, peer.idleMs);
    return Math.min(mostWaitedMs ?? Math.max(usual, atLeast), LONGEST_TIMER_MS);
  }

  async #open({ proposals, signal, lastSign, idleMs }: Session): Promise<Association> {
    const { peer } = this.#options;
    for (const pauseMs of [...PAUSES_MS, undefined]) {
      try {
        const limits = { ...peer, idleMs: idleMs ?? peer.idleMs };
        return await Association.open(limits, proposals, signal, lastSign);
      } catch (error) {
        const mayPass = error instanceof AssociationRejected && error.isTransient;
        if (!mayPass || pauseMs === undefined) throw error;
        await wait(pauseMs, undefined, signal ? { signal } : {});
      }
    }
    throw new Error('unreachable');
  }

  #translated(error: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason;
    const told = `${this.url}: ${messageOf(error)}`;
    if (error instanceof ConnectionLost)
      return new DicomError('DICOM_WEB_UNREACHABLE', told, { cause: error });
    if (error instanceof AssociationRejected)
      return new DicomError('DICOM_WEB_STATUS', told, { cause: error });
    if (error instanceof MalformedPdu) return new DicomError('DICOM_WEB_ANSWER', told, { cause: error });
    return error;
  }
}

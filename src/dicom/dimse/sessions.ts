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
}

export interface Session {
  /** Undefined: its time is not told. */
  readonly kind?: ArchiveRequestKind;
  readonly proposals: readonly Proposal[];
  readonly signal?: AbortSignal | undefined;
  /** See `WireOptions`. */
  readonly lastSign?: (() => number) | undefined;
  readonly idleMs?: number;
  /** What becomes of the association where the caller stops early. */
  readonly early?: 'release' | 'abort';
}

/** Pauses before an association is asked for again that was rejected for the moment. */
const PAUSES_MS: readonly number[] = [500, 2_000, 5_000];

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
    let waitedMs = 0;
    const timed = async <V>(waiting: Promise<V>): Promise<V> => {
      const began = performance.now();
      try {
        return await waiting;
      } finally {
        waitedMs += performance.now() - began;
      }
    };
    let association: Association | undefined;
    let results: AsyncGenerator<T, R> | undefined;
    let how: 'release' | 'abort' = session.early ?? 'abort';
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

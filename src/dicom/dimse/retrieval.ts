import { setTimeout as wait } from 'node:timers/promises';
import { DicomError } from '../dicom-error.ts';
import type { Detour } from '../web/archive-access.ts';
import type { Taking } from '../web/retrieve.ts';
import { get, type RetrievalEnd } from './services/get.ts';
import { IDENTIFIER_SYNTAXES, type Identifier } from './services/identifier.ts';
import type { ReceivedInstance, Taken } from './services/incoming.ts';
import { move } from './services/move.ts';
import type { Receiver } from './services/receiver.ts';
import { RETRIEVED_SYNTAXES, SERVICE, USUAL_CLASSES } from './services/sop-classes.ts';
import { DimseStatusError, isWorthAnotherTry, NotOffered, STATUS, statusText } from './services/status.ts';
import type { Sessions } from './sessions.ts';
import { type Association, MOST_CONTEXTS, type Peer, type Proposal } from './wire/association.ts';

export interface RetrievalParts {
  readonly sessions: Sessions;
  readonly peer: Peer;
  /** `auto`: C-GET, and C-MOVE where the archive does not offer it. */
  readonly how: 'auto' | 'get' | 'move';
  /** Where a C-MOVE delivers; undefined where there is no such port. */
  readonly receiver: (() => Promise<Receiver>) | undefined;
  readonly told: (detour: Detour) => void;
  /** Pauses before what is missing is asked for again, in ms. */
  readonly pausesMs?: readonly number[] | undefined;
}

/** What is asked for: a series, or one instance of it. */
export interface Wanted {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid?: string | undefined;
  /** SOP class UID by SOP instance UID, as the archive lists them; undefined where it does not list. */
  readonly listed: ReadonlyMap<string, string | undefined> | undefined;
}

const PAUSES_MS: readonly number[] = [1_000, 4_000];
/** Where nothing is known of an instance before it comes. The largest images have so much. */
const UNANNOUNCED_LIMIT_BYTES = 512 * 2 ** 20;
/** Enough for every header. */
const HEAD_BYTES = 32 * 2 ** 20;
/** One context for each transfer syntax, and one for the service itself. */
const MOST_CLASSES = Math.floor((MOST_CONTEXTS - 1) / RETRIEVED_SYNTAXES.length);

/** Retrieval by C-GET or C-MOVE, counted against what the archive lists. */
export class Retrieval {
  readonly #parts: RetrievalParts;
  /** Known once an archive has refused C-GET. */
  #how: 'get' | 'move';

  constructor(parts: RetrievalParts) {
    this.#parts = parts;
    this.#how = parts.how === 'move' ? 'move' : 'get';
  }

  /**
   * Instances as files (PS3.10), in no order, each once; nothing is fetched ahead of the caller. What is
   * missing in the end of a retrieval is asked for again, one by one.
   * @throws DICOM_WEB_ANSWER where instances that the archive lists do not come; DICOM_UNREADABLE
   * (TooMuchToRead)
   */
  async *instances(wanted: Wanted, taking: Taking = {}, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const missing = new Set(wanted.listed?.keys());
    const seen = new Set<string>();
    const news = ({ sopInstanceUid }: ReceivedInstance): boolean => {
      missing.delete(sopInstanceUid);
      if (seen.has(sopInstanceUid)) return false;
      seen.add(sopInstanceUid);
      return true;
    };
    let end = yield* this.#once(wanted, taking, signal, news);
    for (const pauseMs of this.#parts.pausesMs ?? PAUSES_MS) {
      const isComplete = missing.size === 0 && (wanted.listed || end.status === STATUS.success);
      if (isComplete || !isWorthAnotherTry(end.status)) break;
      await wait(pauseMs, undefined, signal ? { signal } : {});
      // Where nothing came, the whole is asked for again; else what is missing, one by one.
      const again =
        seen.size === 0 ? [wanted] : [...missing].map((uid) => ({ ...wanted, sopInstanceUid: uid }));
      for (const one of again) end = yield* this.#once(one, taking, signal, news);
    }
    this.#check(wanted, { missing: missing.size, came: seen.size, end });
  }

  #check(
    { seriesInstanceUid, listed }: Wanted,
    { missing, came, end }: { missing: number; came: number; end: RetrievalEnd },
  ): void {
    if (listed ? missing === 0 : end.status === STATUS.success) return;
    const of = `series ${seriesInstanceUid}`;
    const why = end.status === STATUS.success ? '' : `; it says: ${statusText(end.status)}`;
    const comment = end.comment ? ` (${end.comment})` : '';
    if (came === 0 && end.status !== STATUS.success) {
      throw new DimseStatusError(
        `${of} cannot be retrieved (C-${this.#how.toUpperCase()})`,
        end.status,
        end.comment,
      );
    }
    const all = listed ? ` of ${listed.size}` : '';
    const what = `${of}: the archive sent ${came}${all} instances${why}${comment}`;
    throw new DicomError('DICOM_WEB_ANSWER', what);
  }

  async *#once(
    wanted: Wanted,
    taking: Taking,
    signal: AbortSignal | undefined,
    news: (instance: ReceivedInstance) => boolean,
  ): AsyncGenerator<Uint8Array, RetrievalEnd> {
    const taken = { mostBytes: limitOf(taking), cut: taking.headAlone ?? false };
    if (this.#how === 'get') {
      const end = yield* filtered(this.#get(wanted, taken, signal), news);
      if (end) return end;
    }
    return yield* filtered(this.#move(wanted, taken, signal), news);
  }

  /** @returns undefined where the archive does not offer it, and C-MOVE may do */
  async *#get(
    wanted: Wanted,
    taken: Taken,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ReceivedInstance, RetrievalEnd | undefined> {
    const { sessions, peer, how, receiver, told } = this.#parts;
    const classes = classesOf(wanted);
    const proposals: Proposal[] = [
      { sopClassUid: SERVICE.studyGet, transferSyntaxUids: IDENTIFIER_SYNTAXES },
      ...classes.map((sopClassUid) => {
        return { sopClassUid, transferSyntaxUids: RETRIEVED_SYNTAXES, apart: true, asScp: true };
      }),
    ];
    const end = yield* sessions.each({ kind: 'retrieve', proposals, signal }, (association) =>
      getIfOffered(association, { wanted, peer, taken, classes }),
    );
    if (end) return end;
    if (how === 'get' || !receiver) {
      const what = 'the archive does not offer C-GET (Study Root)';
      throw new NotOffered(`${what}${receiver ? '' : ', and archive.dimse.listen has no port for C-MOVE'}`);
    }
    told({ refused: 'C-GET', instead: 'C-MOVE', because: undefined });
    this.#how = 'move';
    return undefined;
  }

  async *#move(
    wanted: Wanted,
    taken: Taken,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ReceivedInstance, RetrievalEnd> {
    const { sessions, peer, receiver } = this.#parts;
    if (!receiver) throw new NotOffered('archive.dimse.listen has no port: C-MOVE has nowhere to deliver');
    const expected = (await receiver()).expect(namesOf(wanted), taken);
    const { lastSign } = expected;
    const proposals = [{ sopClassUid: SERVICE.studyMove, transferSyntaxUids: IDENTIFIER_SYNTAXES }];
    const identifier = identifierOf(wanted);
    try {
      return yield* sessions.each({ kind: 'retrieve', proposals, signal, lastSign }, (association) => {
        const context = association.contextOf(SERVICE.studyMove);
        if (!context) throw new NotOffered('the archive offers neither C-GET nor C-MOVE (Study Root)');
        return move(association, context, { identifier, aeTitle: peer.callingAeTitle, expected });
      });
    } finally {
      expected.forget();
    }
  }
}

interface GetParts {
  readonly wanted: Wanted;
  readonly peer: Peer;
  readonly taken: Taken;
  readonly classes: readonly string[];
}

async function* getIfOffered(
  association: Association,
  { wanted, peer, taken, classes }: GetParts,
): AsyncGenerator<ReceivedInstance, RetrievalEnd | undefined> {
  const context = association.contextOf(SERVICE.studyGet);
  if (!context) return undefined;
  if (!classes.some((uid) => association.contextOf(uid))) {
    throw new NotOffered(`the archive accepts none of the SOP classes of the series (${classes.join(', ')})`);
  }
  return yield* get(association, context, { identifier: identifierOf(wanted), peer, taken });
}

async function* filtered<R>(
  instances: AsyncGenerator<ReceivedInstance, R>,
  news: (instance: ReceivedInstance) => boolean,
): AsyncGenerator<Uint8Array, R> {
  try {
    for (;;) {
      const next = await instances.next();
      if (next.done) return next.value;
      if (news(next.value)) yield next.value.bytes;
    }
  } finally {
    await instances.return(undefined as never);
  }
}

/** The SOP classes of what is asked for (PS3.4 section C.4.3: those alone are proposed). */
function classesOf({ listed, sopInstanceUid }: Wanted): readonly string[] {
  const known = sopInstanceUid === undefined ? [...(listed?.values() ?? [])] : [listed?.get(sopInstanceUid)];
  const classes = [...new Set(known.filter((uid) => uid !== undefined))];
  const isWhole = classes.length > 0 && known.every((uid) => uid !== undefined);
  return isWhole
    ? classes.slice(0, MOST_CLASSES)
    : [...new Set([...classes, ...USUAL_CLASSES])].slice(0, MOST_CLASSES);
}

const namesOf = ({ listed, sopInstanceUid }: Wanted): ReadonlySet<string> | undefined =>
  sopInstanceUid === undefined ? listed && new Set(listed.keys()) : new Set([sopInstanceUid]);

const identifierOf = ({ studyInstanceUid, seriesInstanceUid, sopInstanceUid }: Wanted): Identifier => ({
  QueryRetrieveLevel: sopInstanceUid === undefined ? 'SERIES' : 'IMAGE',
  StudyInstanceUID: studyInstanceUid,
  SeriesInstanceUID: seriesInstanceUid,
  ...(sopInstanceUid === undefined ? {} : { SOPInstanceUID: sopInstanceUid }),
});

const limitOf = ({ mostBytes, headAlone = false }: Taking): number =>
  headAlone ? HEAD_BYTES : (mostBytes ?? UNANNOUNCED_LIMIT_BYTES);

import { text } from '../reading/dataset.ts';
import { readForeignValues } from '../reading/foreign-instances.ts';
import type { Detour } from './archive-access.ts';
import { mayBeHadOtherwise } from './refusals.ts';

/** What an archive is asked for, each with its own errors. */
export interface RetrievalWays {
  series(): AsyncIterable<Uint8Array>;
  /** SOP instance UIDs that it lists in the series. */
  list(): Promise<readonly string[]>;
  /** What it gives for one instance. */
  instance(sopInstanceUid: string): Promise<Uint8Array>;
  /** Everything in the study. */
  study(): AsyncIterable<Uint8Array>;
  told(detour: Detour): void;
}

const SOP_UID = '00080018';
const SERIES_UID = '0020000E';
const WHOLE_SERIES = 'a series as a whole (WADO-RS)';

/** Instances that are asked for at a time: memory holds them. */
const AT_A_TIME = 4;

/**
 * The instances of a series; where the archive does not give them together, each by itself, and where it
 * gives no instance by itself either, out of the whole study. An answer that breaks off in its middle is not
 * asked for in another way: the next attempt begins anew.
 * @throws what `series` throws, where nothing else works either
 */
export async function* seriesSomehow(
  seriesInstanceUid: string,
  ways: RetrievalWays,
): AsyncGenerator<Uint8Array> {
  const refusal = yield* untilRefused(ways.series());
  if (refusal === undefined) return;
  const uids = await otherwise(refusal, ways.list());
  if (uids.length === 0) throw refusal.error;
  const [first = '', ...rest] = uids;
  let one: Uint8Array | undefined;
  try {
    one = await ways.instance(first);
  } catch (error) {
    if (!mayBeHadOtherwise(error)) throw error;
  }
  if (one) {
    ways.told({ refused: WHOLE_SERIES, instead: 'its instances one by one', because: refusal.error });
    yield one;
    yield* oneByOne(rest, (uid) => ways.instance(uid));
    return;
  }
  const ofSeries = async function* (): AsyncGenerator<Uint8Array> {
    for await (const given of ways.study()) {
      const { dataset, bytes } = await readForeignValues(given, 'an instance of the study', [SERIES_UID]);
      if (text(dataset, 'SeriesInstanceUID') === seriesInstanceUid) yield bytes;
    }
  };
  const alsoRefused = yield* untilRefused(ofSeries());
  if (alsoRefused !== undefined) throw refusal.error;
  ways.told({ refused: WHOLE_SERIES, instead: 'the whole study', because: refusal.error });
}

/** One instance; where the archive gives none by itself, out of its series. */
export async function instanceSomehow(
  sopInstanceUid: string,
  ways: Pick<RetrievalWays, 'instance' | 'series' | 'told'>,
): Promise<Uint8Array> {
  try {
    return await ways.instance(sopInstanceUid);
  } catch (error) {
    if (!mayBeHadOtherwise(error)) throw error;
    const found = await inSeries(sopInstanceUid, ways.series()).catch(() => undefined);
    if (!found) throw error;
    ways.told({ refused: 'one instance (WADO-RS)', instead: 'its whole series', because: error });
    return found;
  }
}

async function inSeries(
  sopInstanceUid: string,
  series: AsyncIterable<Uint8Array>,
): Promise<Uint8Array | undefined> {
  for await (const given of series) {
    const { dataset, bytes } = await readForeignValues(given, 'an instance of the series', [SOP_UID]);
    if (text(dataset, 'SOPInstanceUID') === sopInstanceUid) return bytes;
  }
  return undefined;
}

/** @returns why nothing came, where that may be had otherwise */
async function* untilRefused(
  items: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, { readonly error: unknown } | undefined> {
  let some = false;
  try {
    for await (const item of items) {
      some = true;
      yield item;
    }
  } catch (error) {
    if (some || !mayBeHadOtherwise(error)) throw error;
    return { error };
  }
  return undefined;
}

async function otherwise<T>(refusal: { readonly error: unknown }, other: Promise<T>): Promise<T> {
  try {
    return await other;
  } catch (error) {
    throw mayBeHadOtherwise(error) ? refusal.error : error;
  }
}

async function* oneByOne(
  uids: readonly string[],
  instance: (uid: string) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const coming: Promise<Uint8Array>[] = [];
  for (const uid of uids) {
    const next = instance(uid);
    // Where an earlier one fails, nobody awaits this one: its own failure then goes unsaid.
    next.catch(() => undefined);
    coming.push(next);
    const ready = coming.length === AT_A_TIME ? coming.shift() : undefined;
    if (ready) yield await ready;
  }
  for (const next of coming) yield await next;
}

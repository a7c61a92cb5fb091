import { DicomError } from '../dicom-error.ts';
import type { DicomDataset } from '../reading/dataset.ts';
import type { Detour } from '../web/archive-access.ts';
import { type FindEnd, find } from './services/find.ts';
import { IDENTIFIER_SYNTAXES, type Identifier } from './services/identifier.ts';
import { SERVICE } from './services/sop-classes.ts';
import { NotOffered } from './services/status.ts';
import type { Sessions } from './sessions.ts';
import type { Ask, Listing } from './study-windows.ts';
import type { Association } from './wire/association.ts';

/** How long an archive may take to heed a cancel. */
const CANCEL_MS = 1_000;

/**
 * Searches (C-FIND, Study Root), each on an association of its own that is given back before anyone works on
 * the matches: who asks for more meanwhile never waits for a search of its own.
 */
export class Searches {
  readonly #sessions: Sessions;
  readonly #told: (detour: Detour) => void;
  /** None is left for an archive that did not heed a cancel before. */
  #cancelMs = CANCEL_MS;

  constructor(sessions: Sessions, told: (detour: Detour) => void) {
    this.#sessions = sessions;
    this.#told = told;
  }

  /** Studies by searches in windows. */
  async *studies(
    keys: Identifier,
    signal: AbortSignal | undefined,
    search: (ask: Ask, dayCut: (day: string) => void) => AsyncGenerator<DicomDataset>,
  ): AsyncGenerator<DicomDataset> {
    const dayCut = (day: string): void =>
      this.#told({
        refused: `all studies of ${day} at once (C-FIND)`,
        instead: 'searches by StudyTime, which find no study without one',
        because: undefined,
      });
    const ask: Ask = (matching, most) => this.#listing('STUDY', { ...keys, ...matching }, most, signal);
    yield* search(ask, dayCut);
  }

  /** @throws DICOM_WEB_ANSWER where there are more, or the archive cuts the list short */
  async all(
    level: 'SERIES' | 'IMAGE',
    keys: Identifier,
    most: number,
    signal: AbortSignal | undefined,
  ): Promise<readonly DicomDataset[]> {
    const { matches, end } = await this.#listing(level, keys, most, signal);
    if (end === 'complete') return matches;
    // A list that the archive cut short would pass for the whole.
    const why = end === 'more' ? `gives more than ${most}` : 'is cut short by the archive';
    throw new DicomError('DICOM_WEB_ANSWER', `${this.#sessions.url}: a search at ${level} level ${why}`);
  }

  /** The first match that is wanted; the others are not waited for. */
  async first(
    level: 'IMAGE',
    keys: Identifier,
    isWanted: (match: DicomDataset) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<DicomDataset | undefined> {
    return this.#sessions.once(searching(signal), async (association) => {
      for await (const match of this.#matches(association, level, keys)) if (isWanted(match)) return match;
      return undefined;
    });
  }

  #listing(level: string, keys: Identifier, most: number, signal: AbortSignal | undefined): Promise<Listing> {
    return this.#sessions.once(searching(signal), (association) =>
      upTo(this.#matches(association, level, keys), most),
    );
  }

  #matches(association: Association, level: string, keys: Identifier): AsyncGenerator<DicomDataset, FindEnd> {
    const context = association.contextOf(SERVICE.studyFind);
    if (!context) throw new NotOffered('the archive does not accept C-FIND (Study Root)');
    const notHeeded = (): void => {
      this.#cancelMs = 0;
    };
    const options = { cancelMs: this.#cancelMs, notHeeded };
    return find(association, context, { ...keys, QueryRetrieveLevel: level }, options);
  }
}

const searching = (signal: AbortSignal | undefined) => {
  const proposals = [{ sopClassUid: SERVICE.studyFind, transferSyntaxUids: IDENTIFIER_SYNTAXES }];
  return { kind: 'search', proposals, signal } as const;
};

async function upTo(given: AsyncGenerator<DicomDataset, FindEnd>, most: number): Promise<Listing> {
  const matches: DicomDataset[] = [];
  try {
    for (;;) {
      const next = await given.next();
      if (next.done) return { matches, end: next.value };
      if (matches.length === most) return { matches, end: 'more' };
      matches.push(next.value);
    }
  } finally {
    await given.return('cut short');
  }
}

import type { Sql } from '../../store/database/sql.ts';
import type { Outgoing } from '../../store/exchange/outgoing.ts';
import { type OutgoingResult, outgoingResult, type ResultFacts } from './outgoing-result.ts';
import { type ResultArchive, storedResult } from './source.ts';

/** All that is said of a result, read from the archive when it is said. @throws DeliveryError */
export type ReadResult = (message: Outgoing, signal: AbortSignal) => Promise<OutgoingResult>;

export interface ReadingParts {
  readonly archive: ResultArchive;
  readonly database: Sql;
  readonly facts: Omit<ResultFacts, 'notice'>;
  /** What must be said of a model wherever its results are shown. */
  readonly notice: (model: Outgoing['volume']['model']) => Promise<string | undefined>;
}

/** @param pdf whether the summary page goes along */
export const resultReader =
  ({ archive, database, facts, notice }: ReadingParts, { pdf }: { pdf: boolean }): ReadResult =>
  async (message, signal) => {
    const stored = await storedResult(message, { archive, database, pdf }, signal);
    return outgoingResult(message, stored, { ...facts, notice: await notice(message.volume.model) });
  };

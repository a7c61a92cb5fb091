import type { Database } from '../store/database/sql.ts';
import { beginStoring, isOrdered, isWatchWaiting } from '../store/orders/performed-orders.ts';

/** How often is asked whether an order was canceled: one short question to the database. */
const LOOK_MS = 2_000;

/** Work ended because nobody wants it any more. */
class CalledOff extends Error {
  override readonly name = 'CalledOff';
}

export interface OrderedWork {
  readonly database: Database;
  readonly studyInstanceUid: string;
  /** Whether the study is in the queue for orders alone. */
  readonly isOrdered: boolean;
  readonly now: () => Date;
  readonly onError: (error: unknown) => void;
}

/** What the work is given: when it has to stop, and whom it asks before it stores. */
interface Wanted {
  readonly signal: AbortSignal;
  readonly beforeStoring: () => Promise<void>;
}

/**
 * Does the work on a study. Where it is done for orders alone, it ends when the last of them is canceled, as
 * long as storing has not begun; from then on no order for the study can be canceled.
 * @returns undefined where it was called off
 * @throws what `work` throws
 */
export async function asLongAsWanted<T>(
  { database, studyInstanceUid, isOrdered: isForOrders, now, onError }: OrderedWork,
  signal: AbortSignal,
  work: (wanted: Wanted) => Promise<T>,
): Promise<T | undefined> {
  const calledOff = new AbortController();
  let isStoring = false;
  const isWanted = async (): Promise<boolean> =>
    !isForOrders ||
    isStoring ||
    (await isOrdered(database, studyInstanceUid)) ||
    (await isWatchWaiting(database, studyInstanceUid));
  const callOff = (): void => {
    // Storing may have begun while the database was asked.
    if (!isStoring) calledOff.abort(new CalledOff());
  };
  const look = (): void => {
    isWanted().then((is) => (is ? undefined : callOff()), onError);
  };
  if (!(await isWanted())) return undefined;
  const looking = isForOrders ? setInterval(look, LOOK_MS) : undefined;
  try {
    return await work({
      signal: AbortSignal.any([signal, calledOff.signal]),
      beforeStoring: async () => {
        if (isStoring) return;
        const isForSomebody = await beginStoring(database, studyInstanceUid, now());
        const goesOn = !isForOrders || isForSomebody || (await isWatchWaiting(database, studyInstanceUid));
        if (!goesOn) callOff();
        calledOff.signal.throwIfAborted();
        isStoring = true;
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    if (calledOff.signal.aborted) return undefined;
    throw error;
  } finally {
    clearInterval(looking);
  }
}

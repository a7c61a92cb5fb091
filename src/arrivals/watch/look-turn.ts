import { codeOf } from '../../coded-error.ts';
import { DicomError } from '../../dicom/dicom-error.ts';
import { DicomWebStatusError } from '../../dicom/web/errors.ts';
import type { Announcement } from '../../store/arrivals/announcements.ts';
import type { StudyList } from './listing.ts';
import { type LookParts, type LookResult, look } from './look.ts';

/** How long looks may take, in ms. */
export interface LookLimits {
  /** The first look at a study. */
  readonly firstMs: number;
  /** Each look after one that failed: a cold archive may need as long. */
  readonly laterMs: number;
  /** The question whether the archive answers at all. */
  readonly healthMs: number;
  /** After so long a turn begins no more looks: what is announced meanwhile waits for its end. */
  readonly turnMs: number;
}

const LOOK_LIMITS: LookLimits = { firstMs: 20_000, laterMs: 60_000, healthMs: 10_000, turnMs: 30_000 };

/** A look fails like this where an archive is down, busy or locked, or its study cannot be served. */
export const isOfArchive = (error: unknown): boolean => String(codeOf(error)).startsWith('DICOM_WEB_');

/** Looks at a time: at studies that gave no trouble yet, and, apart from them, at those that did. */
const LANES = 4;

/** As `look`, but it ends with DICOM_WEB_UNREACHABLE where it takes too long. */
export async function lookWithin(
  parts: LookParts & { readonly lookLimits?: LookLimits | undefined },
  announcement: Announcement,
  signal: AbortSignal | undefined,
): Promise<LookResult> {
  const { firstMs, laterMs } = parts.lookLimits ?? LOOK_LIMITS;
  const limitMs = announcement.failures === 0 ? firstMs : laterMs;
  const limit = AbortSignal.timeout(limitMs);
  try {
    return await look(parts, announcement, AbortSignal.any([limit, ...(signal ? [signal] : [])]));
  } catch (error) {
    if (!limit.aborted || signal?.aborted) throw error;
    const what = `the archive did not say within ${limitMs / 1000} s what is in the study`;
    throw new DicomError('DICOM_WEB_UNREACHABLE', what, { cause: error });
  }
}

/**
 * Works on announced studies side by side; those that failed before have lanes of their own, so that they do
 * not hold up the others. Ends early with the first error of `work`, once what is under way has ended.
 */
export async function sideBySide(
  announcements: readonly Announcement[],
  work: (announcement: Announcement) => Promise<void>,
  signal: AbortSignal | undefined,
  { turnMs }: LookLimits = LOOK_LIMITS,
): Promise<void> {
  const turnEnds = performance.now() + turnMs;
  const failures: unknown[] = [];
  const lanes = [false, true].flatMap((isAgain) => {
    const rest = announcements.filter(({ failures: before }) => before > 0 === isAgain)[Symbol.iterator]();
    return Array.from({ length: LANES }, async () => {
      for (const announcement of rest) {
        if (failures.length > 0 || signal?.aborted) return;
        await work(announcement).catch((error: unknown) => failures.push(error));
        if (performance.now() > turnEnds) return;
      }
    });
  });
  await Promise.all(lanes);
  signal?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
}

/** How long the archive asked to be left alone, in ms. */
export const wantedPauseMs = (error: unknown): number =>
  error instanceof DicomWebStatusError ? (error.retryAfterMs ?? 0) : 0;

/** After this many studies without an answer from an archive that is down, no more are asked about. */
const UNREACHABLE_LIMIT = 3;

interface HealthParts {
  readonly archive: StudyList;
  readonly now: () => Date;
  readonly lookLimits?: LookLimits | undefined;
}

/** Tells in a turn of looks an archive that is down from a study that it cannot serve. */
export class ArchiveHealth {
  readonly #parts: HealthParts;
  readonly #signal: AbortSignal | undefined;
  #inVain = 0;
  #asking: Promise<boolean> | undefined;

  constructor(parts: HealthParts, signal: AbortSignal | undefined) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** A look had its answers. */
  answered(): void {
    this.#inVain = 0;
  }

  /**
   * A look had none. Whether another question has an answer is asked once for all looks that wait for it.
   * @param error of the look
   * @throws it, where the archive is down and has been asked often enough
   */
  async isDown(error: unknown): Promise<boolean> {
    this.#asking ??= this.#answers().finally(() => {
      this.#asking = undefined;
    });
    if (await this.#asking) {
      this.#inVain = 0;
      return false;
    }
    this.#inVain += 1;
    if (this.#inVain >= UNREACHABLE_LIMIT) throw error;
    return true;
  }

  async #answers(): Promise<boolean> {
    const { archive, now, lookLimits = LOOK_LIMITS } = this.#parts;
    const limit = AbortSignal.timeout(lookLimits.healthMs);
    const signal = AbortSignal.any([limit, ...(this.#signal ? [this.#signal] : [])]);
    try {
      for await (const _study of archive.searchStudies({ lookBack: 0, now: now(), pageSize: 1, signal }))
        break;
      return true;
    } catch {
      this.#signal?.throwIfAborted();
      return false;
    }
  }
}

import { basename } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { codeOf, messageOf } from '../../coded-error.ts';
import { DicomError } from '../../dicom/dicom-error.ts';
import { DicomWebStatusError } from '../../dicom/web/errors.ts';
import { reasonText, type StoreOutcome } from '../../dicom/web/store-answer.ts';
import { type FileToStore, UnreadableFile } from '../../dicom/web/store-files.ts';
import { Pauses } from './pauses.ts';
import type { InstanceSource, Spool, SpooledInstance } from './spool.ts';

/** What forwarding needs of a DICOMweb client. */
export interface ForwardTarget {
  storeFiles(files: readonly FileToStore[], signal?: AbortSignal): Promise<StoreOutcome>;
  storedInstances(studyUid: string, seriesUid: string, signal?: AbortSignal): Promise<Set<string>>;
  isStored(studyUid: string, seriesUid: string, sopUid: string, signal?: AbortSignal): Promise<boolean>;
}

export interface ForwardParts {
  readonly spool: Spool;
  readonly archive: ForwardTarget;
  /** Says durably that the archive holds something new of a study. */
  readonly announce: (studyInstanceUid: string, source: InstanceSource) => Promise<void>;
  readonly log: ForwardLog;
  /** First pause after a failure, in ms; it doubles up to a minute. */
  readonly firstPauseMs?: number;
}

/** The part of a pino logger that forwarding uses. */
interface ForwardLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Upper limits of one request, unless a single instance is larger. */
const REQUEST_BYTES = 64 * 1024 * 1024;
const REQUEST_INSTANCES = 500;
/** An instance that was refused this often is not refused by chance. */
const ATTEMPTS = 5;
/**
 * Attempts for an instance that the archive took but does not show. With the pauses that is about half an
 * hour, as some archives index late.
 */
const ATTEMPTS_UNSEEN = 35;
/**
 * Statuses that are about who asks or when, not about the instances: an administrator or time will change
 * them.
 */
const NOT_ABOUT_INSTANCES: ReadonlySet<number> = new Set([401, 403, 404, 405, 407, 408, 421, 425, 429]);

/**
 * Sends what lies in the spool to the archive, study by study, and sees that it is there; then the study is
 * announced, and then the files are removed. A kill between two of these steps repeats the later ones. An
 * archive that does not answer is tried again for ever, with pauses of up to a minute; a single instance that
 * it refuses is kept aside and logged.
 */
export class Forwarder {
  readonly #parts: ForwardParts;
  readonly #stopping = new AbortController();
  /** Instances that the archive answered for, but did not keep. */
  readonly #attempts = new Map<string, number>();
  readonly #pauses: Pauses;
  /** Studies whose instances go one by one, as the archive refuses them together. */
  readonly #oneByOne = new Set<string>();
  /**
   * Studies whose last attempt failed, the least recently tried first, each with the number of successes
   * until then.
   */
  readonly #troubled = new Map<string, number>();
  #successes = 0;
  #running: Promise<void> | undefined;

  constructor(parts: ForwardParts) {
    this.#parts = parts;
    this.#pauses = new Pauses(parts.firstPauseMs);
  }

  start(): void {
    this.#running ??= this.#run(this.#stopping.signal);
  }

  /** What was not sent stays in the spool. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const batch = this.#nextBatch();
      const [first] = batch;
      if (!first) {
        await this.#idle(signal);
        continue;
      }
      try {
        await this.#forward(batch, signal);
        this.#recovered(first.studyUid);
      } catch (error) {
        if (!signal.aborted) this.#failed(first.studyUid, error);
      }
    }
  }

  /** Instances of one study and source, the oldest first. */
  #nextBatch(): SpooledInstance[] {
    const { waiting } = this.#parts.spool;
    const first = this.#nextOf(waiting);
    if (!first) return [];
    const batch: SpooledInstance[] = [];
    let bytes = 0;
    for (const instance of waiting) {
      if (!belongsWith(first, instance)) continue;
      if (batch.length > 0 && bytes + instance.size > REQUEST_BYTES) break;
      batch.push(instance);
      bytes += instance.size;
      if (batch.length === REQUEST_INSTANCES || this.#oneByOne.has(instance.studyUid)) break;
    }
    return batch;
  }

  /**
   * The oldest instance that need not wait: first from studies that have not failed, then from the failed
   * study whose last attempt is longest ago.
   */
  #nextOf(waiting: readonly SpooledInstance[]): SpooledInstance | undefined {
    const isFree = (studyUid: string) => !this.#pauses.holds(studyUid);
    const untroubled = waiting.find(({ studyUid }) => !this.#troubled.has(studyUid) && isFree(studyUid));
    if (untroubled) return untroubled;
    for (const study of this.#troubled.keys()) {
      const instance = isFree(study) ? waiting.find(({ studyUid }) => studyUid === study) : undefined;
      if (instance) return instance;
    }
    return undefined;
  }

  /** Waits until something comes in or a pause ends. */
  async #idle(signal: AbortSignal): Promise<void> {
    const pauseMs = this.#pauses.msUntilNext();
    const either = new AbortController();
    const any = AbortSignal.any([signal, either.signal]);
    const waits = [this.#parts.spool.added(any)];
    if (pauseMs !== undefined) waits.push(wait(pauseMs, undefined, { signal: any }));
    await Promise.race(waits).catch(() => undefined);
    either.abort();
    await Promise.allSettled(waits);
  }

  async #forward(batch: readonly SpooledInstance[], signal: AbortSignal): Promise<void> {
    const absent = await this.#missing(batch, signal, 'listed');
    const reasons = absent.length > 0 ? await this.#send(absent, signal) : NO_REASONS;
    const missing = absent.length > 0 ? await this.#missing(absent, signal, 'asked for') : [];
    const arrived = batch.filter((instance) => !missing.includes(instance));
    await this.#arrived(arrived);
    const counts = {
      sent: absent.length - missing.length,
      present: batch.length - absent.length,
      missing: missing.length,
    };
    this.#parts.log.info(
      { studyInstanceUid: batch[0]?.studyUid, ...counts },
      'received instances were sent to the archive',
    );
    if (missing.length > 0) await this.#notKept(missing, reasons);
  }

  /** One STOW-RS request; resolves with the archive's reasons by SOP instance UID. */
  async #send(
    instances: readonly SpooledInstance[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | number>> {
    const [first] = instances;
    try {
      const files = instances.map(({ file, size }) => ({ path: file, size }));
      return reasonsOf(await this.#parts.archive.storeFiles(files, signal));
    } catch (error) {
      if (error instanceof UnreadableFile) await this.#forgetIfGone(instances, error);
      if (!first || !isAboutInstances(error)) throw error;
      if (instances.length === 1) return new Map([[first.sopUid, error.message]]);
      // One of them is to blame: sent alone, each is answered for itself.
      this.#oneByOne.add(first.studyUid);
      throw error;
    }
  }

  /** Somebody took the file away: the others of its study must not wait for it for ever. */
  async #forgetIfGone(instances: readonly SpooledInstance[], { path, cause }: UnreadableFile): Promise<void> {
    const instance = instances.find(({ file }) => file === path);
    if (!instance || codeOf(cause) !== 'ENOENT') return;
    await this.#parts.spool.remove(instance);
    const { studyUid: studyInstanceUid, sopUid: sopInstanceUid, file } = instance;
    const fields = { studyInstanceUid, sopInstanceUid, file: basename(file) };
    this.#parts.log.error(
      fields,
      'the file of a received instance is gone from the spool: it has to be sent again',
    );
  }

  async #arrived(instances: readonly SpooledInstance[]): Promise<void> {
    const [first] = instances;
    if (!first) return;
    await this.#parts.announce(first.studyUid, first.source);
    for (const instance of instances) {
      await this.#parts.spool.remove(instance);
      this.#attempts.delete(instance.file);
    }
  }

  /**
   * Which of them the archive lacks. Each series is listed once; With `asked for`, an instance that the list
   * lacks is asked for by itself, as some lists lag behind. Before sending, the list is enough: sending twice
   * changes nothing.
   */
  async #missing(
    instances: readonly SpooledInstance[],
    signal: AbortSignal,
    how: 'listed' | 'asked for',
  ): Promise<SpooledInstance[]> {
    const { archive } = this.#parts;
    const listed = new Map<string, Set<string>>();
    const missing: SpooledInstance[] = [];
    for (const instance of instances) {
      const { studyUid, seriesUid, sopUid } = instance;
      const stored = listed.get(seriesUid) ?? (await archive.storedInstances(studyUid, seriesUid, signal));
      listed.set(seriesUid, stored);
      if (stored.has(sopUid)) continue;
      if (how === 'asked for' && (await archive.isStored(studyUid, seriesUid, sopUid, signal))) continue;
      missing.push(instance);
    }
    return missing;
  }

  /** @throws DicomError DICOM_STORE_INCOMPLETE while some of them are to be sent again */
  async #notKept(
    missing: readonly SpooledInstance[],
    reasons: ReadonlyMap<string, string | number>,
  ): Promise<void> {
    let again = 0;
    for (const instance of missing) {
      const reason = reasons.get(instance.sopUid);
      const limit = reason === undefined ? ATTEMPTS_UNSEEN : ATTEMPTS;
      const isLast = !isOutOfResources(reason) && this.#countAttempt(instance) >= limit;
      if (isLast) await this.#refuse(instance, reason);
      else again += 1;
    }
    if (again === 0) return;
    throw new DicomError('DICOM_STORE_INCOMPLETE', `${again} instances are not in the archive after storing`);
  }

  #countAttempt({ file }: SpooledInstance): number {
    const attempts = (this.#attempts.get(file) ?? 0) + 1;
    this.#attempts.set(file, attempts);
    return attempts;
  }

  async #refuse(instance: SpooledInstance, reason: string | number | undefined): Promise<void> {
    const { file, studyUid, sopUid } = instance;
    await this.#parts.spool.refuse(instance);
    this.#attempts.delete(file);
    this.#parts.log.error(
      {
        studyInstanceUid: studyUid,
        sopInstanceUid: sopUid,
        file: basename(file),
        reason: typeof reason === 'number' ? reasonText(reason) : (reason ?? 'the archive gave none'),
      },
      'the archive refuses a received instance; it is kept in the folder refused of the spool',
    );
  }

  #recovered(studyUid: string): void {
    this.#successes += 1;
    this.#troubled.delete(studyUid);
    if (this.#pauses.recovered(studyUid)) {
      this.#parts.log.info({}, 'received instances can be sent to the archive again');
    }
  }

  #failed(studyUid: string, error: unknown): void {
    // An archive that does not answer concerns every study; unless others succeed meanwhile.
    const successesBefore = this.#troubled.get(studyUid) ?? this.#successes;
    const isOfStudy =
      isAboutInstances(error) ||
      isIncomplete(error) ||
      error instanceof UnreadableFile ||
      this.#successes > successesBefore;
    this.#troubled.delete(studyUid);
    this.#troubled.set(studyUid, this.#successes);
    const asked = error instanceof DicomWebStatusError ? (error.retryAfterMs ?? 0) : 0;
    const isFirst = this.#pauses.failed(isOfStudy ? studyUid : undefined, asked);
    if (!isFirst) return;
    const { spool, log } = this.#parts;
    const reason = messageOf(error);
    const fields = { studyInstanceUid: studyUid, waiting: spool.figures.waiting, reason };
    log.warn(fields, 'received instances cannot be sent to the archive; going on trying');
  }
}

function belongsWith(first: SpooledInstance, other: SpooledInstance): boolean {
  return (
    first.studyUid === other.studyUid &&
    first.source.kind === other.source.kind &&
    first.source.callingAeTitle === other.source.callingAeTitle
  );
}

const NO_REASONS: ReadonlyMap<string, string | number> = new Map();

function reasonsOf({ failed }: StoreOutcome): Map<string, number> {
  return new Map(
    failed.flatMap(({ sopInstanceUid, reason }) =>
      sopInstanceUid !== undefined && reason !== undefined ? [[sopInstanceUid, reason] as const] : [],
    ),
  );
}

/** PS3.18 table I.2-2. Such a failure passes, and must not cost an instance. */
function isOutOfResources(reason: string | number | undefined): boolean {
  return typeof reason === 'number' && reason >= 0xa700 && reason <= 0xa7ff;
}

function isIncomplete(error: unknown): boolean {
  return error instanceof DicomError && error.code === 'DICOM_STORE_INCOMPLETE';
}

/** The archive has read the request and does not want it: 400, 413, 415, 422 and their like. */
function isAboutInstances(error: unknown): error is DicomWebStatusError {
  if (!(error instanceof DicomWebStatusError)) return false;
  return error.status >= 400 && error.status < 500 && !NOT_ABOUT_INSTANCES.has(error.status);
}

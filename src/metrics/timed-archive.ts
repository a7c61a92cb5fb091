import type { DicomDataset } from '../dicom/reading/dataset.ts';
import { DicomWebClient, type DicomWebOptions, type StudySearch } from '../dicom/web/client.ts';
import { DicomWebStatusError } from '../dicom/web/errors.ts';
import type { StoreOutcome } from '../dicom/web/store-answer.ts';

/** Kinds of DICOMweb transactions (PS3.18): what their times are told apart by. */
export type ArchiveRequestKind = 'search' | 'metadata' | 'retrieve' | 'store';

export interface ArchiveAnswer {
  readonly kind: ArchiveRequestKind;
  readonly ok: boolean;
  /** Time that the caller waited for the archive, without its own time between parts of an answer. */
  readonly seconds: number;
}

/** The DICOMweb client, which tells how long the archive took for each request that is made. */
export class TimedArchive extends DicomWebClient {
  readonly #answered: (answer: ArchiveAnswer) => void;

  constructor(options: DicomWebOptions, answered: (answer: ArchiveAnswer) => void) {
    super(options);
    this.#answered = answered;
  }

  override searchStudies(search: StudySearch): AsyncGenerator<DicomDataset> {
    return this.#timedItems('search', super.searchStudies(search), search.signal);
  }

  override searchSeries(...request: Parameters<DicomWebClient['searchSeries']>): Promise<DicomDataset[]> {
    return this.#timed('search', super.searchSeries(...request), request.at(-1));
  }

  override searchInstances(
    ...request: Parameters<DicomWebClient['searchInstances']>
  ): Promise<DicomDataset[]> {
    return this.#timed('search', super.searchInstances(...request), request.at(-1));
  }

  override seriesMetadata(...request: Parameters<DicomWebClient['seriesMetadata']>): Promise<DicomDataset[]> {
    return this.#timed('metadata', super.seriesMetadata(...request), request.at(-1));
  }

  override instanceMetadata(
    ...request: Parameters<DicomWebClient['instanceMetadata']>
  ): Promise<DicomDataset> {
    return this.#timed('metadata', super.instanceMetadata(...request), request.at(-1));
  }

  override retrieveSeries(
    ...request: Parameters<DicomWebClient['retrieveSeries']>
  ): AsyncGenerator<Uint8Array> {
    return this.#timedItems('retrieve', super.retrieveSeries(...request), request.at(-1));
  }

  override retrieveInstance(...request: Parameters<DicomWebClient['retrieveInstance']>): Promise<Uint8Array> {
    return this.#timed('retrieve', super.retrieveInstance(...request), request.at(-1));
  }

  override store(...request: Parameters<DicomWebClient['store']>): Promise<StoreOutcome> {
    return this.#timed('store', super.store(...request), request.at(-1));
  }

  override storeFiles(...request: Parameters<DicomWebClient['storeFiles']>): Promise<StoreOutcome> {
    return this.#timed('store', super.storeFiles(...request), request.at(-1));
  }

  async #timed<T>(kind: ArchiveRequestKind, answer: Promise<T>, last: unknown): Promise<T> {
    const started = performance.now();
    try {
      const given = await answer;
      this.#tell(kind, performance.now() - started);
      return given;
    } catch (error) {
      this.#tell(kind, performance.now() - started, { error, last });
      throw error;
    }
  }

  async *#timedItems<T>(
    kind: ArchiveRequestKind,
    items: AsyncGenerator<T>,
    last: unknown,
  ): AsyncGenerator<T> {
    let waitedMs = 0;
    let failure: Failure | undefined;
    try {
      for (;;) {
        const started = performance.now();
        const { done, value } = await items.next().finally(() => {
          waitedMs += performance.now() - started;
        });
        if (done) return;
        yield value;
      }
    } catch (error) {
      failure = { error, last };
      throw error;
    } finally {
      // Where the caller has seen enough, the connection is closed with it.
      await items.return(undefined);
      this.#tell(kind, waitedMs, failure);
    }
  }

  #tell(kind: ArchiveRequestKind, ms: number, failure?: Failure): void {
    // A request that the node itself gave up tells nothing of the archive.
    if (failure?.last instanceof AbortSignal && failure.last.aborted) return;
    this.#answered({ kind, ok: !failure || isNotThere(failure.error), seconds: ms / 1000 });
  }
}

interface Failure {
  readonly error: unknown;
  /** The last argument of the request: its signal, where it has one. */
  readonly last: unknown;
}

/** An answer like any other: the node asks whether a result is there before it stores it. */
const isNotThere = (error: unknown): boolean => error instanceof DicomWebStatusError && error.status === 404;

import type { RequestInstance } from 'dicomweb-client';
import { messageOf } from '../../coded-error.ts';
import { AnswerError } from '../../http-client/errors.ts';
import type { ItemReader } from '../../http-client/json-items.ts';
import { patiently } from '../../http-client/patience.ts';
import { bodyOf } from '../../http-client/request-body.ts';
import { jsonAnswer, wholeAnswer } from '../../http-client/whole-answer.ts';
import type { DicomDataset } from '../reading/dataset.ts';
import { readForeignJson } from '../reading/foreign-instances.ts';
import { hasValuesElsewhere, naturalizeJson } from '../reading/naturalize.ts';
import type { ArchiveAccess, ArchiveRequest } from './archive-access.ts';
import { archiveError, badAnswer } from './errors.ts';

/** Answer of the archive. */
export interface LibraryAnswer {
  readonly status: number;
  /** Where the library asked for JSON. */
  readonly datasets: readonly AnsweredDataset[];
  /** Where it did not. */
  readonly text: string;
}

/**
 * Runs one request of dicomweb-client over our own exchange; again where the archive asks for a short pause.
 * @param url for messages
 * @returns what came, of each status that is accepted
 * @throws DicomError DICOM_WEB_UNREACHABLE, DICOM_WEB_STATUS, DICOM_WEB_ANSWER; the signal's reason where it
 * was aborted
 */
export async function throughLibrary(
  access: ArchiveAccess,
  url: string,
  request: Omit<ArchiveRequest, 'method' | 'body'>,
  send: (instance: RequestInstance) => Promise<unknown>,
): Promise<LibraryAnswer> {
  const instance = new LibraryRequest(access, request);
  try {
    await send(instance);
  } catch (error) {
    // The library has its own idea of which statuses are good. What it throws is looked at no further: the
    // request hangs on it.
    if (!instance.isDone) {
      throw badAnswer(url, error instanceof Error ? error.message : 'the request was not made');
    }
  }
  if (instance.failure !== undefined) throw archiveError(url, instance.failure);
  return instance.answer;
}

/** A data set of an answer. */
export class AnsweredDataset {
  readonly dataset: DicomDataset;
  /** The archive keeps values of it elsewhere that belong into a header. */
  readonly lacksValues: boolean;

  constructor(dataset: DicomDataset, lacksValues: boolean) {
    this.dataset = dataset;
    this.lacksValues = lacksValues;
  }
}

/** Of each item its data set; the nothing that some archives send among them is kept as it is. */
const DATA_SETS: ItemReader = {
  take: (item) => {
    if (item === null) return item;
    const dataset = naturalizeJson(item);
    if (!dataset) throw notDicomJson();
    return new AnsweredDataset(dataset, hasValuesElsewhere(item));
  },
  takeLong: async (text) => {
    const { dataset, lacksValues } = await readForeignJson(text, 'a data set of the answer').catch(
      (cause: unknown) => {
        throw new AnswerError(`the answer is not DICOM JSON: ${messageOf(cause)}`, { cause });
      },
    );
    if (!dataset) throw notDicomJson();
    return new AnsweredDataset(dataset, lacksValues);
  },
};

/** A data set that stands alone, and the nothing that some archives find, are lists of one and of none. */
function dataSets(isList: boolean, items: readonly unknown[]): AnsweredDataset[] {
  const sets = items.filter((item) => item !== null);
  if (!sets.every((item) => item instanceof AnsweredDataset)) throw notDicomJson();
  // Any object would pass for a data set without an element.
  if (!isList && sets.some(({ dataset }) => Object.keys(dataset).length === 0)) throw notDicomJson();
  return sets;
}

function notDicomJson(): AnswerError {
  return new AnswerError('the answer is not DICOM JSON (a list of data sets)');
}

/** As much of an XMLHttpRequest as dicomweb-client uses. */
class LibraryRequest implements RequestInstance {
  responseType = '';
  readyState = 0;
  status = 0;
  answer: LibraryAnswer = { status: 0, datasets: [], text: '' };
  onreadystatechange: (() => void) | null = null;
  failure: unknown;
  readonly #access: ArchiveAccess;
  readonly #request: Omit<ArchiveRequest, 'method' | 'body'>;
  readonly #headers: Record<string, string> = {};
  #method: 'GET' | 'POST' = 'GET';
  #url = '';

  constructor(access: ArchiveAccess, request: Omit<ArchiveRequest, 'method' | 'body'>) {
    this.#access = access;
    this.#request = request;
  }

  /** The library passes it on as it is. */
  get response(): unknown {
    return this.answer;
  }

  get isDone(): boolean {
    return this.readyState === 4;
  }

  open(method: string, url: string): void {
    this.#method = method.toUpperCase() === 'POST' ? 'POST' : 'GET';
    this.#url = url;
  }

  setRequestHeader(name: string, value: string): void {
    this.#headers[name] = value;
  }

  /**
   * The library asks for the type alone, and takes an answer apart that calls itself multipart: JSON is JSON
   * here.
   */
  getResponseHeader(): null {
    return null;
  }

  getAllResponseHeaders(): string {
    return '';
  }

  send(data?: ArrayBuffer): void {
    void this.#run(data);
  }

  async #run(data: ArrayBuffer | undefined): Promise<void> {
    try {
      this.answer = await patiently(() => this.#exchange(data), this.#request.signal);
      this.status = this.answer.status;
    } catch (error) {
      this.failure = error;
    }
    this.readyState = 4;
    this.onreadystatechange?.();
  }

  async #exchange(data: ArrayBuffer | undefined): Promise<LibraryAnswer> {
    const request = this.#access.request(this.#url, {
      ...this.#request,
      method: this.#method,
      headers: { ...this.#headers, ...this.#request.headers },
      body: data && bodyOf(new Uint8Array(data)),
    });
    if (this.responseType === 'json') {
      const { status, isList, items } = await jsonAnswer(request, DATA_SETS);
      return { status, datasets: dataSets(isList, items), text: '' };
    }
    const { status, bytes } = await wholeAnswer(request);
    return { status, datasets: [], text: new TextDecoder().decode(bytes) };
  }
}

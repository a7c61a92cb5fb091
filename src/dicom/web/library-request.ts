import type { RequestInstance } from 'dicomweb-client';
import { patiently } from '../../http-client/patience.ts';
import { bodyOf } from '../../http-client/request-body.ts';
import { jsonAnswer, wholeAnswer } from '../../http-client/whole-answer.ts';
import type { ArchiveAccess, ArchiveRequest } from './archive-access.ts';
import { archiveError, badAnswer } from './errors.ts';

/** Answer of the archive, not yet checked. */
export interface LibraryAnswer {
  readonly status: number;
  /** Parsed JSON where the library asked for that, else text. */
  readonly body: unknown;
}

/**
 * Runs one request of dicomweb-client over our own exchange; again where the archive asks for a short pause.
 * @param url for messages
 * @returns status and body, of each status that is accepted
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
  return { status: instance.status, body: instance.response };
}

/** As much of an XMLHttpRequest as dicomweb-client uses. */
class LibraryRequest implements RequestInstance {
  responseType = '';
  readyState = 0;
  status = 0;
  response: unknown = null;
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
      const { status, body } = await patiently(() => this.#exchange(data), this.#request.signal);
      this.response = body;
      this.status = status;
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
      const { status, json } = await jsonAnswer(request);
      return { status, body: json };
    }
    const { status, bytes } = await wholeAnswer(request);
    return { status, body: new TextDecoder().decode(bytes) };
  }
}

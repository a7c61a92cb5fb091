import { bodyOf } from '../../http-client/request-body.ts';
import { jsonAnswer, wholeAnswer } from '../../http-client/whole-answer.ts';
import { DicomError } from '../dicom-error.ts';
import { type DicomDataset, fromDicomJson, text } from '../reading/dataset.ts';
import { isUid } from '../uids.ts';
import { type PlainDataset, toDicomJson } from '../writing/dicom-json.ts';
import { ArchiveAccess, type DicomWebOptions } from './archive-access.ts';
import { archiveError, DicomWebStatusError } from './errors.ts';

const DICOM_JSON = 'application/dicom+json';
/** Workitems of one answer. */
const PAGE_SIZE = 100;
/** What comes after these has its turn when they are gone. */
const MOST_PAGES = 10;
/** The standard gives the parameter no name; servers look for it as a bare parameter, or in the body. */
type TransactionUid = string;

/** The states that a performer asks for (PS3.4 CC.1.1). */
export type WantedState = 'IN PROGRESS' | 'COMPLETED' | 'CANCELED';

export interface WorkitemClientOptions extends DicomWebOptions {
  /** AE title of the performer: some servers want it with every change of a state. */
  readonly requester: string;
}

/**
 * A worklist by UPS-RS (PS3.18 chapter 11). Everything throws DicomError with DICOM_WEB_UNREACHABLE,
 * DICOM_WEB_STATUS (a DicomWebStatusError) or DICOM_WEB_ANSWER; or the reason of an aborted signal. Messages
 * hold no Transaction UID.
 */
export class WorkitemClient {
  /** The service's root without credentials and without a slash at its end. */
  readonly url: string;
  readonly #access: ArchiveAccess;
  readonly #requester: string;

  /** @throws TypeError where the URL is none, or neither http nor https */
  constructor({ requester, ...options }: WorkitemClientOptions) {
    this.#access = new ArchiveAccess(options);
    this.url = this.#access.url;
    this.#requester = requester;
  }

  /**
   * Search (11.9): the workitems that match, as many as are looked at at a time.
   * @param matching tags or keywords, with dots into sequences, and values
   */
  async search(matching: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<DicomDataset[]> {
    const found = new Map<string, DicomDataset>();
    for (let page = 0; page < MOST_PAGES; page++) {
      const offset: Record<string, string> = page === 0 ? {} : { offset: String(page * PAGE_SIZE) };
      const paging = { includefield: 'all', limit: String(PAGE_SIZE), ...offset };
      const items = await this.#ask(
        '/workitems',
        `?${new URLSearchParams({ ...matching, ...paging })}`,
        signal,
      );
      const before = found.size;
      for (const item of items.map((one) => fromDicomJson(one))) {
        found.set(text(item, 'SOPInstanceUID') ?? '', item);
      }
      // A server that knows no pages gives the same again.
      if (items.length < PAGE_SIZE || found.size === before) break;
    }
    return [...found.values()];
  }

  /** Retrieve (11.5). @returns undefined where the server has no such workitem, or none any more */
  async retrieve(workitemUid: string, signal?: AbortSignal): Promise<DicomDataset | undefined> {
    try {
      const [item] = await this.#ask(pathOf(workitemUid), '', signal);
      return item === undefined ? undefined : fromDicomJson(item);
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  /** Change of the state (11.7): the claim, and the end. */
  async changeState(
    workitemUid: string,
    change: { readonly transactionUid: TransactionUid; readonly state: WantedState },
    signal?: AbortSignal,
  ): Promise<void> {
    const query = `?${new URLSearchParams({ requester: this.#requester })}`;
    const body = { TransactionUID: change.transactionUid, ProcedureStepState: change.state };
    await this.#send('PUT', `${pathOf(workitemUid)}/state`, query, body, signal);
  }

  /** Update (11.6) of a workitem that is in progress. */
  async update(
    workitemUid: string,
    transactionUid: TransactionUid,
    changes: PlainDataset,
    signal?: AbortSignal,
  ): Promise<void> {
    const body = { TransactionUID: transactionUid, ...changes };
    await this.#send('POST', pathOf(workitemUid), `?${transactionUid}`, body, signal);
  }

  async #ask(path: string, query: string, signal: AbortSignal | undefined): Promise<readonly unknown[]> {
    const url = this.url + path;
    try {
      const accepts = (status: number) => status === 200 || status === 204;
      const headers = { Accept: DICOM_JSON };
      const request = this.#access.request(url + query, { headers, accepts, signal });
      const { items } = await jsonAnswer(request);
      return items.filter((item) => item !== null);
    } catch (error) {
      throw archiveError(url, error);
    }
  }

  async #send(
    method: 'PUT' | 'POST',
    path: string,
    query: string,
    dataset: PlainDataset,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const url = this.url + path;
    try {
      const request = this.#access.request(url + query, {
        method,
        headers: { Accept: DICOM_JSON, 'Content-Type': DICOM_JSON },
        body: bodyOf(Buffer.from(JSON.stringify([toDicomJson(dataset)]))),
        accepts: (status) => status >= 200 && status < 300,
        signal,
      });
      await wholeAnswer(request);
    } catch (error) {
      throw archiveError(url, error);
    }
  }
}

/** Statuses that say no to a change: not there, not ours, not in this state. Others may pass. */
const REFUSALS: ReadonlySet<number> = new Set([400, 404, 409, 410, 422]);

/** Whether the server understood a change and will not make it. */
export const isRefusedChange = (error: unknown): boolean =>
  error instanceof DicomWebStatusError && REFUSALS.has(error.status);

const isGone = (error: unknown): boolean =>
  error instanceof DicomWebStatusError && (error.status === 404 || error.status === 410);

/** UIDs come from servers, and go into paths. */
function pathOf(workitemUid: string): string {
  if (isUid(workitemUid)) return `/workitems/${workitemUid}`;
  throw new DicomError('DICOM_ATTRIBUTE', `"${workitemUid.slice(0, 80)}" is not a UID of a workitem`);
}

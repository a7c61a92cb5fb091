import { api } from 'dicomweb-client';
import type XMLHttpRequest from 'xhr2';
import { DicomError } from '../dicom-error.ts';
import { type DicomDataset, fromDicomJson, text } from '../reading/dataset.ts';
import type { Connections } from './connections.ts';
import { badAnswer, DicomWebStatusError } from './errors.ts';
import { retrieveInstances } from './retrieve.ts';
import { readStoreAnswer, type StoreOutcome } from './store-answer.ts';
import { type FileToStore, storeFiles } from './store-files.ts';
import { type StoredInstance, storeVerified } from './store-verified.ts';
import { exchange, readAsJson } from './xhr-request.ts';

export interface DicomWebOptions {
  /** Root of the DICOMweb service, http or https; a user and password in it become an Authorization header. */
  readonly url: string;
  /** Sent with every request; for instance Authorization. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest time without a byte from the archive, in ms. */
  readonly timeoutMs?: number;
  /** Certificates and proxy; without it neither. */
  readonly connections?: Connections | undefined;
}

export interface StudySearch {
  /** Days of StudyDate up to now, or everything. Studies without a date are found by `all` alone. */
  readonly lookBack: number | 'all';
  readonly now: Date;
  /** Studies per request. */
  readonly pageSize: number;
  readonly signal?: AbortSignal;
}

/** A cold archive may have to read every file of a large series for its metadata. */
export const DEFAULT_TIMEOUT_MS = 60_000;
/** Series and instances per QIDO-RS request; few archives cap below. */
const PAGE_SIZE = 500;
/** Statuses of STOW-RS whose body says which instances were stored: PS3.18 10.5.3, and Orthanc's 400. */
const STORE_STATUSES = [400, 409];

/** ModalitiesInStudy, StudyDescription, NumberOfStudyRelatedSeries, NumberOfStudyRelatedInstances. */
const STUDY_FIELDS = '00080061,00081030,00201206,00201208';
/** SeriesDescription, BodyPartExamined, SeriesNumber, NumberOfSeriesRelatedInstances. */
const SERIES_FIELDS = '0008103E,00180015,00200011,00201209';

type Query = Readonly<Record<string, string>>;
type SeriesUids = { studyInstanceUID: string; seriesInstanceUID: string };

/**
 * One DICOMweb archive (PS3.18): QIDO-RS, WADO-RS and STOW-RS.
 * Everything throws DicomError with DICOM_WEB_UNREACHABLE, DICOM_WEB_STATUS (a DicomWebStatusError) or
 * DICOM_WEB_ANSWER, whose messages name the address without credentials; or the reason of an aborted signal.
 */
export class DicomWebClient {
  /** The service's root without credentials and without a slash at its end. */
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #timeoutMs: number;
  readonly #connections: Connections | undefined;
  readonly #library: api.DICOMwebClient;
  readonly #storing: api.DICOMwebClient;

  /** @throws TypeError where the URL is none, or neither http nor https */
  constructor({ url, headers = {}, timeoutMs = DEFAULT_TIMEOUT_MS, connections }: DicomWebOptions) {
    const { publicUrl, authorization } = separateCredentials(url);
    this.url = publicUrl;
    this.#headers = { ...authorization, ...headers };
    this.#timeoutMs = timeoutMs;
    this.#connections = connections;
    // verbose: the library would print failed requests together with their Authorization header.
    const options = { url: publicUrl, verbose: false, requestHooks: [readAsJson] };
    this.#library = new api.DICOMwebClient({ ...options, headers: this.#headers });
    // Without Accept some archives answer STOW-RS in XML.
    this.#storing = new api.DICOMwebClient({
      ...options,
      headers: { ...this.#headers, Accept: 'application/dicom+json' },
    });
  }

  /**
   * QIDO-RS search for studies, page by page, in the archive's order; each study once.
   * Ends with the first page that brings nothing new: a short page may be the cap of an archive.
   */
  async *searchStudies({ lookBack, now, pageSize, signal }: StudySearch): AsyncGenerator<DicomDataset> {
    const date = lookBack === 'all' ? {} : { StudyDate: `${studyDate(now, lookBack)}-` };
    yield* this.#pages('/studies', 'StudyInstanceUID', pageSize, signal, (page, instance) =>
      this.#library.searchForStudies({
        queryParams: { ...date, includefield: STUDY_FIELDS, ...page },
        request: { instance },
      }),
    );
  }

  /** QIDO-RS search for all series of a study; includes NumberOfSeriesRelatedInstances where the archive counts. */
  async searchSeries(studyUid: string, signal?: AbortSignal): Promise<DicomDataset[]> {
    const study = { studyInstanceUID: pathUid(studyUid) };
    const path = `/studies/${studyUid}/series`;
    return collect(
      this.#pages(path, 'SeriesInstanceUID', PAGE_SIZE, signal, (page, instance) =>
        this.#library.searchForSeries({
          ...study,
          queryParams: { includefield: SERIES_FIELDS, ...page },
          request: { instance },
        }),
      ),
    );
  }

  /** QIDO-RS search for all instances of a series. */
  async searchInstances(studyUid: string, seriesUid: string, signal?: AbortSignal): Promise<DicomDataset[]> {
    const series = seriesUids(studyUid, seriesUid);
    const path = `${seriesPath(studyUid, seriesUid)}/instances`;
    return collect(
      this.#pages(path, 'SOPInstanceUID', PAGE_SIZE, signal, (page, instance) =>
        this.#library.searchForInstances({ ...series, queryParams: page, request: { instance } }),
      ),
    );
  }

  /** WADO-RS metadata of one instance of a series, whichever QIDO-RS names first; undefined where there is none. */
  async anyInstance(
    studyUid: string,
    seriesUid: string,
    signal?: AbortSignal,
  ): Promise<DicomDataset | undefined> {
    const series = seriesUids(studyUid, seriesUid);
    const path = `${seriesPath(studyUid, seriesUid)}/instances`;
    const [first] = await this.#datasets(path, signal, (instance) =>
      this.#library.searchForInstances({
        ...series,
        queryParams: { limit: '1', offset: '0' },
        request: { instance },
      }),
    );
    const sopUid = first && text(first, 'SOPInstanceUID');
    return sopUid === undefined ? undefined : this.instanceMetadata(studyUid, seriesUid, sopUid, signal);
  }

  /** WADO-RS metadata of all instances of a series: headers without bulk data. */
  async seriesMetadata(studyUid: string, seriesUid: string, signal?: AbortSignal): Promise<DicomDataset[]> {
    const series = seriesUids(studyUid, seriesUid);
    return this.#datasets(`${seriesPath(studyUid, seriesUid)}/metadata`, signal, (instance) =>
      this.#library.retrieveSeriesMetadata({ ...series, request: { instance } }),
    );
  }

  /** WADO-RS metadata of one instance. */
  async instanceMetadata(
    studyUid: string,
    seriesUid: string,
    sopUid: string,
    signal?: AbortSignal,
  ): Promise<DicomDataset> {
    const uids = { ...seriesUids(studyUid, seriesUid), sopInstanceUID: pathUid(sopUid) };
    const path = `${seriesPath(studyUid, seriesUid)}/instances/${sopUid}/metadata`;
    const [dataset, ...more] = await this.#datasets(path, signal, (instance) =>
      this.#library.retrieveInstanceMetadata({ ...uids, request: { instance } }),
    );
    if (!dataset || more.length > 0) {
      throw badAnswer(this.url + path, `gave ${more.length + (dataset ? 1 : 0)} data sets for one instance`);
    }
    return dataset;
  }

  /**
   * WADO-RS retrieval of a series, streamed, in the stored transfer syntaxes.
   * @returns one PS3.10 file per item, in no order; the caller checks each one's UIDs and the count
   */
  retrieveSeries(studyUid: string, seriesUid: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    return this.#retrieve(`/studies/${pathUid(studyUid)}/series/${pathUid(seriesUid)}`, signal);
  }

  /** WADO-RS retrieval of one instance. */
  async retrieveInstance(
    studyUid: string,
    seriesUid: string,
    sopUid: string,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const path = `${seriesPath(pathUid(studyUid), pathUid(seriesUid))}/instances/${pathUid(sopUid)}`;
    const [bytes, ...more] = await collect(this.#retrieve(path, signal));
    if (!bytes || more.length > 0) {
      throw badAnswer(this.url + path, `gave ${more.length + (bytes ? 1 : 0)} parts for one instance`);
    }
    return bytes;
  }

  /**
   * One STOW-RS request. What it resolves to is the archive's word, also where instances failed.
   * @param studyUid all parts have to belong to this study; undefined: each goes to its own
   * @throws DICOM_WEB_STATUS for statuses other than 200, 202, 409 and a 400 with the standard's body
   */
  async store(
    studyUid: string | undefined,
    parts: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<StoreOutcome> {
    const url = `${this.url}/studies${studyUid === undefined ? '' : `/${pathUid(studyUid)}`}`;
    const { status, body } = await exchange(
      { url, timeoutMs: this.#timeoutMs, connections: this.#connections, signal },
      (instance) =>
        this.#storing.storeInstances({
          ...(studyUid === undefined ? {} : { studyInstanceUID: studyUid }),
          datasets: parts,
          request: { instance },
        }),
      STORE_STATUSES,
    );
    const outcome = readStoreAnswer(status, body);
    if (outcome) return outcome;
    if (STORE_STATUSES.includes(status)) throw new DicomWebStatusError(url, status);
    throw badAnswer(url, `answered ${status} to STOW-RS without saying what was stored`);
  }

  /**
   * As `store`, of files of any studies: they are read while they are sent, and memory does not grow with them.
   * @throws as `store`
   */
  storeFiles(files: readonly FileToStore[], signal?: AbortSignal): Promise<StoreOutcome> {
    const url = `${this.url}/studies`;
    return storeFiles(
      { url, headers: this.#headers, timeoutMs: this.#timeoutMs, connections: this.#connections, signal },
      files,
    );
  }

  /**
   * Stores, then looks whether every instance is there; sends again what is missing.
   * @throws DICOM_STORE_INCOMPLETE naming the instances that are missing in the end, with the archive's reasons
   */
  storeVerified(
    studyUid: string | undefined,
    parts: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<StoredInstance[]> {
    return storeVerified(this, studyUid, parts, signal);
  }

  /** Whether WADO-RS metadata finds this instance. */
  async isStored(
    studyUid: string,
    seriesUid: string,
    sopUid: string,
    signal?: AbortSignal,
  ): Promise<boolean> {
    try {
      const dataset = await this.instanceMetadata(studyUid, seriesUid, sopUid, signal);
      return text(dataset, 'SOPInstanceUID') === sopUid;
    } catch (error) {
      if (error instanceof DicomWebStatusError && error.status === 404) return false;
      throw error;
    }
  }

  /** SOP instance UIDs that QIDO-RS lists in a series; empty where there is no such series. */
  async storedInstances(studyUid: string, seriesUid: string, signal?: AbortSignal): Promise<Set<string>> {
    try {
      const instances = await this.searchInstances(studyUid, seriesUid, signal);
      return new Set(instances.flatMap((instance) => text(instance, 'SOPInstanceUID') ?? []));
    } catch (error) {
      if (error instanceof DicomWebStatusError && error.status === 404) return new Set();
      throw error;
    }
  }

  #retrieve(path: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    return retrieveInstances({
      url: this.url + path,
      headers: this.#headers,
      timeoutMs: this.#timeoutMs,
      connections: this.#connections,
      signal,
    });
  }

  async *#pages(
    path: string,
    key: string,
    pageSize: number,
    signal: AbortSignal | undefined,
    send: (page: Query, instance: XMLHttpRequest) => Promise<unknown>,
  ): AsyncGenerator<DicomDataset> {
    const seen = new Set<string>();
    for (let offset = 0; ; ) {
      const page = { limit: String(pageSize), offset: String(offset) };
      const results = await this.#datasets(path, signal, (instance) => send(page, instance));
      const before = seen.size;
      for (const result of results) {
        const uid = text(result, key);
        // A result without its UID (they exist) names nothing that could be fetched.
        if (uid === undefined || seen.has(uid)) continue;
        seen.add(uid);
        yield result;
      }
      if (seen.size === before) return;
      offset += results.length;
    }
  }

  async #datasets(
    path: string,
    signal: AbortSignal | undefined,
    send: (instance: XMLHttpRequest) => Promise<unknown>,
  ): Promise<DicomDataset[]> {
    const url = this.url + path;
    const { body } = await exchange(
      { url, timeoutMs: this.#timeoutMs, connections: this.#connections, signal },
      send,
    );
    if (!Array.isArray(body)) throw badAnswer(url, 'the answer is not DICOM JSON (a list of data sets)');
    try {
      return body.map(fromDicomJson);
    } catch (error) {
      if (error instanceof DicomError) throw badAnswer(url, error.message, error);
      throw error;
    }
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function seriesPath(studyUid: string, seriesUid: string): string {
  return `/studies/${studyUid}/series/${seriesUid}`;
}

function seriesUids(studyUid: string, seriesUid: string): SeriesUids {
  return { studyInstanceUID: pathUid(studyUid), seriesInstanceUID: pathUid(seriesUid) };
}

/** UIDs come from archives and files and go into paths: digits and dots only (PS3.5 section 9.1). */
function pathUid(uid: string): string {
  if (/^[0-9][0-9.]{0,63}$/.test(uid)) return uid;
  throw new DicomError('DICOM_ATTRIBUTE', `"${uid.slice(0, 80)}" is not a UID and cannot be asked for`);
}

/** The calendar day of the node's own time zone, as modalities write it: YYYYMMDD. */
function studyDate(now: Date, daysBack: number): string {
  const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() - daysBack);
  return day.toLocaleDateString('sv-SE').replaceAll('-', ''); // Sweden writes 2026-03-01
}

/** The address without user and password, and the header that they make. */
export function separateCredentials(address: string): {
  publicUrl: string;
  authorization: Record<string, string>;
} {
  const url = URL.parse(address);
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    // The address itself stays out of the message: it may hold a password.
    throw new TypeError('The DICOMweb address is not a URL that begins with http:// or https://');
  }
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    publicUrl: url.href.replace(/\/+$/, ''),
    authorization: username ? { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` } : {},
  };
}

import { api, type RequestInstance } from 'dicomweb-client';
import { DicomError } from '../dicom-error.ts';
import { type DicomDataset, fromDicomJson, text } from '../reading/dataset.ts';
import { ArchiveAccess, type ArchiveRequestKind, type DicomWebOptions } from './archive-access.ts';
import { badAnswer, DicomWebStatusError } from './errors.ts';
import { throughLibrary } from './library-request.ts';
import { retrieveInstances } from './retrieve.ts';
import { ANSWERS_TO_STORE, type StoreOutcome, storeOutcome } from './store-answer.ts';
import { type FileToStore, storeFiles } from './store-files.ts';
import { type StoredInstance, storeVerified } from './store-verified.ts';

export interface StudySearch {
  /** Days of StudyDate up to now, or everything. Studies without a date are found by `all` alone. */
  readonly lookBack: number | 'all';
  readonly now: Date;
  /** Studies per request. */
  readonly pageSize: number;
  readonly signal?: AbortSignal;
}

/** Series and instances per QIDO-RS request; few archives cap below. */
const PAGE_SIZE = 500;
/** Statuses that dicomweb-client takes for an answer to a question. */
const ANSWERS: readonly number[] = [200, 202, 204, 206];

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
  readonly #access: ArchiveAccess;
  readonly #library: api.DICOMwebClient;

  /** @throws TypeError where the URL is none, or neither http nor https */
  constructor(options: DicomWebOptions) {
    this.#access = new ArchiveAccess(options);
    this.url = this.#access.url;
    // It gets no credentials: our own exchange adds them. verbose: it would print failed requests.
    this.#library = new api.DICOMwebClient({ url: this.url, verbose: false });
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

  /**
   * QIDO-RS search for all series of a study; includes NumberOfSeriesRelatedInstances where the archive
   * counts.
   */
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

  /**
   * WADO-RS metadata of one instance of a series, whichever QIDO-RS names first; undefined where there is
   * none.
   */
  async anyInstance(
    studyUid: string,
    seriesUid: string,
    signal?: AbortSignal,
  ): Promise<DicomDataset | undefined> {
    const series = seriesUids(studyUid, seriesUid);
    const path = `${seriesPath(studyUid, seriesUid)}/instances`;
    const [first] = await this.#datasets('search', path, signal, (instance) =>
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
    return this.#datasets('metadata', `${seriesPath(studyUid, seriesUid)}/metadata`, signal, (instance) =>
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
    const [dataset, ...more] = await this.#datasets('metadata', path, signal, (instance) =>
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
    const accepts = (status: number) => ANSWERS_TO_STORE.has(status);
    // Without Accept some archives answer STOW-RS in XML.
    const headers = { Accept: 'application/dicom+json' };
    const answer = await throughLibrary(
      this.#access,
      url,
      { kind: 'store', headers, accepts, signal },
      (instance) =>
        this.#library.storeInstances({
          ...(studyUid === undefined ? {} : { studyInstanceUID: studyUid }),
          datasets: parts,
          request: { instance },
        }),
    );
    return storeOutcome(this.#access, url, { status: answer.status, body: String(answer.body) });
  }

  /**
   * As `store`, of files of any studies: they are read while they are sent, and memory does not grow with
   * them.
   * @throws as `store`
   */
  storeFiles(files: readonly FileToStore[], signal?: AbortSignal): Promise<StoreOutcome> {
    return storeFiles(this.#access, files, signal);
  }

  /**
   * Stores, then looks whether every instance is there; sends again what is missing.
   * @throws DICOM_STORE_INCOMPLETE naming the instances that are missing in the end, with the archive's
   * reasons
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
    return retrieveInstances(this.#access, path, signal);
  }

  async *#pages(
    path: string,
    key: string,
    pageSize: number,
    signal: AbortSignal | undefined,
    send: (page: Query, instance: RequestInstance) => Promise<unknown>,
  ): AsyncGenerator<DicomDataset> {
    const seen = new Set<string>();
    for (let offset = 0; ; ) {
      const page = { limit: String(pageSize), offset: String(offset) };
      const results = await this.#datasets('search', path, signal, (instance) => send(page, instance));
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
    kind: ArchiveRequestKind,
    path: string,
    signal: AbortSignal | undefined,
    send: (instance: RequestInstance) => Promise<unknown>,
  ): Promise<DicomDataset[]> {
    const url = this.url + path;
    const accepts = (status: number) => ANSWERS.includes(status);
    const answer = await throughLibrary(this.#access, url, { kind, headers: {}, accepts, signal }, send);
    const body = answer.status === 204 ? [] : answer.body;
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

import { api, type RequestInstance } from 'dicomweb-client';
import { DicomError } from '../dicom-error.ts';
import { type DicomDataset, text } from '../reading/dataset.ts';
import { readForeignHeader } from '../reading/foreign-instances.ts';
import { headersOfSeries, withInstanceCount } from '../series-facts.ts';
import { studyDate } from '../study-date.ts';
import {
  ArchiveAccess,
  type ArchiveRequestKind,
  type Detour,
  type DicomWebOptions,
} from './archive-access.ts';
import { badAnswer } from './errors.ts';
import { type AnsweredDataset, throughLibrary } from './library-request.ts';
import { isNotThere, mayBeHadOtherwise } from './refusals.ts';
import { retrieveInstances, type Taking } from './retrieve.ts';
import { instanceSomehow, seriesSomehow } from './retrieve-ways.ts';
import { type Query, type Search, SearchHabits, searchPages } from './search-ways.ts';
import { isAnswerToStore, type StoreOutcome, storeOutcome } from './store-answer.ts';
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

/** Which studies are looked for: what is left out may be anything. */
export interface StudyMatch {
  /** Archives may take * and ? in it for any characters, and case as they like: the caller compares. */
  readonly patientId?: string;
  /** StudyDate (DA), the first and the last. */
  readonly from: string;
  readonly until: string;
  /** Studies per request. */
  readonly pageSize: number;
  readonly signal?: AbortSignal | undefined;
}

/** Series and instances per QIDO-RS request; few archives cap below. */
const PAGE_SIZE = 500;
/** Of a study, and instances of a series: several times as many as any has. */
const MOST_SERIES = 5_000;
const MOST_INSTANCES = 100_000;
const HEADS: Taking = { headAlone: true };
const HEADERS_OF_FILES = 'the instances themselves, for their headers';
/** Statuses that dicomweb-client takes for an answer to a question. */
const ANSWERS: readonly number[] = [200, 202, 204, 206];

/** ModalitiesInStudy, StudyDescription, NumberOfStudyRelatedSeries, NumberOfStudyRelatedInstances. */
const STUDY_FIELDS = '00080061,00081030,00201206,00201208';
/** IssuerOfPatientID beside those. */
const STUDY_FIELDS_OF_PATIENT = `${STUDY_FIELDS},00100021`;
/** SeriesDescription, BodyPartExamined, SeriesNumber, NumberOfSeriesRelatedInstances. */
const SERIES_FIELDS = '0008103E,00180015,00200011,00201209';

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
  readonly #habits: SearchHabits;
  readonly #told: (detour: Detour) => void;

  /** @throws TypeError where the URL is none, or neither http nor https */
  constructor(options: DicomWebOptions) {
    this.#access = new ArchiveAccess(options);
    this.url = this.#access.url;
    this.#told = (detour) => options.detour?.(detour);
    this.#habits = new SearchHabits(this.#told);
    // It gets no credentials: our own exchange adds them. verbose: it would print failed requests.
    this.#library = new api.DICOMwebClient({ url: this.url, verbose: false });
  }

  /**
   * QIDO-RS search for studies, page by page, in the archive's order; each study once.
   * @throws DICOM_WEB_ANSWER also where the archive gives the first page only
   */
  async *searchStudies(query: StudySearch): AsyncGenerator<DicomDataset> {
    const { lookBack, now, pageSize, signal } = query;
    const matching: Record<string, string> =
      lookBack === 'all' ? {} : { StudyDate: `${studyDate(now, lookBack)}-` };
    const search = { matching, fields: STUDY_FIELDS, key: 'StudyInstanceUID', pageSize };
    yield* this.#search('/studies', search, signal, (queryParams, instance) =>
      this.#library.searchForStudies({ queryParams, request: { instance } }),
    );
  }

  /**
   * QIDO-RS search for the studies of some days, or of one PatientID in them; each study once. What an
   * archive lists beside these is among them.
   */
  async *searchStudiesMatching(match: StudyMatch): AsyncGenerator<DicomDataset> {
    const { patientId, from, until, pageSize, signal } = match;
    const matching = {
      ...(patientId === undefined ? {} : { PatientID: patientId }),
      StudyDate: from === until ? from : `${from}-${until}`,
    };
    const search = { matching, fields: STUDY_FIELDS_OF_PATIENT, key: 'StudyInstanceUID', pageSize };
    yield* this.#search('/studies', search, signal, (queryParams, instance) =>
      this.#library.searchForStudies({ queryParams, request: { instance } }),
    );
  }

  /**
   * QIDO-RS search for all series of a study, each with NumberOfSeriesRelatedInstances: where the archive
   * does not count, its instances are listed and counted here.
   */
  async searchSeries(studyUid: string, signal?: AbortSignal): Promise<DicomDataset[]> {
    const study = { studyInstanceUID: pathUid(studyUid) };
    const search = { fields: SERIES_FIELDS, key: 'SeriesInstanceUID', pageSize: PAGE_SIZE };
    const path = `/studies/${studyUid}/series`;
    const listed = this.#search(path, search, signal, (queryParams, instance) =>
      this.#library.searchForSeries({ ...study, queryParams, request: { instance } }),
    );
    const found = await this.#collect(listed, MOST_SERIES, path);
    const counted: DicomDataset[] = [];
    const list = (seriesUid: string) =>
      this.#searchInstances(studyUid, seriesUid, signal).catch((error: unknown) => {
        if (mayBeHadOtherwise(error)) return this.seriesMetadata(studyUid, seriesUid, signal);
        throw error;
      });
    for (const series of found) counted.push(await withInstanceCount(series, list, this.#toldOfCounting));
    return counted;
  }

  readonly #toldOfCounting = (): void =>
    this.#told({
      refused: 'NumberOfSeriesRelatedInstances of a series (QIDO-RS)',
      instead: 'its instances listed and counted',
      because: undefined,
    });

  /** QIDO-RS search for all instances of a series. */
  async searchInstances(studyUid: string, seriesUid: string, signal?: AbortSignal): Promise<DicomDataset[]> {
    return this.#searchInstances(studyUid, seriesUid, signal);
  }

  #searchInstances(studyUid: string, seriesUid: string, signal?: AbortSignal): Promise<DicomDataset[]> {
    const listed = this.#instances(studyUid, seriesUid, PAGE_SIZE, signal);
    return this.#collect(listed, MOST_INSTANCES, seriesPath(studyUid, seriesUid));
  }

  #instances(studyUid: string, seriesUid: string, pageSize: number, signal?: AbortSignal) {
    const series = seriesUids(studyUid, seriesUid);
    const path = `${seriesPath(studyUid, seriesUid)}/instances`;
    const search = { key: 'SOPInstanceUID', pageSize };
    return this.#search(path, search, signal, (queryParams, instance) =>
      this.#library.searchForInstances({ ...series, queryParams, request: { instance } }),
    );
  }

  /**
   * The header of one instance of a series, whichever QIDO-RS names first; undefined where there is none.
   */
  async anyInstance(
    studyUid: string,
    seriesUid: string,
    signal?: AbortSignal,
  ): Promise<DicomDataset | undefined> {
    for await (const first of this.#instances(studyUid, seriesUid, 1, signal)) {
      const sopUid = text(first, 'SOPInstanceUID');
      if (sopUid !== undefined) return await this.instanceMetadata(studyUid, seriesUid, sopUid, signal);
    }
    return undefined;
  }

  /**
   * WADO-RS metadata of all instances of a series: headers without bulk data. Where the archive has none, or
   * keeps short values of it elsewhere, the headers of the instances themselves.
   */
  async seriesMetadata(studyUid: string, seriesUid: string, signal?: AbortSignal): Promise<DicomDataset[]> {
    const series = seriesUids(studyUid, seriesUid);
    const path = `${seriesPath(studyUid, seriesUid)}/metadata`;
    const ofFiles = () => headersOfSeries(this.retrieveSeries(studyUid, seriesUid, signal, HEADS), seriesUid);
    return this.#headers(
      () =>
        this.#ask('metadata', path, signal, (instance) =>
          this.#library.retrieveSeriesMetadata({ ...series, request: { instance } }),
        ),
      ofFiles,
    );
  }

  /** WADO-RS metadata of one instance; where the archive has none, the header of the instance itself. */
  async instanceMetadata(
    studyUid: string,
    seriesUid: string,
    sopUid: string,
    signal?: AbortSignal,
  ): Promise<DicomDataset> {
    const [header] = await this.#headers(
      async () => [await this.#instanceMetadata(studyUid, seriesUid, sopUid, signal)],
      async () => {
        const bytes = await this.retrieveInstance(studyUid, seriesUid, sopUid, signal, HEADS);
        return [await readForeignHeader(bytes, `instance ${sopUid}`)];
      },
    );
    return header ?? {};
  }

  async #instanceMetadata(studyUid: string, seriesUid: string, sopUid: string, signal?: AbortSignal) {
    const uids = { ...seriesUids(studyUid, seriesUid), sopInstanceUID: pathUid(sopUid) };
    const path = `${seriesPath(studyUid, seriesUid)}/instances/${sopUid}/metadata`;
    const [header, ...more] = await this.#ask('metadata', path, signal, (instance) =>
      this.#library.retrieveInstanceMetadata({ ...uids, request: { instance } }),
    );
    if (!header || more.length > 0) {
      throw badAnswer(this.url + path, `gave ${more.length + (header ? 1 : 0)} data sets for one instance`);
    }
    return header;
  }

  /** @throws what `metadata` throws, where `files` gives nothing either */
  async #headers(
    metadata: () => Promise<AnsweredDataset[]>,
    files: () => Promise<DicomDataset[]>,
  ): Promise<DicomDataset[]> {
    let headers: AnsweredDataset[];
    try {
      headers = await metadata();
    } catch (error) {
      if (!mayBeHadOtherwise(error)) throw error;
      const had = await otherwise(error, files);
      this.#told({ refused: 'metadata (WADO-RS)', instead: HEADERS_OF_FILES, because: error });
      return had;
    }
    const given = headers.map(({ dataset }) => dataset);
    if (!headers.some(({ lacksValues }) => lacksValues)) return given;
    const had = await files().catch((error: unknown) => {
      if (mayBeHadOtherwise(error)) return given;
      throw error;
    });
    const refused = 'short values within metadata (it gives addresses of bulk data)';
    this.#told({ refused, instead: HEADERS_OF_FILES, because: undefined });
    return had;
  }

  /**
   * WADO-RS retrieval of a series, streamed, in the stored transfer syntaxes; instance by instance where the
   * archive does not give it as a whole.
   * @returns one PS3.10 file per item, in no order; the caller checks each one's UIDs and the count
   * @throws DICOM_UNREADABLE (TooMuchToRead) too, for an instance that is larger than `taking` allows
   */
  retrieveSeries(
    studyUid: string,
    seriesUid: string,
    signal?: AbortSignal,
    taking?: Taking,
  ): AsyncGenerator<Uint8Array> {
    const series = seriesPath(pathUid(studyUid), pathUid(seriesUid));
    return seriesSomehow(seriesUid, {
      series: () => this.#retrieve(series, signal, taking),
      list: async () => [...(await this.storedInstances(studyUid, seriesUid, signal))],
      instance: (sopUid) => this.#retrieveOne(`${series}/instances/${pathUid(sopUid)}`, signal, taking),
      study: () => this.#retrieve(`/studies/${studyUid}`, signal, taking),
      told: this.#told,
    });
  }

  /**
   * WADO-RS retrieval of one instance; out of its series where the archive gives none by itself.
   * @throws as `retrieveSeries`
   */
  async retrieveInstance(
    studyUid: string,
    seriesUid: string,
    sopUid: string,
    signal?: AbortSignal,
    taking?: Taking,
  ): Promise<Uint8Array> {
    const series = seriesPath(pathUid(studyUid), pathUid(seriesUid));
    const path = `${series}/instances/${pathUid(sopUid)}`;
    return instanceSomehow(sopUid, {
      instance: () => this.#retrieveOne(path, signal, taking),
      series: () => this.#retrieve(series, signal, taking),
      told: this.#told,
    });
  }

  async #retrieveOne(path: string, signal?: AbortSignal, taking?: Taking): Promise<Uint8Array> {
    let one: Uint8Array | undefined;
    for await (const bytes of this.#retrieve(path, signal, taking)) {
      // Not collected: nobody knows how many come.
      if (one) throw badAnswer(this.url + path, 'gave more than one part for one instance');
      one = bytes;
    }
    if (!one) throw badAnswer(this.url + path, 'gave no part for one instance');
    return one;
  }

  /**
   * One STOW-RS request. What it resolves to is the archive's word, also where instances failed.
   * @param studyUid all parts have to belong to this study; undefined: each goes to its own
   * @throws DICOM_WEB_STATUS for an error that does not say which instances were stored
   */
  async store(
    studyUid: string | undefined,
    parts: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<StoreOutcome> {
    const url = `${this.url}/studies${studyUid === undefined ? '' : `/${pathUid(studyUid)}`}`;
    // Without Accept some archives answer STOW-RS in XML.
    const headers = { Accept: 'application/dicom+json' };
    const answer = await throughLibrary(
      this.#access,
      url,
      { kind: 'store', headers, accepts: isAnswerToStore, signal },
      (instance) =>
        this.#library.storeInstances({
          ...(studyUid === undefined ? {} : { studyInstanceUID: studyUid }),
          datasets: parts,
          request: { instance },
        }),
    );
    return storeOutcome(this.#access, url, { status: answer.status, body: answer.text });
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

  /** Whether WADO-RS finds this instance: its metadata or, where there are none, itself. */
  async isStored(
    studyUid: string,
    seriesUid: string,
    sopUid: string,
    signal?: AbortSignal,
  ): Promise<boolean> {
    try {
      const { dataset } = await this.#instanceMetadata(studyUid, seriesUid, sopUid, signal);
      return text(dataset, 'SOPInstanceUID') === sopUid;
    } catch (error) {
      if (isNotThere(error)) return false;
      if (!mayBeHadOtherwise(error)) throw error;
      return otherwise(error, () => this.#isGiven(studyUid, seriesUid, sopUid, signal));
    }
  }

  async #isGiven(studyUid: string, seriesUid: string, sopUid: string, signal?: AbortSignal) {
    try {
      const path = `${seriesPath(studyUid, seriesUid)}/instances/${sopUid}`;
      const bytes = await this.#retrieveOne(path, signal, HEADS);
      const dataset = await readForeignHeader(bytes, `instance ${sopUid}`);
      return text(dataset, 'SOPInstanceUID') === sopUid;
    } catch (error) {
      if (isNotThere(error)) return false;
      throw error;
    }
  }

  /**
   * SOP instance UIDs that QIDO-RS lists in a series; empty where there is no such series, and where the
   * archive does not list: what is not listed may be there.
   */
  async storedInstances(studyUid: string, seriesUid: string, signal?: AbortSignal): Promise<Set<string>> {
    try {
      const instances = await this.searchInstances(studyUid, seriesUid, signal);
      return new Set(instances.flatMap((instance) => text(instance, 'SOPInstanceUID') ?? []));
    } catch (error) {
      if (mayBeHadOtherwise(error)) return new Set();
      throw error;
    }
  }

  #retrieve(path: string, signal?: AbortSignal, taking?: Taking): AsyncGenerator<Uint8Array> {
    return retrieveInstances(this.#access, path, signal, taking);
  }

  /** All results of a search; an archive could go on for ever. */
  async #collect(listed: AsyncIterable<DicomDataset>, most: number, path: string): Promise<DicomDataset[]> {
    const all: DicomDataset[] = [];
    for await (const one of listed) {
      if (all.length === most) throw badAnswer(this.url + path, `it lists more than ${most}`);
      all.push(one);
    }
    return all;
  }

  #search(
    path: string,
    search: Omit<Search, 'url'>,
    signal: AbortSignal | undefined,
    send: (query: Query, instance: RequestInstance) => Promise<unknown>,
  ): AsyncGenerator<DicomDataset> {
    return searchPages({ ...search, url: this.url + path }, this.#habits, async (query) => {
      const found = await this.#ask('search', path, signal, (instance) => send(query, instance));
      return found.map(({ dataset }) => dataset);
    });
  }

  async #ask(
    kind: ArchiveRequestKind,
    path: string,
    signal: AbortSignal | undefined,
    send: (instance: RequestInstance) => Promise<unknown>,
  ): Promise<AnsweredDataset[]> {
    const accepts = (status: number) => ANSWERS.includes(status);
    const request = { kind, headers: {}, accepts, signal };
    const { datasets } = await throughLibrary(this.#access, this.url + path, request, send);
    return [...datasets];
  }
}

/** @throws the refusal, where the other way is refused as well */
async function otherwise<T>(refusal: unknown, other: () => Promise<T>): Promise<T> {
  try {
    return await other();
  } catch (error) {
    throw mayBeHadOtherwise(error) ? refusal : error;
  }
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

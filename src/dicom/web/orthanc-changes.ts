import { z } from 'zod';
import { DicomError } from '../dicom-error.ts';
import { ArchiveAccess, type DicomWebOptions } from './archive-access.ts';
import { badAnswer, DicomWebStatusError } from './errors.ts';
import { requestJson } from './json-request.ts';

const changeSchema = z.object({
  Seq: z.int().nonnegative(),
  ChangeType: z.string(),
  ID: z.string(),
  Date: z.string(),
});

/** One entry of Orthanc's list of changes. */
export interface OrthancChange {
  readonly sequence: number;
  /** NewInstance, StableStudy, ... */
  readonly type: string;
  /** Orthanc's own identifier of the instance, series, study or patient. */
  readonly id: string;
  /** The whole entry as text: tells whether an entry of the same number is the same. */
  readonly entry: string;
}

const changesSchema = z
  .object({ Changes: z.array(changeSchema), Done: z.boolean(), Last: z.int().nonnegative() })
  .transform(({ Changes, Done, Last }) => ({
    changes: Changes.map(
      ({ Seq, ChangeType, ID, Date }): OrthancChange => ({
        sequence: Seq,
        type: ChangeType,
        id: ID,
        entry: `${Seq} ${ChangeType} ${ID} ${Date}`,
      }),
    ),
    done: Done,
    last: Last,
  }));
/** A page of the list of changes, oldest first. */
export type OrthancChangePage = z.output<typeof changesSchema>;

const studiesSchema = z.array(
  z.object({
    MainDicomTags: z.object({ StudyInstanceUID: z.string() }),
    Series: z.array(z.string()).default([]),
  }),
);
const seriesSchema = z.array(z.object({ ID: z.string(), Instances: z.array(z.string()) }));
const instancesSchema = z.array(
  z.object({ ID: z.string(), Metadata: z.object({ RemoteAET: z.string().optional() }) }),
);

export interface ChangedStudy {
  readonly studyInstanceUid: string;
  /**
   * AE title of who sent its first series by C-STORE; undefined where it came otherwise, or nobody wants to
   * know.
   */
  readonly callingAeTitle?: string | undefined;
}

export interface OrthancChangesOptions extends DicomWebOptions {
  /** Whether to find out who sent a study: costs two requests more for each page of changes. */
  readonly senders?: boolean;
}

/**
 * Orthanc's list of changes, through its own REST interface. Everything throws DicomError as DicomWebClient
 * does.
 */
export class OrthancChanges {
  /** Root of the REST interface, without credentials and without a slash at its end. */
  readonly url: string;
  readonly #access: ArchiveAccess;
  readonly #senders: boolean;

  /** @throws TypeError where the URL is none, or neither http nor https */
  constructor({ senders = false, ...options }: OrthancChangesOptions) {
    this.#senders = senders;
    this.#access = new ArchiveAccess(options);
    this.url = this.#access.url;
  }

  /** The newest change, or none in an archive that has none. */
  async newest(signal?: AbortSignal): Promise<OrthancChange | undefined> {
    return (await this.#changes('?last', signal)).changes.at(-1);
  }

  /** Changes with a sequence number above `sequence`. */
  async since(sequence: number, limit: number, signal?: AbortSignal): Promise<OrthancChangePage> {
    return this.#changes(`?since=${sequence}&limit=${limit}`, signal);
  }

  /** The studies of instances, series and studies by Orthanc's identifiers; what is gone is left out. */
  async studiesOf(ids: readonly string[], signal?: AbortSignal): Promise<ChangedStudy[]> {
    const studies = await this.#contents(studiesSchema, ids, 'Study', signal);
    const uids = studies.map(({ MainDicomTags }) => MainDicomTags.StudyInstanceUID);
    if (!this.#senders) return uids.map((studyInstanceUid) => ({ studyInstanceUid }));
    const firstSeries = studies.map(({ Series }) => Series[0]);
    const series = await this.#contents(seriesSchema, firstSeries, 'Series', signal);
    const firstInstance = new Map(series.map(({ ID, Instances }) => [ID, Instances[0]]));
    const instances = await this.#contents(instancesSchema, [...firstInstance.values()], 'Instance', signal);
    const sender = new Map(
      instances.map(({ ID, Metadata }) => [ID, Metadata.RemoteAET?.trim() || undefined]),
    );
    return uids.map((studyInstanceUid, index) => ({
      studyInstanceUid,
      callingAeTitle: sender.get(firstInstance.get(firstSeries[index] ?? '') ?? ''),
    }));
  }

  async #contents<T>(
    schema: z.ZodType<T[]>,
    ids: readonly (string | undefined)[],
    level: 'Study' | 'Series' | 'Instance',
    signal: AbortSignal | undefined,
  ): Promise<T[]> {
    const wanted = ids.filter((id) => id !== undefined);
    if (wanted.length === 0) return [];
    const query = { Resources: wanted, Level: level, Metadata: level === 'Instance' };
    const answer = schema.safeParse(await this.#ask('/tools/bulk-content', signal, query));
    if (answer.success) return answer.data;
    throw badAnswer(`${this.url}/tools/bulk-content`, "the answer is not Orthanc's");
  }

  async #changes(query: string, signal: AbortSignal | undefined): Promise<OrthancChangePage> {
    const answer = changesSchema.safeParse(await this.#ask(`/changes${query}`, signal));
    if (!answer.success)
      throw badAnswer(`${this.url}/changes`, "the answer is not Orthanc's list of changes");
    return answer.data;
  }

  async #ask(path: string, signal: AbortSignal | undefined, body?: unknown): Promise<unknown> {
    try {
      return await requestJson(this.#access, path, { signal, body });
    } catch (error) {
      if (error instanceof DicomWebStatusError && NOT_THE_PLACE.has(error.status)) {
        throw refused(this.url + path.replace(/\?.*/, ''), error);
      }
      throw error;
    }
  }
}

/** Answers of what is not Orthanc's REST interface, or does not let this user in. */
const NOT_THE_PLACE: ReadonlySet<number> = new Set([403, 404, 405]);

function refused(url: string, cause: DicomWebStatusError): DicomError {
  return new DicomError(
    'DICOM_WEB_STATUS',
    `${url} answered with status ${cause.status}. To follow its changes, this needs Orthanc's own ` +
      'REST interface: let archive.rest name its ' +
      'root and let the user read /changes and post to /tools/bulk-content, or set archive.kind to dicomweb',
    { cause },
  );
}

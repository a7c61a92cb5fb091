import { DicomError, InstanceGone } from '../dicom-error.ts';
import { type DicomDataset, text } from '../reading/dataset.ts';
import { readForeignHeader, readForeignValues } from '../reading/foreign-instances.ts';
import { headersOfSeries, withInstanceCount } from '../series-facts.ts';
import { isUid } from '../uids.ts';
import type { ArchiveAnswer, Detour } from '../web/archive-access.ts';
import type { StudyMatch, StudySearch } from '../web/client.ts';
import type { Taking } from '../web/retrieve.ts';
import type { StoreOutcome } from '../web/store-answer.ts';
import type { FileToStore } from '../web/store-files.ts';
import { type StoredInstance, storeVerified } from '../web/store-verified.ts';
import { isBusy } from './busy.ts';
import { Commitments } from './commitments.ts';
import type { CommitmentLedger } from './ledger.ts';
import { Retrieval, type RetrievalParts } from './retrieval.ts';
import { Searches } from './searches.ts';
import { fromBytes, fromFile, send, sendingProposals, type ToSend } from './sending.ts';
import { echo } from './services/echo.ts';
import { IDENTIFIER_SYNTAXES, type Identifier } from './services/identifier.ts';
import { Receiver, type ReceiverOptions } from './services/receiver.ts';
import { SERVICE } from './services/sop-classes.ts';
import { NotOffered, STATUS } from './services/status.ts';
import { Sessions } from './sessions.ts';
import { studiesBetween, studiesInWindows } from './study-windows.ts';
import type { Peer } from './wire/association.ts';

export interface DimseArchiveOptions {
  readonly peer: Peer;
  readonly retrieve: RetrievalParts['how'];
  /** This side's own port, for C-MOVE and reports on storage commitment; undefined: there is none. */
  readonly listen?: Pick<ReceiverOptions, 'host' | 'port' | 'tls'> | undefined;
  /** Undefined: whether the archive lists an instance is proof enough. */
  readonly commitment?: { readonly timeoutMs: number; readonly ledger: CommitmentLedger } | undefined;
  /** Associations at a time. */
  readonly associations: number;
  /** The most that is taken of a search for one day, before it is split. */
  readonly mostOfDay?: number | undefined;
  /** See `SessionsOptions`. */
  readonly mostWaitedMs?: number | undefined;
  /** Told how long the archive took for each request. */
  readonly answered?: ((answer: ArchiveAnswer) => void) | undefined;
  /** Told of what the archive does not offer, and how it was had otherwise. */
  readonly detour?: ((detour: Detour) => void) | undefined;
  /** Told of what came to the own port and was refused. */
  readonly onProblem?: ((what: string) => void) | undefined;
  readonly pausesMs?: readonly number[] | undefined;
}

/** Attributes that are asked for, by level (PS3.4 tables C.6-1 to C.6-3 and C.6-5). */
const STUDY_KEYS = empty(
  'StudyDate StudyTime AccessionNumber ModalitiesInStudy StudyDescription PatientName PatientID ' +
    'IssuerOfPatientID PatientBirthDate PatientSex StudyInstanceUID NumberOfStudyRelatedSeries ' +
    'NumberOfStudyRelatedInstances',
);
const SERIES_KEYS = empty(
  'SeriesDate Modality SeriesDescription BodyPartExamined SeriesInstanceUID SeriesNumber ' +
    'NumberOfSeriesRelatedInstances',
);
const IMAGE_KEYS = empty('SOPClassUID SOPInstanceUID InstanceNumber');

/** Of a study, and instances of a series: several times as many as any has. */
const MOST_SERIES = 5_000;
const MOST_INSTANCES = 100_000;
const HEADS: Taking = { headAlone: true };
const SOP_UID = '00080018';

/**
 * One archive that speaks DIMSE alone (PS3.4 annexes B, C and J, Study Root): an `ImageArchive`. What has to
 * be known of headers is read from the instances themselves, as C-FIND gives no more than an archive's index.
 */
export class DimseArchive {
  readonly url: string;
  readonly #options: DimseArchiveOptions;
  readonly #sessions: Sessions;
  readonly #searches: Searches;
  readonly #retrieval: Retrieval;
  readonly #commitments: Commitments | undefined;
  #receiver: Promise<Receiver> | undefined;

  constructor(options: DimseArchiveOptions) {
    const { peer, retrieve, listen, commitment, associations, answered, mostWaitedMs } = options;
    this.#options = options;
    const sessions = new Sessions({ peer, atATime: associations, answered, mostWaitedMs });
    this.#sessions = sessions;
    this.url = sessions.url;
    const told = (detour: Detour): void => options.detour?.(detour);
    this.#searches = new Searches(sessions, told);
    const receiver = listen ? () => this.#listening() : undefined;
    const { pausesMs } = options;
    this.#retrieval = new Retrieval({ sessions, peer, how: retrieve, receiver, told, pausesMs });
    this.#commitments =
      commitment &&
      new Commitments({
        ...commitment,
        sessions,
        told,
        ready: () => this.open(),
        isListed: ({ studyInstanceUid, seriesInstanceUid, sopInstanceUid }, signal) =>
          this.#isThere(studyInstanceUid, seriesInstanceUid, sopInstanceUid, signal),
      });
  }

  /** Opens the own port, if there is to be one, before anything is asked for. */
  async open(): Promise<void> {
    if (this.#options.listen) await this.#listening();
  }

  async close(): Promise<void> {
    const receiver = await this.#receiver?.catch(() => undefined);
    await receiver?.close();
  }

  #listening(): Promise<Receiver> {
    const { listen, peer, onProblem } = this.#options;
    if (!listen) throw new NotOffered('archive.dimse.listen has no port');
    this.#receiver ??= Receiver.open({
      ...listen,
      aeTitle: peer.callingAeTitle,
      implementation: peer.implementation,
      idleMs: peer.idleMs,
      reported: async (report) => (await this.#commitments?.reported(report)) ?? false,
      onProblem,
    }).catch((error: unknown) => {
      this.#receiver = undefined;
      throw error;
    });
    return this.#receiver;
  }

  /** C-ECHO. */
  async echo(signal?: AbortSignal): Promise<void> {
    const proposals = [{ sopClassUid: SERVICE.verification, transferSyntaxUids: IDENTIFIER_SYNTAXES }];
    await this.#sessions.once({ proposals, signal }, echo);
  }

  /** Which of these SOP classes the archive accepts, to be sent to it or asked of it. */
  async accepted(sopClassUids: readonly string[], signal?: AbortSignal): Promise<Set<string>> {
    const proposals = sopClassUids.map((sopClassUid) => ({
      sopClassUid,
      transferSyntaxUids: IDENTIFIER_SYNTAXES,
    }));
    return this.#sessions.once(
      { proposals, signal },
      async ({ contexts }) => new Set(contexts.map(({ sopClassUid }) => sopClassUid)),
    );
  }

  async *searchStudies({ lookBack, now, pageSize, signal }: StudySearch): AsyncGenerator<DicomDataset> {
    const { mostOfDay } = this.#options;
    yield* this.#searches.studies(STUDY_KEYS, signal, (ask, dayCut) =>
      studiesInWindows(ask, { lookBack, now, most: pageSize, mostOfDay, dayCut }),
    );
  }

  async *searchStudiesMatching(match: StudyMatch): AsyncGenerator<DicomDataset> {
    const { patientId, from, until, pageSize, signal } = match;
    const keys = patientId === undefined ? STUDY_KEYS : { ...STUDY_KEYS, PatientID: patientId };
    const { mostOfDay } = this.#options;
    yield* this.#searches.studies(keys, signal, (ask, dayCut) =>
      studiesBetween(ask, { from, until, most: pageSize, mostOfDay, dayCut }),
    );
  }

  async searchSeries(studyUid: string, signal?: AbortSignal): Promise<DicomDataset[]> {
    const keys = { ...SERIES_KEYS, StudyInstanceUID: uidOf(studyUid) };
    const all = unique(await this.#searches.all('SERIES', keys, MOST_SERIES, signal), 'SeriesInstanceUID');
    const counted: DicomDataset[] = [];
    const list = (seriesUid: string) => this.searchInstances(studyUid, seriesUid, signal);
    for (const series of all) counted.push(await withInstanceCount(series, list, this.#toldOfCounting));
    return counted;
  }

  readonly #toldOfCounting = (): void =>
    this.#options.detour?.({
      refused: 'NumberOfSeriesRelatedInstances of a series (C-FIND)',
      instead: 'its instances listed and counted',
      because: undefined,
    });

  async searchInstances(studyUid: string, seriesUid: string, signal?: AbortSignal): Promise<DicomDataset[]> {
    const keys = this.#imageKeys(studyUid, seriesUid);
    return unique(await this.#searches.all('IMAGE', keys, MOST_INSTANCES, signal), 'SOPInstanceUID');
  }

  async anyInstance(
    studyUid: string,
    seriesUid: string,
    signal?: AbortSignal,
  ): Promise<DicomDataset | undefined> {
    const keys = this.#imageKeys(studyUid, seriesUid);
    const isNamed = (match: DicomDataset) => text(match, 'SOPInstanceUID') !== undefined;
    const first = await this.#searches.first('IMAGE', keys, isNamed, signal);
    const sopUid = first && text(first, 'SOPInstanceUID');
    if (!first || sopUid === undefined) return undefined;
    const listed = new Map([[sopUid, text(first, 'SOPClassUID')]]);
    return await this.#header(studyUid, seriesUid, sopUid, listed, signal);
  }

  async seriesMetadata(studyUid: string, seriesUid: string, signal?: AbortSignal): Promise<DicomDataset[]> {
    const listed = await this.#listed(studyUid, seriesUid, signal);
    if (listed?.size === 0) return [];
    const wanted = { studyInstanceUid: studyUid, seriesInstanceUid: seriesUid, listed };
    return headersOfSeries(this.#retrieval.instances(wanted, HEADS, signal), seriesUid);
  }

  async instanceMetadata(
    studyUid: string,
    seriesUid: string,
    sopUid: string,
    signal?: AbortSignal,
  ): Promise<DicomDataset> {
    const listed = await this.#listed(studyUid, seriesUid, signal, sopUid);
    return this.#header(studyUid, seriesUid, sopUid, listed, signal);
  }

  async #header(
    studyInstanceUid: string,
    seriesInstanceUid: string,
    sopInstanceUid: string,
    listed: ReadonlyMap<string, string | undefined> | undefined,
    signal: AbortSignal | undefined,
  ): Promise<DicomDataset> {
    const wanted = { studyInstanceUid, seriesInstanceUid, sopInstanceUid, listed };
    for await (const bytes of this.#retrieval.instances(wanted, HEADS, signal)) {
      // Awaited here: closing the retrieval takes time, in which nobody would hear of a failure.
      return await readForeignHeader(bytes, `instance ${sopInstanceUid}`);
    }
    throw notThere(sopInstanceUid);
  }

  async *retrieveSeries(
    studyUid: string,
    seriesUid: string,
    signal?: AbortSignal,
    taking?: Taking,
  ): AsyncGenerator<Uint8Array> {
    const listed = await this.#listed(studyUid, seriesUid, signal);
    if (listed?.size === 0) {
      throw new DicomError('DICOM_WEB_ANSWER', `the archive lists no instance of series ${seriesUid}`);
    }
    const wanted = { studyInstanceUid: studyUid, seriesInstanceUid: seriesUid, listed };
    yield* this.#retrieval.instances(wanted, taking, signal);
  }

  async retrieveInstance(
    studyUid: string,
    seriesUid: string,
    sopUid: string,
    signal?: AbortSignal,
    taking?: Taking,
  ): Promise<Uint8Array> {
    const listed = await this.#listed(studyUid, seriesUid, signal, sopUid);
    if (listed?.size === 0) throw new InstanceGone(sopUid);
    const wanted = {
      studyInstanceUid: studyUid,
      seriesInstanceUid: seriesUid,
      sopInstanceUid: sopUid,
      listed,
    };
    for await (const given of this.#retrieval.instances(wanted, taking, signal)) {
      const { dataset, bytes } = await readForeignValues(given, `instance ${sopUid}`, [SOP_UID]);
      if (text(dataset, 'SOPInstanceUID') === sopUid) return bytes;
    }
    throw notThere(sopUid);
  }

  /** As `DicomWebClient.storeFiles`, by C-STORE. */
  async storeFiles(files: readonly FileToStore[], signal?: AbortSignal): Promise<StoreOutcome> {
    return this.#send(await Promise.all(files.map(fromFile)), signal);
  }

  storeVerified(
    studyUid: string | undefined,
    parts: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<StoredInstance[]> {
    const target = {
      store: (_study: string | undefined, some: readonly Uint8Array[], abort?: AbortSignal) =>
        this.#send(
          some.map((part, i) => fromBytes(part, `instance ${i + 1} to store`)),
          abort,
        ),
      isStored: this.isStored.bind(this),
      storedInstances: this.storedInstances.bind(this),
    };
    return storeVerified(target, studyUid, parts, signal);
  }

  /** Sends, and asks for commitment: what is not committed to counts as failed. */
  async #send(instances: readonly ToSend[], signal?: AbortSignal): Promise<StoreOutcome> {
    const { commitment } = this.#options;
    await commitment?.ledger.expect(instances);
    const proposals = sendingProposals(instances);
    const sent = await this.#sessions.once({ kind: 'store', proposals, signal }, (association) =>
      send(association, instances),
    );
    const named = instances.filter(({ sopInstanceUid }) => sent.stored.includes(sopInstanceUid));
    const failed = (named.length > 0 && (await this.#commitments?.commit(named, signal))) || new Map();
    return {
      status: STATUS.success,
      stored: sent.stored.filter((uid) => !failed.has(uid)),
      failed: [
        ...sent.failed,
        ...[...failed].map(([sopInstanceUid, reason]) => ({ sopInstanceUid, reason })),
      ],
    };
  }

  /**
   * Whether the archive lists it; where it was sent and no commitment came, whether the archive commits to
   * it now.
   */
  async isStored(
    studyUid: string,
    seriesUid: string,
    sopUid: string,
    signal?: AbortSignal,
  ): Promise<boolean> {
    if (!(await this.#isThere(studyUid, seriesUid, sopUid, signal))) return false;
    const pending = (await this.#options.commitment?.ledger.pending([sopUid])) ?? [];
    if (pending.length === 0 || !this.#commitments) return true;
    return !(await this.#commitments.commit(pending, signal)).has(sopUid);
  }

  /** Whether it is listed or, where the archive does not search at this level, given. */
  async #isThere(studyUid: string, seriesUid: string, sopUid: string, signal?: AbortSignal) {
    const listed = await this.#listed(studyUid, seriesUid, signal, sopUid);
    if (listed) return listed.has(sopUid);
    try {
      await this.instanceMetadata(studyUid, seriesUid, sopUid, signal);
      return true;
    } catch (error) {
      if (error instanceof DicomError && error.code !== 'DICOM_WEB_UNREACHABLE') return false;
      throw error;
    }
  }

  /** Those that the archive lists and, where commitment is wanted, has committed to. */
  async storedInstances(studyUid: string, seriesUid: string, signal?: AbortSignal): Promise<Set<string>> {
    const listed = new Set((await this.#listed(studyUid, seriesUid, signal))?.keys());
    for (const { sopInstanceUid } of (await this.#options.commitment?.ledger.pending([...listed])) ?? []) {
      listed.delete(sopInstanceUid);
    }
    return listed;
  }

  /** SOP classes by SOP instance UID; undefined where the archive does not search at this level. */
  async #listed(
    studyUid: string,
    seriesUid: string,
    signal: AbortSignal | undefined,
    sopUid?: string,
  ): Promise<ReadonlyMap<string, string | undefined> | undefined> {
    const keys = {
      ...this.#imageKeys(studyUid, seriesUid),
      ...(sopUid ? { SOPInstanceUID: uidOf(sopUid) } : {}),
    };
    try {
      const images = await this.#searches.all('IMAGE', keys, MOST_INSTANCES, signal);
      return new Map(
        images.flatMap((image) => {
          const uid = text(image, 'SOPInstanceUID');
          return uid === undefined ? [] : [[uid, text(image, 'SOPClassUID')] as const];
        }),
      );
    } catch (error) {
      if (error instanceof DicomError && error.code === 'DICOM_WEB_STATUS' && !isBusy(error))
        return undefined;
      throw error;
    }
  }

  #imageKeys(studyUid: string, seriesUid: string): Identifier {
    return { ...IMAGE_KEYS, StudyInstanceUID: uidOf(studyUid), SeriesInstanceUID: uidOf(seriesUid) };
  }
}

function unique(found: readonly DicomDataset[], key: string): DicomDataset[] {
  const each = new Map(found.map((one) => [text(one, key), one]));
  each.delete(undefined);
  return [...each.values()];
}

/** UIDs come from archives and files; wildcards and lists would mean something in a query. */
function uidOf(uid: string): string {
  if (isUid(uid)) return uid;
  throw new DicomError('DICOM_ATTRIBUTE', `"${uid.slice(0, 80)}" is not a UID and cannot be asked for`);
}

const notThere = (sopUid: string): DicomError =>
  new DicomError('DICOM_WEB_ANSWER', `the archive does not give instance ${sopUid}`);

function empty(keywords: string): Identifier {
  return Object.fromEntries(keywords.split(' ').map((keyword) => [keyword, '']));
}

import { DicomError } from '../../dicom/dicom-error.ts';
import { type DicomDataset, text, texts } from '../../dicom/reading/dataset.ts';
import { describeFailure } from '../../pipeline/failures.ts';
import { APART_MEANINGS } from '../../results/apart-reason.ts';
import { announceStudies } from '../../store/arrivals/announcements.ts';
import {
  type EarlierAnswer,
  type EarlierSearch,
  erasedStudies,
  settleEarlierSearch,
  wantEarlierStudies,
} from '../../store/arrivals/earlier-searches.ts';
import type { Database } from '../../store/database/sql.ts';
import { optOutReason } from '../../store/records/opt-out.ts';
import type { PatientIdentity } from '../../store/records/patient-key.ts';
import { type Identity, personsOf } from '../../store/records/same-person.ts';
import {
  type IdentityReader,
  identitiesOfPatient,
  namedPatient,
} from '../../store/records/study-identity.ts';
import { IMAGE_MODALITIES, type ImageSource } from '../routing/admission.ts';

/** What is asked of the archive: a part of the DICOMweb client. */
export interface EarlierArchive extends ImageSource {
  searchStudiesMatching(match: {
    patientId?: string;
    from: string;
    until: string;
    pageSize: number;
    signal?: AbortSignal | undefined;
  }): AsyncIterable<DicomDataset>;
  searchSeries(studyInstanceUid: string, signal?: AbortSignal): Promise<DicomDataset[]>;
}

export interface EarlierParts {
  readonly archive: EarlierArchive;
  readonly database: Database;
  readonly identities: IdentityReader;
  readonly patientKey: (patient: PatientIdentity) => string;
  /** How far back, from the study that made the patient known. */
  readonly years: number;
  /** Of one patient, the newest. */
  readonly studies: number;
  readonly pageSize: number;
  /** How often a search begins anew because of one of the studies; then it is left out. */
  readonly retries: number;
  readonly now: () => Date;
}

/** An archive that does not heed the PatientID would list everything that it has. */
const MOST_LISTED = 10_000;
/** Of so many studies an image is read, to see whose they are: an ID has few patients. */
const mostRead = (studies: number): number => 3 * studies + 20;

interface ListedStudy {
  readonly studyInstanceUid: string;
  readonly studyDate: string;
  readonly when: string;
}

/**
 * Asks the archive for the studies that a patient had before the one that made the patient known, and
 * announces the newest of them that are proven to be of the same person (see `personsOf`). Whose a study is,
 * one of its images says: lists of an archive may give all studies under a PatientID the birth date of the
 * first.
 * @returns what was announced, and what was not
 * @throws DicomError where the archive does not answer, or answers with what may pass: then the search is not
 *   over
 */
export async function searchEarlier(
  parts: EarlierParts,
  search: EarlierSearch,
  signal?: AbortSignal,
): Promise<EarlierAnswer> {
  const { database, identities, patientKey, now } = parts;
  const { studyInstanceUid } = search;
  const settle = async (answer: EarlierAnswer, days?: ReadonlyMap<string, string>) => {
    const at = now();
    return database.transaction(async (sql) => {
      if (!(await settleEarlierSearch(sql, search, { answer, now: at }))) return NOTHING;
      for (const uid of answer.taken) {
        const source = { kind: 'earlier', studyDate: days?.get(uid), patientKey: search.patientKey } as const;
        await announceStudies(sql, { studyInstanceUids: [uid], source, now: at, dueAt: at });
      }
      return answer;
    });
  };

  const image = await imageOf(parts.archive, studyInstanceUid, signal);
  const patient = namedPatient(image ?? {});
  if (!image || identities.namesNobody(patient)) return settle(NOTHING);
  if (await optOutReason(database, studyInstanceUid, [patient])) return settle(NOTHING);
  const key = patientKey({ ...patient, studyInstanceUid });
  if (key !== search.patientKey) {
    // The archive gave the study to another patient meanwhile.
    await wantEarlierStudies(database, { patientKey: key, studyInstanceUid, now: now() });
    return settle(NOTHING);
  }
  const until = text(image, 'StudyDate') ?? '';
  if (!/^\d{8}$/.test(until)) return settle(NOTHING);

  const listed = await listedStudies(parts, { patient, studyInstanceUid, until }, signal);
  const known = new Map(await identitiesOfPatient(database, key, studyInstanceUid));
  known.set(studyInstanceUid, identities.identityOf(patient));
  const leftOut: { studyInstanceUid: string; reason: string }[] = [];
  const read: ListedStudy[] = [];
  for (const study of listed.slice(0, mostRead(parts.studies))) {
    const found = await whoseIsIt(parts, study.studyInstanceUid, key, signal).catch(
      async (error: unknown) => {
        if (search.failures < parts.retries) throw error;
        // That study's trouble, as the archive gives other images.
        await imageOf(parts.archive, studyInstanceUid, signal);
        return { reason: `the archive did not give its images, asked ${parts.retries + 1} times` };
      },
    );
    if ('reason' in found) {
      leftOut.push({ studyInstanceUid: study.studyInstanceUid, reason: found.reason });
      continue;
    }
    known.set(study.studyInstanceUid, found);
    read.push(study);
  }
  const persons = personsOf(known);
  const taken: string[] = [];
  for (const { studyInstanceUid: uid } of read) {
    if (!persons.isSame(studyInstanceUid, uid)) {
      const why = persons.whyApart(studyInstanceUid, [uid]) ?? 'unproven';
      leftOut.push({ studyInstanceUid: uid, reason: APART_MEANINGS[why] });
    } else if (taken.length < parts.studies) taken.push(uid);
  }
  return settle({ taken, leftOut }, new Map(read.map((one) => [one.studyInstanceUid, one.studyDate])));
}

const NOTHING: EarlierAnswer = { taken: [], leftOut: [] };

/** The studies with CT or MR images that the archive lists under the ID, the newest first. */
async function listedStudies(
  { archive, database, years, pageSize }: EarlierParts,
  of: { patient: { patientId: string | undefined; issuer: string | undefined }; until: string } & Pick<
    ListedStudy,
    'studyInstanceUid'
  >,
  signal: AbortSignal | undefined,
): Promise<ListedStudy[]> {
  const { patient, until } = of;
  const { patientId = '', issuer } = patient;
  const from = `${String(Number(until.slice(0, 4)) - years).padStart(4, '0')}${until.slice(4)}`;
  const found: ListedStudy[] = [];
  let listed = 0;
  const match = { patientId: patientId.trim(), from, until, pageSize, signal };
  for await (const study of archive.searchStudiesMatching(match)) {
    signal?.throwIfAborted();
    if (++listed > MOST_LISTED) {
      const what = `the archive lists more than ${MOST_LISTED} studies for one PatientID`;
      throw new DicomError('DICOM_WEB_ANSWER', what);
    }
    const uid = text(study, 'StudyInstanceUID');
    const studyDate = text(study, 'StudyDate') ?? '';
    if (uid === undefined || uid === of.studyInstanceUid || !mayShowPancreas(study)) continue;
    // Wildcards, and archives that heed neither case nor day.
    if (text(study, 'PatientID')?.trim() !== patientId.trim() || studyDate < from || studyDate > until)
      continue;
    const listedIssuer = text(study, 'IssuerOfPatientID');
    if (issuer && listedIssuer && listedIssuer.trim() !== issuer.trim()) continue;
    found.push({
      studyInstanceUid: uid,
      studyDate,
      when: `${studyDate} ${text(study, 'StudyTime') ?? ''} ${uid}`,
    });
  }
  // Of them, nothing is to come back.
  const erased = await erasedStudies(
    database,
    found.map((one) => one.studyInstanceUid),
  );
  const left = found.filter((one) => !erased.has(one.studyInstanceUid));
  return left.sort((a, b) => (a.when > b.when ? -1 : 1));
}

/** An archive that lists no modalities may hold anything. */
export function mayShowPancreas(study: DicomDataset): boolean {
  const modalities = texts(study, 'ModalitiesInStudy');
  return modalities.length === 0 || modalities.some((one) => IMAGE_MODALITIES.includes(one));
}

/** Of what an image says; a reason where it is not to be asked further. */
async function whoseIsIt(
  { archive, database, identities, patientKey }: EarlierParts,
  studyInstanceUid: string,
  key: string,
  signal: AbortSignal | undefined,
): Promise<Identity | { readonly reason: string }> {
  const image = await imageOf(archive, studyInstanceUid, signal);
  if (!image) return { reason: 'the archive gives none of its images' };
  const patient = namedPatient(image);
  if (patientKey({ ...patient, studyInstanceUid }) !== key) {
    return { reason: 'its images name another PatientID or issuer' };
  }
  const optedOut = await optOutReason(database, studyInstanceUid, [patient]);
  return optedOut ? { reason: optedOut } : identities.identityOf(patient);
}

/**
 * An image of a CT or MR series; undefined where the archive has none that can be read.
 * @throws what may pass: no answer, a server in trouble, credentials that are refused
 */
async function imageOf(
  archive: EarlierArchive,
  studyInstanceUid: string,
  signal: AbortSignal | undefined,
): Promise<DicomDataset | undefined> {
  const nothing = (error: unknown): undefined => {
    signal?.throwIfAborted();
    if (describeFailure(error).passing) throw error;
  };
  for (const series of (await archive.searchSeries(studyInstanceUid, signal).catch(nothing)) ?? []) {
    const uid = text(series, 'SeriesInstanceUID');
    if (uid === undefined || !IMAGE_MODALITIES.includes(text(series, 'Modality'))) continue;
    const image = await archive.anyInstance(studyInstanceUid, uid, signal).catch(nothing);
    if (image) return image;
  }
  return undefined;
}

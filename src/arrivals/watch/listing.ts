import { crc32 } from 'node:zlib';
import { DicomError } from '../../dicom/dicom-error.ts';
import { type DicomDataset, number, requiredText } from '../../dicom/reading/dataset.ts';
import { type AnnouncementSource, announceStudies } from '../../store/arrivals/announcements.ts';
import { keepListedCounts, keepListedPatients, listedCounts } from '../../store/arrivals/listed-studies.ts';
import type { Database } from '../../store/database/sql.ts';
import { readSetting, writeSetting } from '../../store/records/settings.ts';
import { type IdentityReader, identityReader, namedPatient } from '../../store/records/study-identity.ts';

/** What a listing asks the archive: a part of the DICOMweb client. */
export interface StudyList {
  searchStudies(query: {
    lookBack: number | 'all';
    now: Date;
    pageSize: number;
    signal?: AbortSignal;
  }): AsyncIterable<DicomDataset>;
}

export interface ListingParts {
  readonly archive: StudyList;
  readonly database: Database;
  /** Days of StudyDate back from `now`, or all studies. */
  readonly lookBack: number | 'all';
  readonly pageSize: number;
  readonly now: () => Date;
}

/**
 * A study whose counts stay the same is looked at again after 12 to 24 hours all the same: an instance that
 * came while another was taken away leaves the count as it was. Its UID tells when, so that a large archive
 * isn't asked about everything at the same time.
 */
const LOOK_AGAIN_MS = 24 * 3_600_000;
const lookAgainMs = (studyInstanceUid: string): number =>
  LOOK_AGAIN_MS * (0.5 + crc32(studyInstanceUid) / 2 ** 33);

/** Set once a listing was complete. */
const LISTED = 'archive-was-listed';

interface ListedStudy {
  readonly studyInstanceUid: string;
  /** NumberOfStudyRelatedSeries and -Instances; undefined where the archive does not count. */
  readonly counts: string | undefined;
  /** Stands for what the list says of the patient. */
  readonly patient: string;
}

/**
 * Lists the studies within the look-back (QIDO-RS) and announces those whose counts, or whose patient, have
 * changed since the last listing; about the others the archive is asked nothing more. An archive that gives
 * no counts has every study announced. The counts are kept together with the announcement, so that no kill
 * can part them. What the node itself wrote changes the counts too, and costs one look.
 * @returns how many studies the archive listed
 */
export async function announceListed(parts: ListingParts, signal?: AbortSignal): Promise<number> {
  const { archive, database, lookBack, pageSize, now } = parts;
  const query = { lookBack, now: now(), pageSize, ...(signal ? { signal } : {}) };
  const isFirst = (await readSetting(database, LISTED)) === undefined;
  const source: AnnouncementSource = { kind: 'poll', ...(isFirst ? { backlog: true } : {}) };
  const { digestOf } = await identityReader(database);
  let listed = 0;
  let page: ListedStudy[] = [];
  try {
    for await (const study of archive.searchStudies(query)) {
      signal?.throwIfAborted();
      page.push(describe(study, digestOf));
      listed += 1;
      if (page.length < pageSize) continue;
      const whole = page;
      page = [];
      await announcePage(parts, whole, source);
    }
  } catch (error) {
    // What an archive does not list holds up nothing that it does.
    if (error instanceof DicomError && !signal?.aborted) await announcePage(parts, page, source);
    throw error;
  }
  await announcePage(parts, page, source);
  if (isFirst) await writeSetting(database, LISTED, 'yes');
  return listed;
}

function describe(study: DicomDataset, digestOf: IdentityReader['digestOf']): ListedStudy {
  const studyInstanceUid = requiredText(study, 'StudyInstanceUID', 'a study that the archive lists');
  const series = number(study, 'NumberOfStudyRelatedSeries');
  const instances = number(study, 'NumberOfStudyRelatedInstances');
  const isCounted = series !== undefined && instances !== undefined;
  const counts = isCounted ? `${series} ${instances}` : undefined;
  return { studyInstanceUid, counts, patient: digestOf(namedPatient(study)) };
}

async function announcePage(
  { database, now }: ListingParts,
  page: readonly ListedStudy[],
  source: AnnouncementSource,
): Promise<void> {
  const at = now();
  const known = await listedCounts(
    database,
    page.map(({ studyInstanceUid }) => studyInstanceUid),
  );
  await keepListedPatients(database, page);
  const changed = page.filter(({ studyInstanceUid, counts, patient }) => {
    const before = known.get(studyInstanceUid);
    if (counts === undefined || before?.counts !== counts) return true;
    if (before.patient !== undefined && before.patient !== patient) return true;
    return at.getTime() - before.announcedAt.getTime() >= lookAgainMs(studyInstanceUid);
  });
  if (changed.length === 0) return;
  await database.transaction(async (sql) => {
    for (const isNews of [true, false]) {
      const studyInstanceUids = changed
        .filter(({ counts }) => (counts !== undefined) === isNews)
        .map(({ studyInstanceUid }) => studyInstanceUid);
      await announceStudies(sql, { studyInstanceUids, source, now: at, dueAt: at, isNews });
    }
    const counted = changed.flatMap(({ counts, ...study }) =>
      counts === undefined ? [] : [{ ...study, counts }],
    );
    await keepListedCounts(sql, counted, at);
  });
}

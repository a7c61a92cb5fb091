import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { type DicomDataset, number, requiredText } from '../../dicom/reading/dataset.ts';
import { type AnnouncementSource, announceStudies } from '../../store/arrivals/announcements.ts';
import type { Database } from '../../store/database/sql.ts';

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

interface ListedStudy {
  readonly studyInstanceUid: string;
  /** NumberOfStudyRelatedSeries and -Instances; undefined where the archive does not count. */
  readonly counts: string | undefined;
}

/**
 * Lists the studies within the look-back (QIDO-RS) and announces those whose counts have changed since the
 * last listing; about the others the archive is asked nothing more. An archive that gives no counts has every
 * study announced. The counts are kept together with the announcement, so that no kill can part them. What
 * the node itself wrote changes the counts too, and costs one look.
 * @returns how many studies the archive listed
 */
export async function announceListed(parts: ListingParts, signal?: AbortSignal): Promise<number> {
  const { archive, database, lookBack, pageSize, now } = parts;
  const query = { lookBack, now: now(), pageSize, ...(signal ? { signal } : {}) };
  const isFirst = await isFirstListing(database);
  const source: AnnouncementSource = { kind: 'poll', ...(isFirst ? { backlog: true } : {}) };
  let listed = 0;
  let page: ListedStudy[] = [];
  for await (const study of archive.searchStudies(query)) {
    signal?.throwIfAborted();
    page.push(describe(study));
    listed += 1;
    if (page.length < pageSize) continue;
    await announcePage(parts, page, source);
    page = [];
  }
  await announcePage(parts, page, source);
  if (isFirst)
    await database.query('INSERT INTO pansegnet.setting VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      LISTED,
      'yes',
    ]);
  return listed;
}

function describe(study: DicomDataset): ListedStudy {
  const studyInstanceUid = requiredText(study, 'StudyInstanceUID', 'a study that the archive lists');
  const series = number(study, 'NumberOfStudyRelatedSeries');
  const instances = number(study, 'NumberOfStudyRelatedInstances');
  const isCounted = series !== undefined && instances !== undefined;
  return { studyInstanceUid, counts: isCounted ? `${series} ${instances}` : undefined };
}

const knownRow = z.object({ study_instance_uid: z.string(), counts: z.string(), announced_at: z.date() });

/** Set once a listing was complete. */
const LISTED = 'archive-was-listed';

async function isFirstListing(database: Database): Promise<boolean> {
  const rows = await database.query('SELECT 1 FROM pansegnet.setting WHERE name = $1', [LISTED]);
  return rows.length === 0;
}

async function announcePage(
  { database, now }: ListingParts,
  page: readonly ListedStudy[],
  source: AnnouncementSource,
): Promise<void> {
  const at = now();
  const rows = await database.query(
    `SELECT study_instance_uid, counts, announced_at FROM pansegnet.listed_study
     WHERE study_instance_uid = ANY($1::text[])`,
    [page.map(({ studyInstanceUid }) => studyInstanceUid)],
  );
  const known = new Map(
    z
      .array(knownRow)
      .parse(rows)
      .map((row) => [row.study_instance_uid, row]),
  );
  const changed = page.filter(({ studyInstanceUid, counts }) => {
    const before = known.get(studyInstanceUid);
    if (counts === undefined || before?.counts !== counts) return true;
    return at.getTime() - before.announced_at.getTime() >= lookAgainMs(studyInstanceUid);
  });
  if (changed.length === 0) return;
  await database.transaction(async (sql) => {
    const studyInstanceUids = changed.map(({ studyInstanceUid }) => studyInstanceUid);
    await announceStudies(sql, { studyInstanceUids, source, now: at, dueAt: at });
    const counted = changed.flatMap(({ counts, ...study }) =>
      counts === undefined ? [] : [{ ...study, counts }],
    );
    await sql.query(
      `INSERT INTO pansegnet.listed_study (study_instance_uid, counts, announced_at)
       SELECT uid, counts, $3 FROM unnest($1::text[], $2::text[]) AS counted (uid, counts)
       ON CONFLICT (study_instance_uid) DO UPDATE
         SET counts = EXCLUDED.counts, announced_at = EXCLUDED.announced_at`,
      [counted.map(({ studyInstanceUid }) => studyInstanceUid), counted.map(({ counts }) => counts), at],
    );
  });
}

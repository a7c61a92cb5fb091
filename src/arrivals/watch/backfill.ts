import { type DicomDataset, text } from '../../dicom/reading/dataset.ts';
import { announceStudies } from '../../store/arrivals/announcements.ts';
import { studiesOpen } from '../../store/arrivals/earlier-searches.ts';
import type { Database } from '../../store/database/sql.ts';
import { type IdentityReader, namedPatient } from '../../store/records/study-identity.ts';
import { type EarlierArchive, mayShowPancreas } from './search-earlier.ts';

export interface BackfillParts {
  readonly archive: Pick<EarlierArchive, 'searchStudiesMatching'>;
  readonly database: Database;
  readonly namesNobody: IdentityReader['namesNobody'];
  readonly pageSize: number;
  readonly signal: AbortSignal;
  /** Told of each month that is asked about. */
  readonly onMonth: (month: string, done: number, total: number) => void;
}

/** The studies of an archive that are to be measured, and what else it has of these days. */
export interface Backfill {
  /** The newest first. */
  readonly open: readonly { readonly studyInstanceUid: string; readonly studyDate: string }[];
  /** With CT or MR, and dealt with or waiting already. */
  readonly known: number;
  /** With CT or MR, and with a PatientID that names nobody: no trend would show them. */
  readonly ofNobody: number;
}

/**
 * Lists what an archive holds from one day (DA) to another, month by month, the latest first.
 * @throws DicomError where the archive does not answer
 */
export async function planBackfill(
  parts: BackfillParts,
  { since, until }: { readonly since: string; readonly until: string },
): Promise<Backfill> {
  const { archive, database, namesNobody, pageSize, signal, onMonth } = parts;
  const open: { studyInstanceUid: string; studyDate: string }[] = [];
  let [known, ofNobody] = [0, 0];
  const months = monthsBetween(since, until);
  for (const [done, { from, until: last }] of months.entries()) {
    onMonth(`${from.slice(0, 4)}-${from.slice(4, 6)}`, done, months.length);
    const found = new Map<string, string>();
    for await (const study of archive.searchStudiesMatching({ from, until: last, pageSize, signal })) {
      signal.throwIfAborted();
      const uid = text(study, 'StudyInstanceUID');
      const studyDate = text(study, 'StudyDate') ?? '';
      if (uid === undefined || !isWanted(study, studyDate, { from, until: last })) continue;
      if (namesNobody(namedPatient(study))) ofNobody += 1;
      else found.set(uid, studyDate);
    }
    const left = await studiesOpen(database, [...found.keys()]);
    known += found.size - left.size;
    const ofMonth = [...found].filter(([uid]) => left.has(uid));
    ofMonth.sort(([, a], [, b]) => (a > b ? -1 : 1));
    open.push(...ofMonth.map(([studyInstanceUid, studyDate]) => ({ studyInstanceUid, studyDate })));
  }
  return { open, known, ofNobody };
}

/** Archives that do not heed the days list others too. */
const isWanted = (study: DicomDataset, date: string, days: { from: string; until: string }): boolean =>
  mayShowPancreas(study) && date >= days.from && date <= days.until;

/** Studies whose announcement is one transaction. */
const BATCH = 500;

/** Announces them: the watch looks at each, and queues it behind all others. A kill loses nothing of that. */
export async function startBackfill(
  database: Database,
  { open }: Pick<Backfill, 'open'>,
  now: Date,
): Promise<void> {
  for (let at = 0; at < open.length; at += BATCH) {
    await database.transaction(async (sql) => {
      for (const [studyDate, studies] of Map.groupBy(open.slice(at, at + BATCH), (one) => one.studyDate)) {
        const studyInstanceUids = studies.map(({ studyInstanceUid }) => studyInstanceUid);
        const source = { kind: 'earlier', studyDate } as const;
        await announceStudies(sql, { studyInstanceUids, source, now, dueAt: now });
      }
    });
  }
}

/** The months of these days, the latest first; the first and the last may be parts of one. */
export function monthsBetween(since: string, until: string): { from: string; until: string }[] {
  const months: { from: string; until: string }[] = [];
  let [year, month] = [Number(until.slice(0, 4)), Number(until.slice(4, 6))];
  for (let last = until; last >= since; ) {
    const first = `${String(year).padStart(4, '0')}${String(month).padStart(2, '0')}01`;
    months.push({ from: first < since ? since : first, until: last });
    month = month === 1 ? 12 : month - 1;
    if (month === 12) year -= 1;
    // No study is of a 31st that is none.
    last = `${String(year).padStart(4, '0')}${String(month).padStart(2, '0')}31`;
  }
  return months;
}

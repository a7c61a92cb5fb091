import { type DicomDataset, text } from '../../dicom/reading/dataset.ts';
import { announceStudies } from '../../store/arrivals/announcements.ts';
import { reopenEarlier, studiesOpen } from '../../store/arrivals/earlier-searches.ts';
import type { Database } from '../../store/database/sql.ts';
import type { PatientIdentity } from '../../store/records/patient-key.ts';
import { type IdentityReader, namedPatient } from '../../store/records/study-identity.ts';
import { type EarlierArchive, mayShowPancreas } from './search-earlier.ts';

export interface BackfillParts {
  readonly archive: Pick<EarlierArchive, 'searchStudiesMatching'>;
  readonly database: Database;
  readonly namesNobody: IdentityReader['namesNobody'];
  readonly patientKey: (patient: PatientIdentity) => string;
  readonly pageSize: number;
  readonly signal: AbortSignal;
  /** Told of each month that is asked about. */
  readonly onMonth: (month: string, done: number, total: number) => void;
}

interface ListedStudy {
  readonly studyInstanceUid: string;
  readonly studyDate: string;
  /** By the PatientID that the archive lists. */
  readonly patientKey: string;
}

/** The studies of an archive that are to be measured, and what else it has of these days. */
export interface Backfill {
  /** The newest first. */
  readonly open: readonly ListedStudy[];
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
  const { archive, database, namesNobody, patientKey, pageSize, signal, onMonth } = parts;
  const open: ListedStudy[] = [];
  let [known, ofNobody] = [0, 0];
  const months = monthsBetween(since, until);
  for (const [done, { from, until: last }] of months.entries()) {
    onMonth(`${from.slice(0, 4)}-${from.slice(4, 6)}`, done, months.length);
    const found = new Map<string, ListedStudy>();
    for await (const study of archive.searchStudiesMatching({ from, until: last, pageSize, signal })) {
      signal.throwIfAborted();
      const uid = text(study, 'StudyInstanceUID');
      const studyDate = text(study, 'StudyDate') ?? '';
      if (uid === undefined || !isWanted(study, studyDate, { from, until: last })) continue;
      const patient = { ...namedPatient(study), studyInstanceUid: uid };
      if (namesNobody(patient)) ofNobody += 1;
      else found.set(uid, { studyInstanceUid: uid, studyDate, patientKey: patientKey(patient) });
    }
    const left = await studiesOpen(database, [...found.keys()]);
    known += found.size - left.size;
    const ofMonth = [...found.values()].filter((one) => left.has(one.studyInstanceUid));
    open.push(...ofMonth.sort((a, b) => (a.studyDate > b.studyDate ? -1 : 1)));
  }
  return { open, known, ofNobody };
}

/** Archives that do not heed the days list others too. */
const isWanted = (study: DicomDataset, date: string, days: { from: string; until: string }): boolean =>
  mayShowPancreas(study) && date >= days.from && date <= days.until;

/** Studies whose announcement is one transaction. */
const BATCH = 500;

/**
 * Announces them: the watch looks at each, and queues it behind all others. A kill loses nothing of that. Of
 * those that were announced so before, and failed or were kept out, all is decided again.
 */
export async function startBackfill(
  database: Database,
  { open }: Pick<Backfill, 'open'>,
  now: Date,
): Promise<void> {
  for (let at = 0; at < open.length; at += BATCH) {
    await database.transaction(async (sql) => {
      const batch = open.slice(at, at + BATCH);
      await reopenEarlier(
        sql,
        batch.map((one) => one.studyInstanceUid),
        now,
      );
      for (const { studyInstanceUid, ...known } of batch) {
        const source = { kind: 'earlier', ...known } as const;
        await announceStudies(sql, { studyInstanceUids: [studyInstanceUid], source, now, dueAt: now });
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

import { type DicomDataset, text } from '../../dicom/reading/dataset.ts';
import { announceWrongComparisons } from '../../store/arrivals/wrong-comparisons.ts';
import type { Database } from '../../store/database/sql.ts';
import { allVolumes, recordCorrection, recordVolume, recordWithdrawal } from '../../store/records/history.ts';
import { type ResultSeries, recordResultSeries } from '../../store/records/own-series.ts';
import type { PatientIdentity } from '../../store/records/patient-key.ts';
import { comparedPatients, recordReportPriors } from '../../store/records/report-priors.ts';
import type { RecordHeader } from '../../store/records/study-header.ts';
import { recordTrackingUid } from '../../store/records/tracking-uid.ts';
import type { MeasuredVolume } from '../../store/records/volume-record.ts';
import { collectReports, type ReportArchive } from './collect-reports.ts';
import { correctionsOf, withdrawalsOf } from './later-events.ts';
import { standingVolumes } from './standing-volumes.ts';

export interface RebuildParts {
  readonly archive: ReportArchive;
  readonly database: Database;
  readonly patientKey: (patient: PatientIdentity) => string;
  /** Keeps whose studies these are, where pages will show them. */
  readonly recordHeader?: RecordHeader;
  readonly pageSize: number;
  readonly now: () => Date;
  /** Told of what is left out, and why. */
  readonly warn: (fields: object, message: string) => void;
  readonly onStudy?: (studies: number) => void;
  readonly signal?: AbortSignal;
}

export interface RebuiltHistory {
  readonly studies: number;
  readonly reports: number;
  /** Rows that the archive's reports tell. */
  readonly volumes: number;
  /** Rows of the history whose report the archive does not hold (any more); they stay. */
  readonly kept: number;
}

/**
 * Writes the volume history anew from the reports in the archive, whatever wrote them: this node, another
 * one, an earlier version. All rows are written together, after the whole archive was read. Rows of the
 * history that the archive says nothing of stay as they are: an archive may delete sooner than the history
 * should.
 * @throws DicomError where the archive does not answer; the history is as it was
 */
export async function rebuildHistory(parts: RebuildParts): Promise<RebuiltHistory> {
  const { archive, database, patientKey, recordHeader, pageSize, now, warn, onStudy, signal } = parts;
  const headers: { readonly study: string; readonly header: DicomDataset }[] = [];
  const { studies, reports, notes } = await collectReports(archive, {
    pageSize,
    now: now(),
    signal,
    ...(onStudy ? { onStudy } : {}),
    onHeader: async (study, header) => void headers.push({ study, header }),
    onUnreadable: (place, err) => warn({ place, err }, 'a report cannot be read and is left out'),
  });
  const ours = reports.filter(({ algorithm }) => algorithm !== undefined);
  const volumes = standingVolumes(ours, patientKey, ({ studyInstanceUid, sopInstanceUid }) =>
    warn({ studyInstanceUid, sopInstanceUid }, 'a report lacks model, series or time and is left out'),
  );
  // In the order in which they were made, as the node that made them recorded them.
  const ordered = volumes.toSorted((a, b) => (a.contentDateTime < b.contentDateTime ? -1 : 1));
  // A report that another took the place of may be of a former patient: those that stand are told last.
  const superseded = new Set(reports.map(({ supersedes }) => supersedes));
  const isFormer = ({ header }: { readonly header: DicomDataset }) =>
    superseded.has(text(header, 'SOPInstanceUID'));
  for (const { study, header } of [...headers.filter(isFormer), ...headers.filter((one) => !isFormer(one))]) {
    await recordHeader?.(study, withoutDevice(header));
  }
  const priorsOf = new Map(reports.map((one) => [one.sopInstanceUid, one.priorStudies]));
  await database.transaction(async (sql) => {
    for (const volume of ordered) {
      await recordVolume(sql, volume);
      const { sopInstanceUid } = volume.report;
      await recordReportPriors(sql, sopInstanceUid, priorsOf.get(sopInstanceUid) ?? []);
      await recordResultSeries(sql, seriesOf(volume), now());
    }
    // The oldest first: the UID that a patient had first is the one that is kept.
    const tracked = reports.toSorted(
      (a, b) => Number(a.contentDateTime ?? 0) - Number(b.contentDateTime ?? 0),
    );
    for (const { patient, studyInstanceUid, trackingUid } of tracked) {
      if (trackingUid === undefined) continue;
      await recordTrackingUid(sql, patientKey({ ...patient, studyInstanceUid }), trackingUid);
    }
    for (const [report, correction] of correctionsOf(reports))
      await recordCorrection(sql, report, correction);
    for (const [report, withdrawal] of withdrawalsOf(notes)) await recordWithdrawal(sql, report, withdrawal);
  });
  await announceWrongComparisons(database, { patientKeys: await comparedPatients(database) }, now());
  const after = await allVolumes(database);
  const found = new Set(ordered.map(({ report }) => report.sopInstanceUid));
  const kept = after.filter(({ report }) => !found.has(report.sopInstanceUid)).length;
  return { studies, reports: reports.length, volumes: volumes.length, kept };
}

function seriesOf({ studyInstanceUid, seg, report }: MeasuredVolume): ResultSeries[] {
  const segmentation = seg ? [{ studyInstanceUid, ...seg, kind: 'SEG' as const }] : [];
  return [...segmentation, { studyInstanceUid, ...report, kind: 'SR' }];
}

/** What made the report is not what made the images. */
const withoutDevice = ({
  Manufacturer: _maker,
  ManufacturerModelName: _model,
  ...header
}: DicomDataset): DicomDataset => header;

import type { VolumeReport } from '../../sr/read-report.ts';
import type { RejectionNote } from '../../sr/rejection-note.ts';
import { reportReference } from '../../sr/report-form.ts';
import type { Correction, Withdrawal } from '../../store/records/volume-record.ts';

/**
 * What readers corrected: for each of the node's reports the last correction of it. A report of a correction
 * names no algorithm, and supersedes the node's report or an earlier correction's.
 * @returns SOP instance UID of the node's report -> the correction
 */
export function correctionsOf(reports: readonly VolumeReport[]): Map<string, Correction> {
  const byUid = new Map(reports.map((report) => [report.sopInstanceUid, report]));
  const corrections = reports.filter(({ algorithm }) => algorithm === undefined).sort(byTime);
  const found = new Map<string, Correction>();
  for (const report of corrections) {
    const root = rootOf(report, byUid);
    const correction = correctionIn(report);
    if (root !== undefined && correction) found.set(root, correction);
  }
  return found;
}

function byTime(a: VolumeReport, b: VolumeReport): number {
  return (a.contentDateTime?.getTime() ?? 0) - (b.contentDateTime?.getTime() ?? 0);
}

/**
 * The node's report at the end of the chain of predecessors; undefined where the archive does not hold it.
 */
function rootOf(report: VolumeReport, byUid: ReadonlyMap<string, VolumeReport>): string | undefined {
  const seen = new Set<string>();
  for (let at: VolumeReport | undefined = report; at && !seen.has(at.sopInstanceUid); ) {
    if (at.algorithm) return at.sopInstanceUid;
    seen.add(at.sopInstanceUid);
    at = byUid.get(at.supersedes ?? '');
  }
  return undefined;
}

function correctionIn(report: VolumeReport): Correction | undefined {
  const { volumeMl, voxelCount, segmentation, supersedes, contentDateTime } = report;
  if (volumeMl === undefined || voxelCount === undefined || !segmentation || !supersedes || !contentDateTime)
    return undefined;
  return {
    volumeMl,
    voxelCount,
    seg: segmentation,
    report: reportReference(report, { sopClassUid: report.supersededClassUid }),
    supersedes,
    contentDateTime: contentDateTime.toISOString(),
  };
}

/**
 * What was withdrawn: for each instance the last rejection note that names it.
 * @returns SOP instance UID -> the withdrawal
 */
export function withdrawalsOf(notes: readonly RejectionNote[]): Map<string, Withdrawal> {
  const time = ({ at }: RejectionNote) => at?.getTime() ?? 0;
  const found = new Map<string, Withdrawal>();
  for (const { reason, sopInstanceUid, at, rejected } of notes.toSorted((a, b) => time(a) - time(b))) {
    const withdrawal = { reason, note: sopInstanceUid, at: (at ?? new Date(0)).toISOString() };
    for (const uid of rejected) found.set(uid, withdrawal);
  }
  return found;
}

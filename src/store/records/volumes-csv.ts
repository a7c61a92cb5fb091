import type { Review } from './reviews.ts';
import type { VolumeRecord } from './volume-record.ts';

/** A volume, with what a reader said of it where that is known. */
type Row = VolumeRecord & { readonly review?: Review | null };

/** Columns, and what stands in them. Numbers have a point; lists are joined by a space. */
const COLUMNS: Readonly<Record<string, (volume: Row) => string | number | undefined>> = {
  patient: ({ patientKey }) => patientKey,
  studyDate: ({ studyDate }) => studyDate,
  studyTime: ({ studyTime }) => studyTime,
  study: ({ studyInstanceUid }) => studyInstanceUid,
  series: ({ seriesInstanceUid }) => seriesInstanceUid,
  part: ({ part }) => part,
  class: (volume) => volume.class,
  volumeMl: ({ volumeMl }) => volumeMl,
  lowMl: ({ intervalMl }) => intervalMl?.low,
  highMl: ({ intervalMl }) => intervalMl?.high,
  voxels: ({ voxelCount }) => voxelCount,
  flags: ({ flags }) => flags.join(' '),
  model: ({ model }) => model.name,
  modelVersion: ({ model }) => model.version,
  modelSha256: ({ model }) => model.sha256,
  mode: ({ model }) => model.mode,
  report: ({ report }) => report.sopInstanceUid,
  supersedes: ({ supersedes }) => supersedes ?? undefined,
  measuredAt: ({ contentDateTime }) => contentDateTime,
  correctedMl: ({ correction }) => correction?.volumeMl,
  withdrawn: ({ withdrawn }) => withdrawn?.reason,
  review: ({ review }) => review?.decision,
  reviewReason: ({ review }) => review?.reason,
};

/** Comma-separated values with a line of names (RFC 4180). */
export function volumesAsCsv(volumes: readonly Row[]): string {
  const columns = Object.values(COLUMNS);
  const lines = [
    Object.keys(COLUMNS),
    ...volumes.map((volume) => columns.map((column) => field(column(volume)))),
  ];
  return lines.map((line) => `${line.join(',')}\r\n`).join('');
}

function field(value: string | number | undefined): string {
  const text = String(value ?? '');
  // A spreadsheet would take a text that begins so for a formula.
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

import type { Review } from './reviews.ts';
import type { Comparability } from './trends.ts';
import type { VolumeRecord } from './volume-record.ts';

/** A volume, with what a reader said of it where that is known. */
type Row = VolumeRecord & { readonly review?: Review | null; readonly compared?: Comparability | undefined };

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
  report: ({ report, historyAlone }) => (historyAlone ? undefined : report.sopInstanceUid),
  supersedes: ({ supersedes }) => supersedes ?? undefined,
  measuredAt: ({ contentDateTime }) => contentDateTime,
  correctedMl: ({ correction }) => correction?.volumeMl,
  withdrawn: ({ withdrawn }) => withdrawn?.reason,
  review: ({ review }) => review?.decision,
  reviewReason: ({ review }) => review?.reason,
  // Of one patient key, the volumes of different numbers are not proven to be one person's.
  person: ({ compared }) => compared?.person,
  notCompared: ({ compared }) => compared?.notCompared,
  // Not in the archive: it has no report.
  historyOnly: ({ historyAlone }) => (historyAlone ? 'yes' : undefined),
};

/**
 * Comma-separated values with a line of names (RFC 4180).
 * @param comparability see `comparabilityOf`
 */
export const volumesAsCsv = (
  volumes: readonly Row[],
  comparability?: ReadonlyMap<string, Comparability>,
): string => CSV_NAMES + volumesAsLines(volumes, comparability);

/** The line of names. */
export const CSV_NAMES = `${Object.keys(COLUMNS).join(',')}\r\n`;

/** The lines below it. */
export function volumesAsLines(
  volumes: readonly Row[],
  comparability: ReadonlyMap<string, Comparability> = new Map(),
): string {
  const columns = Object.values(COLUMNS);
  return volumes
    .map((volume) => ({ ...volume, compared: comparability.get(volume.studyInstanceUid) }))
    .map((row) => csvLine(columns.map((column) => column(row))))
    .join('');
}

/** One line (RFC 4180), its end included. */
export const csvLine = (values: readonly (string | number | undefined)[]): string =>
  `${values.map(field).join(',')}\r\n`;

function field(value: string | number | undefined): string {
  const text = String(value ?? '');
  // A spreadsheet would take a text that begins so for a formula.
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

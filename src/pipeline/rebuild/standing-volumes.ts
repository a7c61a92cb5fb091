import { isMode } from '../../inference-mode.ts';
import type { ReadAlgorithm } from '../../sr/read-algorithm.ts';
import type { VolumeReport } from '../../sr/read-report.ts';
import { reportReference } from '../../sr/report-form.ts';
import type { PatientIdentity } from '../../store/records/patient-key.ts';
import { keptInterval, type MeasuredVolume } from '../../store/records/volume-record.ts';

/** A report with all that a row of the history needs. */
interface Row {
  readonly key: string;
  readonly report: VolumeReport;
  readonly volume: MeasuredVolume;
}

/** A run of a model without a mode was an exact one: the mode came later. */
const FIRST_MODE = 'exact';
/** What a report of format 1 says of MR images is not of which weighting they are. */
const UNKNOWN_MR = 'MR';

/**
 * The rows of the volume history that reports tell: of each series, part, model and mode the report that no
 * other one supersedes; of several such (two nodes on one archive) the latest.
 * @param leftOut told of reports that lack what identifies a row
 */
export function standingVolumes(
  reports: readonly VolumeReport[],
  patientKey: (patient: PatientIdentity) => string,
  leftOut: (report: VolumeReport) => void,
): MeasuredVolume[] {
  const rows = new Map<string, Row>();
  for (const report of reports) {
    const row = rowOf(report, patientKey);
    if (row) rows.set(report.sopInstanceUid, row);
    else leftOut(report);
  }
  const groups = Map.groupBy(rows.values(), ({ key }) => key);
  return [...groups.values()].flatMap((group) => {
    const superseded = new Set(group.map(({ report }) => report.supersedes));
    const standing = group.filter(({ report }) => !superseded.has(report.sopInstanceUid)).sort(byTime);
    return standing.slice(-1).map(({ volume }) => volume);
  });
}

function byTime(a: Row, b: Row): number {
  const key = ({ volume, report }: Row) => `${volume.contentDateTime} ${report.sopInstanceUid}`;
  return key(a) < key(b) ? -1 : 1;
}

function rowOf(report: VolumeReport, patientKey: (patient: PatientIdentity) => string): Row | undefined {
  const { algorithm, studyInstanceUid, sourceSeriesUid, voxelCount, contentDateTime } = report;
  const model = algorithm && modelOf(algorithm);
  if (!algorithm || !model || sourceSeriesUid === undefined || voxelCount === undefined || !contentDateTime)
    return undefined;
  const part = algorithm.part ?? '';
  return {
    key: JSON.stringify([sourceSeriesUid, part, model]),
    report,
    volume: {
      patientKey: patientKey({ ...report.patient, studyInstanceUid }),
      studyInstanceUid,
      studyDate: report.studyDate ?? '',
      studyTime: report.studyTime ?? '',
      seriesInstanceUid: sourceSeriesUid,
      part,
      class: algorithm.images ?? (report.modality === 'CT' ? 'CT' : UNKNOWN_MR),
      model,
      volumeMl: report.volumeMl ?? 0,
      voxelCount,
      intervalMl: report.volumeIntervalMl ? keptInterval(report.volumeIntervalMl) : null,
      flags: report.flags,
      seg: report.segmentation ?? null,
      report: reportReference(report, { sopClassUid: report.supersededClassUid }),
      supersedes: report.supersedes ?? null,
      contentDateTime: contentDateTime.toISOString(),
    },
  };
}

function modelOf({
  name,
  version,
  sha256,
  mode = FIRST_MODE,
}: ReadAlgorithm): MeasuredVolume['model'] | undefined {
  if (sha256 === undefined || !isMode(mode)) return undefined;
  return { name, version, sha256, mode };
}

import { requiredText } from '../dicom/reading/dataset.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';
import { referenceTo } from '../results/instance-reference.ts';
import { sourceHeader, sourceInstances, sourceName } from '../results/result-context.ts';
import { isFormat3 } from '../results/result-format.ts';
import { byDate } from './change.ts';
import type { LocatedInstance } from './content-item.ts';
import { reportClassUid } from './report-form.ts';
import type { ReportInput, ReportReference } from './report-input.ts';

const ofReport = (report: ReportReference): LocatedInstance => ({
  ...report,
  sopClassUid: reportClassUid(report),
});

/**
 * Every object that the report refers to, by study and series (PS3.3 C.17.2.3): those of the report's own
 * study as evidence of the procedure, earlier studies' reports as other pertinent evidence; and the report
 * that it supersedes.
 */
export function evidence(input: ReportInput): WritableDataset {
  const { context, found, otherSegmentations = [], priors, supersedes } = input;
  const header = sourceHeader(context.series);
  const studyInstanceUid = requiredText(header, 'StudyInstanceUID', sourceName(context.series));
  const seriesInstanceUid = requiredText(header, 'SeriesInstanceUID', sourceName(context.series));
  const all: LocatedInstance[] = [
    ...sourceInstances(context.series).map((one) => ({ ...one, studyInstanceUid, seriesInstanceUid })),
    ...(found ? [found.segmentation, ...(isFormat3(context) ? [] : otherSegmentations)] : []).map((one) => ({
      ...one,
      studyInstanceUid,
    })),
    ...byDate(priors).map(({ report }) => ofReport(report)),
  ];
  const others = all.filter((one) => one.studyInstanceUid !== studyInstanceUid);
  return {
    CurrentRequestedProcedureEvidenceSequence: hierarchy(
      all.filter((one) => one.studyInstanceUid === studyInstanceUid),
    ),
    ...(others.length > 0 ? { PertinentOtherEvidenceSequence: hierarchy(others) } : {}),
    ...(supersedes ? { PredecessorDocumentsSequence: hierarchy([ofReport(supersedes)]) } : {}),
  };
}

/** Hierarchical SOP Instance Reference Macro (PS3.3 C.17.2.1): each study, series and instance once. */
export function hierarchy(instances: readonly LocatedInstance[]): WritableDataset[] {
  const studies = Map.groupBy(instances, (one) => one.studyInstanceUid);
  return [...studies].map(([study, inStudy]) => ({
    StudyInstanceUID: study,
    ReferencedSeriesSequence: [...Map.groupBy(inStudy, (one) => one.seriesInstanceUid)].map(
      ([series, inSeries]) => ({
        SeriesInstanceUID: series,
        ReferencedSOPSequence: uniqueInstances(inSeries).map(referenceTo),
      }),
    ),
  }));
}

const uniqueInstances = (instances: readonly LocatedInstance[]): LocatedInstance[] => [
  ...new Map(instances.map((one) => [one.sopInstanceUid, one])).values(),
];

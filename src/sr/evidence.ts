import { requiredText } from '../dicom/reading/dataset.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';
import { sourceHeader, sourceInstances, sourceName } from '../results/result-context.ts';
import { byDate } from './change.ts';
import { COMPREHENSIVE_SR_STORAGE, type ReportInput, type ReportReference } from './report-input.ts';

interface Reference {
  readonly study: string;
  readonly series: string;
  readonly sopClass: string;
  readonly sopInstance: string;
}

const ofReport = (report: ReportReference): Reference => ({
  study: report.studyInstanceUid,
  series: report.seriesInstanceUid,
  sopClass: COMPREHENSIVE_SR_STORAGE,
  sopInstance: report.sopInstanceUid,
});

/**
 * Every object that the report refers to, by study and series (PS3.3 C.17.2.3): those of the report's own study as
 * evidence of the procedure, earlier studies' reports as other pertinent evidence; and the report that it supersedes.
 */
export function evidence({ context, found, priors, supersedes }: ReportInput): WritableDataset {
  const header = sourceHeader(context.series);
  const study = requiredText(header, 'StudyInstanceUID', sourceName(context.series));
  const series = requiredText(header, 'SeriesInstanceUID', sourceName(context.series));
  const references: Reference[] = sourceInstances(context.series).map(({ sopClassUid, sopInstanceUid }) => ({
    study,
    series,
    sopClass: sopClassUid,
    sopInstance: sopInstanceUid,
  }));
  if (found) {
    const { sopClassUid, sopInstanceUid, seriesInstanceUid } = found.segmentation;
    references.push({
      study,
      series: seriesInstanceUid,
      sopClass: sopClassUid,
      sopInstance: sopInstanceUid,
    });
  }
  references.push(...byDate(priors).map(({ report }) => ofReport(report)));
  const others = references.filter((reference) => reference.study !== study);
  return {
    CurrentRequestedProcedureEvidenceSequence: hierarchy(references.filter((r) => r.study === study)),
    ...(others.length > 0 ? { PertinentOtherEvidenceSequence: hierarchy(others) } : {}),
    ...(supersedes ? { PredecessorDocumentsSequence: hierarchy([ofReport(supersedes)]) } : {}),
  };
}

/** Hierarchical SOP Instance Reference Macro (PS3.3 C.17.2.1): each study, series and instance once. */
export function hierarchy(references: readonly Reference[]): WritableDataset[] {
  const studies = Map.groupBy(references, (reference) => reference.study);
  return [...studies].map(([study, inStudy]) => ({
    StudyInstanceUID: study,
    ReferencedSeriesSequence: [...Map.groupBy(inStudy, (reference) => reference.series)].map(
      ([series, inSeries]) => ({
        SeriesInstanceUID: series,
        ReferencedSOPSequence: [...new Map(inSeries.map((r) => [r.sopInstance, r.sopClass]))].map(
          ([sopInstance, sopClass]) => ({
            ReferencedSOPClassUID: sopClass,
            ReferencedSOPInstanceUID: sopInstance,
          }),
        ),
      }),
    ),
  }));
}

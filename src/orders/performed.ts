import type { PlainDataset } from '../dicom/writing/dicom-json.ts';
import { type Code, codeItem } from '../results/codes.ts';
import { DISCONTINUATION, type Discontinuation } from './reasons.ts';

/** An instance that the archive holds. */
interface OutputInstance {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
}

export interface OutputSeries {
  readonly seriesInstanceUid: string;
  readonly instances: readonly OutputInstance[];
}

interface Performed {
  readonly station: Code;
  readonly workitem: Code;
  readonly startedAt: Date;
  readonly endedAt: Date;
}

/** Longest words of a progress description: ST (PS3.5 table 6.2-1). */
const ST_MAX_LENGTH = 1024;

/** How far it is. @param percent 0 to 100 */
export const progressOf = (percent: number, words: string): PlainDataset => ({
  ProcedureStepProgressInformationSequence: [
    { ProcedureStepProgress: percent, ProcedureStepProgressDescription: words.slice(0, ST_MAX_LENGTH) },
  ],
});

/** Where output can be had: the root of a DICOMweb service, or the AE title of an archive without one. */
type OutputPlace = { readonly url: string } | { readonly aeTitle: string };

/** PS3.3 table 10-3b. */
const retrievalOf = (archive: OutputPlace, path: string): PlainDataset =>
  'url' in archive
    ? { WADORSRetrievalSequence: [{ RetrieveURL: archive.url + path }] }
    : { DICOMRetrievalSequence: [{ RetrieveAETitle: archive.aeTitle }] };

/** What is said before COMPLETED (PS3.4 CC.2.5, final state): where, what, when, and what came out. */
export function completionOf(
  performed: Performed,
  output: { readonly studyInstanceUid: string; readonly series: readonly OutputSeries[] },
  /** The archive that has the output; undefined where nobody else reaches it. */
  archive: OutputPlace | undefined,
): PlainDataset {
  const { studyInstanceUid } = output;
  const items = output.series.map(({ seriesInstanceUid, instances }) => ({
    TypeOfInstances: 'DICOM',
    StudyInstanceUID: studyInstanceUid,
    SeriesInstanceUID: seriesInstanceUid,
    ReferencedSOPSequence: instances.map(({ sopClassUid, sopInstanceUid }) => ({
      ReferencedSOPClassUID: sopClassUid,
      ReferencedSOPInstanceUID: sopInstanceUid,
    })),
    ...(archive ? retrievalOf(archive, `/studies/${studyInstanceUid}/series/${seriesInstanceUid}`) : {}),
  }));
  return { ...progressOf(100, 'completed'), ...performedProcedure(performed, items) };
}

/** What is said before CANCELED: why, and when. */
export function cancellationOf(
  performed: Performed,
  { reason, words }: { readonly reason: Discontinuation; readonly words: string },
): PlainDataset {
  return {
    ProcedureStepProgressInformationSequence: [
      {
        ProcedureStepProgressDescription: words.slice(0, ST_MAX_LENGTH),
        ProcedureStepCancellationDateTime: dateTime(performed.endedAt),
        ReasonForCancellation: words,
        ProcedureStepDiscontinuationReasonCodeSequence: [codeItem(DISCONTINUATION[reason])],
      },
    ],
    ...performedProcedure(performed, []),
  };
}

function performedProcedure(
  { station, workitem, startedAt, endedAt }: Performed,
  output: readonly PlainDataset[],
): PlainDataset {
  return {
    UnifiedProcedureStepPerformedProcedureSequence: [
      {
        PerformedStationNameCodeSequence: [codeItem(station)],
        PerformedWorkitemCodeSequence: [codeItem(workitem)],
        PerformedProcedureStepStartDateTime: dateTime(startedAt),
        PerformedProcedureStepEndDateTime: dateTime(endedAt),
        OutputInformationSequence: output,
      },
    ],
  };
}

/** DT in UTC (PS3.5 section 6.2). */
export const dateTime = (at: Date): string =>
  `${at.toISOString().replaceAll(/[-T:]/g, '').slice(0, 14)}+0000`;

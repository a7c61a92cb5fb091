import { createHash } from 'node:crypto';
import { deriveUid } from '../dicom/uids.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';
import {
  commonModules,
  datesOf,
  type ResultObject,
  segmentationUid,
  seriesUid,
  sourceHeader,
} from '../results/result-context.ts';
import { writeObject } from '../results/write-object.ts';
import { evidence } from './evidence.ts';
import { dateTimeInUtc } from './observation-time.ts';
import { COMPREHENSIVE_SR_STORAGE, type ReportInput } from './report-input.ts';
import { measurementReport } from './tid1500.ts';
import { narrativeReport } from './tid2000.ts';

/** A report but for the time at which it was made: the same findings keep their UID. */
export interface ReportDraft {
  readonly sopInstanceUid: string;
  readonly madeAt: (contentDateTime: Date) => ResultObject;
}

/** A report made at the time that its context says; see `draftReport`. */
export function createReport(input: ReportInput): ResultObject {
  return draftReport(input).madeAt(input.context.contentDateTime);
}

/**
 * The volume report, a Comprehensive SR (PS3.3 A.35.3): TID 1500, and TID 2000 where nothing was found.
 * Its UID follows from the SEG's and a hash of its content; the same input and time give the same bytes.
 * Throws DICOM_ATTRIBUTE where the source lacks its identity.
 */
export function draftReport(input: ReportInput): ReportDraft {
  const { context } = input;
  const header = sourceHeader(context.series);
  const title = input.correction ? 'Pancreas volume report, corrected by a reader' : 'Pancreas volume report';
  const common = commonModules(context, 'SR', title);
  const content: WritableDataset = {
    ...common.attributes,
    SOPClassUID: COMPREHENSIVE_SR_STORAGE,
    ReferencedPerformedProcedureStepSequence: [],
    PerformedProcedureCodeSequence: [],
    PreliminaryFlag: 'PRELIMINARY',
    CompletionFlag: 'COMPLETE',
    VerificationFlag: 'UNVERIFIED',
    ...evidence(input),
    ...(input.found ? measurementReport(input, input.found) : narrativeReport(input)),
  };
  const outcome = input.found ? 'found' : 'nothing found';
  const sopInstanceUid = deriveUid('SR', segmentationUid(context), outcome, contentHash(content));
  const seriesInstanceUid = seriesUid(sopInstanceUid);
  return {
    sopInstanceUid,
    madeAt: (contentDateTime) => ({
      bytes: writeObject({
        ...content,
        ...datesOf({ ...context, contentDateTime }, header),
        ObservationDateTime: dateTimeInUtc(contentDateTime),
        SOPInstanceUID: sopInstanceUid,
        SeriesInstanceUID: seriesInstanceUid,
      }),
      sopClassUid: COMPREHENSIVE_SR_STORAGE,
      sopInstanceUid,
      seriesInstanceUid,
      warnings: common.warnings,
    }),
  };
}

/** When the report was made is not part of its content. */
const DATES: ReadonlySet<string> = new Set(['ContentDate', 'ContentTime', 'SeriesDate', 'SeriesTime']);

/** In the order of the keys: another order would be another hash. */
function contentHash(dataset: WritableDataset): string {
  const content = JSON.stringify(dataset, (key, value: unknown) => (DATES.has(key) ? undefined : value));
  return createHash('sha256').update(content, 'utf8').digest('hex');
}

import { createHash } from 'node:crypto';
import { deriveUid } from '../dicom/uids.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';
import { commonModules, type ResultObject, segmentationUid, seriesUid } from '../results/result-context.ts';
import { writeObject } from '../results/write-object.ts';
import { evidence } from './evidence.ts';
import { dateTimeInUtc } from './observation-time.ts';
import { COMPREHENSIVE_SR_STORAGE, type ReportInput } from './report-input.ts';
import { measurementReport } from './tid1500.ts';
import { narrativeReport } from './tid2000.ts';

/** When a report was made is not part of its content: the same findings keep their UID. */
const NOT_CONTENT = [
  'ContentDate',
  'ContentTime',
  'SeriesDate',
  'SeriesTime',
  'ObservationDateTime',
] as const;

/**
 * The volume report, a Comprehensive SR (PS3.3 A.35.3): TID 1500, and TID 2000 where nothing was found.
 * Its UID follows from the SEG's and a hash of its content; the same input gives the same bytes.
 * Throws DICOM_ATTRIBUTE where the source lacks its identity.
 */
export function createReport(input: ReportInput): ResultObject {
  const { context } = input;
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
    ObservationDateTime: dateTimeInUtc(context.contentDateTime),
  };
  const sopInstanceUid = deriveUid('SR', segmentationUid(context), outcome(input), contentHash(content));
  const seriesInstanceUid = seriesUid(sopInstanceUid);
  return {
    bytes: writeObject({ ...content, SOPInstanceUID: sopInstanceUid, SeriesInstanceUID: seriesInstanceUid }),
    sopClassUid: COMPREHENSIVE_SR_STORAGE,
    sopInstanceUid,
    seriesInstanceUid,
    warnings: common.warnings,
  };
}

function outcome(input: ReportInput): string {
  return input.found ? 'found' : 'nothing found';
}

function contentHash(dataset: WritableDataset): string {
  const leftOut = new Set<string>(NOT_CONTENT);
  const content = JSON.stringify(dataset, (key, value: unknown) => (leftOut.has(key) ? undefined : value));
  return createHash('sha256').update(content, 'utf8').digest('hex');
}

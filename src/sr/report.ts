import { createHash } from 'node:crypto';
import { requiredText } from '../dicom/reading/dataset.ts';
import { deriveUid } from '../dicom/uids.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';
import { codingSchemes } from '../results/coding-schemes.ts';
import { authorObserver } from '../results/device.ts';
import { procedureItems, referencedRequests } from '../results/order.ts';
import {
  commonModules,
  datesOf,
  type ResultObject,
  segmentationUid,
  seriesUid,
  sourceHeader,
  sourceName,
} from '../results/result-context.ts';
import { isFormat3, RESULT_FORMAT } from '../results/result-format.ts';
import { writeObject } from '../results/write-object.ts';
import { evidence } from './evidence.ts';
import { dateTimeInUtc } from './observation-time.ts';
import { formOf, REPORT_CLASSES } from './report-form.ts';
import type { ReportInput } from './report-input.ts';
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
 * The volume report, a Comprehensive or Comprehensive 3D SR (PS3.3 A.35.3, A.35.13): TID 1500, or TID 2000
 * where nothing was found and the site wants it in words.
 * Its UID follows from the SEG's and a hash of its content; the same input and time give the same bytes.
 * Throws DICOM_ATTRIBUTE where the source lacks its identity.
 */
export function draftReport(input: ReportInput): ReportDraft {
  const { context } = input;
  const header = sourceHeader(context.series);
  const common = commonModules(context, 'SR', titleOf(input));
  const form = formOf(input);
  const sopClassUid = REPORT_CLASSES[form.reportClass];
  const content: WritableDataset = {
    ...common.attributes,
    SOPClassUID: sopClassUid,
    ReferencedPerformedProcedureStepSequence: [],
    ...(isFormat3(context) ? { PerformedProcedureCodeSequence: [] } : documentModule(context)),
    PreliminaryFlag: 'PRELIMINARY',
    CompletionFlag: 'COMPLETE',
    VerificationFlag: 'UNVERIFIED',
    ...evidence(input),
    ...(input.found || form.nothingFound === 'measurements'
      ? measurementReport(input)
      : narrativeReport(input)),
  };
  const outcome = input.found ? 'found' : 'nothing found';
  const named = [segmentationUid(context), outcome, contentHash(content)];
  const sopInstanceUid = deriveUid('SR', ...named, ...(isFormat3(context) ? [] : [RESULT_FORMAT]));
  const seriesInstanceUid = seriesUid(sopInstanceUid);
  return {
    sopInstanceUid,
    madeAt: (contentDateTime) => ({
      bytes: writeObject({
        ...content,
        ...(isFormat3(context) ? {} : codingSchemes(content)),
        ...datesOf({ ...context, contentDateTime }, header),
        ObservationDateTime: dateTimeInUtc(contentDateTime),
        SOPInstanceUID: sopInstanceUid,
        SeriesInstanceUID: seriesInstanceUid,
      }),
      sopClassUid,
      sopInstanceUid,
      seriesInstanceUid,
      warnings: common.warnings,
    }),
  };
}

/** For the lists of series in viewers: some show of a report where nothing was found this alone. */
function titleOf({ context, found, correction }: ReportInput): string {
  if (!found && !isFormat3(context)) return 'Pancreas not found';
  return correction ? 'Pancreas volume report, corrected by a reader' : 'Pancreas volume report';
}

/** Who made the report, and which orders it answers (SR Document General, PS3.3 C.17.2). */
function documentModule(context: ReportInput['context']): WritableDataset {
  const header = sourceHeader(context.series);
  const studyInstanceUid = requiredText(header, 'StudyInstanceUID', sourceName(context.series));
  return {
    PerformedProcedureCodeSequence: procedureItems(header),
    ...referencedRequests(header, studyInstanceUid),
    ...authorObserver(context),
  };
}

/** When the report was made is not part of its content. */
const DATES: ReadonlySet<string> = new Set([
  'ContentDate',
  'ContentTime',
  'SeriesDate',
  'SeriesTime',
  'InstanceCreationDate',
  'InstanceCreationTime',
]);

/** In the order of the keys: another order would be another hash. */
function contentHash(dataset: WritableDataset): string {
  const content = JSON.stringify(dataset, (key, value: unknown) => (DATES.has(key) ? undefined : value));
  return createHash('sha256').update(content, 'utf8').digest('hex');
}

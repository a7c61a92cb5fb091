import type { SeriesVolume } from '../dicom/geometry/series-volume.ts';
import { requiredText, text } from '../dicom/reading/dataset.ts';
import { deriveUid } from '../dicom/uids.ts';
import { type ResultContext, sourceHeader, sourceName } from './result-context.ts';
import { isFormat3 } from './result-format.ts';

/** The only segment's number, in SEG and report. */
export const PANCREAS_SEGMENT_NUMBER = 1;

/** For people; the UID beside it is what joins studies. */
export const PANCREAS_TRACKING_ID = 'Pancreas';

/**
 * The tracking UID of the patient's pancreas: the same in all studies of the patient.
 * A study without a PatientID stands for itself: nobody may be joined with somebody else.
 */
export function pancreasTrackingUid(context: ResultContext): string {
  const { series, trackingUid } = context;
  return (isFormat3(context) ? undefined : trackingUid) ?? plainTrackingUid(series);
}

/**
 * The one of formats up to 3, which keep patients who have it: whoever knows a PatientID can make it of that.
 */
function plainTrackingUid(series: SeriesVolume): string {
  const header = sourceHeader(series);
  const patientId = text(header, 'PatientID');
  const study = requiredText(header, 'StudyInstanceUID', sourceName(series));
  return patientId === undefined
    ? deriveUid('tracking', 'study', study, 'pancreas')
    : deriveUid('tracking', 'patient', patientId, text(header, 'IssuerOfPatientID') ?? '', 'pancreas');
}

import { type DicomDataset, number, sequence, text } from '../dicom/reading/dataset.ts';
import { type Code, isCode } from '../results/codes.ts';
import type { LocatedInstance } from './content-item.ts';

/** Reading a content tree (PS3.3 C.17.3). */
const NOTHING: DicomDataset = {};

export function isNamed(item: DicomDataset, name: Code): boolean {
  return sequence(item, 'ConceptNameCodeSequence').some((code) => isCode(code, name));
}

export function children(parent: DicomDataset, name: Code): DicomDataset[] {
  return sequence(parent, 'ContentSequence').filter((item) => isNamed(item, name));
}

/**
 * The first child of that name; an empty data set where there is none, so that look-ups can go on below it.
 */
export function child(parent: DicomDataset, name: Code): DicomDataset {
  return children(parent, name)[0] ?? NOTHING;
}

/** The first item of a sequence; an empty data set where there is none. */
export function first(dataset: DicomDataset, keyword: string): DicomDataset {
  return sequence(dataset, keyword)[0] ?? NOTHING;
}

export function isMeasuredIn(item: DicomDataset, unit: Code): boolean {
  const measured = first(item, 'MeasuredValueSequence');
  return sequence(measured, 'MeasurementUnitsCodeSequence').some((code) => isCode(code, unit));
}

/** The full value where it is there, else the rounded one (PS3.3 C.18.1). */
export function measuredValue(item: DicomDataset): number | undefined {
  const measured = first(item, 'MeasuredValueSequence');
  return number(measured, 'FloatingPointValue') ?? number(measured, 'NumericValue');
}

/** Every instance of a Hierarchical SOP Instance Reference sequence, in its order. */
export function references(dataset: DicomDataset, keyword: string): LocatedInstance[] {
  const uid = (item: DicomDataset, name: string) => text(item, name) ?? '';
  return sequence(dataset, keyword).flatMap((study) =>
    sequence(study, 'ReferencedSeriesSequence').flatMap((series) =>
      sequence(series, 'ReferencedSOPSequence').map((instance) => ({
        studyInstanceUid: uid(study, 'StudyInstanceUID'),
        seriesInstanceUid: uid(series, 'SeriesInstanceUID'),
        sopClassUid: uid(instance, 'ReferencedSOPClassUID'),
        sopInstanceUid: uid(instance, 'ReferencedSOPInstanceUID'),
      })),
    ),
  );
}

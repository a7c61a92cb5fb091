import { pixelSpacing, sliceThickness } from '../dicom/geometry/frame-attributes.ts';
import { type DicomDataset, number, text } from '../dicom/reading/dataset.ts';
import { spacingBetweenSlices } from '../dicom/volume.ts';
import { isValid } from '../dicom/writing/value-rules.ts';
import { CODES, type Code } from '../results/codes.ts';
import { type ResultContext, sourceHeader, sourceInstances } from '../results/result-context.ts';
import { isFormat3 } from '../results/result-format.ts';
import {
  type ContentItem,
  codeContent,
  container,
  dateContent,
  imageContent,
  numContent,
  related,
  timeContent,
  uidContent,
} from './content-item.ts';
import { formOf } from './report-form.ts';
import type { ReportInput } from './report-input.ts';

/** Millimetres to this many places. */
const MM_DECIMALS = 4;

/** The modality of the source as a code of CID 29. */
export function modalityCode(header: DicomDataset): Code {
  return text(header, 'Modality') === 'MR' ? CODES.mr : CODES.ct;
}

/** What was done to the patient, as far as results know it (a LOINC code of any body region). */
export function procedureCode({ series }: ResultContext): Code {
  return modalityCode(sourceHeader(series)) === CODES.ct ? CODES.ctProcedure : CODES.mrProcedure;
}

/**
 * Image library (TID 1600): one group with what the images have in common, and every image that was
 * segmented; another with the segmentation in its other forms, where there are any.
 */
export function imageLibrary(input: ReportInput): ContentItem {
  const { context, found, otherSegmentations = [] } = input;
  const isCurrent = formOf(input).templates === 'current';
  const { series } = context;
  const images = sourceInstances(series).map((instance) =>
    related('CONTAINS', imageContent(undefined, instance)),
  );
  const group = container(CODES.imageLibraryGroup, undefined, [
    ...imageDescriptors(context, isCurrent),
    ...images,
  ]);
  const forms = found && !isFormat3(context) ? otherSegmentations : [];
  const formGroup = container(
    CODES.imageLibraryGroup,
    undefined,
    forms.map((form) => related('CONTAINS', imageContent(undefined, form))),
  );
  const groups = forms.length > 0 ? [group, formGroup] : [group];
  return container(
    CODES.imageLibrary,
    '1600',
    groups.map((one) => related('CONTAINS', one)),
  );
}

/**
 * Image library entry descriptors (TID 1602 with TID 1604). What the source doesn't state, or states wrongly,
 * is left out. `isCurrent`: with the target region, by a code that PixelMed's validator of 2022 lacks.
 */
function imageDescriptors(context: ResultContext, isCurrent: boolean): ContentItem[] {
  const { series } = context;
  const header = sourceHeader(series);
  const [columns, rows] = series.volume.size;
  const [first] = series.slices;
  const items: ContentItem[] = [
    codeContent(CODES.modality, modalityCode(header)),
    ...(isCurrent ? [codeContent(CODES.targetRegion, CODES.abdomen)] : []),
  ];
  const stated = (keyword: string, content: (value: string) => ContentItem): void => {
    const value = isValid(header, keyword) ? text(header, keyword) : undefined;
    if (value !== undefined) items.push(content(value));
  };
  const millimetres = (name: Code, value: number | undefined): void => {
    if (value !== undefined && value > 0) items.push(numContent(name, value, CODES.millimetre, MM_DECIMALS));
  };

  stated('StudyDate', (value) => dateContent(CODES.studyDate, value));
  stated('StudyTime', (value) => timeContent(CODES.studyTime, value));
  stated('AcquisitionDate', (value) => dateContent(CODES.acquisitionDate, value));
  stated('AcquisitionTime', (value) => timeContent(CODES.acquisitionTime, value));
  stated('FrameOfReferenceUID', (value) => uidContent(CODES.frameOfReferenceUid, value));
  items.push(numContent(CODES.pixelDataRows, rows, CODES.pixels, 0));
  items.push(numContent(CODES.pixelDataColumns, columns, CODES.pixels, 0));
  if (first) {
    const [between, along] = pixelSpacing(first).map(Number); // PS3.3 10.7.1.3: between rows first
    millimetres(CODES.horizontalPixelSpacing, along);
    millimetres(CODES.verticalPixelSpacing, between);
    millimetres(CODES.spacingBetweenSlices, spacingBetweenSlices(series.volume.affine));
    millimetres(CODES.sliceThickness, Number(sliceThickness(first)[0] ?? number(header, 'SliceThickness')));
  }
  return items.map((item) => related('HAS ACQ CONTEXT', item));
}

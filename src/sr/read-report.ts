import { type DicomDataset, number, readInstance, sequence, text, texts } from '../dicom/dataset.ts';
import { isOwnResult } from '../dicom/own-results.ts';
import { CODES, type Code, isCode } from '../dicom/results/codes.ts';
import { COMPREHENSIVE_SR_STORAGE } from './report-input.ts';

/** What one of the node's own reports says. */
export interface VolumeReport {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
  /** Of the study, as DA; undefined where the study has none. */
  readonly studyDate: string | undefined;
  /** Undefined where nothing was found. */
  readonly volumeMl: number | undefined;
  /** Relative changes in percent: since the first study, then since the previous one where that is another. */
  readonly changesPercent: readonly number[];
  /** `CT` or `MR`. */
  readonly modality: string | undefined;
  readonly model: {
    readonly name: string;
    readonly version: string;
    readonly sha256?: string;
    readonly mode?: string;
  };
  /** Where nothing was found there is no segment, and the series is that of the images. */
  readonly sourceSeriesUid: string | undefined;
  readonly segmentationUid: string | undefined;
  readonly trackingUid: string | undefined;
  /** In the words of the report. */
  readonly qualityFindings: readonly string[];
}

/**
 * Reads a report that the node wrote; undefined for any other object.
 * Throws DICOM_UNREADABLE for bytes that are not DICOM.
 */
export function readReport(bytes: Uint8Array, source = 'report'): VolumeReport | undefined {
  const { dataset } = readInstance(bytes, source);
  if (text(dataset, 'SOPClassUID') !== COMPREHENSIVE_SR_STORAGE || !isOwnResult(dataset)) return undefined;
  if (!isNamed(dataset, CODES.imagingMeasurementReport)) return undefined;
  const evaluations = child(dataset, CODES.qualitativeEvaluations);
  const measurements = child(dataset, CODES.imagingMeasurements);
  const group = child(measurements, CODES.measurementGroup);
  const library = child(child(dataset, CODES.imageLibrary), CODES.imageLibraryGroup);
  const algorithm = children(measurements, CODES.algorithmName).length > 0 ? measurements : evaluations;
  const name = text(child(algorithm, CODES.algorithmName), 'TextValue');
  const version = text(child(algorithm, CODES.algorithmVersion), 'TextValue');
  if (name === undefined || version === undefined) return undefined;
  return {
    studyInstanceUid: text(dataset, 'StudyInstanceUID') ?? '',
    seriesInstanceUid: text(dataset, 'SeriesInstanceUID') ?? '',
    sopInstanceUid: text(dataset, 'SOPInstanceUID') ?? '',
    studyDate: text(dataset, 'StudyDate'),
    volumeMl: measuredValue(child(group, CODES.volume)),
    changesPercent: children(group, CODES.differenceInSize)
      .filter((item) => isMeasuredIn(item, CODES.percent))
      .flatMap((item) => measuredValue(item) ?? []),
    modality: text(sequence(child(library, CODES.modality), 'ConceptCodeSequence')[0] ?? {}, 'CodeValue'),
    model: { name, version, ...modelParameters(algorithm) },
    sourceSeriesUid: text(child(group, CODES.sourceSeriesForSegmentation), 'UID') ?? imageSeries(dataset),
    segmentationUid: text(
      sequence(child(group, CODES.referencedSegment), 'ReferencedSOPSequence')[0] ?? {},
      'ReferencedSOPInstanceUID',
    ),
    trackingUid: text(child(group, CODES.trackingUniqueIdentifier), 'UID'),
    qualityFindings: children(evaluations, CODES.qualityFinding).flatMap((item) => texts(item, 'TextValue')),
  };
}

const NOTHING: DicomDataset = {};

function isNamed(item: DicomDataset, name: Code): boolean {
  return sequence(item, 'ConceptNameCodeSequence').some((code) => isCode(code, name));
}

function children(parent: DicomDataset, name: Code): DicomDataset[] {
  return sequence(parent, 'ContentSequence').filter((item) => isNamed(item, name));
}

/** The first child of that name; an empty data set where there is none, so that look-ups can go on below it. */
function child(parent: DicomDataset, name: Code): DicomDataset {
  return children(parent, name)[0] ?? NOTHING;
}

function isMeasuredIn(item: DicomDataset, unit: Code): boolean {
  const measured = sequence(item, 'MeasuredValueSequence')[0] ?? NOTHING;
  return sequence(measured, 'MeasurementUnitsCodeSequence').some((code) => isCode(code, unit));
}

/** The full value where it is there, else the rounded one (PS3.3 C.18.1). */
function measuredValue(item: DicomDataset): number | undefined {
  const measured = sequence(item, 'MeasuredValueSequence')[0] ?? NOTHING;
  return number(measured, 'FloatingPointValue') ?? number(measured, 'NumericValue');
}

/** Reads back what `algorithmParameters` writes. */
function modelParameters(algorithm: DicomDataset): { sha256?: string; mode?: string } {
  const parameters = children(algorithm, CODES.algorithmParameters).flatMap((item) =>
    texts(item, 'TextValue'),
  );
  const value = (prefix: string): string | undefined =>
    parameters.find((parameter) => parameter.startsWith(prefix))?.slice(prefix.length);
  const sha256 = value('weights sha256: ');
  const mode = value('mode: ');
  return { ...(sha256 === undefined ? {} : { sha256 }), ...(mode === undefined ? {} : { mode }) };
}

/** The series of the first image in the library: the only series of the evidence where nothing was found. */
function imageSeries(dataset: DicomDataset): string | undefined {
  const study = sequence(dataset, 'CurrentRequestedProcedureEvidenceSequence')[0] ?? NOTHING;
  return text(sequence(study, 'ReferencedSeriesSequence')[0] ?? NOTHING, 'SeriesInstanceUID');
}
